"""Answers to the exercises of lesson 06."""

from __future__ import annotations

from answers import Answers, Wrong

INTERLEAVED = """
def group_norm(x, groups, eps=1e-5):
    parts = x.reshape(len(x), x.shape[1] // groups, groups, -1)
    mean, variance = parts.mean((1, 3), keepdim=True), parts.var((1, 3), correction=0, keepdim=True)
    return ((parts - mean) / (variance + eps).sqrt()).reshape(x.shape)
"""


def dropout(
    mask: str = "torch.empty(*x.shape[:2], 1, 1).bernoulli_(1 - self.p)",
    value: str = "x * mask / (1 - self.p)",
    evaluated: str = "x",
    condition: str = "not self.training",
    start: str = "",
) -> str:
    return f"""
class ChannelDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p
        {start}

    def forward(self, x):
        if {condition}:
            return {evaluated}
        mask = {mask}
        return {value}
"""


CHANNEL_DROPOUT = Answers(
    right={
        "uniform numbers": dropout("torch.rand(len(x), x.shape[1], 1, 1) >= self.p"),
        "PyTorch's layer": """
class ChannelDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.inner = nn.Dropout2d(p)

    def forward(self, x):
        return self.inner(x)
""",
        "PyTorch's dropout on ones": """
class ChannelDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * nn.functional.dropout(torch.ones_like(x[:, :, :1, :1]), self.p, self.training)
""",
        "loop": """
class ChannelDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        out = torch.zeros_like(x)
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                if torch.rand(()) >= self.p:
                    out[n, c] = x[n, c] / (1 - self.p)
        return out
""",
    },
    wrong=(
        Wrong(
            "numbers", dropout("torch.empty_like(x).bernoulli_(1 - self.p)"), "Single numbers", "mask of single numbers"
        ),
        Wrong(
            "same channels of all images",
            dropout("torch.empty(1, x.shape[1], 1, 1).bernoulli_(1 - self.p)"),
            "All images lose the same",
            "one mask for all",
        ),
        Wrong(
            "whole images",
            dropout("torch.empty(len(x), 1, 1, 1).bernoulli_(1 - self.p)"),
            "All channels of an image",
            "one mask for all",
        ),
        Wrong(
            "same mask in every call",
            dropout(start="self.seed = 5").replace(
                "        mask =", "        torch.manual_seed(self.seed)\n        mask ="
            ),
            "every time",
            "one mask for all",
        ),
        Wrong(
            "as many of each image",
            dropout("torch.ones(*x.shape[:2], 1, 1)").replace(
                "        return x * mask",
                "        for n in range(len(x)):\n"
                "            mask[n, torch.randperm(x.shape[1])[:round(self.p * x.shape[1])]] = 0\n"
                "        return x * mask",
            ),
            "so that their number varies",
            "without replacement",
        ),
        Wrong("not scaled", dropout(value="x * mask"), "multiplied by 1.", "forgot the scale"),
        Wrong("scaled down", dropout(value="x * mask * (1 - self.p)"), "multiplied by 0.65", "forgot the scale"),
        Wrong("divided by p", dropout(value="x * mask / max(self.p, 1e-9)"), "multiplied by 2.857", "forgot the scale"),
        Wrong("p kept", dropout("torch.empty(*x.shape[:2], 1, 1).bernoulli_(self.p)"), "of being kept", "wrong part"),
        Wrong("always", dropout(condition="False"), "still dropped", "always training"),
        Wrong("the wrong way round", dropout(condition="self.training"), "still dropped", "always training"),
        Wrong(
            "paper's scaling",
            dropout(value="x * mask", evaluated="x * (1 - self.p)"),
            "In eval mode the input is scaled",
            "forgot the scale",
        ),
        Wrong("never", dropout(condition="True"), "nothing is dropped", "missing term"),
        Wrong("axes merged", dropout("torch.empty(*x.shape[:2]).bernoulli_(1 - self.p)"), "RuntimeError", "raises"),
        Wrong("nothing returned", dropout(value="None"), "forward returns None", "returns None"),
        Wrong("no gradient", dropout(value="(x * mask / (1 - self.p)).detach()"), "gradient", "gradient lost"),
        Wrong("always double", dropout(value="x.double() * mask / (1 - self.p)"), "torch.float32 was", "wrong dtype"),
    ),
)


