"""Networks of the course: EfficientNet written out, and pretrained weights by name."""

from course_utils.models.efficientnet import EfficientNet
from course_utils.models.pretrained import WeightsUnavailable, available_models, imagenet_categories, load_pretrained

__all__ = ["EfficientNet", "WeightsUnavailable", "available_models", "imagenet_categories", "load_pretrained"]
