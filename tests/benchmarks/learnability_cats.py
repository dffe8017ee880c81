"""Are the generated cats worth learning from? A table over three seeds, and the claims that it must bear out.

Run it from the repository root; it takes some minutes::

    python tests/benchmarks/learnability_cats.py

The exit status is 1 if a claim fails. Each seed draws another data set and starts every classifier anew. All train
on the 240 training pictures; where there are epochs, the one with the lowest validation loss counts. The accuracy is
that on the 68 validation and 36 test pictures together.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils.data.cats import SPLITS, make_cats
from course_utils.models import load_pretrained

SEEDS = (0, 1, 2)
EPOCHS = 60
BATCH = 32
TRAIN, VALID = slice(0, SPLITS["train"]), slice(SPLITS["train"], SPLITS["train"] + SPLITS["valid"])
HELD_OUT = slice(SPLITS["train"], None)


def load(seed: int) -> tuple[list[Image.Image], np.ndarray, np.ndarray, float]:
    """Generate a data set; return its pictures, labels, first boxes (cx, cy, w, h) and the CPU seconds it took."""
    images, labels, boxes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        make_cats(Path(folder), seed)
        seconds = time.process_time() - start
        for split in SPLITS:
            for path in sorted(Path(folder, split, "images").glob("*.jpg")):
                with Image.open(path) as image:
                    images.append(image.convert("RGB"))
                label, *box = Path(folder, split, "labels", f"{path.stem}.txt").read_text().splitlines()[0].split()
                labels.append(int(label))
                boxes.append([float(value) for value in box])
    return images, np.array(labels), np.array(boxes), seconds


def logistic_regression(features: np.ndarray, labels: np.ndarray, penalty: float) -> float:
    """Return the accuracy on the held-out pictures."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=500))
    return model.fit(features[TRAIN], labels[TRAIN]).score(features[HELD_OUT], labels[HELD_OUT])


def train(model: nn.Module, x: torch.Tensor, labels: np.ndarray, augment: Callable | None = None) -> float:
    """Train with Adam, 1e-3; return the held-out accuracy of the epoch with the lowest validation loss."""
    y = torch.from_numpy(labels)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    lowest, accuracy = float("inf"), 0.0
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(SPLITS["train"]).split(BATCH):
            optimiser.zero_grad()
            cross_entropy(model(augment(x[batch]) if augment else x[batch]), y[batch]).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            loss = cross_entropy(model(x[VALID]), y[VALID]).item()
            if loss < lowest:
                lowest = loss
                accuracy = (model(x[HELD_OUT]).argmax(1) == y[HELD_OUT]).double().mean().item()
    return accuracy


def flip_some(x: torch.Tensor) -> torch.Tensor:
    """Mirror half of the pictures."""
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)


def small_network(images: list[Image.Image], labels: np.ndarray) -> float:
    """Train three blocks of conv 3x3, batch norm, ReLU and max pool on 64 x 64 pixels, from scratch."""
    small = np.stack([np.asarray(image.resize((64, 64), Image.Resampling.BOX)) for image in images])
    x = torch.from_numpy(small).permute(0, 3, 1, 2).float() / 255
    x = (x - x[TRAIN].mean((0, 2, 3), keepdim=True)) / x[TRAIN].std((0, 2, 3), keepdim=True)
    layers, c = [], 3
    for width in (16, 32, 64):
        layers += [nn.Conv2d(c, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        c = width
    layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.35), nn.Linear(16 * c, 2)]
    return train(nn.Sequential(*layers), x, labels, flip_some)


