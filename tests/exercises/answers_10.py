"""Answers to the exercises of lesson 10."""

from __future__ import annotations

from answers import Answers, Wrong


def column(
    behind: str = "nn.BatchNorm2d(c), nn.ReLU()",
    padding: str = "k // 2",
    pool: str = "nn.MaxPool2d(2)",
    end: str = "inputs = c",
    result: str = "nn.Sequential(*layers)",
) -> str:
    return f"""
def network_of(column, inputs=3):
    layers = []
    for word in column:
        if word == "maxpool":
            layers += [{pool}]
        else:
            k, c = [int(part) for part in word[4:].split("-")]
            layers += [nn.Conv2d(inputs, c, k, padding={padding}), {behind}]
            {end}
    return {result}
"""


NETWORK_OF = Answers(
    right={
        "without biases": column().replace("padding=k // 2", "padding=k // 2, bias=False"),
        "same padding": column(padding="'same'"),
        "a module of its own": """
def network_of(column, inputs=3):
    class Column(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolutions, self.norms, before = nn.ModuleList(), nn.ModuleList(), inputs
            for word in column:
                if word.startswith("conv"):
                    k, after = word[len("conv"):].split("-")
                    self.convolutions.append(nn.Conv2d(before, int(after), int(k), padding=(int(k) - 1) // 2))
                    self.norms.append(nn.BatchNorm2d(int(after)))
                    before = int(after)

        def forward(self, x):
            layers = zip(self.convolutions, self.norms)
            for word in column:
                if word == "maxpool":
                    x = F.max_pool2d(x, 2)
                else:
                    convolution, norm = next(layers)
                    x = F.relu(norm(convolution(x)))
            return x

    return Column()
""",
        "sequences in a sequence": column().replace(
            "layers += [nn.Conv2d(inputs, c, k, padding=k // 2), nn.BatchNorm2d(c), nn.ReLU()]",
            "layers.append(nn.Sequential(nn.Conv2d(inputs, c, k, 1, k // 2), nn.BatchNorm2d(c), nn.ReLU(True)))",
        ),
    },
    wrong=(
        Wrong("no batch norm", column("nn.ReLU()"), "no batch norm", "layer left out"),
        Wrong("no ReLU", column("nn.BatchNorm2d(c)"), "no ReLU", "layer left out"),
        Wrong("convolutions only", column("").replace(", ]", "]"), "neither", "layer left out"),
        Wrong("norm behind ReLU", column("nn.ReLU(), nn.BatchNorm2d(c)"), "between a convolution", "wrong order"),
        Wrong("padding 1 always", column(padding="1"), "padding is 1 for every kernel", "wrong padding"),
        Wrong("no padding", column(padding="0"), "keep the size", "wrong padding"),
        Wrong("average pool", column(pool="nn.AvgPool2d(2)"), "takes means", "mean for maximum"),
        Wrong("not chained", column(end="pass"), "takes 3 and gets 4", "channels not chained"),
        Wrong(
            "last digit only",
            column().replace('int(part) for part in word[4:].split("-")', "int(word[4]), int(word[-1])"),
            "wrong shape",
        ),
        Wrong(
            "one digit for the kernel",
            column().replace('int(part) for part in word[4:].split("-")', "int(word[4]), int(word[6:])"),
            "raised RuntimeError",
            "raises",
        ),
        Wrong(
            "one layer for each word",
            column(end="layers += made[inputs, c, k]\n            inputs = c")
            .replace("layers = []", "layers, made = [], {}")
            .replace("layers += [nn.Conv2d", "made.setdefault((inputs, c, k), [nn.Conv2d")
            .replace("nn.ReLU()]", "nn.ReLU()])"),
            "values differ",
        ),
        Wrong("the layers in a list", column(result="layers"), "value of type list"),
        Wrong("nothing returned", column(result="None"), "returns None"),
        Wrong("pool of stride 1", column(pool="nn.MaxPool2d(2, 1)"), "wrong shape"),
        Wrong(
            "dropout behind each",
            column("nn.BatchNorm2d(c), nn.ReLU(), nn.Dropout(0.5)"),
            "in training mode it is not",
        ),
    ),
)


def stage(body: str, result: str = "nn.Sequential(*layers, nn.MaxPool2d(2))") -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def vgg_stage(inputs, channels, number):\n{lines}\n    return {result}\n"


