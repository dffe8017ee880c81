"""Answers to the exercises of lesson 11."""

from __future__ import annotations

from answers import Answers, Wrong

SHRINK_PARTS = {
    "first": "nn.Conv2d(before, reduce, 1), nn.BatchNorm2d(reduce), nn.ReLU()",
    "second": "nn.Conv2d(reduce, three, 3, stride=2, padding=1), nn.BatchNorm2d(three), nn.ReLU()",
    "pool": "nn.MaxPool2d(3, stride=2, padding=1)",
    "join": "torch.cat([self.a(x), self.b(x)], dim=1)",
}


def shrink(**parts: str) -> str:
    p = SHRINK_PARTS | parts
    return f"""
class Shrink(nn.Module):
    def __init__(self, before, reduce, three):
        super().__init__()
        self.a = nn.Sequential({p["first"]}, {p["second"]})
        self.b = {p["pool"]}

    def forward(self, x):
        return {p["join"]}
"""


SHRINK = Answers(
    right={
        "with biases": shrink(),
        "a helper, and functional pooling": """
class Shrink(nn.Module):
    def __init__(self, before, reduce, three):
        super().__init__()

        def conv(before, after, k, stride=1):
            options = {"stride": stride, "padding": k // 2, "bias": False}
            return nn.Sequential(nn.Conv2d(before, after, k, **options), nn.BatchNorm2d(after), nn.ReLU())

        self.reduce, self.look = conv(before, reduce, 1), conv(reduce, three, 3, 2)

    def forward(self, x):
        return torch.cat((self.look(self.reduce(x)), F.max_pool2d(x, 3, 2, 1)), 1)
""",
        "a list that registers": """
class Shrink(nn.Module):
    def __init__(self, before, reduce, three):
        super().__init__()
        convolved = [nn.Conv2d(before, reduce, 1), nn.BatchNorm2d(reduce), nn.ReLU(inplace=True)]
        convolved += [nn.Conv2d(reduce, three, 3, 2, 1), nn.BatchNorm2d(three), nn.ReLU(inplace=True)]
        self.branches = nn.ModuleList([nn.Sequential(*convolved), nn.MaxPool2d(3, 2, 1)])

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=-3)
""",
    },
    wrong=(
        Wrong(
            "norm behind ReLU",
            shrink(
                first="nn.Conv2d(before, reduce, 1), nn.ReLU(), nn.BatchNorm2d(reduce)",
                second="nn.Conv2d(reduce, three, 3, stride=2, padding=1), nn.ReLU(), nn.BatchNorm2d(three)",
            ),
            "between a convolution",
            "wrong order",
        ),
        Wrong("other order", shrink(join="torch.cat([self.b(x), self.a(x)], dim=1)"), "then the pool", "wrong order"),
        Wrong("sum", shrink(join="self.a(x) + self.b(x)"), "branches are added", "sum for concatenation"),
        Wrong("along the batch", shrink(join="torch.cat([self.a(x), self.b(x)])"), "the batch", "wrong axis"),
        Wrong("along the rows", shrink(join="torch.cat([self.a(x), self.b(x)], 2)"), "the height", "wrong axis"),
        Wrong("one after the other", shrink(join="self.b(self.a(x))"), "wrong shape"),
        Wrong(
            "no batch norm",
            shrink(
                first="nn.Conv2d(before, reduce, 1), nn.ReLU()",
                second="nn.Conv2d(reduce, three, 3, 2, 1), nn.ReLU()",
            ),
            "no batch norm",
            "layer left out",
        ),
        Wrong(
            "no ReLU",
            shrink(
                first="nn.Conv2d(before, reduce, 1), nn.BatchNorm2d(reduce)",
                second="nn.Conv2d(reduce, three, 3, 2, 1), nn.BatchNorm2d(three)",
            ),
            "no ReLU behind",
            "layer left out",
        ),
        Wrong(
            "convolutions only",
            shrink(first="nn.Conv2d(before, reduce, 1)", second="nn.Conv2d(reduce, three, 3, 2, 1)"),
            "neither",
            "layer left out",
        ),
        Wrong(
            "no ReLU in between",
            shrink(first="nn.Conv2d(before, reduce, 1), nn.BatchNorm2d(reduce)"),
            "one linear layer",
            "layer left out",
        ),
        Wrong(
            "stride in the 1 x 1",
            shrink(
                first="nn.Conv2d(before, reduce, 1, 2), nn.BatchNorm2d(reduce), nn.ReLU()",
                second="nn.Conv2d(reduce, three, 3, 1, 1), nn.BatchNorm2d(three), nn.ReLU()",
            ),
            "every second pixel",
            "wrong place",
        ),
        Wrong("average", shrink(pool="nn.AvgPool2d(3, 2, 1)"), "takes means", "mean for maximum"),
        Wrong(
            "no stride",
            shrink(
                second="nn.Conv2d(reduce, three, 3, 1, 1), nn.BatchNorm2d(three), nn.ReLU()",
                pool="nn.MaxPool2d(3, 1, 1)",
            ),
            "stride is left out",
            "forgot stride",
        ),
        Wrong(
            "dropout in front",
            shrink(first="nn.Dropout(0.5), nn.Conv2d(before, reduce, 1), nn.BatchNorm2d(reduce), nn.ReLU()"),
            "in training mode it is not",
        ),
        Wrong("pool of 2 x 2", shrink(pool="nn.MaxPool2d(2)"), "windows have 2 × 2 pixels", "wrong place"),
        Wrong(
            "pool of 2 x 2, rounded up",
            shrink(pool="nn.MaxPool2d(2, ceil_mode=True)"),
            "windows have 2 × 2 pixels",
            "wrong place",
        ),
        Wrong(
            "bare 1 x 1",
            shrink(first="nn.Conv2d(before, reduce, 1)"),
            "no ReLU between the 1 × 1 and the 3 × 3",
            "layer left out",
        ),
        Wrong(
            "no batch norm in between",
            shrink(first="nn.Conv2d(before, reduce, 1), nn.ReLU()"),
            "no batch norm behind the 1 × 1",
            "layer left out",
        ),
        Wrong(
            "not registered",
            shrink(join="torch.cat([part(x) for part in self.parts], dim=1)")
            .replace("self.a = nn.Sequential(", "self.parts = [nn.Sequential(")
            .replace(
                "        self.b = nn.MaxPool2d(3, stride=2, padding=1)",
                "        self.parts.append(nn.MaxPool2d(3, 2, 1))",
            )
            .replace(", nn.ReLU())\n", ", nn.ReLU())]\n"),
            "self.parts is a plain list",
            "sub-modules in a list",
        ),
        Wrong("forward without return", shrink().replace("return torch", "torch"), "returns None", "returns None"),
    ),
)


