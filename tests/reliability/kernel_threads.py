"""A pytest plugin: lessons' kernels compute with as many threads as ``KERNEL_THREADS`` says, and not with one.

``course test`` keeps kernels at one thread whatever the environment says, so that stored outputs compare. repeat.py
loads this plugin to see what lessons do with more.
"""

from __future__ import annotations

import os

from course_utils.notebooks import kernel

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

kernel.FIXED.update(dict.fromkeys(THREAD_VARIABLES, os.environ["KERNEL_THREADS"]))