LOOP = """
layers = []
{shared}
for n in range(number):
    layers += [{convolution}, {norm}, nn.ReLU()]
"""
CONVOLUTION, NORM = "nn.Conv2d(channels if n else inputs, channels, 3, padding=1)", "nn.BatchNorm2d(channels)"


def looped(convolution: str = CONVOLUTION, norm: str = NORM, shared: str = "") -> str:
    return stage(LOOP.format(convolution=convolution, norm=norm, shared=shared))


VGG_STAGE = Answers(
    right={
        "one ReLU, reused": looped(shared="relu = nn.ReLU()").replace("nn.ReLU()]", "relu]"),
        "copies": stage("""
import copy
first = [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
further = [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
layers = [*first, *(copy.deepcopy(layer) for _ in range(number - 1) for layer in further)]
"""),
        "a function for the layers": stage("""
def block(before):
    return [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
layers = sum((block(channels) for _ in range(number - 1)), block(inputs))
"""),
    },
    wrong=(
        Wrong(
            "still repeated, in a loop",
            looped(
                convolution="conv if n else nn.Conv2d(inputs, channels, 3, padding=1)",
                norm="norm if n else nn.BatchNorm2d(channels)",
                shared="conv, norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)",
            ),
            "several places",
            "shared weights",
        ),
        Wrong(
            "norms shared",
            looped(norm="norm if n else nn.BatchNorm2d(channels)", shared="norm = nn.BatchNorm2d(channels)"),
            "One batch norm still",
            "shared weights",
        ),
        Wrong(
            "one norm for all",
            looped(norm="norm", shared="norm = nn.BatchNorm2d(channels)"),
            "One batch norm still",
            "shared weights",
        ),
        Wrong(
            "convolutions shared",
            looped(
                convolution="conv if n else nn.Conv2d(inputs, channels, 3, padding=1)",
                shared="conv = nn.Conv2d(channels, channels, 3, padding=1)",
            ),
            "One convolution still",
            "shared weights",
        ),
        Wrong("one too many", looped().replace("range(number)", "range(number + 1)"), "hold 540 numbers"),
        Wrong("two only", looped().replace("range(number)", "range(min(number, 2))"), "It should be 396, for 3"),
        Wrong(
            "pool lost",
            looped().replace(", nn.MaxPool2d(2))", ")"),
            "wrong shape",
        ),
        Wrong("ReLU lost", looped().replace(", nn.ReLU()]", "]"), "values differ"),
        Wrong("batch norm lost", looped().replace(f" {NORM},", ""), "values differ"),
    ),
)


def back(first: str, last: str, order: str = "reversed(layers)") -> str:
    return f"""
def pixels_seen(index, layers):
    first = last = index
    for k, s, p in {order}:
        first, last = {first}, {last}
    return first, last
"""


PIXELS_SEEN = Answers(
    right={
        "forwards, with the step of a pixel": """
def pixels_seen(index, layers):
    start, step, width = 0, 1, 1
    for k, s, p in layers:
        start, width, step = start - p * step, width + (k - 1) * step, step * s
    return start + index * step, start + index * step + width - 1
""",
        "recursion": """
def pixels_seen(index, layers):
    if not layers:
        return index, index
    *others, (k, s, p) = layers
    return pixels_seen(index * s - p, others)[0], pixels_seen(index * s - p + k - 1, others)[1]
""",
        "sets of pixels": """
def pixels_seen(index, layers):
    seen = {index}
    for k, s, p in layers[::-1]:
        seen = {i * s - p + tap for i in seen for tap in range(k)}
    return [min(seen), max(seen)]
""",
    },
    wrong=(
        Wrong(
            "first layer first", back("first * s - p", "last * s - p + k - 1", "layers"), "last layer", "wrong order"
        ),
        Wrong("no padding", back("first * s", "last * s + k - 1"), "before pixel 0", "missing term"),
        Wrong("no stride", back("first - p", "last - p + k - 1"), "stride is left out", "forgot stride"),
        Wrong("k pixels on", back("first * s - p", "last * s - p + k"), "ends at pixel k - 1", "off by one"),
        Wrong(
            "end excluded",
            back("first * s - p", "last * s - p + k - 1").replace("return first, last", "return first, last + 1"),
            "not the one after it",
            "off by one",
        ),
        Wrong(
            "clipped",
            back("first * s - p", "last * s - p + k - 1").replace(
                "return first, last", "return max(first, 0), max(last, 0)"
            ),
            "negative numbers",
            "missing edge case",
        ),
        Wrong(
            "width only",
            """
def pixels_seen(index, layers):
    width, step = 1, 1
    for k, s, p in layers:
        width, step = width + (k - 1) * step, step * s
    return 0, width - 1
""",
            "depends on the index",
            "wrong place",
        ),
        Wrong(
            "last from first",
            back("first * s - p", "first * s - p + k - 1"),
            "from the last one of the layer behind",
            "wrong part",
        ),
        Wrong("padding added", back("first * s + p", "last * s + p + k - 1"), "what was expected"),
        Wrong(
            "floats",
            back("first * s - p", "last * s - p + k - 1").replace("last = index", "last = index / 1"),
            "whole numbers",
            "no whole number",
        ),
    ),
)


