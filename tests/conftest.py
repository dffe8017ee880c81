"""Tests see the course as it comes: laptop scale, no device chosen, figures drawn without a window."""

from __future__ import annotations

import os

for name in ("COURSE_SCALE", "COURSE_DEVICE"):
    os.environ.pop(name, None)
os.environ["MPLBACKEND"] = "Agg"
