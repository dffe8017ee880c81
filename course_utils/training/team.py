"""Several processes that train one model: what they share, and what they tell each other.

``torchrun --nproc-per-node 2 script.py`` starts the same script twice. Each process (a *rank*) holds a whole copy of
the model, takes its share of every batch, and before each step all ranks exchange the mean of their gradients, so that
the copies stay equal. This is data-parallel training, what :class:`torch.nn.parallel.DistributedDataParallel` does. It
is written out here because the exact mean needs weights that DDP does not know: shares of a batch differ in size, and
with class weights in what they count for.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler


@dataclass(frozen=True)
class Team:
    """The processes of a run; a process alone is a team of one, for which nothing below does anything.

    Attributes
    ----------
    device : torch.device
        Where this process computes.
    rank : int
        The number of this process, from 0. Rank 0 alone writes files and shows progress.
    size : int
        How many processes there are.
    """

    device: torch.device
    rank: int = 0
    size: int = 1

    def start_together(self, model: nn.Module) -> None:
        """Give all ranks the weights of rank 0, and each a stream of random numbers of its own.

        With equal streams, all ranks would drop the same units and augment in the same way.
        """
        if self.size == 1:
            return
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, src=0)
        if self.rank > 0:
            from course_utils.settings import seed_everything

            seed_everything((int(torch.randint(2**31, ())) + self.rank) % 2**32)

    def average_gradients(self, model: nn.Module, weight: float | Tensor) -> None:
        """Replace each gradient by its mean over all ranks, in which this rank counts ``weight``."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        total = torch.as_tensor(weight, dtype=torch.float32, device=self.device).reshape(1)
        flat = torch.cat([total] + [gradient.flatten() * total for gradient in gradients])
        dist.all_reduce(flat)  # one message for all of them
        means = (flat[1:] / flat[0]).split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means):
            gradient.copy_(mean.view_as(gradient))

    def average_buffers(self, model: nn.Module) -> None:
        """Replace batch norm's running statistics by their mean over all ranks; each has seen its own shares alone."""
        if self.size == 1:
            return
        for buffer in model.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.size

    def sum(self, *numbers: float) -> list[float]:
        """Return the sums of some numbers over all ranks."""
        if self.size == 1:
            return list(numbers)
        # Apple's MPS, which has no float64, trains in one process only.
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return sums.tolist()

    def gather(self, value: object) -> list:
        """Return the values of all ranks, in the order of the ranks."""
        if self.size == 1:
            return [value]
        values = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Wait until all ranks have come this far."""
        if self.size > 1:
            dist.barrier()


def join_team(device: torch.device) -> Team:
    """Return the team that ``torchrun`` started this process in, or a team of one.

    Parameters
    ----------
    device : torch.device
        ``cuda`` without a number becomes the GPU of this process's place on its machine.

    Raises
    ------
    ValueError
        If several processes shall train on Apple's MPS, which has no means for it.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return Team(device)
    if device.type == "mps":
        raise ValueError(
            "torchrun cannot train on MPS in several processes. Set COURSE_DEVICE=cpu, or run one process."
        )
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(leave_team)
    return Team(device, dist.get_rank(), dist.get_world_size())


def leave_team() -> None:
    """Destroy the process group, if there is one; :func:`join_team` has it called as the process ends.

    While a group goes, its threads give back the tensors that they were sending, for which they need the interpreter's
    lock. torch 2.6 keeps that lock until they are done, and so both wait for ever (mended in pytorch/pytorch#154976).
    The backend alone is destroyed without the lock in every version; so the last reference to it shall be one of ours.
    """
    if not dist.is_initialized():  # the script has destroyed it itself
        return
    backend = dist.group.WORLD._get_backend(torch.device("cpu")) if dist.get_backend() == "gloo" else None
    dist.destroy_process_group()
    del backend


class Shares(Sampler[list[int]]):
    """This rank's share of the batches of one process: of every batch some samples, or some of the batches whole.

    Parameters
    ----------
    batches : iterable of list of int
        The batches that one process would train on. Rank 0 draws them and tells the others.
    team : Team
    whole : bool
        Deal out whole batches, for validation; otherwise the samples of each batch, for training.
    """

    def __init__(self, batches: Iterable[list[int]], team: Team, *, whole: bool) -> None:
        self.batches, self.team, self.whole = batches, team, whole

    def __len__(self) -> int:
        batches = len(self.batches)
        return len(range(self.team.rank, batches, self.team.size)) if self.whole else batches

    def __iter__(self) -> Iterator[list[int]]:
        drawn = [list(self.batches) if self.team.rank == 0 else None]
        dist.broadcast_object_list(drawn, src=0)
        if self.whole:
            yield from drawn[0][self.team.rank :: self.team.size]
            return
        for batch in drawn[0]:
            if len(batch) < self.team.size:
                raise ValueError(
                    f"A batch of {len(batch)} cannot be shared by {self.team.size} processes. "
                    "Change the batch size, or set drop_last=True in the training loader."
                )
            yield batch[self.team.rank :: self.team.size]


def share(loader: Iterable, team: Team, *, whole: bool = False) -> Iterable:
    """Return a loader that gives this rank its share of each batch of ``loader``; see :class:`Shares`.

    Raises
    ------
    TypeError
        If several processes shall share what is no ``DataLoader`` with batches.
    """
    if team.size == 1:
        return loader
    if not isinstance(loader, DataLoader) or loader.batch_sampler is None:
        raise TypeError(f"Several processes can share a DataLoader that makes batches; got {type(loader).__name__}.")
    return DataLoader(
        loader.dataset,
        batch_sampler=Shares(loader.batch_sampler, team, whole=whole),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        generator=loader.generator,
    )
