"""Answers to the exercises of lesson 05."""

from __future__ import annotations

from answers import Answers, Wrong


def widest(sizes: str, layer: str = "a * b + b", condition: str = "count(w + 1) <= budget", value: str = "w") -> str:
    return f"""
def widest(inputs, outputs, hidden, budget):
    def count(w):
        sizes = {sizes}
        return sum({layer} for a, b in zip(sizes, sizes[1:]))

    w = 0
    while {condition}:
        w += 1
    return {value}
"""


SIZES = "[inputs, *[w] * hidden, outputs]"

WIDEST = Answers(
    right={
        "counted and searched": widest(SIZES),
        "quadratic formula": """
def widest(inputs, outputs, hidden, budget):
    a, b, c = hidden - 1, inputs + outputs + hidden, outputs - budget
    if a == 0:
        return max(-c // b, 0)
    return max(math.floor((-b + math.sqrt(b * b - 4 * a * c)) / (2 * a)), 0) if c < 0 else 0
""",
        "networks on the meta device": """
def widest(inputs, outputs, hidden, budget):
    def count(w):
        sizes = [inputs] + hidden * [w] + [outputs]
        with torch.device("meta"):
            network = nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])))
        return sum(p.numel() for p in network.parameters())

    low, high = 0, 4096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= budget else (low, middle)
    return low
""",
        "all widths": """
def widest(inputs, outputs, hidden, budget):
    def count(w):
        sizes = [inputs, *[w] * hidden, outputs]
        return sum(a * b + b for a, b in zip(sizes, sizes[1:]))

    return max([w for w in range(budget) if count(w) <= budget], default=0)
""",
    },
    wrong=(
        Wrong("no biases", widest(SIZES, "a * b"), "biases are left out", "bias forgotten"),
        Wrong(
            "one matrix too many",
            widest("[inputs, *[w] * (hidden + 1), outputs]"),
            "One matrix too many",
            "off by one",
        ),
        Wrong("one wider", widest(SIZES, value="w + 1"), "does not fit any more", "off by one"),
        Wrong(
            "first that does not fit",
            widest(SIZES, condition="count(w) <= budget"),
            "does not fit any more",
            "off by one",
        ),
        Wrong(
            "less than the budget", widest(SIZES, condition="count(w + 1) < budget"), "exactly as many", "off by one"
        ),
        Wrong("no last layer", widest("[inputs, *[w] * hidden]"), "last layer", "missing term"),
        Wrong("one hidden layer", widest("[inputs, w, outputs]"), "between the hidden layers", "missing term"),
        Wrong("at least 1", widest(SIZES, value="max(w, 1)"), "the answer is 0", "missing edge case"),
        Wrong("a fraction", widest(SIZES, value="w * 1.0"), "sizes are whole numbers", "no whole number"),
        Wrong("inputs' biases", widest(SIZES, "a * b + a"), "b of them, not a", "bias forgotten"),
        Wrong(
            "budget over inputs",
            "def widest(inputs, outputs, hidden, budget):\n    return budget // (inputs + 1)\n",
            "not the expected one",
        ),
    ),
)


def rank(s: str = "x - x.mean(0)", lost: str = "(s[r:] ** 2).sum() / x.size", start: int = 0, value: str = "r") -> str:
    return f"""
def rank_for(x, error):
    s = np.linalg.svd({s}, compute_uv=False)
    r = {start}
    while r < len(s) and {lost} > error:
        r += 1
    return {value}
"""


