"""What runs inside a learner's kernel for the tests of long sessions: random states, digests, and what is left behind.

It is imported as a module, so that it adds no name to the learner's.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import random
import sys
import threading
import types

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")
SHARED_THREADS = {"TMonitor", "GarbageCollectorThread"}  # tqdm's for all bars, and the kernel's for all large messages
_kept: dict[str, list] = {}
_threads_before: set[str] = set()


def prepare() -> None:
    """Note what a fresh kernel has."""
    _threads_before.update(thread.name for thread in threading.enumerate())


def gc_collect() -> int:
    return gc.collect()


def keep_random_states(name: str) -> None:
    """Keep the states of the random generators under a name: of the global ones, and of those that the learner has."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    states = [(random.setstate, random.getstate())]
    if numpy is not None:
        states.append((numpy.random.set_state, numpy.random.get_state()))
    if torch is not None:
        states.append((torch.set_rng_state, torch.get_rng_state()))
    for value in list(sys.modules["__main__"].__dict__.values()):
        if numpy is not None and isinstance(value, numpy.random.Generator):
            states.append((functools.partial(setattr, value.bit_generator, "state"), value.bit_generator.state))
        elif torch is not None and isinstance(value, torch.Generator):
            states.append((value.set_state, value.get_state()))
    _kept[name] = states


def put_random_states(name: str) -> None:
    """Put the kept states back."""
    for put, state in _kept[name]:
        put(state)


def digests(names: list[str]) -> dict[str, str]:
    """Return a digest of the value of each of the learner's names that is bound: equal for equal values."""
    space = sys.modules["__main__"].__dict__
    found = {}
    for name in names:
        if name in space:
            digest = hashlib.blake2b(digest_size=8)
            _add(digest, space[name], 0)
            found[name] = digest.hexdigest()
    return found


def _add(digest, value: object, depth: int) -> None:
    """Feed a value to a digest: numbers, tensors, weights and containers of them. Of other things, the type."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    kind = type(value)
    digest.update(f"<{kind.__module__}.{kind.__qualname__}".encode())
    if depth > 8:
        return
    if torch is not None and isinstance(value, torch.Tensor):
        digest.update(f"{tuple(value.shape)} {value.dtype}".encode())
        if not value.is_meta:
            array = value.detach().cpu()
            array = array.float() if array.dtype == torch.bfloat16 else array
            digest.update(array.contiguous().numpy().tobytes())
    elif torch is not None and isinstance(value, torch.nn.Module):
        for key, tensor in value.state_dict().items():
            digest.update(key.encode())
            _add(digest, tensor, depth + 1)
    elif numpy is not None and isinstance(value, numpy.ndarray) and value.dtype != object:
        digest.update(f"{value.shape} {value.dtype}".encode() + numpy.ascontiguousarray(value).tobytes())
    elif numpy is not None and isinstance(value, numpy.generic):
        digest.update(repr(value.item()).encode())
    elif isinstance(value, str | bytes | int | float | complex | bool | types.NoneType | range | slice):
        digest.update(repr(value).encode())
    elif isinstance(value, dict):
        for key, item in value.items():
            _add(digest, key, depth + 1)
            _add(digest, item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _add(digest, item, depth + 1)
    elif isinstance(value, set | frozenset):
        for item in sorted(map(repr, value)):
            digest.update(item.encode())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for part in dataclasses.fields(value):
            if part.name != "seconds":  # a history's: measured times
                _add(digest, getattr(value, part.name), depth + 1)
    elif isinstance(value, types.FunctionType | type | types.ModuleType):
        digest.update(value.__name__.encode())
    digest.update(b">")


def stored(path: str) -> dict:
    """Return the numbers in a file of weights, which must be whole, and how many epochs the history in it has."""
    import torch

    content = torch.load(path, weights_only=True)
    return {"numbers": content.get("numbers"), "epochs": len(content.get("history", {}).get("valid_loss", []))}


def left_behind() -> dict[str, list]:
    """Return open figures, hooks on any network that is alive, open progress bars, and threads that were started."""
    gc.collect()
    pyplot, torch = sys.modules.get("matplotlib.pyplot"), sys.modules.get("torch")
    hooks = []
    if torch is not None:
        module = torch.nn.modules.module
        hooks += [f"{len(getattr(module, name))} {name}" for name in GLOBAL_HOOKS if getattr(module, name)]
        for one in [thing for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]:
            hooks += [f"{type(one).__name__}.{name}: {len(vars(one)[name])}" for name in HOOKS if vars(one).get(name)]
    bars = getattr(sys.modules.get("tqdm.std"), "tqdm", None)
    started = [thread for thread in threading.enumerate() if thread.name not in _threads_before]
    return {
        "figures": pyplot.get_fignums() if pyplot else [],
        "hooks": sorted(hooks),
        "bars": [str(bar.desc) for bar in bars._instances] if bars else [],
        "threads": sorted(f"{type(t).__name__} {t.name}" for t in started if type(t).__name__ not in SHARED_THREADS),
    }
