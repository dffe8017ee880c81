"""Are the generated vehicles worth learning from? A table over three seeds, and the claims that it must bear out.

Run it from the repository root; it takes some minutes::

    python tests/benchmarks/learnability_vehicles.py

The exit status is 1 if a claim fails. Each seed is another split (60 % to train on, 40 % to validate on) and another
start of every classifier; the pictures are the same, shrunk to 64 x 64 pixels.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from course_utils.data.vehicles import COUNTS, make_vehicles

SEEDS = (0, 1, 2)
SIDE = 64  # pixels
EPOCHS = 8
BATCH = 128
CHANNELS = (16, 29, 42, 55)  # lesson 09's growth rule c + 13, from 3
RATES = {1: 1e-4, 3: 2e-3, 4: 2e-3}  # Adam's learning rate, by the number of blocks
SCHOONER = list(COUNTS).index("schooner")


def load_pixels() -> tuple[np.ndarray, np.ndarray, float]:
    """Generate the data set, and return its pictures (N, 64, 64, 3), labels (N,) and the CPU seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        make_vehicles(Path(folder))
        seconds = time.process_time() - start
        images, labels = [], []
        for label, name in enumerate(COUNTS):
            for path in sorted(Path(folder, name).glob("*.jpg")):
                with Image.open(path) as image:
                    images.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)))
                labels.append(label)
    return np.stack(images), np.array(labels), seconds


def colour_histograms(images: np.ndarray) -> np.ndarray:
    """Return the share of pixels in each of 8 x 8 x 8 boxes of RGB: an array (N, 512)."""
    red, green, blue = (images[..., k].astype(int) // 32 for k in range(3))
    boxes = (red * 64 + green * 8 + blue).reshape(len(images), -1)
    return np.stack([np.bincount(row, minlength=512) for row in boxes]) / boxes.shape[1]


def logistic_regression(features: np.ndarray, labels: np.ndarray, train, valid, penalty: float) -> np.ndarray:
    """Return the predicted labels of the validation rows."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=300))
    return model.fit(features[train], labels[train]).predict(features[valid])


def network(blocks: int) -> nn.Sequential:
    """Return lesson 09's network: blocks of conv 5x5, ReLU, batch norm, max pool, then one linear layer."""
    layers, c, side = [], 3, SIDE
    for width in CHANNELS[:blocks]:
        layers += [nn.Conv2d(c, width, 5, padding=2), nn.ReLU(), nn.BatchNorm2d(width), nn.MaxPool2d(2)]
        c, side = width, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(c * side * side, len(COUNTS)))


def train_network(blocks: int, images, labels, train, valid, seed: int, weighted: bool = False) -> np.ndarray:
    """Train on the rows ``train`` and return the predicted labels of the rows ``valid``."""
    torch.manual_seed(seed)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    x = (x - x[train].mean((0, 2, 3), keepdim=True)) / x[train].std((0, 2, 3), keepdim=True)
    y = torch.from_numpy(labels)
    weights = 1 - torch.bincount(y) / len(y) if weighted else None  # 0.518, 0.520, 0.962
    model, loss = network(blocks), nn.CrossEntropyLoss(weight=weights)
    optimiser = torch.optim.Adam(model.parameters(), RATES[blocks])
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.from_numpy(train)[torch.randperm(len(train))].split(BATCH):
            optimiser.zero_grad()
            loss(model(x[batch]), y[batch]).backward()
            optimiser.step()
    model.eval()
    with torch.no_grad():
        return model(x[valid]).argmax(1).numpy()


def main() -> int:
    torch.set_num_threads(1)
    images, labels, seconds = load_pixels()
    print(f"{len(images)} pictures generated in {seconds:.1f} s of CPU time\n")
    small = images.reshape(len(images), 32, 2, 32, 2, 3).mean((2, 4)).reshape(len(images), -1) / 255
    histograms = colour_histograms(images)

    classifiers = {
        "colour histogram, logistic regression": lambda t, v, s: logistic_regression(histograms, labels, t, v, 0.1),
        "32 x 32 pixels, logistic regression": lambda t, v, s: logistic_regression(small, labels, t, v, 1e-3),
        "1 block": lambda t, v, s: train_network(1, images, labels, t, v, s),
        "1 block, class weights": lambda t, v, s: train_network(1, images, labels, t, v, s, weighted=True),
        "3 blocks": lambda t, v, s: train_network(3, images, labels, t, v, s),
        "4 blocks": lambda t, v, s: train_network(4, images, labels, t, v, s),
    }
    accuracy = {name: [] for name in ("majority class", *classifiers)}
    recall = {name: [] for name in classifiers}  # per seed: airplane, motorbike, schooner
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(labels))
        train, valid = np.split(order, [int(0.6 * len(labels))])
        truth = labels[valid]
        accuracy["majority class"].append(np.bincount(truth).max() / len(truth))
        for name, classify in classifiers.items():
            guess = classify(train, valid, seed)
            accuracy[name].append((guess == truth).mean())
            recall[name].append([(guess[truth == k] == k).mean() for k in range(len(COUNTS))])

    print(f"{'':40}{'validation accuracy, %':^30}{'mean recall, %':^30}")
    print(
        f"{'':40}" + "".join(f"{f'seed {s}':>8}" for s in SEEDS) + f"{'mean':>6}" + "".join(f"{k:>11}" for k in COUNTS)
    )
    for name, values in accuracy.items():
        row = f"{name:40}" + "".join(f"{100 * v:8.1f}" for v in values) + f"{100 * np.mean(values):6.1f}"
        if name in recall:
            row += "".join(f"{100 * v:11.1f}" for v in np.mean(recall[name], 0))
        print(row)
    print()

    a = {name: np.array(values) for name, values in accuracy.items()}
    majority, colour, pixels = a["majority class"], *(a[name] for name in list(classifiers)[:2])
    one, three, four = a["1 block"], a["3 blocks"], a["4 blocks"]
    plain, weighted = (np.array(recall[name]) for name in ("1 block", "1 block, class weights"))
    deep = np.array(recall["4 blocks"])
    claims = {
        "Colours alone are 10 points worse than one block": (colour + 0.10 < one).all(),
        "Logistic regression on pixels beats the majority class by 15 points": (pixels > majority + 0.15).all(),
        "One block beats logistic regression on pixels": (pixels + 0.02 < one).all(),
        "Three and four blocks beat one block by 3 points": (np.minimum(three, four) > one + 0.03).all(),
        "One block reaches 80 %, four blocks reach 92 %": one.min() > 0.80 and four.min() > 0.92,
        "Nobody reaches 100 %": max(v.max() for v in a.values()) < 0.998,
        "Schooners have the worst recall without class weights": (plain.argmin(1) == SCHOONER).all()
        and (deep.argmin(1) == SCHOONER).all(),
        "Class weights improve the schooners' recall with one block": (
            weighted[:, SCHOONER] > plain[:, SCHOONER]
        ).all(),
    }
    for statement, holds in claims.items():
        print(f"{'holds' if holds else 'FAILS':6} {statement}")
    return 0 if all(claims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
