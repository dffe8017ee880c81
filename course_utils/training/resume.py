"""Everything that training goes on from after a stop, in one file.

Weights alone are not enough. An optimizer has moments, a schedule has a position, and every random number of the rest
of the run depends on the state of a generator: the order of the samples, dropout, augmentation.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import asdict
from operator import length_hint
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils.training.checkpoints import foreign, plain, read_whole, remove_partial, write_whole
from course_utils.training.history import History
from course_utils.training.team import Team

RESUME_FORMAT = 1
SHOWN = 3  # differences that an error names
MOVING = {"last_epoch", "best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i"}  # of schedules, as epochs go by


class ResumeFile:
    """The file from which a run of :func:`course_utils.training.fit` goes on as if it had never stopped.

    Random numbers must come from the global generators of Python, NumPy and torch, or from the ``generator`` of a
    loader or of its sampler: these are stored. A generator that a data set keeps to itself is not.

    What must not change between the run that stopped and the one that goes on is stored as well: the seed of torch's
    global generator, the shapes of the weights, and the options of optimizer, schedule, loss and loaders. The number
    of epochs and the patience may change.

    Parameters
    ----------
    path : str or Path
        One file for one run. It need not exist yet.
    model, optimizer, scheduler, loss_fn, train_loader, valid_loader
        Those of :func:`~course_utils.training.fit`, before the first epoch.
    team : Team

    Raises
    ------
    ValueError
        If the workers of ``train_loader`` are persistent: their random numbers cannot be stored.
    """

    def __init__(
        self,
        path: str | Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: object | None,
        loss_fn: Callable,
        train_loader: Iterable,
        valid_loader: Iterable,
        team: Team,
    ) -> None:
        if getattr(train_loader, "persistent_workers", False):
            raise ValueError(
                "A run with persistent_workers=True cannot be resumed bit for bit: the workers keep random states of "
                "their own. Set persistent_workers=False in the training loader."
            )
        self.path = Path(path)
        self.model, self.optimizer, self.scheduler, self.team = model, optimizer, scheduler, team
        self.readable = False
        self.generators = _generators(train_loader) + _generators(valid_loader)
        self.setup = _setup(model, optimizer, scheduler, loss_fn, train_loader, valid_loader, team)

    def save(self, history: History) -> None:
        """Write the state of the run after an epoch, in one step. Rank 0 writes; all ranks must call this."""
        states = self.team.gather(_random_states(self.team.device, self.generators))
        if self.team.rank == 0:
            content = {
                "resume_format": RESUME_FORMAT,
                "setup": self.setup,
                "model": self.model.state_dict(),
                "optimizer": plain(self.optimizer.state_dict()),
                "scheduler": plain(self.scheduler.state_dict()) if self.scheduler is not None else None,
                "history": asdict(history),
                "random": states,
            }
            write_whole(self.path, content)
            if not self.readable:
                self._read_back()
        self.team.wait()

    def _read_back(self) -> None:
        """Read the first file that this run writes: it is too late for a surprise after a kill."""
        try:
            read_whole(self.path)
        except ValueError as error:
            self.path.unlink()
            raise TypeError(
                "The state of this run cannot be resumed from, because its optimizer or schedule holds more than "
                f"tensors, numbers and texts. Give it nothing else, or train without resume. ({error.__cause__})"
            ) from error
        self.readable = True

    def restore(self, epochs: int) -> History:
        """Put everything back into the state of the file and return its history; without a file, an empty one.

        Raises
        ------
        ValueError
            If the file is damaged, belongs to another run, or holds more than ``epochs`` epochs. Nothing has been
            changed then.
        """
        if self.team.rank == 0:
            remove_partial(self.path)
        if not self.path.exists():
            return History()
        content = read_whole(self.path)
        parts = {"setup": dict, "model": dict, "optimizer": dict, "history": dict, "random": list}
        if problem := foreign(content, "resume_format", RESUME_FORMAT, parts):
            raise ValueError(
                f"{self.path} is no file of format {RESUME_FORMAT} to resume from: it {problem}. "
                "Give this run a file of its own, or delete that one."
            )
        there, here = content["setup"], self.setup
        differing = [key for key in here | there if there.get(key, "missing") != here.get(key, "missing")]
        if differing:
            named = [f"{k} is {there.get(k, 'missing')} there and {here.get(k, 'missing')} here" for k in differing]
            more = [f"{len(named) - SHOWN} more differ"] if len(named) > SHOWN else []
            raise ValueError(
                f"{self.path} belongs to another run: {'; '.join(named[:SHOWN] + more)}. "
                "Set what differs as it was to go on with that run, or give this one a file of its own, "
                "or delete that one."
            )
        history = History(**content["history"])
        if len(history) > epochs:
            raise ValueError(
                f"{self.path} holds {len(history)} epochs, and epochs={epochs} was asked for. "
                "Ask for more, or delete it."
            )
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(content["scheduler"])
        _restore_random_states(content["random"][self.team.rank], self.team.device, self.generators)
        return history


def _setup(model, optimizer, scheduler, loss_fn, train_loader, valid_loader, team: Team) -> dict[str, str]:
    """Return what must be the same in the run that stopped and in the one that goes on, as texts."""
    setup = {f"tensor {name}": f"{tuple(t.shape)} {t.dtype}" for name, t in model.state_dict().items()}
    setup["the optimizer"] = type(optimizer).__name__
    for number, group in enumerate(optimizer.param_groups):
        # A schedule changes "lr" and keeps where it began.
        options = plain(group) | {"lr": float(group.get("initial_lr", group["lr"]))}
        for key in sorted(options.keys() - {"params", "initial_lr"}):
            setup[f"{key} of the optimizer's group {number}"] = str(options[key])
        setup[f"the list of parameters in the optimizer's group {number}"] = str(
            [tuple(p.shape) for p in group["params"]]
        )
    setup["the schedule"] = type(scheduler).__name__ if scheduler is not None else "none"
    for key, value in sorted(scheduler.state_dict().items()) if scheduler is not None else ():
        if not key.startswith("_") and key not in MOVING and isinstance(plain(value), int | float | str | list | dict):
            setup[f"{key} of the schedule"] = str(plain(value))
    setup["the loss"] = getattr(loss_fn, "__name__", type(loss_fn).__name__)
    if isinstance(loss_fn, nn.Module):
        options = {key: value for key, value in vars(loss_fn).items() if isinstance(value, int | float | str)}
        options |= {key: value.tolist() for key, value in loss_fn.state_dict().items()}
        setup |= {f"{key} of the loss": str(value) for key, value in options.items() if key != "training"}
    for name, loader in (("training", train_loader), ("validation", valid_loader)):
        setup[f"the number of {name} batches"] = str(length_hint(loader) or "unknown")
        setup[f"the number of {name} samples"] = str(length_hint(getattr(loader, "dataset", None)) or "unknown")
    # Rank 0 speaks for all: ranks may have seeds of their own.
    setup["the seed"] = str(team.gather(torch.initial_seed())[0])
    setup["the number of processes"] = str(team.size)
    setup["the device"] = team.device.type
    return setup


def _generators(loader: Iterable) -> list[torch.Generator]:
    """Return the generators that a loader draws from, other than the global one."""
    batch_sampler = getattr(loader, "batch_sampler", None)
    holders = (loader, getattr(loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None))
    found = [getattr(holder, "generator", None) for holder in holders]
    return [generator for generator in found if isinstance(generator, torch.Generator)]


def _random_states(device: torch.device, generators: list[torch.Generator]) -> dict:
    """Return the states of all random generators as tensors, numbers and texts."""
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
        "device": getattr(torch, device.type).get_rng_state() if device.type in ("cuda", "mps") else None,
        "generators": [generator.get_state() for generator in generators],
    }


def _restore_random_states(states: dict, device: torch.device, generators: list[torch.Generator]) -> None:
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).set_rng_state(states["device"])
    for generator, state in zip(generators, states["generators"]):
        generator.set_state(state)
