"""Training with a loss that is not finite, or on wrong batches: labels, inputs, empty splits, other items."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bad_input.networks import CLASSES, EMPTY, POINTS, batches, blobs, convolutions, fits, network
from bad_input.samples import photo


@fits(
    "nan-loss",
    "a loss that becomes NaN",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became nan in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    return {"loss_fn": lambda logits, labels: nn.functional.cross_entropy(logits, labels) * float("nan")}


@fits(
    "infinite-loss",
    "a loss that becomes infinite",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became inf in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    return {"loss_fn": lambda logits, labels: nn.functional.cross_entropy(logits, labels) + float("inf")}


@fits(
    "learning-rate",
    "a learning rate that is far too large",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became nan in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    model = network()
    return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=1e30)}


@fits(
    "nan-inputs",
    "NaN in the inputs",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="check that the inputs are finite",
    came="became nan in epoch 1",
    do="check that the inputs are finite and normalised",
)
def _():
    return {"train": batches(torch.full((8, 4), float("nan")))}


@fits(
    "nan-validation",
    "infinite inputs in the validation split",
    FloatingPointError,
    steps=True,
    named="The validation loss",
    expected="check that the inputs are finite",
    came="became nan in epoch 1",
    do="check that the inputs are finite and normalised",
)
def _():
    return {"valid": batches(torch.full((8, 4), float("inf")))}


INDICES = "labels (N,), class indices in torch.int64"
# name: (what is wrong, labels, expected, came, do)
LABELS = {
    "float": (
        "labels in floating point",
        CLASSES.float(),
        INDICES,
        "(4,) of torch.float32",
        "Convert them with labels.long()",
    ),
    "uint8": ("labels in uint8", CLASSES.to(torch.uint8), INDICES, "(4,) of torch.uint8", "labels.long()"),
    "one-hot": (
        "labels with one entry for each class",
        nn.functional.one_hot(CLASSES, 2),
        INDICES,
        "(4, 2) of torch.int64",
        "labels.argmax(1)",
    ),
    "too-large": (
        "labels from 1 to 2 for two classes",
        CLASSES + 1,
        "expected 0 to 1, because Sequential returns 2 logits an input",
        "holds the label 2",
        "Number the classes from 0",
    ),
    "negative": ("a label of -1", CLASSES - 1, "expected 0 to 1", "holds the label -1", "Number the classes from 0"),
}
for name, (wrong, labels, expected, came, do) in LABELS.items():

    @fits(f"labels-{name}", wrong, named="of the training loader", expected=expected, came=came, do=do)
    def _(labels=labels):
        return {"train": batches(labels=labels)}


@fits(
    "labels-validation",
    "a class that the training split does not have, in the validation split",
    steps=True,
    named="of the validation loader",
    expected="expected 0 to 1",
    came="holds the label 7",
    do="Number the classes from 0",
)
def _():
    return {"valid": batches(labels=CLASSES * 7)}


@fits(
    "labels-fewer",
    "fewer labels than inputs",
    named="Batch 1 of the training loader",
    expected=INDICES,
    came="inputs (8, 4) of torch.float32 and labels (7,) of torch.int64",
    do="Give one label for each input",
)
def _():
    return {"train": [(POINTS, CLASSES[:7])]}


# name: (what is wrong, model, inputs, expected, came, do)
INPUTS = {
    "columns": (
        "inputs of 5 numbers where the model takes 4",
        network,
        torch.zeros(8, 5),
        "Expected (N, 4) for the first layer, Linear",
        "(4, 5) of torch.float32",
        "change the inputs or the model",
    ),
    "channels": (
        "grey images where the model takes colour",
        convolutions,
        torch.zeros(8, 1, 6, 6),
        "Expected (N, 3, H, W)",
        "(4, 1, 6, 6) of torch.float32",
        "change the inputs or the model",
    ),
    "small": (
        "images smaller than a kernel",
        convolutions,
        torch.zeros(8, 3, 2, 2),
        "H and W not too small",
        "(4, 3, 2, 2) of torch.float32",
        "change the inputs or the model",
    ),
    "flat": (
        "flattened images for convolutions",
        convolutions,
        torch.zeros(8, 108),
        "Expected (N, 3, H, W)",
        "(4, 108) of torch.float32",
        "change the inputs or the model",
    ),
    "uint8": (
        "pixels in uint8",
        convolutions,
        torch.zeros(8, 3, 6, 6, dtype=torch.uint8),
        "Expected torch.float32, as the weights are",
        "(4, 3, 6, 6) of torch.uint8",
        "convert the inputs",
    ),
    "float64": (
        "float64, as NumPy gives it",
        network,
        torch.zeros(8, 4, dtype=torch.float64),
        "Expected torch.float32, as the weights are",
        "(4, 4) of torch.float64",
        "convert the inputs",
    ),
}
for name, (wrong, build, inputs, expected, came, do) in INPUTS.items():

    @fits(f"inputs-{name}", wrong, named="a batch of the training loader", expected=expected, came=came, do=do)
    def _(build=build, inputs=inputs):
        return {"model": build(), "train": batches(inputs), "valid": batches(inputs)}


@fits(
    "inputs-channels-last",
    "channels_last=True for inputs that are no images",
    named="a batch of the training loader",
    expected="Expected (N, 4) for the first layer, Linear",
    came="channels_last",
    do="change the inputs or the model",
)
def _():
    return {"channels_last": True}


@fits(
    "batch-of-one",
    "a last batch of one sample, and batch norm",
    steps=True,
    named="of the training loader",
    expected="expected two at least to compute a variance",
    came="inputs (1, 4) of torch.float32",
    do="Set drop_last=True in that loader",
)
def _():
    return {"model": network(norm=True), "train": DataLoader(blobs(9), batch_size=4)}


@fits(
    "split-smaller-than-batch",
    "fewer samples than a batch, and drop_last=True",
    named="The training loader",
    do="smaller than one batch with drop_last",
    **EMPTY,
)
def _():
    return {"train": batches(size=16, drop_last=True)}


@fits("split-empty", "an empty training split", named="The training loader", do="Is the data set empty", **EMPTY)
def _():
    return {"train": []}


@fits(
    "split-empty-valid", "an empty validation split", named="The validation loader", do="Is the data set empty", **EMPTY
)
def _():
    return {"valid": batches(POINTS[:0], CLASSES[:0])}


@fits(
    "generator",
    "a generator of batches, which can be read once",
    steps=True,
    named="The training loader",
    do="or a generator that has been read before",
    **EMPTY,
)
def _():
    return {"train": (batch for batch in batches()), "checkpoint": None, "resume": None}


PAIR = "expected a pair of tensors, (inputs, labels)"


@fits(
    "data-set",
    "a data set where a loader should be",
    named="Batch 1 of the training loader",
    expected="expected inputs (N, ...) and labels (N,)",
    came="labels () of torch.int64",
    do="Put the data set into a DataLoader",
)
def _():
    return {"train": blobs()}


@fits(
    "triples",
    "batches of three tensors",
    TypeError,
    named="Batch 1 of the training loader",
    expected=PAIR,
    came="is a list of 3",
    do="Use a DataLoader of a data set with items (input, label)",
)
def _():
    return {"train": DataLoader(TensorDataset(POINTS, CLASSES, CLASSES), batch_size=4)}


@fits(
    "dictionaries",
    "batches that are dictionaries",
    TypeError,
    named="Batch 1 of the training loader",
    expected=PAIR,
    came="is a dict",
    do="Use a DataLoader of a data set with items (input, label)",
)
def _():
    return {"train": [{"inputs": POINTS, "labels": CLASSES}]}


class Items(Dataset):
    """A data set of given items."""

    def __init__(self, items) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int):
        return self.items[index]


@fits(
    "pictures",
    "a data set of PIL images, loaded without a transform",
    TypeError,
    named="Batch 1 of the training loader",
    expected="expected tensors and numbers",
    came="PIL.Image.Image",
    do="Give the data set a transform",
)
def _():
    return {"train": DataLoader(Items([(photo(), 0)] * 4), batch_size=4)}


@fits(
    "sizes",
    "images of two sizes in a batch",
    named="Batch 1 of the training loader",
    expected="expected inputs of one shape",
    came="[3, 6, 6] at entry 0 and [3, 6, 7]",
    do="Resize or crop the pictures",
)
def _():
    items = [(torch.zeros(3, 6, 6), 0), (torch.zeros(3, 6, 7), 1)]
    return {"model": convolutions(), "train": DataLoader(Items(items), batch_size=2)}
