"""What the lessons of "From Fourier to EfficientNet" share.

A module per idea; the docstring of each function names the lesson that teaches it.

=========================  =====================================================================
``course_utils.settings``  scale (laptop or full), seeds, device, where data is kept
``course_utils.claims``    ``claim``: a sentence and the check that it is true
``course_utils.plotting``  the course's figure style, image grids, figures with a text alternative
``course_utils.data``      faces, vehicles, cats, photographs and digits: generated, or real
``course_utils.models``    one readable file per architecture, and pretrained weights
``course_utils.training``  the training loop, features computed once, checkpoints
=========================  =====================================================================

Importing this package imports nothing heavy: each module is imported where it is used.
"""

__version__ = "0.1.0"