def batch_norm(
    *,
    axes: str = "(0, 2, 3)",
    variance: str = "x.var(AXES, correction=0, keepdim=True)",
    m: str = "x.numel() // x.shape[1]",
    moved: str = "variance * m / (m - 1)",
    share: str = "self.momentum",
    root: str = "(variance + self.eps).sqrt()",
    condition: str = "self.training",
    between: str = "",
    buffers: str = 'self.register_buffer("running_mean", torch.zeros(channels)); '
    'self.register_buffer("running_var", torch.ones(channels))',
    value: str = "(x - mean) / root * self.weight[:, None, None] + self.bias[:, None, None]",
) -> str:
    variance = variance.replace("AXES", axes)
    return f"""
class ImageBatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.bias = nn.Parameter(torch.zeros(channels))
        self.weight = nn.Parameter(torch.ones(channels))
        {buffers}

    def forward(self, x):
        if {condition}:
            mean = x.mean({axes}, keepdim=True)
            variance = {variance}
            m = {m}
            with torch.no_grad():
                if mean.numel() == x.shape[1]:
                    a = {share}
                    self.running_mean.copy_((1 - a) * self.running_mean + a * mean.flatten())
                    self.running_var.copy_((1 - a) * self.running_var + a * ({moved}).flatten())
        else:
            mean = self.running_mean[:, None, None]
            variance = self.running_var[:, None, None]
        {between}
        root = {root}
        return {value}
"""


LIKE_SECTION_3 = """
class ImageBatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        mean, variance = self.statistics(x) if self.training else (self.running_mean, self.running_var)
        x = (x - mean.view(-1, 1, 1)) / (variance.view(-1, 1, 1) + self.eps).sqrt()
        return x * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def statistics(self, x):
        m = len(x)
        if m == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {x.shape}")
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * m / (m - 1), self.momentum)
            self.num_batches_tracked += 1
        return mean, variance
"""
REMEMBERING = """
class ImageBatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            a, m = self.momentum, x.numel() // x.shape[1]
            self.running_mean = (1 - a) * self.running_mean + a * mean
            self.running_var = (1 - a) * self.running_var + a * variance * m / (m - 1)
        mean, root, weight, bias = (
            vector.view(-1, 1, 1) for vector in (mean, (variance + self.eps).sqrt(), self.weight, self.bias)
        )
        return (x - mean) / root * weight + bias
"""


