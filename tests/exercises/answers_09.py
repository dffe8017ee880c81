"""Answers to the exercises of lesson 09."""

from __future__ import annotations

from answers import Answers, Wrong


def shares(first: str, second: str) -> str:
    return f"""
def recall_and_precision(counts):
    right = np.diag(counts)
    rows, columns, total = counts.sum(1), counts.sum(0), counts.sum()
    return np.stack([{first}, {second}])
"""


RECALL_AND_PRECISION = Answers(
    right={
        "class by class": """
def recall_and_precision(counts):
    result = np.zeros((2, len(counts)))
    for k in range(len(counts)):
        if counts[k].sum() > 0:
            result[0, k] = counts[k, k] / counts[k].sum()
        if counts[:, k].sum() > 0:
            result[1, k] = counts[k, k] / counts[:, k].sum()
    return result
""",
        "nan replaced": """
def recall_and_precision(counts):
    right = counts.diagonal()
    with np.errstate(invalid="ignore"):
        return np.nan_to_num([right / counts.sum(1), right / counts.sum(0)])
""",
        "tensors": """
def recall_and_precision(counts):
    counts = torch.tensor(counts).double()
    sums = torch.stack([counts.sum(1), counts.sum(0)])
    return torch.where(sums > 0, counts.diag() / sums.clamp(min=1), 0.0)
""",
    },
    wrong=(
        Wrong(
            "exchanged",
            shares("right / np.maximum(columns, 1)", "right / np.maximum(rows, 1)"),
            "exchanged",
            "wrong axis",
        ),
        Wrong("nan", shares("right / rows", "right / columns"), "0 / 0", "missing edge case"),
        Wrong(
            "empty is 1",
            shares(
                "np.where(rows > 0, right / np.maximum(rows, 1), 1)",
                "np.where(columns > 0, right / np.maximum(columns, 1), 1)",
            ),
            "counts as 1",
            "missing edge case",
        ),
        Wrong("of all images", shares("right / total", "right / total"), "divides by all images", "wrong divisor"),
        Wrong(
            "accuracy of each class",
            shares(*["(total - rows - columns + 2 * right) / total"] * 2),
            "against the rest",
            "wrong divisor",
        ),
        Wrong("recall twice", shares(*["right / np.maximum(rows, 1)"] * 2), "Both rows are the recall", "wrong part"),
        Wrong(
            "precision twice",
            shares(*["right / np.maximum(columns, 1)"] * 2),
            "Both rows are the precision",
            "wrong part",
        ),
        Wrong(
            "errors",
            shares("1 - right / np.maximum(rows, 1)", "1 - right / np.maximum(columns, 1)"),
            "shares that are wrong",
            "wrong part",
        ),
        Wrong(
            "whole numbers",
            shares("right // np.maximum(rows, 1)", "right // np.maximum(columns, 1)"),
            "Fractions are cut off",
            "truncated to integers",
        ),
        Wrong(
            "a column for each",
            shares("right / np.maximum(rows, 1)", "right / np.maximum(columns, 1)").replace("])\n", "]).T\n"),
            "Rows and columns are swapped",
            "wrong axis",
        ),
        Wrong(
            "the matrix, divided",
            "def recall_and_precision(counts):\n    return counts / np.maximum(counts.sum(1, keepdims=True), 1)\n",
            "wrong shape",
        ),
    ),
    equivalent={
        "line 4: np.maximum(images, 1) -> np.maximum(1, images)": "the larger of two numbers",
        "line 4: np.maximum(answers, 1) -> np.maximum(1, answers)": "the larger of two numbers",
    },
)


def statistics(mean: str, deviation: str) -> str:
    """An answer from the batches' means m, mean squares q, variances v and sizes."""
    return f"""
def channel_statistics(batches):
    m = torch.stack([b.double().mean((0, 2, 3)) for b in batches])
    q = torch.stack([(b.double() ** 2).mean((0, 2, 3)) for b in batches])
    v = q - m**2
    pixels = torch.tensor([b[:, 0].numel() for b in batches], dtype=torch.float64)[:, None]
    images = torch.tensor([len(b) for b in batches], dtype=torch.float64)[:, None]
    by_pixels, by_images = pixels / pixels.sum(), images / images.sum()
    mean = {mean}
    return mean, {deviation}
"""


