"""Bad input to the loaders, to training and to stored files, and what each gets; also odd input that is right.

A case is a function under ``bad`` or ``fine`` (see :mod:`bad_input.cases`) in the module of its subject: it makes its
input in an empty folder, and returns what to call. ``samples`` and ``networks`` hold right input to spoil. ``make
messages`` prints the table with every message, ``test_bad_input.py`` runs it as tests.
"""

from __future__ import annotations

from importlib import import_module

from bad_input.cases import CASES

__all__ = ["CASES"]

# A module adds its cases where it is imported: here, so that the table has one order whichever module is asked for.
SUBJECTS = (
    "sources",
    "yolo",
    "pictures",
    "class_folders",
    "faces",
    "digits",
    "fit_batches",
    "fit_arguments",
    "evaluation",
    "checkpoints",
    "stored_results",
)
for subject in SUBJECTS:
    import_module(f"{__name__}.{subject}")
