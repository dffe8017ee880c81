"""Answers to the exercises of lesson 04."""

from __future__ import annotations

from answers import Answers, Wrong


def share(right: str, value: str = "right.double().mean()") -> str:
    return f"def share_right(logits, y):\n    right = {right}\n    return {value}\n"


SHARE_RIGHT = Answers(
    right={
        "column": share("logits.argmax(1, keepdim=True) == y.reshape(-1, 1)"),
        "loop": """
def share_right(logits, y):
    right = 0
    for row, label in zip(logits, y):
        right += int(row.argmax()) == int(label)
    return right / len(y)
""",
        "gather": share("logits.gather(1, y.view(-1, 1))[:, 0] == logits.amax(1)"),
        "squeezed": share("logits.argmax(1) == y.squeeze()"),
    },
    wrong=(
        Wrong(
            "unrepaired, otherwise",
            share("logits.argmax(dim=1) == y", "(right * 1.0).mean().double()"),
            "every number is compared with every other",
            "broadcast",
        ),
        Wrong("column against row", share("logits.argmax(1)[:, None] == y"), "compared with every other", "broadcast"),
        Wrong("best image", share("logits.argmax(0) == y.flatten()"), "best class of each image", "wrong axis"),
        Wrong(
            "only columns",
            share("logits.argmax(1) == y[:, 0]"),
            "IndexError",
            "raises",
        ),
        Wrong(
            "a number of images",
            share("logits.argmax(1) == y.flatten()", "right.sum()"),
            "number of images",
            "sum for mean",
        ),
        Wrong("error", share("logits.argmax(1) != y.flatten()"), "wrong answers", "wrong part"),
        Wrong("not averaged", share("logits.argmax(1) == y.flatten()", "right.double()"), "wrong shape"),
        Wrong(
            "any label",
            share("(logits.argmax(1) == y)", "right.any(0).double().mean()"),
            "not the expected one",
        ),
    ),
)


def smoothed(log_p: str, target: str = "(1 - eps) * F.one_hot(y, K) + eps / K", value: str = "sum(1).mean()") -> str:
    return f"""
def smoothed_cross_entropy(z, y, eps):
    K = z.shape[1]
    log_p = {log_p}
    target = {target}
    return -(target * log_p).{value}
"""


STABLE = "F.log_softmax(z, 1)"

SMOOTHED = Answers(
    right={
        "PyTorch's": """
def smoothed_cross_entropy(z, y, eps):
    return F.cross_entropy(z, y, label_smoothing=eps)
""",
        "two losses": """
def smoothed_cross_entropy(z, y, eps):
    even = -z.log_softmax(-1).mean()
    return (1 - eps) * F.cross_entropy(z, y) + eps * even
""",
        "log-sum-exp": """
def smoothed_cross_entropy(z, y, eps):
    t = torch.full_like(z, eps / z.shape[1])
    t[torch.arange(len(y)), y] += 1 - eps
    return (torch.logsumexp(z, 1) - (t * z).sum(1)).mean()
""",
        "loop": """
def smoothed_cross_entropy(z, y, eps):
    total = 0
    for row, label in zip(z, y):
        log_p = row - row.max() - (row - row.max()).exp().sum().log()
        total = total - (1 - eps) * log_p[label] - eps * log_p.mean()
    return total / len(z)
""",
    },
    wrong=(
        Wrong("softmax twice", smoothed("F.log_softmax(z.softmax(1), 1)"), "softmax is applied twice", "softmax twice"),
        Wrong("naive", smoothed("(z.exp() / z.exp().sum(1, keepdim=True)).log()"), "exponential overflows", "overflow"),
        Wrong("naive log-sum-exp", smoothed("z - z.exp().sum(1, keepdim=True).log()"), "overflows", "overflow"),
        Wrong("log of a softmax", smoothed("z.softmax(1).log()"), "becomes 0, and its logarithm", "overflow"),
        Wrong(
            "one largest logit",
            smoothed("z - z.max() - (z - z.max()).exp().sum(1, keepdim=True).log()"),
            "a largest logit of its own",
            "overflow",
        ),
        Wrong("over images", smoothed("F.log_softmax(z, 0)"), "taken over the images", "wrong axis"),
        Wrong("summed over images", smoothed(STABLE, value="sum()"), "the sum where the mean", "sum for mean"),
        Wrong("mean over all", smoothed(STABLE, value="mean()"), "over the classes as well", "mean for sum"),
        Wrong(
            "true class without its share",
            smoothed(STABLE, "torch.where(F.one_hot(y, K) > 0, 1 - eps, eps / K)"),
            "is missing",
            "missing term",
        ),
        Wrong(
            "among the others",
            smoothed(STABLE, "torch.where(F.one_hot(y, K) > 0, 1 - eps, eps / (K - 1))"),
            "true one included",
            "wrong divisor",
        ),
        Wrong("added on top", smoothed(STABLE, "F.one_hot(y, K) + eps / K"), "sum to 1 + eps", "missing term"),
        Wrong(
            "no doubt",
            "def smoothed_cross_entropy(z, y, eps):\n    return F.cross_entropy(z, y)\n",
            "no effect",
            "missing term",
        ),
        Wrong("exchanged", smoothed(STABLE, "eps * F.one_hot(y, K) + (1 - eps) / K"), "exchanged", "wrong part"),
        Wrong("sign", smoothed(STABLE).replace("-(", "("), "sign is wrong"),
        Wrong("probabilities", smoothed("z.softmax(1)"), "not the expected"),
        Wrong("gradient cut off", smoothed("F.log_softmax(z.detach(), 1)"), "no gradient", "gradient lost"),
        Wrong("always double", smoothed("F.log_softmax(z.double(), 1)"), "torch.float32 was expected", "wrong dtype"),
    ),
)


