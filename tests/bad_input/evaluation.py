"""``evaluate`` and ``extract_features`` with wrong loaders, inputs and devices."""

from __future__ import annotations

import contextlib
import io

import torch
from torch.utils.data import TensorDataset

from bad_input.cases import Attempt, bad
from bad_input.networks import CLASSES, EMPTY, POINTS, batches, convolutions, network
from course_utils import training


def quiet(function, *arguments):
    """Call a function without its progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments)


@bad(
    "evaluate-empty",
    "`evaluate` of an empty loader",
    ValueError,
    named="The given loader",
    do="Is the data set empty",
    **EMPTY,
)
def _(folder):
    model = network()
    return Attempt(lambda: training.evaluate(model, []), model=model)


@bad(
    "evaluate-inputs",
    "`evaluate` of inputs that the model does not take",
    ValueError,
    named="a batch of the given loader",
    expected="Expected (N, 4) for the first layer",
    came="(4, 5) of torch.float32",
    do="change the inputs or the model",
)
def _(folder):
    model = network().train()
    return Attempt(lambda: training.evaluate(model, batches(torch.zeros(8, 5))), model=model)


@bad(
    "evaluate-device",
    "`evaluate` on a device that holds no numbers",
    ValueError,
    named="device is 'meta' and Sequential is on 'cpu'",
    expected="expected a device that holds numbers",
    came="'meta' holds shapes alone",
    do="leave device out",
)
def _(folder):
    model = network()
    return Attempt(lambda: training.evaluate(model, batches(), device="meta"), model=model)


@bad(
    "features-empty",
    "`extract_features` of an empty data set",
    ValueError,
    named="dataset is empty",
    expected="expected one image at least",
    came="is empty",
    do="Look at how it was split",
)
def _(folder):
    return lambda: quiet(training.extract_features, network(), TensorDataset(POINTS[:0], CLASSES[:0]))


@bad(
    "features-inputs",
    "`extract_features` of images that the model does not take",
    ValueError,
    named="a batch of the features loader",
    expected="Expected (N, 3, H, W)",
    came="(8, 1, 6, 6) of torch.float32",
    do="change the inputs or the model",
)
def _(folder):
    images = TensorDataset(torch.zeros(8, 1, 6, 6), CLASSES)
    return lambda: quiet(training.extract_features, convolutions(), images)