def merged(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def one_kernel(first, second):\n{lines}\n"


LOOPED = """
k, l = first.shape[-1], second.shape[-1]
w = first.new_zeros(second.shape[0], first.shape[1], k + l - 1, k + l - 1)
for i in range(l):
    for j in range(l):
        w[:, :, i:i + k, j:j + k] += torch.einsum("om,mcrs->ocrs", second[:, :, i, j], first)
return w
"""
CONVOLVED = "reach = second.shape[-1] - 1\nreturn F.conv2d({0}, {1}, padding=reach).transpose(0, 1)"

ONE_KERNEL = Answers(
    right={
        "sum of displaced copies": merged(LOOPED),
        "transposed convolution": merged("return F.conv_transpose2d(second, first)"),
        "asked by an impulse": merged("""
size = first.shape[-1] + second.shape[-1] - 1
impulses = torch.zeros(first.shape[1], first.shape[1], 2 * size - 1, 2 * size - 1, dtype=first.dtype)
for c in range(first.shape[1]):
    impulses[c, c, size - 1, size - 1] = 1
return F.conv2d(F.conv2d(impulses, first), second).flip(2, 3).transpose(0, 1)
"""),
    },
    wrong=(
        Wrong(
            "not flipped",
            merged(CONVOLVED.format("first.transpose(0, 1)", "second")),
            "displacements add up",
            "forgot to flip",
        ),
        Wrong(
            "first flipped",
            merged(CONVOLVED.format("first.flip(2, 3).transpose(0, 1)", "second.flip(2, 3)")),
            "turned by 180°",
            "forgot to flip",
        ),
        Wrong(
            "other one flipped",
            merged(CONVOLVED.format("first.flip(2, 3).transpose(0, 1)", "second")),
            "merged kernel is turned",
            "flipped kernel",
        ),
        Wrong(
            "valid",
            merged(CONVOLVED.format("first.transpose(0, 1)", "second.flip(2, 3)").replace(", padding=reach", "")),
            "wrong shape",
        ),
        Wrong(
            "channels left swapped",
            merged(LOOPED.replace("return w", "return w.transpose(0, 1)")),
            "channels are swapped",
            "wrong axis",
        ),
        Wrong("mean", merged(LOOPED.replace("return w", "return w / len(first)")), "add them up", "mean for sum"),
        Wrong("not added up", merged(LOOPED.replace("+= torch", "= torch")), "values differ"),
        Wrong("detached", merged(LOOPED.replace("return w", "return w.detach()")), "no gradient", "gradient lost"),
        Wrong(
            "double precision",
            merged(LOOPED.replace("return w", "return w.double()")),
            "torch.float32 was expected",
            "wrong dtype",
        ),
        Wrong(
            "always single precision",
            merged(LOOPED.replace("first.new_zeros(", "torch.zeros(")),
            "torch.float64 was expected",
            "wrong dtype",
        ),
        Wrong(
            "products of pixels",
            merged('return torch.einsum("omrs,mcrs->ocrs", second, first)'),
            "wrong shape",
        ),
    ),
    equivalent={
        "line 2: 1 -> 2": "kernels are square",
        "line 3: first.transpose(0, 1) -> first.transpose(1, 0)": "it exchanges the same two axes",
        "line 3: second.flip(2, 3) -> second.flip(3, 2)": "it flips the same two axes",
    },
)

ANSWERS = {
    "10.1": NETWORK_OF,
    "10.2": VGG_STAGE,
    "10.3": PIXELS_SEEN,
    "10.4": ONE_KERNEL,
}