RANK_FOR = Answers(
    right={
        "rebuilt": """
def rank_for(x, error):
    mean = x.mean(0)
    Vt = np.linalg.svd(x - mean)[2]
    for r in range(len(Vt) + 1):
        if ((mean + (x - mean) @ Vt[:r].T @ Vt[:r] - x) ** 2).mean() <= error:
            return r
""",
        "running sum": """
def rank_for(x, error):
    s = np.linalg.svd(x - x.mean(0), full_matrices=False)[1]
    left = np.append((s**2).sum() - np.concatenate([[0], np.cumsum(s**2)])[:-1], 0) / x.size
    return int(np.argmax(left <= error))
""",
        "eigenvalues in PyTorch": """
def rank_for(x, error):
    t = torch.tensor(x)
    t = t - t.mean(0)
    values = torch.linalg.eigvalsh(t.T @ t).flip(0) / t.numel()
    r = 0
    while values[r:].sum() > error:
        r += 1
    return torch.tensor(r)
""",
    },
    wrong=(
        Wrong("not centred", rank("x"), "mean image is not subtracted", "not centred"),
        Wrong("centred by image", rank("x - x.mean(1, keepdims=True)"), "own mean is subtracted", "wrong axis"),
        Wrong("not squared", rank(lost="s[r:].sum() / x.size"), "singular value squared", "not squared"),
        Wrong("per image", rank(lost="(s[r:] ** 2).sum() / len(x)"), "number of images alone", "wrong divisor"),
        Wrong("variance", rank(lost="(s[r:] ** 2).sum() / (len(x) - 1)"), "these are variances", "wrong divisor"),
        Wrong(
            "variance per pixel",
            """
def rank_for(x, error):
    s = np.linalg.svd(x - x.mean(0), full_matrices=False)[1]
    variance = s**2 / (len(x) - 1)
    r = 0
    while variance[r:].sum() / x.shape[1] > error:
        r += 1
    return r
""",
            "Divided by (N - 1) D",
            "wrong divisor",
        ),
        Wrong(
            "share that is enough",
            """
def rank_for(x, error):
    s = np.linalg.svd(x - x.mean(0), full_matrices=False)[1]
    return int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 1 - error)) + 1
""",
            "for a share of the variance",
            "wrong divisor",
        ),
        Wrong("standardised", rank("(x - x.mean(0)) / x.std(0)"), "pixels are standardised", "wrong scale"),
        Wrong(
            "standardised, divided by N - 1",
            rank("(x - x.mean(0)) / (x.std(0, ddof=1) + (x.std(0) == 0))"),
            "pixels are standardised",
            "wrong scale",
        ),
        Wrong("always as many as images", rank(value="len(x)"), "not the expected one"),
        Wrong("sum", rank(lost="(s[r:] ** 2).sum()"), "sum of squares", "wrong divisor"),
        Wrong(
            "share",
            rank(lost="s.any() and (s[r:] ** 2).sum() / (s**2).sum()"),
            "share of the variance",
            "wrong divisor",
        ),
        Wrong("one more", rank(value="r + 1"), "one component more", "off by one"),
        Wrong("one fewer", rank(value="max(r - 1, 0)"), "one component too few", "off by one"),
        Wrong("at least one", rank(start=1), "mean image alone", "missing edge case"),
        Wrong("next one only", rank(lost="s[r] ** 2 / x.size"), "Only the next component", "missing term"),
        Wrong("not a number", rank(value="s[:r]"), "wrong shape"),
    ),
    equivalent={
        "line 2: np.linalg.svd(x - x.mean(0), full_matrices=False) -> np.linalg.svd(x - x.mean(0))": "s is the same",
        "line 2: False -> True": "s is the same",
        "line 4: (s[r:] ** 2).sum() / x.size > error -> (s[r:] ** 2).sum() / x.size >= error": "another result only if "
        "the error is met exactly, which rounding decides",
    },
)


def back(
    *,
    slope: str = "(zs[i - 1] > 0)",
    first: str = "(zs[-1].softmax(1) - F.one_hot(y, zs[-1].shape[1])) / len(x)",
    norm: str = "d.norm()",
    value: str = "norms[::-1]",
    more: str = "",
    last: str = "0",
) -> str:
    return f"""
def error_norms(x, y, weights):
    hs, zs = [x], []
    for W in weights:
        zs.append(hs[-1] @ W.T)
        hs.append(torch.relu(zs[-1]))
    {more}
    d = {first}
    i = len(weights) - 1
    norms = [{norm}]
    while i > {last}:
        arriving = d @ weights[i]
        d = arriving * {slope}
        i -= 1
        norms.append({norm})
    return {value}
"""