IMAGE_BATCH_NORM = Answers(
    right={
        "written out": batch_norm(),
        "as in section 3": LIKE_SECTION_3.replace("m = len(x)", "m = x.numel() // x.shape[1]"),
        "unbiased first": batch_norm(variance="x.var(AXES, keepdim=True) * (1 - 1 / (x.numel() // x.shape[1]))"),
        "PyTorch's layer": "class ImageBatchNorm(nn.BatchNorm2d):\n    pass\n",
        "channels in rows": """
class ImageBatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps = eps
        self.momentum = momentum

    def forward(self, x):
        rows = x.transpose(0, 1).flatten(1)
        if self.training:
            mean = rows.mean(1)
            variance = ((rows - mean[:, None]) ** 2).mean(1)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * rows.detach().var(1)
        else:
            mean, variance = self.running_mean, self.running_var
        rows = (rows - mean[:, None]) / (variance[:, None] + self.eps) ** 0.5
        rows = rows * self.weight[:, None] + self.bias[:, None]
        return rows.view(x.shape[1], len(x), *x.shape[2:]).transpose(0, 1)
""",
    },
    wrong=(
        Wrong("over images only", batch_norm(axes="0"), "Each position has", "wrong axis"),
        Wrong("each image its own", batch_norm(axes="(2, 3)"), "Each image has", "wrong axis"),
        Wrong("layer norm", batch_norm(axes="(1, 2, 3)"), "this is layer norm", "wrong axis"),
        Wrong("one for all channels", batch_norm(axes="(0, 1, 2, 3)"), "all channels", "one for all"),
        Wrong(
            "unbiased in training",
            batch_norm(variance="x.var(AXES, keepdim=True)", moved="variance"),
            "the one with n",
            "unbiased variance",
        ),
        Wrong("biased running variance", batch_norm(moved="variance"), "factor m / (m - 1)", "biased variance"),
        Wrong("m counts images", batch_norm(m="len(x)"), "counts images only", "wrong divisor"),
        Wrong(
            "epsilon outside",
            batch_norm(root="variance.sqrt() + self.eps"),
            "under the root",
            "epsilon outside the root",
        ),
        Wrong("no epsilon", batch_norm(root="variance.sqrt()"), "eps has no effect", "missing term"),
        Wrong(
            "running deviation",
            batch_norm(moved="(variance * m / (m - 1)).sqrt()"),
            "running deviation is kept",
            "not squared",
        ),
        Wrong("no root", batch_norm(root="variance + self.eps"), "Take its root", "squared"),
        Wrong(
            "shares exchanged", batch_norm(share="1 - self.momentum"), "get the weight `momentum`", "shares exchanged"
        ),
        Wrong(
            "shares exchanged, biased",
            batch_norm(share="1 - self.momentum", moved="variance"),
            "get the weight `momentum`",
            "shares exchanged",
        ),
        Wrong(
            "shares exchanged, m counts images",
            batch_norm(share="1 - self.momentum", m="len(x)"),
            "get the weight `momentum`",
            "shares exchanged",
        ),
        Wrong("one image refused", LIKE_SECTION_3, "One image is enough here", "wrong divisor"),
        Wrong(
            "one image divided by 0",
            batch_norm(m="len(x)", moved="variance * (m / (m - 1))"),
            "One image is enough here",
            "wrong divisor",
        ),
        Wrong("no no_grad", REMEMBERING, "under torch.no_grad()", "no_grad missing"),
        Wrong(
            "no no_grad, in place",
            REMEMBERING.replace("self.running_mean = (", "self.running_mean[:] = (").replace(
                "self.running_var = (", "self.running_var[:] = ("
            ),
            "under torch.no_grad()",
            "no_grad missing",
        ),
        Wrong(
            "plain attributes, in place",
            LIKE_SECTION_3.replace(
                'self.register_buffer("running_mean", torch.zeros(channels))',
                "self.running_mean = torch.zeros(channels)",
            ).replace(
                'self.register_buffer("running_var", torch.ones(channels))', "self.running_var = torch.ones(channels)"
            ),
            "register them as buffers",
            "no buffer",
        ),
        Wrong("last batch", batch_norm(share="1"), "Only the last batch", "missing term"),
        Wrong("never updated", batch_norm(share="0"), "stay where they began", "missing term"),
        Wrong("no eval mode", batch_norm(condition="True"), "Use the running ones", "always training"),
        Wrong(
            "plain attributes",
            batch_norm(buffers="self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)"),
            "register them as buffers",
            "no buffer",
        ),
        Wrong(
            "statistics as parameters",
            batch_norm(
                buffers="self.running_mean = nn.Parameter(torch.zeros(channels)); "
                "self.running_var = nn.Parameter(torch.ones(channels))"
            ),
            "16 numbers are trained",
        ),
        Wrong(
            "statistics detached",
            batch_norm(between="mean, variance = mean.detach(), variance.detach()"),
            "count as constants",
            "gradient lost",
        ),
        Wrong(
            "bias of ones",
            batch_norm().replace("Parameter(torch.zeros", "Parameter(torch.ones"),
            "bias is 0",
            "wrong start value",
        ),
        Wrong(
            "weight of zeros",
            batch_norm().replace("Parameter(torch.ones", "Parameter(torch.zeros"),
            "weight is 1",
            "wrong start value",
        ),
        Wrong("weight forgotten", batch_norm(value="(x - mean) / root"), "weight and bias", "missing term"),
        Wrong("no weight at all", batch_norm().replace("self.weight = ", "weight = "), "AttributeError", "raises"),
        Wrong(
            "weight along the width",
            batch_norm(value="(x - mean) / root * self.weight + self.bias"),
            "RuntimeError",
            "raises",
        ),
    ),
    equivalent={
        "line 13: x.numel() // x.shape[1] -> x.numel() / x.shape[1]": "the division leaves no rest",
    },
)


def group(
    shape: str = "(len(x), groups, -1)",
    axes: str = "2",
    correction: int = 0,
    root: str = "(variance + eps).sqrt()",
    value: str = "((parts - mean) / root).reshape(x.shape)",
) -> str:
    return f"""
def group_norm(x, groups, eps=1e-5):
    parts = x.reshape{shape}
    mean = parts.mean({axes}, keepdim=True)
    variance = parts.var({axes}, correction={correction}, keepdim=True)
    root = {root}
    return {value}
"""


BY_CHANNEL = "(len(x), groups, x.shape[1] // groups, -1)"

