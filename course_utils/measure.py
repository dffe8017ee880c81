"""What a function costs: CPU seconds of several side by side, and the memory it holds. Used from lesson 02 on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Mapping

from threadpoolctl import threadpool_limits
from torch.autograd.profiler import profile

# Or the profiler's library writes a line of its log to the terminal, and into notebooks, at each start and stop.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")


SHORTEST = 0.002  # seconds: shorter measurements see the clock's own cost


def cpu_seconds(
    functions: Mapping[Hashable, Callable[[], object]], *, rounds: int = 5, shortest: float = SHORTEST
) -> dict[Hashable, float]:
    """Return how many CPU seconds one call of each function takes.

    All functions are measured once a round, one after the other, and the least of the rounds counts: what slows the
    machine down for a while then slows all of them in one round, and none in another. CPU time leaves out the time in
    which other programs had the processor. One thread computes: a second that waits for work counts as if it worked.

    Parameters
    ----------
    functions : mapping of name to callable
        Each is called without arguments. The first call is not counted.
    rounds : int
        At least 1.
    shortest : float
        Seconds. A function that takes less is called several times in a row.

    Returns
    -------
    dict
        name -> seconds a call.
    """
    if rounds < 1:
        raise ValueError(f"cpu_seconds needs at least 1 round, got rounds={rounds}.")
    repeats = {}
    least = dict.fromkeys(functions, float("inf"))
    with threadpool_limits(limits=1):
        for name, function in functions.items():
            _seconds(function, 1)
            repeats[name] = max(1, int(shortest / max(_seconds(function, 1), 1e-7)))
        for _ in range(rounds):
            for name, function in functions.items():
                least[name] = min(least[name], _seconds(function, repeats[name]))
    return least


def _seconds(function: Callable[[], object], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


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