def path(step: str, start: str = "[w]", keep: str = "w", value: str = "torch.stack(path)") -> str:
    return f"""
def descend(slope, w, rates, beta=0.9):
    path, velocity = {start}, torch.zeros_like(w)
    for rate in rates:
        {step}
        path.append({keep})
    return {value}
"""


DESCEND = Answers(
    right={
        "list of places": """
def descend(slope, w, rates, beta=0.9):
    places, v = [w], 0
    for rate in rates:
        v = beta * v + slope(places[-1])
        places.append(places[-1] - rate * v)
    return places
""",
        "table": """
def descend(slope, w, rates, beta=0.9):
    table = torch.zeros(len(rates) + 1, *w.shape, dtype=w.dtype)
    table[0] = w
    velocity = torch.zeros(w.shape, dtype=w.dtype)
    for n, rate in enumerate(rates):
        velocity *= beta
        velocity += slope(table[n])
        table[n + 1] = table[n] - rate * velocity
    return table
""",
        "clones": path(
            "velocity = beta * velocity + slope(w); w -= rate * velocity", "[w.clone()]", "w.clone()"
        ).replace("    path,", "    w = w.clone()\n    path,"),
        "all gradients kept": """
def descend(slope, w, rates, beta=0.9):
    path, gradients = [w], []
    for n, rate in enumerate(rates):
        gradients.append(slope(path[-1]))
        path.append(path[-1] - rate * sum(beta ** (n - m) * g for m, g in enumerate(gradients)))
    return torch.stack(path)
""",
    },
    wrong=(
        Wrong(
            "rate in the velocity",
            path("velocity = beta * velocity + rate * slope(w); w = w - velocity"),
            "goes into the velocity",
            "rate in the velocity",
        ),
        Wrong(
            "average",
            path("velocity = beta * velocity + (1 - beta) * slope(w); w = w - rate * velocity"),
            "1 - beta",
            "averaged velocity",
        ),
        Wrong("no momentum", path("w = w - rate * slope(w)"), "forgets the steps before", "missing term"),
        Wrong(
            "velocity too late",
            path("w, velocity = w - rate * velocity, beta * velocity + slope(w)"),
            "old velocity",
            "off by one",
        ),
        Wrong(
            "gradient of the start",
            path("velocity = beta * velocity + g; w = w - rate * velocity").replace(
                "    path,", "    g = slope(w)\n    path,"
            ),
            "gradient of the start",
            "gradient of the start",
        ),
        Wrong(
            "uphill",
            path("velocity = beta * velocity + slope(w); w = w + rate * velocity"),
            "uphill",
            "wrong direction",
        ),
        Wrong(
            "start left out",
            path("velocity = beta * velocity + slope(w); w = w - rate * velocity", "[]"),
            "start is missing",
            "off by one",
        ),
        Wrong(
            "one tensor many times",
            path("velocity = beta * velocity + slope(w); w -= rate * velocity").replace(
                "    path,", "    w = w.clone()\n    path,"
            ),
            "one tensor many times",
            "overwritten",
        ),
        Wrong(
            "input changed",
            path("velocity = beta * velocity + slope(w); w -= rate * velocity", keep="w.clone()"),
            "changes its input w",
            "changes its input",
        ),
        Wrong(
            "last place only",
            path("velocity = beta * velocity + slope(w); w = w - rate * velocity", value="w"),
            "Return the whole path",
            "wrong part",
        ),
        Wrong(
            "looks ahead",
            path("velocity = beta * velocity + slope(w - rate * beta * velocity); w = w - rate * velocity"),
            "values differ",
        ),
    ),
)