ERROR_NORMS = Answers(
    right={
        "list": back(),
        "autograd": """
def error_norms(x, y, weights):
    zs, h = [], x.clone().requires_grad_()
    for W in weights:
        z = h @ W.T
        z.retain_grad()
        zs.append(z)
        h = F.relu(z)
    F.cross_entropy(zs[-1], y).backward()
    return torch.stack([z.grad.norm() for z in zs])
""",
        "recursion": """
def error_norms(x, y, weights):
    def down(h, layer):
        z = h @ weights[layer].T
        if layer == len(weights) - 1:
            p = z.softmax(1)
            p[torch.arange(len(y)), y] -= 1
            delta = p / len(y)
            return delta, [delta.square().sum().sqrt()]
        above, norms = down(torch.where(z > 0, z, 0.0), layer + 1)
        delta = torch.einsum("no,oi->ni", above, weights[layer + 1])
        delta[z <= 0] = 0
        return delta, [delta.square().sum().sqrt(), *norms]

    return down(x, 0)[1]
""",
    },
    wrong=(
        Wrong("no slope", back(slope="1"), "without being multiplied by its slope", "slope left out"),
        Wrong("sigmoid's slope", back(slope="hs[i] * (1 - hs[i])"), "slope of the sigmoid", "wrong slope"),
        Wrong("slope 1 at 0", back(slope="(zs[i - 1] >= 0)"), "counts as 0", "wrong slope"),
        Wrong("times h", back(slope="hs[i]"), "by h itself", "wrong slope"),
        Wrong("sign of the error", back(slope="(arriving > 0)"), "sign of the error decides", "wrong slope"),
        Wrong(
            "not divided by N",
            back(first="zs[-1].softmax(1) - F.one_hot(y, zs[-1].shape[1])"),
            "divided by N",
            "sum for mean",
        ),
        Wrong("no labels", back(first="zs[-1].softmax(1) / len(x)"), "one-hot labels", "missing term"),
        Wrong(
            "logits bent",
            back(
                first="(hs[-1].softmax(1) - F.one_hot(y, zs[-1].shape[1])) / len(x) * (zs[-1] > 0)",
            ),
            "logits go through ReLU",
            "wrong part",
        ),
        Wrong(
            "probabilities of the last h",
            back(first="(hs[-1].softmax(1) - F.one_hot(y, zs[-1].shape[1])) / len(x)"),
            "logits go through ReLU",
            "wrong part",
        ),
        Wrong("weights' gradients", back(norm="(d.T @ hs[i]).norm()"), "weights' gradients", "wrong part"),
        Wrong("squares", back(norm="(d**2).sum()"), "The root is missing", "squared"),
        Wrong("last layer first", back(value="norms"), "reverse order"),
        Wrong("inputs as well", back(slope="(zs[i - 1] > 0 if i else 1)", last="-1"), "wrong shape"),
        Wrong(
            "matrix of the layer below",
            back().replace("d @ weights[i]", "d @ weights[i - 1]"),
            "RuntimeError",
            "raises",
        ),
        Wrong("errors themselves", back(norm="d"), "whose parts are no numbers of one shape"),
    ),
)


def rebuilt(taken: str = "m", added: str = "m", fitted: str = "train - m", basis: str = "Vt[:r]") -> str:
    return f"""
def rebuild(train, images, r):
    m = train.mean(0)
    _, _, Vt = np.linalg.svd({fitted}, full_matrices=False)
    V = {basis}
    return {added} + (images - {taken}) @ V.T @ V
"""


BOTH = "np.concatenate([train, images])"

REBUILD = Answers(
    right={
        "component by component": """
def rebuild(train, images, r):
    mean = np.mean(train, axis=0)
    Vt = np.linalg.svd(train - mean)[2]
    return np.stack([mean + sum(((x - mean) @ v) * v for v in Vt[:r]) for x in images])
""",
        "columns of V": """
def rebuild(train, images, r):
    centre = train.mean(0, keepdims=True)
    U, s, Vt = np.linalg.svd((train - centre).T, full_matrices=False)
    return centre + ((images - centre) @ U[:, :r]) @ U[:, :r].T
""",
        "PyTorch": """
def rebuild(train, images, r):
    train, images = torch.tensor(train), torch.tensor(images)
    mean = train.mean(0)
    V = torch.linalg.svd(train - mean, full_matrices=False).Vh[:r]
    return mean + (images - mean) @ V.T @ V
""",
    },
    wrong=(
        Wrong(
            "unrepaired, otherwise",
            rebuilt("images.mean(0)", "images.mean(0)"),
            "comes back untouched",
            "fitted on test data",
        ),
        Wrong("half repaired", rebuilt(added="images.mean(0)"), "that is added is still", "fitted on test data"),
        Wrong("other half", rebuilt("images.mean(0)"), "that is subtracted is still", "fitted on test data"),
        Wrong(
            "fitted on the images",
            rebuilt("images.mean(0)", "images.mean(0)", "images - images.mean(0)"),
            "are those of the images themselves",
            "fitted on test data",
        ),
        Wrong(
            "fitted on both",
            rebuilt(fitted="train")
            .replace("m = train.mean(0)", f"train = {BOTH}\n    m = train.mean(0)")
            .replace("svd(train", "svd(train - m"),
            "took part",
            "fitted on test data",
        ),
        Wrong("mean not added", rebuilt(added="0"), "not added", "missing term"),
        Wrong("mean not subtracted", rebuilt("0"), "not subtracted first", "missing term"),
        Wrong("no mean", rebuilt("0", "0"), "left out altogether", "missing term"),
        Wrong("components not centred", rebuilt(fitted="train"), "not centred", "not centred"),
        Wrong("columns", rebuilt(basis="Vt[:, :r].T"), "differ from what was expected"),
        Wrong("one component more", rebuilt(basis="Vt[:r + 1]"), "differ from what was expected"),
    ),
    equivalent={
        "line 3: np.linalg.svd(train - mean, full_matrices=False) -> np.linalg.svd(train - mean)": "more rows of "
        "Vt, all of them at right angles to the centred training images",
        "line 3: False -> True": "as above",
    },
)

ANSWERS = {"05.1": WIDEST, "05.2": RANK_FOR, "05.3": ERROR_NORMS, "05.4": REBUILD}