def widest(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def widest_reduction(before, after, k):\n{lines}\n"


WIDEST_REDUCTION = Answers(
    right={
        "trial": widest("""
R = 0
while before * (R + 1) + (R + 1) * after * k**2 < before * after * k**2:
    R += 1
return R
"""),
        "rounded up, less one": widest("return math.ceil(before * after * k * k / (before + after * k * k)) - 1"),
        "the largest of all": widest("""
cheaper = [R for R in range(before) if before * R + R * after * k**2 < before * after * k**2]
return max(cheaper)
"""),
    },
    wrong=(
        Wrong(
            "as expensive",
            widest("return before * after * k**2 // (before + after * k**2)"),
            "cost the same",
            "off by one",
        ),
        Wrong(
            "rounded up",
            widest("return math.ceil(before * after * k**2 / (before + after * k**2))"),
            "does not save anything",
            "off by one",
        ),
        Wrong(
            "one further",
            widest("return before * after * k**2 // (before + after * k**2) + 1"),
            "costs more",
            "off by one",
        ),
        Wrong(
            "rounded down, less one",
            widest("return before * after * k**2 // (before + after * k**2) - 1"),
            "would still be cheaper",
            "off by one",
        ),
        Wrong(
            "less one, and never below 0",
            widest("return max(math.floor(before * after * k**2 / (before + after * k**2)) - 1, 0)"),
            "would still be cheaper",
            "off by one",
        ),
        Wrong(
            "kernel of one price only",
            widest("return (before * after * k**2 - 1) // (before + after)"),
            "costs R · after · k²",
            "missing term",
        ),
        Wrong(
            "kernel of one price only, rounded down",
            widest("return before * after * k**2 // (before + after)"),
            "costs R · after · k²",
            "missing term",
        ),
        Wrong("free 1 x 1", widest("return before - 1"), "1 × 1 itself", "missing term"),
        Wrong("k for k²", widest("return (before * after * k - 1) // (before + after * k)"), "not k", "squared"),
        Wrong(
            "no kernel", widest("return (before * after - 1) // (before + after)"), "kernel is left out", "missing term"
        ),
        Wrong(
            "float",
            widest("return (before * after * k**2 - 1.0) // (before + after * k**2)"),
            "whole numbers",
            "no whole number",
        ),
        Wrong("not rounded", widest("return before * after * k**2 / (before + after * k**2)"), "not the expected"),
    ),
)


def branches(norms: str, values: str = "self.norms", end: str = "") -> str:
    return f"""
class TwoBranches(nn.Module):
    def __init__(self, before, one, three):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(before, one, 1, bias=False), nn.Conv2d(before, three, 3, padding=1, bias=False)]
        )
        self.norms = {norms}
        {end}

    def forward(self, x):
        outputs = [norm(conv(x)) for conv, norm in zip(self.convolutions, {values})]
        return torch.cat(outputs, dim=1).relu()
"""


TWO_BRANCHES = Answers(
    right={
        "a dict that registers": branches(
            'nn.ModuleDict({"one": nn.BatchNorm2d(one), "three": nn.BatchNorm2d(three)})', "self.norms.values()"
        ),
        "attributes": branches(
            "None", "[self.norm1, self.norm2]", "self.norm1, self.norm2 = nn.BatchNorm2d(one), nn.BatchNorm2d(three)"
        ),
        "norms registered in another order": branches(
            "None", "[self.norm1, self.norm3]", "self.norm3, self.norm1 = nn.BatchNorm2d(three), nn.BatchNorm2d(one)"
        ),
        "all attributes": """
class TwoBranches(nn.Module):
    def __init__(self, before, one, three):
        super().__init__()
        self.one, self.three = nn.Conv2d(before, one, 1), nn.Conv2d(before, three, 3, padding=1)
        self.norm_one, self.norm_three = nn.BatchNorm2d(one), nn.BatchNorm2d(three)

    def forward(self, x):
        return torch.cat([F.relu(self.norm_one(self.one(x))), F.relu(self.norm_three(self.three(x)))], 1)
""",
        "add_module": branches(
            "[nn.BatchNorm2d(one), nn.BatchNorm2d(three)]",
            end="for n, norm in enumerate(self.norms):\n            self.add_module(f'norm{n}', norm)",
        ),
    },
    wrong=(
        Wrong(
            "a list", branches("[nn.BatchNorm2d(one), nn.BatchNorm2d(three)]"), "still hidden", "sub-modules in a list"
        ),
        Wrong(
            "a tuple", branches("nn.BatchNorm2d(one), nn.BatchNorm2d(three)"), "still hidden", "sub-modules in a list"
        ),
        Wrong(
            "modes passed on by hand",
            branches("[nn.BatchNorm2d(one), nn.BatchNorm2d(three)]").replace(
                "outputs =", "[norm.train(self.training) for norm in self.norms]\n        outputs ="
            ),
            "still hidden",
            "sub-modules in a list",
        ),
        Wrong(
            "one of the two",
            branches("[nn.BatchNorm2d(one), nn.BatchNorm2d(three)]", end="self.norm_of_three = self.norms[1]"),
            "still hidden",
            "sub-modules in a list",
        ),
        Wrong(
            "no running statistics",
            branches(
                "nn.ModuleList([nn.BatchNorm2d(n, track_running_stats=False) for n in (one, three)])",
            ),
            "other images of its batch",
            "always training",
        ),
        Wrong(
            "always in eval mode",
            branches("nn.ModuleList([nn.BatchNorm2d(one), nn.BatchNorm2d(three)])").replace(
                "outputs =", "self.norms.eval()\n        outputs ="
            ),
            "eval mode always",
            "left in eval mode",
        ),
        Wrong(
            "norms left out",
            branches("nn.ModuleList([nn.Identity(), nn.Identity()])"),
            "still hidden",
            "sub-modules in a list",
        ),
        Wrong(
            "one norm for both",
            branches("nn.ModuleList(2 * [nn.BatchNorm2d(one)])"),
            "still hidden",
            "sub-modules in a list",
        ),
        Wrong(
            "no ReLU",
            branches("nn.ModuleList([nn.BatchNorm2d(one), nn.BatchNorm2d(three)])").replace(".relu()", ""),
            "values differ",
        ),
    ),
    equivalent={
        "line 5: nn.Conv2d(before, one, 1, bias=False) -> nn.Conv2d(before, one, 1)": "a bias is taken away",
        "line 5: False -> True": "the batch norm behind it takes any bias away",
        "line 5: nn.Conv2d(before, three, 3, padding=1, bias=False) -> nn.Conv2d(before, three, 3, padding=1)": (
            "the batch norm behind it takes any bias away"
        ),
        "line 5: False -> True (column 96)": "the batch norm behind it takes any bias away",
    },
)


def convolution(
    view: str = ".view(o, channels, k, k)", options: str = "bias=linear.bias is not None", end: str = ""
) -> str:
    return f"""
def as_convolution(linear, channels):
    o = linear.out_features
    k = int((linear.in_features // channels) ** 0.5 + 0.5)
    convolution = nn.Conv2d(channels, o, k, {options})
    convolution.weight = nn.Parameter(linear.weight.detach(){view})
    if linear.bias is not None and convolution.bias is not None:
        convolution.bias = nn.Parameter(linear.bias.detach())
    {end}
    return convolution
"""


AS_CONVOLUTION = Answers(
    right={
        "parameters": convolution(),
        "copied": """
def as_convolution(linear, channels):
    k = math.isqrt(linear.in_features // channels)
    layer = nn.Conv2d(channels, linear.out_features, (k, k), bias=linear.bias is not None).to(linear.weight)
    with torch.no_grad():
        layer.weight.copy_(linear.weight.reshape(layer.weight.shape))
        if linear.bias is not None:
            layer.bias.copy_(linear.bias)
    return layer
""",
        "state dict": """
def as_convolution(linear, channels):
    state = linear.state_dict()
    k = round((linear.weight.shape[1] / channels) ** 0.5)
    state["weight"] = state["weight"].unflatten(1, (channels, k, k))
    layer = nn.Conv2d(channels, linear.out_features, k, bias="bias" in state).double()
    layer.load_state_dict(state)
    return layer.to(linear.weight.dtype)
""",
        "windows": """
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)

    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = linear

        def forward(self, x):
            windows = x.unfold(2, k, 1).unfold(3, k, 1)
            return self.linear(windows.permute(0, 2, 3, 1, 4, 5).flatten(3)).movedim(3, 1)

    return Windows()
""",
    },
    wrong=(
        Wrong(
            "channels last", convolution(".view(o, k, k, channels).movedim(3, 1)"), "channels first", "channels last"
        ),
        Wrong("turned", convolution(".view(o, channels, k, k).transpose(2, 3)"), "Rows and columns", "wrong axis"),
        Wrong("flipped", convolution(".view(o, channels, k, k).flip(2, 3)"), "does not flip", "flipped kernel"),
        Wrong("no bias", convolution(options="bias=False"), "bias is left out", "missing term"),
        Wrong(
            "padded",
            convolution(options="padding=1, bias=linear.bias is not None"),
            "There is padding",
            "wrong padding",
        ),
        Wrong(
            "new weights",
            convolution().replace("convolution.weight =", "_ ="),
            "Your function raised RuntimeError",
            "raises",
        ),
        Wrong(
            "always a bias",
            convolution(options="bias=True"),
            "The linear layer has no bias, but the convolution",
            "missing edge case",
        ),
        Wrong(
            "always a bias, of the right dtype",
            convolution(options="bias=True", end="convolution.to(linear.weight.dtype)"),
            "The linear layer has no bias, but the convolution",
            "missing edge case",
        ),
        Wrong(
            "the linear layer's own weight, reshaped",
            """
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)
    convolution = nn.Conv2d(channels, linear.out_features, k, bias=linear.bias is not None)
    convolution.weight, convolution.bias = linear.weight, linear.bias
    convolution.weight.data = convolution.weight.data.view(linear.out_features, channels, k, k)
    return convolution
""",
            "itself has been changed",
            "changes its input",
        ),
        Wrong(
            "frozen",
            """
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)
    convolution = nn.Conv2d(channels, linear.out_features, k, bias=linear.bias is not None)
    linear.requires_grad_(False)
    convolution.weight = nn.Parameter(linear.weight.view(linear.out_features, channels, k, k))
    convolution.bias = linear.bias
    return convolution
""",
            "itself has been changed",
            "changes its input",
        ),
        Wrong(
            "the linear layer",
            "def as_convolution(linear, channels):\n    return linear\n",
            "raised RuntimeError",
            "raises",
        ),
        Wrong(
            "a function",
            """
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)
    return lambda x: nn.functional.conv2d(x, linear.weight.view(-1, channels, k, k), linear.bias)
""",
            "value of type function",
        ),
        Wrong(
            "weights not parameters",
            """
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)
    weight, bias = linear.weight.detach().view(-1, channels, k, k), linear.bias

    class Layer(nn.Module):
        def forward(self, x):
            return nn.functional.conv2d(x, weight, bias)

    return Layer()
""",
            "0 numbers that an optimizer finds",
        ),
    ),
    equivalent={
        "line 3: nn.Conv2d(channels, linear.out_features, k, bias=linear.bias is not None) -> "
        "nn.Conv2d(linear.out_features, channels, k, bias=linear.bias is not None)": "weight and bias are replaced",
    },
)

ANSWERS = {
    "11.1": SHRINK,
    "11.2": WIDEST_REDUCTION,
    "11.3": TWO_BRANCHES,
    "11.4": AS_CONVOLUTION,
}
