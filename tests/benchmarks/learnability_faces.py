"""Show that the drawn faces are worth learning from: linear < MLP < regularised MLP < CNN, over training seeds.

    .venv/bin/python tests/benchmarks/learnability_faces.py [--seeds 3]

The models are those of lessons 04 to 07. Prints a table of test accuracies, then the smallest margin at each rung of
the ladder. The exit status is 1 if the order fails in any seed. Takes about two CPU minutes for the CNN of each seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import nn

from course_utils.data.faces import make_faces

CLASSES = 26
LENGTH = 6.0  # the mean length of a training picture as the MLPs see it, see `Views`


@dataclass
class Split:
    """One view of the pictures: inputs and labels of both halves."""

    train: torch.Tensor
    test: torch.Tensor
    train_labels: torch.Tensor
    test_labels: torch.Tensor


@dataclass
class Views:
    """The same pictures as each model wants them.

    ``pixels``: 22,100 standardised pixels.
    ``components``: their principal components with 0.9999 of the variance, all divided by one number, so that a picture
    is ``LENGTH`` long on average: at twice that length SGD with a rate of 0.1 does not converge from every seed.
    ``whitened``: the same components, each standardised by itself, which blows up the last ones, and they are noise.
    ``images``: ``(N, 1, 170, 130)``, one mean and one deviation for all pixels.
    """

    pixels: Split
    components: Split
    whitened: Split
    images: Split


def make_views(seed: int) -> Views:
    faces = make_faces(seed)
    labels = torch.tensor(faces["train_labels"]), torch.tensor(faces["test_labels"])
    raw = [faces[f"{half}_images"].astype("float32") for half in ("train", "test")]
    mean, deviation = raw[0].mean(), raw[0].std()
    images = [torch.tensor((half - mean) / deviation)[:, None] for half in raw]
    flat = [half.reshape(len(half), -1) for half in raw]
    scaler = StandardScaler().fit(flat[0])
    pixels = [scaler.transform(half) for half in flat]
    pca = PCA(0.9999, svd_solver="full").fit(pixels[0])
    components = [torch.tensor(pca.transform(half)) for half in pixels]
    unit = components[0].norm(dim=1).mean() / LENGTH
    deviations = components[0].std(dim=0)
    return Views(
        pixels=Split(*map(torch.tensor, pixels), *labels),
        components=Split(*(half / unit for half in components), *labels),
        whitened=Split(*(half / deviations for half in components), *labels),
        images=Split(*images, *labels),
    )


def linear() -> nn.Module:
    return nn.Linear(22100, CLASSES)


def mlp(n: int, dropout: tuple[float, float, float] | None) -> nn.Module:
    """Return the MLP of lesson 05 or, with ``dropout``, that of lesson 06, for ``n`` components."""
    layers: list[nn.Module] = []
    inputs = n
    for depth, width in enumerate((n // 2, n // 16, n // 32)):
        layers.append(nn.Linear(inputs, width))
        if dropout:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.ReLU())
        if dropout and dropout[depth]:
            layers.append(nn.Dropout(dropout[depth]))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, CLASSES))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 7),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(3),
        nn.Flatten(),
        nn.Dropout(0.35),
        nn.Linear(70848, CLASSES),
    )


def descend(model: nn.Module, data: Split, rate: float, steps: int, decay: float = 0.0) -> None:
    """Train on the whole training set at each step, by SGD with momentum 0.9."""
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(data.train), data.train_labels).backward()
        optimiser.step()


def epochs(model: nn.Module, data: Split, rate: float, count: int, batch: int = 16) -> None:
    """Train on shuffled batches, by Adam.

    The rate is low because 70,848 inputs reach each output: a step of 1e-3 in every weight would move it by dozens.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    model.train()
    for _ in range(count):
        for rows in torch.randperm(len(data.train)).split(batch):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(data.train[rows]), data.train_labels[rows]).backward()
            optimiser.step()


@torch.no_grad()
def accuracy(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    predicted = torch.cat([model(part).argmax(1) for part in inputs.split(64)])
    return 100 * (predicted == labels).double().mean().item()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="training seeds, 0 and up (default: 3)")
    parser.add_argument("--data-seed", type=int, default=0, help="seed of the pictures (default: 0)")
    arguments = parser.parse_args()

    seconds = time.process_time()
    views = make_views(arguments.data_seed)
    seconds = time.process_time() - seconds
    n = views.components.train.shape[1]
    print(
        f"{len(views.pixels.train)} training and {len(views.pixels.test)} test pictures, {n} principal components, "
        f"made in {seconds:.0f} CPU s"
    )
    # Name, data, model, training; the rungs of the ladder have a number in front, the others are for comparison.
    runs: list[tuple[str, Split, Callable[[], nn.Module], Callable[[nn.Module, Split], None]]] = [
        ("1 linear", views.pixels, linear, lambda m, d: descend(m, d, 1e-3, 300)),
        ("  linear, weight decay 0.5", views.pixels, linear, lambda m, d: descend(m, d, 1e-3, 300, 0.5)),
        ("  linear, stopped after 30 steps", views.pixels, linear, lambda m, d: descend(m, d, 1e-3, 30)),
        ("  MLP, components standardised", views.whitened, lambda: mlp(n, None), lambda m, d: descend(m, d, 0.1, 256)),
        ("2 MLP", views.components, lambda: mlp(n, None), lambda m, d: descend(m, d, 0.1, 256)),
        (
            "3 MLP, batch norm, dropout",
            views.components,
            lambda: mlp(n, (0.35,) * 3),
            lambda m, d: descend(m, d, 0.1, 256),
        ),
        (
            "  the same, no dropout at the end",
            views.components,
            lambda: mlp(n, (0.35, 0.35, 0.0)),
            lambda m, d: descend(m, d, 0.1, 256),
        ),
        ("4 CNN", views.images, cnn, lambda m, d: epochs(m, d, 1e-4, 9)),
    ]

    seeds = range(arguments.seeds)
    columns = "".join(f"{f'seed {seed}':>8}" for seed in seeds)
    print(f"{'test accuracy, %':<36}{columns}{'mean':>8}{'train':>8}{'parameters':>12}{'CPU s':>8}")
    rungs: list[tuple[str, list[float]]] = []
    for name, data, build, train in runs:
        test, training, seconds = [], [], time.process_time()
        for seed in seeds:
            torch.manual_seed(seed)
            model = build()
            train(model, data)
            test.append(accuracy(model, data.test, data.test_labels))
            training.append(accuracy(model, data.train, data.train_labels))
        seconds = (time.process_time() - seconds) / len(seeds)
        cells = "".join(f"{value:8.1f}" for value in (*test, sum(test) / len(test), sum(training) / len(training)))
        parameters = sum(p.numel() for p in model.parameters())
        print(f"{name:<36}{cells}{parameters:12,}{seconds:8.1f}", flush=True)
        if name[0].isdigit():
            rungs.append((name[2:], test))

    print()
    holds = True
    for (lower, below), (upper, above) in zip(rungs, rungs[1:]):
        margin = min(b - a for a, b in zip(below, above))
        holds &= margin > 0
        print(f"{lower} < {upper}: smallest margin {margin:.1f} points")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
