"""Training with a wrong model, optimizer, loss, device or number, or with files that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from bad_input.cases import Attempt, bad
from bad_input.networks import batches, fits, network, training_of


@fits(
    "no-parameters",
    "a model without parameters",
    named="model is a Sequential",
    expected="expected layers with weights",
    came="without parameters",
    do="`evaluate` measures a model",
)
def _():
    return {"model": nn.Sequential(nn.Flatten())}


@fits(
    "all-frozen",
    "a model whose parameters are all frozen",
    named="model is a Sequential",
    expected="expected one to train at least",
    came="whose 4 parameters are all frozen",
    do="Call requires_grad_(True)",
)
def _():
    return {"model": network().requires_grad_(False)}


@fits(
    "other-optimizer",
    "an optimizer of another model",
    named="optimizer holds 4 parameters",
    expected="one of the 4 that this Sequential can train",
    came="it was made for another model",
    do="Make it from this model: Adam(model.parameters(), ...)",
)
def _():
    return {"optimizer": torch.optim.Adam(network().parameters())}


@fits(
    "replaced-head",
    "a new last layer, put in after the optimizer was made",
    named="optimizer holds 2 parameters",
    expected="one of the 2 that this Sequential can train",
    came="or before a layer was replaced",
    do="Make it from this model: SGD(model.parameters(), ...)",
)
def _():
    model = network().requires_grad_(False)
    model[2].requires_grad_(True)
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    model[2] = nn.Linear(6, 2)
    return {"model": model, "optimizer": optimizer}


@fits(
    "other-scheduler",
    "a schedule of another optimizer",
    named="scheduler steps another optimizer",
    expected="than the one that was given",
    came="another optimizer",
    do="Make it from this one: StepLR(optimizer, ...)",
)
def _():
    return {"scheduler": torch.optim.lr_scheduler.StepLR(torch.optim.SGD(network().parameters(), lr=0.1), 1)}


@fits(
    "sum-of-losses",
    "a loss that sums over the batch",
    named="loss_fn is CrossEntropyLoss",
    expected="expected the mean of a batch",
    came="reduction='sum'",
    do="Leave reduction out",
)
def _():
    return {"loss_fn": nn.CrossEntropyLoss(reduction="sum")}


MEAN = "expected a tensor of shape (), the mean loss of the batch"
# name: (what is wrong, loss, came, do)
LOSSES = {
    "vector": (
        "a loss for each sample",
        lambda logits, labels: nn.functional.cross_entropy(logits, labels, reduction="none"),
        "returned (4,) of torch.float32",
        "Take .mean() at the end",
    ),
    "number": (
        "a loss that is a plain number",
        lambda logits, labels: nn.functional.cross_entropy(logits, labels).item(),
        "returned a float",
        "no .item()",
    ),
    "detached": (
        "a loss that is cut off from the model",
        lambda logits, labels: nn.functional.cross_entropy(logits.detach(), labels),
        "detached from the model",
        ".detach()",
    ),
}
for name, (wrong, loss_fn, came, do) in LOSSES.items():

    @fits(f"loss-{name}", wrong, named="loss_fn <lambda>", expected=MEAN, came=came, do=do)
    def _(loss_fn=loss_fn):
        return {"loss_fn": loss_fn}


@fits(
    "loss-other-shapes",
    "a loss that wants labels of the logits' shape",
    named="BCEWithLogitsLoss cannot compute with (4, 2) of torch.float32 and (4,) of torch.int64",
    expected="Use a loss of logits (N, classes) and class indices (N,)",
    came="Target size",
    do="such as nn.CrossEntropyLoss()",
)
def _():
    return {"loss_fn": nn.BCEWithLogitsLoss()}


@fits(
    "class-weights",
    "three class weights for two classes",
    named="CrossEntropyLoss cannot compute with (4, 2)",
    expected="Use a loss of logits (N, classes)",
    came="weight tensor should be defined",
    do="such as nn.CrossEntropyLoss()",
)
def _():
    return {"loss_fn": nn.CrossEntropyLoss(weight=torch.ones(3))}


class Pair(nn.Module):
    """Returns two things where one is expected."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x), x