GROUP_NORM = Answers(
    right={
        "PyTorch's": "def group_norm(x, groups, eps=1e-5):\n    return nn.functional.group_norm(x, groups, eps=eps)\n",
        "channels and positions": group(BY_CHANNEL, "(2, 3)"),
        "loop over groups": """
def group_norm(x, groups, eps=1e-5):
    normalised = []
    for part in x.chunk(groups, 1):
        axes = tuple(range(1, x.ndim))
        centred = part - part.mean(axes, keepdim=True)
        normalised.append(centred / (centred.square().mean(axes, keepdim=True) + eps) ** 0.5)
    return torch.cat(normalised, 1)
""",
    },
    wrong=(
        Wrong("layer norm", group("(len(x), -1)", "1"), "this is layer norm", "wrong axis"),
        Wrong("over the batch, too", group(axes="(0, 2)"), "images of the batch share", "wrong axis"),
        Wrong("batch norm", group(axes="0"), "this is batch norm", "wrong axis"),
        Wrong("each channel", group(BY_CHANNEL, "3"), "Each channel has", "wrong axis"),
        Wrong("each position", group(BY_CHANNEL, "2"), "Each position has", "wrong axis"),
        Wrong(
            "channels in a group",
            group("(len(x), x.shape[1] // groups, -1)"),
            "`groups` is how many groups there are",
            "wrong divisor",
        ),
        Wrong("interleaved", INTERLEAVED, "hold the wrong channels", "wrong place"),
        Wrong("divided by n - 1", group(correction=1), "divided by n - 1 where n", "unbiased variance"),
        Wrong("epsilon outside", group(root="variance.sqrt() + eps"), "under the root", "epsilon outside the root"),
        Wrong("no root", group(root="variance + eps"), "Take its root", "squared"),
        Wrong("own epsilon", group(root="(variance + 1e-5).sqrt()"), "eps has no effect", "missing term"),
        Wrong("mean only", group(root="1"), "spread is left", "missing term"),
        Wrong("left in groups", group(value="(parts - mean) / root"), "wrong shape"),
        Wrong(
            "statistics detached",
            group(value="((parts - mean.detach()) / root.detach()).reshape(x.shape)"),
            "count as constants",
            "gradient lost",
        ),
        Wrong("groups first", group("(groups, -1, len(x))"), "differ from", ""),
        Wrong("view", group().replace("x.reshape", "x.view"), "RuntimeError", "raises"),
    ),
    equivalent={
        "line 2: x.reshape(len(x), groups, -1) -> x.reshape(groups, len(x), -1)": "the same stretches of "
        "numbers, in the same order",
    },
)


def judge(before: str = "training = model.training; model.eval()", after: str = "model.train(training)") -> str:
    return f"""
def judge(model, x, y):
    {before}
    with torch.no_grad():
        value = (model(x).argmax(1) == y).double().mean().item()
    {after}
    return value
"""


JUDGE = Answers(
    right={
        "if": judge(after="if training:\n        model.train()"),
        "try": """
def judge(model, x, y):
    was = model.training
    try:
        with torch.no_grad():
            return (model.eval()(x).argmax(1) == y).sum().item() / len(y)
    finally:
        model.train(was)
""",
        "flags one by one": judge(
            "modes = [(m, m.training) for m in model.modules()]; model.eval()",
            "for m, mode in modes:\n        m.training = mode",
        ),
        "copy": """
def judge(model, x, y):
    import copy

    with torch.inference_mode():
        return (copy.deepcopy(model).eval()(x).argmax(1) == y).double().mean()
""",
    },
    wrong=(
        Wrong("unrepaired, otherwise", judge("", ""), "only leaves out gradients", "eval mode missing"),
        Wrong("left in eval", judge(after=""), "left in eval mode", "mode not restored"),
        Wrong(
            "children left in eval",
            judge(after="model.training = training"),
            "Some modules are left in another mode",
            "mode not restored",
        ),
        Wrong("always training", judge(after="model.train()"), "always left in training", "mode not restored"),
        Wrong(
            "only the outermost flag",
            judge("training = model.training; model.training = False", "model.training = training"),
            "the outermost module alone",
            "eval mode missing",
        ),
        Wrong(
            "outermost flag, then train",
            judge("training = model.training; model.training = False"),
            "the outermost module alone",
            "eval mode missing",
        ),
        Wrong(
            "inference mode alone",
            judge("", "").replace("no_grad", "inference_mode"),
            "only leaves out gradients",
            "eval mode missing",
        ),
        Wrong(
            "gradients remembered",
            judge().replace("with torch.no_grad():", "if True:"),
            "does not replace",
            "no_grad missing",
        ),
        Wrong("share of errors", judge().replace("==", "!="), "wrong answers", "wrong part"),
        Wrong("best image", judge().replace("argmax(1)", "argmax(0)"), "RuntimeError", "raises"),
        Wrong("nothing returned", judge().replace("return value", "value"), "returns None", "returns None"),
    ),
)

ANSWERS = {"06.1": CHANNEL_DROPOUT, "06.2": IMAGE_BATCH_NORM, "06.3": GROUP_NORM, "06.4": JUDGE}
