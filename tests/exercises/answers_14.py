"""Answers to the exercises of lesson 14."""

from __future__ import annotations

from answers import Answers, Wrong


def cost(formula: str) -> str:
    return f"""
def grouped_cost(c_in, c_out, k, height, width, stride=1, groups=1):
    rows, columns = -(-height // stride), -(-width // stride)
    return {formula}
"""


GROUPED_COST = Answers(
    right={
        "group by group": """
def grouped_cost(c_in, c_out, k, height, width, stride=1, groups=1):
    rows = (height + 2 * (k // 2) - k) // stride + 1
    columns = (width + 2 * (k // 2) - k) // stride + 1
    return sum(rows * columns * (c_in // groups) * (c_out // groups) * k**2 for _ in range(groups))
""",
        "by parameters": """
def grouped_cost(c_in, c_out, k, height, width, stride=1, groups=1):
    layer = nn.Conv2d(c_in, c_out, k, stride, padding=k // 2, groups=groups, bias=False)
    return layer.weight.numel() * layer(torch.zeros(1, c_in, height, width))[0, 0].numel()
""",
        "ceil": cost("rows * columns * c_out * c_in * k * k // groups"),
    },
    wrong=(
        Wrong("dense", cost("rows * columns * c_out * c_in * k * k"), "groups are left out", "forgot groups"),
        Wrong(
            "groups twice",
            cost("rows * columns * (c_out // groups) * (c_in // groups) * k * k"),
            "counted twice",
            "forgot groups",
        ),
        Wrong("depthwise", cost("rows * columns * c_in // groups * k * k"), "output channels are left", "missing term"),
        Wrong(
            "no stride", cost("height * width * c_out * c_in // groups * k * k"), "every s-th place", "forgot stride"
        ),
        Wrong(
            "stride once",
            cost("height * width // stride * c_out * (c_in // groups) * k * k"),
            "stride is counted once",
            "forgot stride",
        ),
        Wrong(
            "rounded down",
            cost("(height // stride) * (width // stride) * c_out * (c_in // groups) * k * k"),
            "9 pixels with stride 2 give 5",
            "off by one",
        ),
        Wrong(
            "no padding",
            cost("((height - k) // stride + 1) * ((width - k) // stride + 1) * c_out * (c_in // groups) * k * k"),
            "padding is left out",
            "forgot padding",
        ),
        Wrong("k once", cost("rows * columns * c_out * (c_in // groups) * k"), "not k", "missing term"),
        Wrong("square", cost("rows * rows * c_out * (c_in // groups) * k * k"), "need not be square", "wrong axis"),
        Wrong("parameters", cost("c_out * (c_in // groups) * k * k"), "parameters", "parameters counted"),
        Wrong(
            "operations", cost("2 * rows * columns * c_out * (c_in // groups) * k * k"), "counts once", "counted twice"
        ),
        Wrong(
            "fractions",
            cost("rows * columns * c_out * c_in * k * k / groups"),
            "whole numbers",
            "no whole number",
        ),
    ),
)


def excite(
    mean: str = "x.mean((2, 3))",
    weights: str = "torch.sigmoid(F.silu(mean @ W1.T + b1) @ W2.T + b2)",
    result: str = "x * weights[:, :, None, None]",
) -> str:
    return f"""
def squeeze_and_excite(x, W1, b1, W2, b2):
    mean = {mean}
    weights = {weights}
    return {result}
"""


SQUEEZE_AND_EXCITE = Answers(
    right={
        "one image at a time": """
def squeeze_and_excite(x, W1, b1, W2, b2):
    done = []
    for image in x:
        weights = torch.sigmoid(W2 @ F.silu(W1 @ image.mean((1, 2)) + b1) + b2)
        done.append(image * weights[:, None, None])
    return torch.stack(done)
""",
        "1 x 1 convolutions": """
def squeeze_and_excite(x, W1, b1, W2, b2):
    hidden = F.silu(F.conv2d(F.adaptive_avg_pool2d(x, 1), W1[:, :, None, None], b1))
    return x * F.conv2d(hidden, W2[:, :, None, None], b2).sigmoid()
""",
        "einsum": """
def squeeze_and_excite(x, W1, b1, W2, b2):
    z = torch.einsum("sc,nchw->ns", W1, x) / x[0, 0].numel() + b1
    return torch.einsum("nchw,nc->nchw", x, torch.sigmoid(F.linear(z * z.sigmoid(), W2, b2)))
""",
    },
    wrong=(
        Wrong(
            "mean over the batch kept",
            excite("x.mean((0, 2, 3), keepdim=True).flatten(1)"),
            "depends on the other images",
            "mixed over the batch",
        ),
        Wrong("first image", excite("x[:1].mean((2, 3))"), "weights of the first one", "mixed over the batch"),
        Wrong(
            "matrix first", excite(weights="torch.sigmoid(W2 @ F.silu(W1 @ mean + b1) + b2)"), "RuntimeError", "raises"
        ),
        Wrong(
            "along the width",
            excite(result="torch.stack([x[n] * weights[n] for n in range(len(x))])"),
            "laid along the width",
            "wrong axis",
        ),
        Wrong("weights alone", excite(result="weights"), "still have to be applied", "not applied"),
        Wrong("sum", excite("x.sum((2, 3))"), "sum where the mean", "sum for mean"),
        Wrong(
            "softmax",
            excite(weights="(F.silu(mean @ W1.T + b1) @ W2.T + b2).softmax(1)"),
            "compete",
            "wrong activation",
        ),
        Wrong(
            "no sigmoid",
            excite(weights="F.silu(mean @ W1.T + b1) @ W2.T + b2"),
            "sigmoid is missing",
            "wrong activation",
        ),
        Wrong(
            "ReLU",
            excite(weights="torch.sigmoid(F.relu(mean @ W1.T + b1) @ W2.T + b2)"),
            "swish (silu) was asked for",
            "wrong activation",
        ),
        Wrong("weights detached", excite(result="x * weights.detach()[:, :, None, None]"), "gradient with respect"),
        Wrong("two axes too few", excite(result="x * weights[:, None, None]"), "laid along the width", "wrong axis"),
    ),
    equivalent={"line 2: (2, 3) -> (3, 2)": "a mean over both axes, in either order"},
)


def drop(kept: str, result: str = "branch * kept / (1 - self.p)", mode: str = "not self.training") -> str:
    return f"""
class StochasticDepth(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, branch):
        if {mode}:
            return branch
        kept = {kept}
        return {result}
"""


PER_IMAGE = "torch.rand(len(branch), 1, 1, 1) >= self.p"

STOCHASTIC_DEPTH = Answers(
    right={
        "where": drop(
            "torch.empty(branch.shape[0]).bernoulli_(1 - self.p).view(-1, 1, 1, 1)",
            "torch.where(kept > 0, branch / (1 - self.p), 0)",
        ),
        "in place": drop("torch.rand(len(branch)) >= self.p\n        branch[~kept] = 0", "branch / (1 - self.p)"),
        "dropout of ones": """
class StochasticDepth(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)

    def forward(self, branch):
        return branch * self.drop(torch.ones_like(branch[:, :1, :1, :1]))
""",
        "NumPy, one image at a time": """
class StochasticDepth(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.keep = 1 - p

    def forward(self, branch):
        if self.training:
            factors = [float(np.random.random() < self.keep) / self.keep for _ in branch]
            branch = torch.stack([factor * image for factor, image in zip(factors, branch)])
        return branch
""",
    },
    wrong=(
        Wrong(
            "dropout", drop("torch.rand_like(branch) >= self.p"), "Single numbers are dropped", "single units dropped"
        ),
        Wrong(
            "channels",
            drop("torch.rand(*branch.shape[:2], 1, 1) >= self.p"),
            "Single channels are dropped",
            "single units dropped",
        ),
        Wrong("whole batch", drop("torch.rand(1) >= self.p"), "Draw for each image", "whole batch at once"),
        Wrong("not scaled", drop(PER_IMAGE, "branch * kept"), "not scaled up", "forgot the scale"),
        Wrong("scaled down", drop(PER_IMAGE, "branch * kept * (1 - self.p)"), "scaled down", "forgot the scale"),
        Wrong("divided by p", drop(PER_IMAGE, "branch * kept / self.p"), "divided by p", "forgot the scale"),
        Wrong("kept with p", drop(PER_IMAGE.replace(">=", "<")), "being dropped", "kept for dropped"),
        Wrong("in eval, too", drop(PER_IMAGE, mode="False"), "as it went in", "eval mode missing"),
        Wrong(
            "scaled in eval",
            drop(PER_IMAGE, "branch * kept")
            .replace("return branch\n", "return branch * (1 - self.p)\n")
            .replace("return branch * kept", "return branch * kept / (1 - self.p)"),
            "nothing scaled",
            "eval mode missing",
        ),
        Wrong("in eval only", drop(PER_IMAGE, mode="self.training"), "nothing is dropped", "missing term"),
        Wrong(
            "drawn when built",
            """
class StochasticDepth(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
        self.kept = torch.rand(1000, 1, 1, 1) >= p

    def forward(self, branch):
        return branch * self.kept[: len(branch)] / (1 - self.p) if self.training else branch
""",
            "The same images",
            "drawn only once",
        ),
        Wrong("no return", drop(PER_IMAGE).replace("return branch *", "branch = branch *"), "None", "returns None"),
        Wrong("detached", drop(PER_IMAGE, "branch.detach() * kept / (1 - self.p)"), "no gradient", "gradient lost"),
        Wrong("the draws", drop(PER_IMAGE, "kept / (1 - self.p)"), "of its input's shape"),
        Wrong(
            "a fixed number",
            drop(
                "torch.ones(len(branch), 1, 1, 1)\n"
                "        kept[torch.randperm(len(branch))[: int(self.p * len(branch))]] = 0"
            ),
            "same number of images",
            "wrong share",
        ),
        Wrong("a square", drop("torch.rand(len(branch), 1, 1, 1) >= self.p**2"), "is not p", "wrong share"),
    ),
    equivalent={
        "line 9: torch.rand(len(branch), 1, 1, 1) >= self.p -> torch.rand(len(branch), 1, 1, 1) > self.p": "a draw is "
        "hardly ever exactly p"
    },
)


