"""Checkpoints, and files to resume from."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from bad_input.cases import Attempt, bad
from bad_input.networks import convolutions, network, training_of
from bad_input.samples import Hostile, npz
from course_utils import training

# Checkpoints.

SAVED = "as `save_checkpoint` writes it"
ANOTHER = "Name another file, or train again"
PLAIN = "Expected nothing but tensors, numbers and texts"
TRAIN = "delete this one and train again"


def saved(folder: Path, content: object = None) -> Path:
    """Write a checkpoint of the network, or something else in the same way."""
    path = folder / "best.pt"
    if content is None:
        training.save_checkpoint(path, network(), epoch=3, valid_loss=0.5)
    else:
        torch.save(content, path)
    return path


def loads(id: str, wrong: str, error=ValueError, **words):
    """Add a case whose function writes a checkpoint, which is then loaded into a network."""

    def add(write):
        def prepare(folder: Path) -> Attempt:
            path, model = write(folder), network()
            return Attempt(lambda: training.load_checkpoint(path, model), model=model)

        return bad(f"checkpoint-{id}", wrong, error, named="/best.pt", **words)(prepare)

    return add


@loads("missing", "no checkpoint", FileNotFoundError, expected="writes it", came="No checkpoint at", do="Train first")
def _(folder):
    return folder / "best.pt"


@loads(
    "folder",
    "a folder for a checkpoint",
    expected="expected the file that `fit(..., checkpoint=path)` wrote",
    came="is a folder",
    do="Name the file",
)
def _(folder):
    (folder / "best.pt").mkdir()
    return folder / "best.pt"


def whole() -> bytes:
    file = io.BytesIO()
    torch.save({"format": 1, "model": network().state_dict(), "numbers": {"epoch": 3}}, file)
    return file.getvalue()


def without_directory(content: bytes) -> bytes:
    """Cut the list of contents from the end of a zip file, and the last tensor with it."""
    return content[: content.rindex(b"PK\x01\x02") - 200]


def weights_flipped() -> bytes:
    content = bytearray(whole())
    content[content.index(network()[0].weight.detach().numpy().tobytes()) + 5] ^= 1
    return bytes(content)


# name: (what is wrong, content)
DAMAGES = {
    "empty": ("an empty file", b""),
    "text": ("a text", b"epoch,loss\n1,0.5\n"),
    "half": ("the first half of a checkpoint", whole()[: len(whole()) // 2]),
    "last-byte": ("a checkpoint without its last byte", whole()[:-1]),
    "no-directory": ("a checkpoint without its end", without_directory(whole())),
    "flipped": ("a checkpoint with one bit of a weight flipped", weights_flipped()),
    "zip": ("a zip file of something else", npz()),
}
for name, (wrong, content) in DAMAGES.items():

    @loads(name, wrong, expected=PLAIN, came="it is empty" if name == "empty" else "it is damaged", do=TRAIN)
    def _(folder, content=content):
        (folder / "best.pt").write_bytes(content)
        return folder / "best.pt"


@loads(
    "hostile",
    "a pickle that would run a program",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(folder):
    return saved(folder, {"format": 1, "model": Hostile(folder / "ran"), "numbers": {}})


@loads(
    "hostile-legacy",
    "the same in a bare pickle, without a zip file around it",
    expected=PLAIN,
    came="it is damaged",
    do=TRAIN,
)
def _(folder):
    import pickle

    (folder / "best.pt").write_bytes(pickle.dumps(Hostile(folder / "ran")))
    return folder / "best.pt"


@loads(
    "whole-model",
    "a model that was saved whole, by torch.save(model)",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(folder):
    return saved(folder, network())


@loads("state-dict", "a bare state_dict", expected=SAVED, came="it holds 0.bias, 0.weight", do=ANOTHER)
def _(folder):
    return saved(folder, dict(network().state_dict()))


@loads("tensor", "a single tensor", expected=SAVED, came="it holds a Tensor", do=ANOTHER)
def _(folder):
    return saved(folder, torch.zeros(3))


@loads("newer", "a checkpoint of a newer format", expected=SAVED, came="it is of format 2", do="update yours")
def _(folder):
    return saved(folder, {"format": 2, "model": dict(network().state_dict()), "numbers": {}})


@loads("no-weights", "a checkpoint without weights", expected=SAVED, came="it lacks 'model'", do=ANOTHER)
def _(folder):
    return saved(folder, {"format": 1, "numbers": {}})


@loads("no-numbers", "a checkpoint without its numbers", expected=SAVED, came="it lacks 'numbers'", do=ANOTHER)
def _(folder):
    return saved(folder, {"format": 1, "model": dict(network().state_dict())})


OTHER = {
    "came": "holds weights of another architecture",
    "do": "Build the model that was saved, or train this Sequential",
}


@loads(
    "other-shapes",
    "a network of another width",
    expected="0 tensors are missing, 0 unknown, 3 of another shape",
    **OTHER,
)
def _(folder):
    training.save_checkpoint(folder / "best.pt", network(hidden=7))
    return folder / "best.pt"


@loads("other-architecture", "another kind of network", expected="tensors are missing, 2 unknown", **OTHER)
def _(folder):
    training.save_checkpoint(folder / "best.pt", convolutions())
    return folder / "best.pt"


@loads("missing-key", "a checkpoint without one tensor", expected="1 tensors are missing, 0 unknown", **OTHER)
def _(folder):
    weights = dict(network().state_dict())
    del weights["2.bias"]
    return saved(folder, {"format": 1, "model": weights, "numbers": {}})


@loads("no-tensor", "a number in the place of a tensor", expected="1 of another shape", **OTHER)
def _(folder):
    weights = dict(network().state_dict()) | {"2.bias": 0.5}
    return saved(folder, {"format": 1, "model": weights, "numbers": {}})


@bad(
    "checkpoint-unreadable",
    "a checkpoint that this user may not read",
    PermissionError,
    named="/best.pt",
    expected="permissions",
    came="its permissions forbid it",
    do="Change them",
)
def _(folder):
    path, model = saved(folder), network()
    return Attempt(lambda: training.load_checkpoint(path, model), model=model, unreadable=path)


# Files to resume from.


def resumes(id: str, wrong: str, *, epochs: int = 4, seed: int = 0, **words):
    """Add a case whose function changes a run that has stopped after two epochs; it may return other arguments."""

    def add(change):
        def prepare(folder: Path) -> Attempt:
            first = training_of(folder, epochs=2)
            first.call()
            again = training_of(folder, **({"epochs": epochs} | (change(folder / "runs/run.pt") or {})))
            torch.manual_seed(seed)
            return again

        return bad(f"resume-{id}", wrong, ValueError, named="/run.pt", **words)(prepare)

    return add


BELONGS = "belongs to another run"
OWN = "or give this one a file of its own"


@resumes(
    "other-seed",
    "a run of another seed",
    seed=3,
    expected="Set what differs",
    came="the seed is 0 there and 3 here",
    do=OWN,
)
def _(path):
    return {}


@resumes("other-model", "a run of another network", expected="Set what differs", came=BELONGS, do=OWN)
def _(path):
    return {"model": network(hidden=7)}


@resumes("other-optimizer", "a run of another optimizer", expected="SGD there and Adam here", came=BELONGS, do=OWN)
def _(path):
    model = network()
    return {"model": model, "optimizer": torch.optim.Adam(model.parameters())}


@resumes(
    "more-epochs",
    "more epochs than are asked for",
    epochs=1,
    expected="epochs=1",
    came="holds 2 epochs",
    do="Ask for more",
)
def _(path):
    return {}


@resumes(
    "checkpoint",
    "a checkpoint for the file to resume from",
    expected="of format 1 to resume from",
    came="no 'resume_format'",
    do="Give this run a file of its own",
)
def _(path):
    training.save_checkpoint(path, network())


@resumes(
    "newer",
    "a file of a newer format",
    expected="of format 1 to resume from",
    came="it is of format 2",
    do="update yours",
)
def _(path):
    torch.save({"resume_format": 2}, path)


@resumes(
    "incomplete",
    "a file without its weights",
    expected="of format 1 to resume from",
    came="lacks 'setup'",
    do="or delete that one",
)
def _(path):
    torch.save({"resume_format": 1}, path)


@resumes(
    "hostile",
    "a pickle that would run a program",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(path):
    torch.save({"resume_format": 1, "setup": Hostile(path.with_name("ran"))}, path)


CUTS = {
    "empty": ("an empty file", lambda content: b""),
    "text": ("a text", lambda content: b"no file of ours"),
    "half": ("the first half of a file", lambda content: content[: len(content) // 2]),
    "last-byte": ("a file without its last byte", lambda content: content[:-1]),
}
for name, (wrong, damage) in CUTS.items():

    @resumes(name, wrong, expected=PLAIN, came="it is empty" if name == "empty" else "it is damaged", do=TRAIN)
    def _(path, damage=damage):
        path.write_bytes(damage(path.read_bytes()))


@resumes("flipped", "one bit of a weight flipped", expected=PLAIN, came="it is damaged", do=TRAIN)
def _(path):
    content = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["model"]["0.weight"]
    content[content.index(weights.numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
