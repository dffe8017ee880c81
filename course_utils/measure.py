"""The memory that a function holds. Used in lesson 03; for times see :func:`course_utils.spectra.cpu_seconds`."""

from __future__ import annotations

import os
from collections.abc import Callable

from torch.autograd.profiler import profile

# Or the profiler's library writes a line of its log to the terminal, and into notebooks, at each start and stop.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")


def peak_bytes(function: Callable[[], object]) -> int:
    """Return the most memory that ``function`` held at one time in tensors on the CPU, its result included.

    What existed before is not counted, and neither is scratch memory that a library takes for itself without asking
    PyTorch's allocator. The count comes from PyTorch's profiler, which notes every block given out and taken back.

    Parameters
    ----------
    function : callable
        Called twice without arguments; the first call, which may fill caches, is not counted.
    """
    function()
    # Not ``torch.profiler.profile``, which does the same after several seconds of imports.
    with profile(profile_memory=True, use_kineto=False) as profiler:
        function()
    events = [event for event in profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak
