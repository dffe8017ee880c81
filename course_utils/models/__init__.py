"""Networks of the course, written out: one readable file per architecture, and pretrained weights by name."""

from course_utils.models.efficientnet import EfficientNet
from course_utils.models.googlenet import GoogLeNet
from course_utils.models.pretrained import WeightsUnavailable, available_models, imagenet_categories, load_pretrained
from course_utils.models.sweep import SweepNet
from course_utils.models.vgg import VGG

__all__ = [
    "VGG",
    "EfficientNet",
    "GoogLeNet",
    "SweepNet",
    "WeightsUnavailable",
    "available_models",
    "imagenet_categories",
    "load_pretrained",
]