CHANNEL_STATISTICS = Answers(
    right={
        "two passes": """
def channel_statistics(batches):
    pixels = sum(b.numel() // b.shape[1] for b in batches)
    mean = sum(b.sum((0, 2, 3)) for b in batches) / pixels
    squares = sum(((b - mean[:, None, None]) ** 2).sum((0, 2, 3)) for b in batches)
    return mean, torch.sqrt(squares / pixels)
""",
        "shares of means and mean squares": statistics(
            "(by_pixels * m).sum(0)", "((by_pixels * q).sum(0) - mean**2).sqrt()"
        ),
        "variances and means": statistics(
            "(by_pixels * m).sum(0)", "(by_pixels * (v + (m - mean) ** 2)).sum(0).sqrt()"
        ),
        "all pixels in one row": """
def channel_statistics(batches):
    rows = torch.cat([batch.movedim(1, 0).flatten(1) for batch in batches], dim=1)
    return rows.mean(1), rows.std(1, correction=0)
""",
        "NumPy, channel by channel": """
def channel_statistics(batches):
    means, deviations = [], []
    for c in range(batches[0].shape[1]):
        values = np.concatenate([batch[:, c].numpy().ravel() for batch in batches]).astype(float)
        means.append(values.mean())
        deviations.append(values.std())
    return torch.tensor(means), torch.tensor(deviations)
""",
    },
    wrong=(
        Wrong(
            "unrepaired, otherwise",
            statistics("m.mean(0)", "v.sqrt().mean(0)"),
            "a mean of deviations is no deviation",
            "mean of means",
        ),
        Wrong(
            "variances averaged",
            statistics("m.mean(0)", "v.mean(0).sqrt()"),
            "Every batch counts alike",
            "mean of means",
        ),
        Wrong(
            "weighed by images",
            statistics("(by_images * m).sum(0)", "(by_images * v.sqrt()).sum(0)"),
            "Every image counts alike",
            "mean of means",
        ),
        Wrong(
            "only the mean repaired",
            statistics("(by_pixels * m).sum(0)", "v.sqrt().mean(0)"),
            "batch's own mean",
            "mean of deviations",
        ),
        Wrong(
            "deviations weighed",
            statistics("(by_pixels * m).sum(0)", "(by_pixels * v.sqrt()).sum(0)"),
            "The mean is right, the deviation is not",
            "mean of deviations",
        ),
        Wrong(
            "variances weighed",
            statistics("(by_pixels * m).sum(0)", "(by_pixels * v).sum(0).sqrt()"),
            "The mean is right, the deviation is not",
            "mean of deviations",
        ),
        Wrong(
            "deviation of the means",
            statistics("(by_pixels * m).sum(0)", "m.std(0, correction=0)"),
            "deviation of the batches' means",
            "mean of deviations",
        ),
        Wrong(
            "batches alike",
            statistics("m.mean(0)", "(q.mean(0) - mean**2).sqrt()"),
            "fewer pixels should count less",
            "mean of means",
        ),
        Wrong(
            "images alike",
            statistics("(by_images * m).sum(0)", "((by_images * q).sum(0) - mean**2).sqrt()"),
            "Every image counts alike",
            "mean of means",
        ),
        Wrong(
            "variance",
            statistics("(by_pixels * m).sum(0)", "(by_pixels * q).sum(0) - mean**2"),
            "This is the variance",
            "squared",
        ),
        Wrong(
            "all channels counted",
            """
def channel_statistics(batches):
    pixels, total, squares = 0, 0.0, 0.0
    for batch in batches:
        pixels += batch.numel()
        total += batch.sum((0, 2, 3))
        squares += (batch**2).sum((0, 2, 3))
    mean = total / pixels
    return mean, (squares / pixels - mean**2).sqrt()
""",
            "A channel has N H W of them",
            "wrong divisor",
        ),
        Wrong(
            "divided by one less",
            statistics(
                "(by_pixels * m).sum(0)",
                "(((by_pixels * q).sum(0) - mean**2) * pixels.sum() / (pixels.sum() - 1)).sqrt()",
            ),
            "divided by n - 1",
            "unbiased variance",
        ),
        Wrong(
            "mean not subtracted",
            statistics("(by_pixels * m).sum(0)", "(by_pixels * q).sum(0).sqrt()"),
            "subtract the square of the mean",
            "missing term",
        ),
        Wrong(
            "one number for all channels",
            """
def channel_statistics(batches):
    pixels = torch.cat([batch.flatten() for batch in batches])
    channels = batches[0].shape[1]
    return pixels.mean().repeat(channels), pixels.std(correction=0).repeat(channels)
""",
            "Each channel has its own",
            "one for all",
        ),
        Wrong(
            "batches put together",
            """
def channel_statistics(batches):
    pixels = torch.cat(batches)
    return pixels.mean((0, 2, 3)), pixels.std((0, 2, 3), correction=0)
""",
            "RuntimeError",
            "raises",
        ),
    ),
    equivalent={
        "line 5: batch.double() -> batch": "single precision is enough for few pixels",
        "line 6: batch.double() -> batch": "single precision is enough for few pixels",
    },
)


def seen(body: str, start: str = "1, 1", result: str = "size") -> str:
    return f"""
def pixels_seen(layers):
    size, step = {start}
    for kernel, stride in layers:
        {body}
    return {result}
"""