def factors(phi: str, result: str = "alpha**phi, beta**phi, gamma**phi") -> str:
    return f"""
def factors_for(budget, alpha=1.2, beta=1.1, gamma=1.15):
    step = alpha * beta**2 * gamma**2
    phi = {phi}
    return {result}
"""


FACTORS_FOR = Answers(
    right={
        "another base": factors("np.log2(budget) / np.log2(step)"),
        "bisection": """
def factors_for(budget, alpha=1.2, beta=1.1, gamma=1.15):
    low, high = -50.0, 50.0
    for _ in range(100):
        phi = (low + high) / 2
        if (alpha * beta * beta * gamma * gamma) ** phi < budget:
            low = phi
        else:
            high = phi
    return [base**phi for base in (alpha, beta, gamma)]
""",
        "by exp": """
def factors_for(budget, alpha=1.2, beta=1.1, gamma=1.15):
    logs = np.log([alpha, beta, gamma])
    return np.exp(logs * np.log(budget) / (logs * [1, 2, 2]).sum())
""",
    },
    wrong=(
        Wrong("base 2", factors("np.log2(budget)"), "rounded constant", "rounded constant"),
        Wrong(
            "no squares", factors("np.log(budget) / np.log(alpha * beta * gamma)"), "count twice", "forgot the square"
        ),
        Wrong(
            "width once",
            factors("np.log(budget) / np.log(alpha * beta * gamma**2)"),
            "width counts",
            "forgot the square",
        ),
        Wrong(
            "resolution once",
            factors("np.log(budget) / np.log(alpha * beta**2 * gamma)"),
            "resolution counts",
            "forgot the square",
        ),
        Wrong(
            "all squared",
            factors("np.log(budget) / np.log((alpha * beta * gamma) ** 2)"),
            "depth is squared",
            "forgot the square",
        ),
        Wrong("phi is the budget", factors("budget"), "used as the exponent", "budget for exponent"),
        Wrong("divided", factors("budget / step"), "do not divide", "budget for exponent"),
        Wrong(
            "products",
            factors("np.log(budget) / np.log(step)", "phi * alpha, phi * beta, phi * gamma"),
            "not alpha * phi",
            "budget for exponent",
        ),
        Wrong("upside down", factors("np.log(step) / np.log(budget + 1e-300)"), "swapped", "inverted"),
        Wrong(
            "order",
            factors("np.log(budget) / np.log(step)", "alpha**phi, gamma**phi, beta**phi"),
            "Width and resolution are swapped",
            "wrong axis",
        ),
        Wrong(
            "squared factors",
            factors("np.log(budget) / np.log(step)", "alpha**phi, beta ** (2 * phi), gamma ** (2 * phi)"),
            "not squared",
            "squared",
        ),
        Wrong("phi", factors("np.log(budget) / np.log(step)", "phi"), "Return three factors", "not transformed"),
        Wrong("rounded", factors("round(np.log(budget) / np.log(step))"), "phi is rounded", "rounded constant"),
    ),
)

ANSWERS = {
    "14.1": GROUPED_COST,
    "14.2": SQUEEZE_AND_EXCITE,
    "14.3": STOCHASTIC_DEPTH,
    "14.4": FACTORS_FOR,
}
