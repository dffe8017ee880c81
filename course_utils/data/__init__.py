"""The course's five data sets, each by one call.

===========  ==================================  =============================================
name         embedded (default, made here)       real (``course data fetch NAME``)
===========  ==================================  =============================================
faces        26 drawn people                     Labeled Faces in the Wild
vehicles     airplane, motorbike, schooner       three classes of Caltech-101
cats         happy and angry cats, with boxes    your photographs in YOLO layout
photos       scikit-image's and scikit-learn's   the same, and seven classes of Caltech-256
digits       scikit-learn's, 8 x 8               Fashion-MNIST
===========  ==================================  =============================================

Every ``load_*`` takes ``source="embedded"``, ``"real"`` or the path of a folder of your own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.data.loaders import (
        CatSplits,
        Digits,
        Faces,
        VehicleFolder,
        as_tensors,
        load_cats,
        load_digits,
        load_faces,
        load_photos,
        load_vehicles,
    )
    from course_utils.data.yolo import YOLODataset

# Imported when first asked for: the loaders need torch, the generators and `course data list` beside them do not.
_HOME = {
    "CatSplits": "loaders",
    "Digits": "loaders",
    "Faces": "loaders",
    "VehicleFolder": "loaders",
    "YOLODataset": "yolo",
    "as_tensors": "loaders",
    "load_cats": "loaders",
    "load_digits": "loaders",
    "load_faces": "loaders",
    "load_photos": "loaders",
    "load_vehicles": "loaders",
}

__all__ = [
    "CatSplits",
    "Digits",
    "Faces",
    "VehicleFolder",
    "YOLODataset",
    "as_tensors",
    "load_cats",
    "load_digits",
    "load_faces",
    "load_photos",
    "load_vehicles",
]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
