"""Measure what an epoch of ``course_utils.training.fit`` costs beside a hand-written loop, skorch and Lightning.

    python tests/benchmarks/bench_training.py             # about a minute on one thread
    python tests/benchmarks/bench_training.py --rounds 60 # steadier on a loaded machine

All train the same small network on the same images from the same weights, in turns, several rounds, and report loss and
accuracy of both splits after every epoch. Nobody shows progress bars or writes files. An epoch lasts from one start of
the training loader to the next one, validation included; set-up is not counted. Times are CPU seconds of the process.
The fastest epoch of each is what is judged. The median over the rounds of the ratio to the hand-written loop stands
beside it: where the two disagree by more than a few per cent, the machine was busy. It needs skorch and lightning.

The run fails if ``fit`` is over 3 % slower than the hand-written loop, or not faster than the two packages.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from statistics import median

os.environ["TQDM_DISABLE"] = "1"

import lightning
import skorch
import torch
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from skorch.callbacks import EpochScoring
from skorch.helper import predefined_split
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from course_utils.training import fit

LARGEST_OVERHEAD = 0.03
BATCH, RATE, MOMENTUM = 32, 0.01, 0.9
warnings.filterwarnings("ignore", category=PossibleUserWarning)
for name in ("lightning", "lightning.pytorch"):
    logging.getLogger(name).setLevel(logging.ERROR)


class Stamped(DataLoader):
    """Notes the time at each start."""

    starts: list[float] = []

    def __iter__(self):
        Stamped.starts.append(time.process_time())
        return super().__iter__()


def images(samples: int, seed: int) -> TensorDataset:
    """Return noise images (3, 32, 32) with a brighter channel, whose number is the label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (samples,), generator=generator)
    pixels = torch.randn(samples, 3, 32, 32, generator=generator)
    return TensorDataset(pixels + 0.5 * nn.functional.one_hot(labels, 3)[:, :, None, None], labels)


def network(width: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 3),
    )


def by_hand(model: nn.Module, train, valid, epochs: int) -> float:
    """The loop as one writes it without a package."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    train_loader = Stamped(train, batch_size=BATCH, shuffle=True)
    # A generator of its own, or validation would change the order in which the next epoch's images come.
    valid_loader = DataLoader(valid, batch_size=BATCH, generator=torch.Generator())
    for _ in range(epochs):
        model.train()
        loss_sum, correct, samples = 0.0, 0, 0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            logits = model(inputs)
            loss = cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            samples += len(labels)
        model.eval()
        valid_loss, valid_correct = 0.0, 0
        with torch.no_grad():
            for inputs, labels in valid_loader:
                logits = model(inputs)
                valid_loss += cross_entropy(logits, labels).item() * len(labels)
                valid_correct += (logits.argmax(1) == labels).sum().item()
    return valid_loss / len(valid)


def ours(model: nn.Module, train, valid, epochs: int) -> float:
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    train_loader, valid_loader = Stamped(train, batch_size=BATCH, shuffle=True), DataLoader(valid, batch_size=BATCH)
    return fit(model, train_loader, valid_loader, epochs=epochs, optimizer=optimizer).valid_loss[-1]


def by_skorch(model: nn.Module, train, valid, epochs: int) -> float:
    net = skorch.NeuralNetClassifier(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=MOMENTUM,
        lr=RATE,
        batch_size=BATCH,
        max_epochs=epochs,
        iterator_train=Stamped,
        iterator_train__shuffle=True,
        train_split=predefined_split(valid),
        # It scores the validation split by itself; a second score gives the accuracy of the training split.
        callbacks=[("train_acc", EpochScoring("accuracy", name="train_acc", on_train=True, lower_is_better=False))],
        classes=[0, 1, 2],
        verbose=0,
    )
    net.fit(train, y=None)
    return net.history[-1, "valid_loss"]


class Lit(lightning.LightningModule):
    """The network with the steps that Lightning calls."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def step(self, batch, split: str):
        inputs, labels = batch
        logits = self.model(inputs)
        loss = cross_entropy(logits, labels)
        accuracy = (logits.argmax(1) == labels).float().mean()
        values = {f"{split}_loss": loss, f"{split}_accuracy": accuracy}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def training_step(self, batch, _):
        return self.step(batch, "train")

    def validation_step(self, batch, _):
        self.step(batch, "valid")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=RATE, momentum=MOMENTUM)


def by_lightning(model: nn.Module, train, valid, epochs: int) -> float:
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Lit(model), Stamped(train, batch_size=BATCH, shuffle=True), DataLoader(valid, batch_size=BATCH))
    return trainer.callback_metrics["valid_loss"].item()


CONTENDERS = {"hand-written loop": by_hand, "fit": ours, "skorch": by_skorch, "lightning": by_lightning}


def measure(train, valid, width: int, epochs: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return each contender's fastest epoch in each round in CPU seconds, and its last validation loss."""
    fastest, losses = {name: [] for name in CONTENDERS}, {}
    for turn in range(rounds):
        for name in list(CONTENDERS)[:: 1 if turn % 2 else -1]:
            model = network(width)
            torch.manual_seed(1)
            Stamped.starts = []
            losses[name] = CONTENDERS[name](model, train, valid, epochs)
            between = [later - start for start, later in zip(Stamped.starts, Stamped.starts[1:])]
            assert len(between) == epochs - 1, f"{name} started its loader {len(Stamped.starts)} times"
            fastest[name].append(min(between))
    return fastest, losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--samples", type=int, default=320)
    parser.add_argument("--widths", type=int, nargs="+", default=[16], help="channels of the first convolution")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, valid = images(options.samples, 0), images(options.samples // 4, 1)
    print(f"torch {torch.__version__}, skorch {skorch.__version__}, lightning {lightning.__version__}, one thread")
    print(f"{len(train)} + {len(valid)} images of 32 x 32, batches of {BATCH}; {options.rounds} rounds")
    failures = [failure for width in options.widths for failure in compare(train, valid, width, options)]
    if failures:
        sys.exit("\n".join(failures))


def compare(train, valid, width: int, options: argparse.Namespace) -> list[str]:
    """Print a table for networks of one width, and return what ``fit`` fails in."""
    seconds, losses = measure(train, valid, width, options.epochs, options.rounds)
    hand = seconds["hand-written loop"]
    best = {name: min(times) for name, times in seconds.items()}
    title = f"{width} channels"
    print(f"\n{title:20}{'ms an epoch':>12}{'by hand = 1':>13}{'median ratio':>14}{'validation loss':>17}")
    for name, times in seconds.items():
        middle = median(own / other for own, other in zip(times, hand))
        ratio = best[name] / best["hand-written loop"]
        print(f"{name:20}{best[name] * 1e3:12.1f}{ratio:13.3f}{middle:14.3f}{losses[name]:17.5f}")
    failures = []
    if best["fit"] > best["hand-written loop"] * (1 + LARGEST_OVERHEAD):
        failures.append(f"{width} channels: fit is over {LARGEST_OVERHEAD:.0%} slower than the hand-written loop")
    for name in ("skorch", "lightning"):
        if best["fit"] >= best[name]:
            failures.append(f"{width} channels: fit is not faster than {name}")
    if abs(losses["fit"] - losses["hand-written loop"]) > 1e-6:
        failures.append(f"{width} channels: fit and the hand-written loop do not compute the same")
    return failures


if __name__ == "__main__":
    main()