PIXELS_SEEN = Answers(
    right={
        "backwards": """
def pixels_seen(layers):
    size = 1
    for kernel, stride in layers[::-1]:
        size = (size - 1) * stride + kernel
    return size
""",
        "sum of products": """
def pixels_seen(layers):
    return 1 + sum((k - 1) * math.prod(s for _, s in layers[:i]) for i, (k, _) in enumerate(layers))
""",
        "sets of pixels": """
def pixels_seen(layers):
    seen = {0}
    for kernel, stride in reversed(layers):
        seen = {place * stride + tap for place in seen for tap in range(kernel)}
    return max(seen) - min(seen) + 1
""",
    },
    wrong=(
        Wrong("no strides", seen("size += kernel - 1"), "strides are left out", "forgot stride"),
        Wrong(
            "own stride",
            seen("step *= stride; size += (kernel - 1) * step"),
            "own stride does not widen",
            "stride too early",
        ),
        Wrong("whole kernels", seen("size += kernel * step; step *= stride"), "adds k - 1 steps", "off by one"),
        Wrong("from 0", seen("size += (kernel - 1) * step; step *= stride", "0, 1"), "begin with 1", "off by one"),
        Wrong(
            "from the end",
            seen("size += (kernel - 1) * step; step *= stride").replace("in layers:", "in layers[::-1]:"),
            "from the last to the first",
            "wrong direction",
        ),
        Wrong(
            "strides added",
            seen("size += (kernel - 1) * step; step += stride - 1"),
            "Strides multiply",
            "steps added",
        ),
        Wrong(
            "steps grow by the stride",
            seen("size += (kernel - 1) * step; step += stride"),
            "Strides are added here",
            "steps added",
        ),
        Wrong(
            "the stride before alone",
            seen("size += (kernel - 1) * step; step = stride"),
            "right before",
            "forgot stride",
        ),
        Wrong(
            "the last kernel",
            "def pixels_seen(layers):\n    return layers[-1][0] if layers else 1\n",
            "last kernel alone",
            "one layer only",
        ),
        Wrong(
            "the lesson's formula",
            "def pixels_seen(layers):\n    return 1 + 5 * (2 ** (len(layers) // 2) - 1)\n",
            "not the expected one",
        ),
        Wrong(
            "real numbers",
            seen("size += (kernel - 1) * step; step *= stride", "1.0, 1.0"),
            "whole numbers",
            "no whole number",
        ),
    ),
)


def drawn(weights: str) -> str:
    return f"""
def sampler_weights(labels, wanted):
    counts = labels.bincount(minlength=len(wanted))
    return {weights}
"""


SAMPLER_WEIGHTS = Answers(
    right={
        "image by image": """
def sampler_weights(labels, wanted):
    return torch.tensor([wanted[k].item() / (labels == k).sum().item() for k in labels])
""",
        "any factor": drawn("1000 * wanted[labels] / counts[labels]"),
        "a list": """
def sampler_weights(labels, wanted):
    counts = np.bincount(labels.numpy(), minlength=len(wanted))
    return [float(wanted[k]) / counts[k] for k in labels.tolist()]
""",
        "masks": """
def sampler_weights(labels, wanted):
    weights = torch.zeros(len(labels))
    for k, share in enumerate(wanted):
        members = labels == k
        if members.any():
            weights[members] = share / members.sum()
    return weights
""",
    },
    wrong=(
        Wrong("no counts", drawn("wanted[labels]"), "counts are left out", "missing term"),
        Wrong("one over count", drawn("1 / counts[labels]"), "wanted shares are left out", "missing term"),
        Wrong("multiplied", drawn("(wanted * counts)[labels]"), "more frequent still", "multiplied instead"),
        Wrong("one for each class", drawn("wanted / counts.clamp(min=1)"), "index them with", "one per class"),
        Wrong(
            "one minus share",
            drawn("(wanted * (1 - counts / len(labels)))[labels]"),
            "does not undo",
            "wrong scale",
        ),
        Wrong("shares of the classes", drawn("(counts / len(labels))[labels]"), "classes have", "wrong part"),
        Wrong(
            "the last class uncounted",
            "def sampler_weights(labels, wanted):\n    return (wanted / labels.bincount())[labels]\n",
            "RuntimeError",
            "raises",
        ),
        Wrong("not a number", drawn("(wanted / counts)").replace("return", "return 0 * labels +"), "", "raises"),
        Wrong(
            "whole numbers",
            """
def sampler_weights(labels, wanted):
    weights = torch.zeros(len(labels), dtype=torch.long)
    for k in labels.unique():
        weights[labels == k] = (wanted[k] / (labels == k).sum()).long()
    return weights
""",
            "fractions are cut off",
            "truncated to integers",
        ),
        Wrong("all zero", drawn("0 * (wanted / counts)[labels]"), "no image could be drawn"),
        Wrong("difference", drawn("(wanted - counts / len(labels))[labels]"), "values differ"),
        Wrong("nothing returned", drawn("wanted").replace("return", "weights ="), "returns None", "returns None"),
    ),
)

ANSWERS = {
    "09.1": RECALL_AND_PRECISION,
    "09.2": CHANNEL_STATISTICS,
    "09.3": PIXELS_SEEN,
    "09.4": SAMPLER_WEIGHTS,
}