def scaled(mean: str, deviation: str, value: str = "(images - mean) / deviation", zeros: bool = True) -> str:
    repair = "    deviation = torch.where(deviation > 0, deviation, 1)\n" if zeros else ""
    return f"""
def standardise(train, images):
    mean, deviation = {mean}, {deviation}
{repair}    return {value}
"""


STANDARDISE = Answers(
    right={
        "NumPy": """
def standardise(train, images):
    t, x = np.asarray(train), np.asarray(images)
    s = t.std(axis=0, ddof=1)
    return torch.from_numpy((x - t.mean(axis=0)) / np.where(s > 0, s, np.ones_like(s)))
""",
        "written out": """
def standardise(train, images):
    mean = train.sum(0) / len(train)
    s = ((train - mean).square().sum(0) / (len(train) - 1)).sqrt()
    return (images - mean) / (s + (s == 0))
""",
        "pixel by pixel": """
def standardise(train, images):
    out = torch.empty_like(images)
    for j in range(train.shape[1]):
        s = train[:, j].std()
        out[:, j] = images[:, j] - train[:, j].mean()
        if s > 0:
            out[:, j] /= s
    return out
""",
    },
    wrong=(
        Wrong(
            "own statistics",
            scaled("images.mean(0)", "images.std(0)"),
            "those of the images themselves",
            "fitted on test data",
        ),
        Wrong(
            "statistics of both",
            scaled("torch.cat([train, images]).mean(0)", "torch.cat([train, images]).std(0)"),
            "took part",
            "fitted on test data",
        ),
        Wrong(
            "mean of the images",
            scaled("images.mean(0)", "train.std(0)"),
            "mean is that of the images",
            "fitted on test data",
        ),
        Wrong(
            "deviation of the images",
            scaled("train.mean(0)", "images.std(0)"),
            "deviation is that of the images",
            "fitted on test data",
        ),
        Wrong(
            "division by 0",
            scaled("train.mean(0)", "train.std(0)", zeros=False),
            "has deviation 0",
            "missing edge case",
        ),
        Wrong(
            "nan to 0",
            scaled("train.mean(0)", "train.std(0)", "torch.nan_to_num((images - mean) / deviation, 0, 0, 0)", False),
            "is set to 0",
            "missing edge case",
        ),
        Wrong(
            "a little added",
            scaled("train.mean(0)", "train.std(0) + 1e-5", zeros=False),
            "divides by the tiny number",
            "missing edge case",
        ),
        Wrong(
            "a tiny number added",
            scaled("train.mean(0)", "train.std(0) + 1e-8", zeros=False),
            "divides by the tiny number",
            "missing edge case",
        ),
        Wrong(
            "at least a tiny number",
            scaled("train.mean(0)", "train.std(0).clamp(min=1e-6)", zeros=False),
            "divides by the tiny number",
            "missing edge case",
        ),
        Wrong(
            "at least 1",
            scaled("train.mean(0)", "train.std(0).clamp(min=1)", zeros=False),
            "deviation below 1 becomes 1",
            "missing edge case",
        ),
        Wrong(
            "over pixels",
            scaled("train.mean(1, keepdim=True)", "train.std(1, keepdim=True)"),
            "over the pixels of an image",
            "wrong axis",
        ),
        Wrong(
            "not shifted",
            scaled("train.mean(0)", "train.std(0)", "images / deviation"),
            "mean is not subtracted",
            "missing term",
        ),
        Wrong(
            "constant pixels left alone",
            scaled(
                "train.mean(0)", "train.std(0)", "torch.where(train.std(0) > 0, (images - mean) / deviation, images)"
            ),
            "left as it is",
            "missing edge case",
        ),
        Wrong(
            "each image its own",
            scaled("images.mean(1, keepdim=True)", "images.std(1, keepdim=True)"),
            "Each image gets",
            "wrong axis",
        ),
        Wrong("one for all pixels", scaled("train.mean()", "train.std()"), "serve all pixels", "one for all"),
        Wrong("variance", scaled("train.mean(0)", "train.var(0)"), "variance. Take its root", "squared"),
        Wrong(
            "only shifted",
            scaled("train.mean(0)", "train.std(0)", "images - mean"),
            "spread is still there",
            "missing term",
        ),
        Wrong(
            "divided by N",
            scaled("train.mean(0)", "train.std(0, correction=0)"),
            "divided by n where n - 1",
            "biased variance",
        ),
        Wrong(
            "in place",
            "def standardise(train, images):\n    images -= train.mean(0)\n    s = train.std(0)\n    s[s == 0] = 1\n"
            "    images /= s\n    return images\n",
            "changes its input images",
            "changes its input",
        ),
    ),
)

ANSWERS = {"04.1": SHARE_RIGHT, "04.2": SMOOTHED, "04.3": DESCEND, "04.4": STANDARDISE}