@fits(
    "model-returns-tuple",
    "a model that returns two tensors",
    named="Pair returned a tuple of 2",
    expected="expected logits (4, classes)",
    came="a tuple of 2 for a batch of 4",
    do="Change its last layers",
)
def _():
    return {"model": Pair()}


@fits(
    "model-returns-maps",
    "a model without nn.Flatten before its last layer",
    named="Sequential returned (4, 2, 4, 4)",
    expected="expected logits (4, classes)",
    came="for a batch of 4 of the training loader",
    do="for example by nn.Flatten() and nn.Linear",
)
def _():
    torch.manual_seed(0)
    images = batches(torch.zeros(8, 3, 6, 6))
    return {"model": nn.Sequential(nn.Conv2d(3, 2, 3)), "train": images, "valid": images}


@fits(
    "model-on-meta",
    "a model on another device, which holds no numbers",
    named="device is 'meta'",
    expected="expected a device that holds numbers",
    came="Sequential is on 'meta'",
    do="Build the model on the CPU",
)
def _():
    return {"model": network().to("meta")}


@fits(
    "device-misspelt",
    "device='gpu'",
    named="device is 'gpu'",
    expected="expected 'cpu', 'cuda' or 'mps'",
    came="'gpu'",
    do="Leave it out",
)
def _():
    return {"device": "gpu"}


@fits(
    "device-missing",
    "a device that the machine does not have",
    named="device is 'cuda:99'",
    expected="Expected one that `pick_device()` returns",
    came="this machine does not have it",
    do="leave device out, or use 'cpu'",
)
def _():
    return {"device": "cuda:99"}


# name: (what is wrong, arguments, named, do)
NUMBERS = {
    "epochs-0": ("no epochs", {"epochs": 0}, "epochs must be", "got 0"),
    "epochs-text": ("a text for epochs", {"epochs": "3"}, "epochs must be", "got '3'"),
    "epochs-half": ("half an epoch", {"epochs": 2.5}, "epochs must be", "got 2.5"),
    "patience-0": ("a patience of 0", {"patience": 0}, "patience must be", "Leave it out"),
}
for name, (wrong, arguments, named, do) in NUMBERS.items():

    @fits(name, wrong, named=named, expected="a whole number of at least 1", came="got", do=do)
    def _(arguments=arguments):
        return arguments


def places(id: str, wrong: str, place: str, *, argument: str = "checkpoint", **words):
    """Add a case of a file that cannot be written: ``place`` is below the case's folder."""

    def prepare(folder: Path) -> Attempt:
        attempt = training_of(folder, **{argument: folder / place})
        (folder / "runs/folder").mkdir()
        if hasattr(os, "mkfifo"):
            os.mkfifo(folder / "runs/pipe")
        return attempt

    bad(f"fit-{id}", wrong, ValueError, named=f"{argument} is .../{place}", **words)(prepare)


FILE = "expected a file to write, such as"
for argument in ("checkpoint", "resume"):
    places(
        f"{argument}-is-folder",
        f"a folder for {argument}",
        "runs/folder",
        argument=argument,
        expected=FILE,
        came="which is a folder",
        do=".../runs/folder/run.pt",
    )
places(
    "resume-is-pipe",
    "a named pipe for resume, which would be waited on for ever",
    "runs/pipe",
    argument="resume",
    expected=FILE,
    came="which is no ordinary file",
    do="such as",
)
places(
    "checkpoint-below-file",
    "a checkpoint below a file",
    "runs/best.pt/new/best.pt",
    expected="expected a folder there",
    came=".../runs/best.pt is a file",
    do="Name another place",
)


@bad(
    "fit-two-files",
    "one file for checkpoint and resume",
    ValueError,
    named="checkpoint and resume are both .../runs/run.pt",
    expected="they hold different things",
    came="are both",
    do="Name two files",
)
def _(folder):
    return training_of(folder, checkpoint=folder / "runs/run.pt")