class Lite0:
    """EfficientNet-Lite0's 1280 pooled features, from pictures resized to 224 x 224 or cut by its preprocessing."""

    def __init__(self) -> None:
        self.model, self.preprocess = load_pretrained("efficientnet_lite0")

    @torch.no_grad()
    def features(self, images: list[Image.Image], crop: bool) -> torch.Tensor:
        if not crop:
            size = self.preprocess.size
            mean, std = (torch.tensor(v)[:, None, None] for v in (self.preprocess.mean, self.preprocess.std))
            whole = [torch.from_numpy(np.array(im.resize((size, size), Image.Resampling.BILINEAR))) for im in images]
            inputs = [(x.permute(2, 0, 1) / 255 - mean) / std for x in whole]
        else:
            inputs = [self.preprocess(image) for image in images]
        return torch.cat([self.model.pooled(torch.stack(inputs[k : k + 16])) for k in range(0, len(inputs), 16)])


def main() -> int:
    torch.set_num_threads(1)
    lite0 = Lite0()
    names = {
        "colour": "colour histogram (32 bins a channel), logistic regression",
        "pixels": "16 x 16 pixels, logistic regression",
        "place": "centre and area of the box, logistic regression",
        "shape": "log of width and height of the box, logistic regression",
        "cnn": "small CNN from scratch, 64 x 64 pixels",
        "crop": "frozen Lite0, centre crop of its preprocessing, linear head",
        "lite0": "frozen Lite0, whole picture at 224 x 224, linear head",
    }
    accuracy = {key: [] for key in names}
    for seed in SEEDS:
        images, labels, boxes, seconds = load(seed)
        print(f"seed {seed}: {len(images)} pictures generated in {seconds:.1f} s of CPU time", flush=True)
        pixels = np.stack([np.asarray(image) for image in images])
        histograms = np.array(
            [[np.histogram(p[..., k], 32, (0, 256))[0] for k in range(3)] for p in pixels], float
        ).reshape(len(images), -1)
        tiny = np.stack([np.asarray(image.resize((16, 16), Image.Resampling.BOX)).ravel() for image in images]) / 255
        place = np.column_stack([boxes[:, :2], boxes[:, 2] * boxes[:, 3]])
        accuracy["colour"].append(logistic_regression(histograms, labels, 0.01))
        accuracy["pixels"].append(logistic_regression(tiny, labels, 0.01))
        accuracy["place"].append(logistic_regression(place, labels, 1.0))
        accuracy["shape"].append(logistic_regression(np.log(boxes[:, 2:]), labels, 1.0))
        torch.manual_seed(seed)
        accuracy["cnn"].append(small_network(images, labels))
        for key in ("crop", "lite0"):
            x = lite0.features(images, key == "crop")
            torch.manual_seed(seed)
            accuracy[key].append(train(nn.Linear(x.shape[1], 2), x, labels))

    print(f"\n{'held-out accuracy, %':62}" + "".join(f"{f'seed {s}':>8}" for s in SEEDS) + f"{'mean':>8}")
    for key, name in names.items():
        print(f"{name:62}" + "".join(f"{100 * v:8.1f}" for v in (*accuracy[key], np.mean(accuracy[key]))))
    print()

    mean = {key: np.mean(values) for key, values in accuracy.items()}
    claims = {
        "The head on frozen Lite0 is right on 82 to 95 % of the pictures": 0.82 <= mean["lite0"] <= 0.95,
        "It is so within sampling error for each seed (76 to 98 %)": all(0.76 <= v <= 0.98 for v in accuracy["lite0"]),
        "Colours and coarse pixels are near chance (below 62 %)": max(mean["colour"], mean["pixels"]) < 0.62,
        "Place and size of the box are near chance (below 62 %)": mean["place"] < 0.62,
        "The box's shape, which flat ears do change, says less than Lite0": mean["shape"] < mean["lite0"] - 0.08,
        "A small CNN from scratch is at least 8 points behind Lite0 on average": mean["cnn"] < mean["lite0"] - 0.08,
        "Nobody reaches 100 %": max(max(values) for values in accuracy.values()) < 1,
    }
    for statement, holds in claims.items():
        print(f"{'holds ' if holds else 'FAILS '} {statement}")
    return 0 if all(claims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
