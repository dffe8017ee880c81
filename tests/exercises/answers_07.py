"""Answers to the exercises of lesson 07."""

from __future__ import annotations

from answers import Answers, Wrong


def moved(
    rows: str = "(torch.arange(H) - down).clamp(0, H - 1)", columns: str = "(torch.arange(W) - right).clamp(0, W - 1)"
) -> str:
    return f"""
def move_images(images, down, right):
    H, W = images.shape[-2:]
    rows = {rows}
    columns = {columns}
    return images[..., rows[:, None], columns]
"""


MOVE = Answers(
    right={
        "pixel by pixel": """
def move_images(images, down, right):
    H, W = images.shape[-2:]
    result = torch.empty_like(images)
    for i in range(H):
        for j in range(W):
            result[..., i, j] = images[..., min(max(i - down, 0), H - 1), min(max(j - right, 0), W - 1)]
    return result
""",
        "joined parts": """
def move_images(images, down, right):
    def along(x, by, axis):
        size = x.shape[axis]
        by = max(-size, min(by, size))
        if by >= 0:
            gap = x.narrow(axis, 0, 1).repeat_interleave(by, axis)
            return torch.cat([gap, x.narrow(axis, 0, size - by)], axis)
        gap = x.narrow(axis, size - 1, 1).repeat_interleave(-by, axis)
        return torch.cat([x.narrow(axis, -by, size + by), gap], axis)

    return along(along(images, down, -2), right, -1)
""",
        "padded and cut": """
def move_images(images, down, right):
    H, W = images.shape[-2:]
    wide = np.pad(
        images.numpy(), [(0, 0)] * (images.ndim - 2) + [(abs(down), abs(down)), (abs(right), abs(right))], mode="edge"
    )
    top, left = abs(down) - down, abs(right) - right
    return torch.from_numpy(wide[..., top : top + H, left : left + W].copy())
""",
    },
    wrong=(
        Wrong(
            "rolled",
            "def move_images(images, down, right):\n    return images.roll((down, right), (-2, -1))\n",
            "comes in at the other",
            "wraps around",
        ),
        Wrong(
            "zeros",
            """
def move_images(images, down, right):
    H, W = images.shape[-2:]
    result = torch.zeros_like(images)
    for i in range(H):
        for j in range(W):
            if 0 <= i - down < H and 0 <= j - right < W:
                result[..., i, j] = images[..., i - down, j - right]
    return result
""",
            "filled with zeros",
            "zeros in the gap",
        ),
        Wrong(
            "other way",
            moved("(torch.arange(H) + down).clamp(0, H - 1)", "(torch.arange(W) + right).clamp(0, W - 1)"),
            "other way",
            "wrong direction",
        ),
        Wrong(
            "upside down",
            moved("(torch.arange(H) + down).clamp(0, H - 1)"),
            "Up and down are exchanged",
            "wrong direction",
        ),
        Wrong(
            "left for right",
            moved(columns="(torch.arange(W) + right).clamp(0, W - 1)"),
            "Left and right are exchanged",
            "wrong direction",
        ),
        Wrong(
            "axes swapped",
            moved("(torch.arange(H) - right).clamp(0, H - 1)", "(torch.arange(W) - down).clamp(0, W - 1)"),
            "two axes are swapped",
            "wrong axis",
        ),
        Wrong("down left out", moved("torch.arange(H)"), "up or down", "missing term"),
        Wrong("right left out", moved(columns="torch.arange(W)"), "to the side", "missing term"),
        Wrong(
            "forwards only",
            moved(
                "(torch.arange(H) - max(down, 0)).clamp(0, H - 1)", "(torch.arange(W) - max(right, 0)).clamp(0, W - 1)"
            ),
            "Here they do nothing",
            "missing edge case",
        ),
        Wrong(
            "cut",
            """
def move_images(images, down, right):
    H, W = images.shape[-2:]
    return images[..., max(-down, 0) : H - max(down, 0), max(-right, 0) : W - max(right, 0)]
""",
            "have become smaller",
            "cut off",
        ),
        Wrong(
            "real numbers",
            moved().replace("images[..., rows[:, None], columns]", "images[..., rows[:, None], columns].float()"),
            "torch.uint8 was expected",
            "wrong dtype",
        ),
    ),
)


def batch(image: str, end: str = "torch.stack(images)") -> str:
    return f"""
def to_batch(photos):
    images = []
    for photo in photos:
        if photo.ndim == 2:
            photo = np.stack([photo] * 3, axis=-1)
        images.append({image})
    return {end}
"""


TO_BATCH = Answers(
    right={
        "NumPy, all at once": """
def to_batch(photos):
    colour = [p if p.ndim == 3 else np.repeat(p[:, :, None], 3, axis=2) for p in photos]
    return torch.from_numpy(np.moveaxis(np.array(colour), -1, 1).astype(np.float32) / 255)
""",
        "channel by channel": """
def to_batch(photos):
    result = torch.zeros(len(photos), 3, *photos[0].shape[:2])
    for n, photo in enumerate(photos):
        for c in range(3):
            result[n, c] = torch.tensor(photo[..., c] if photo.ndim == 3 else photo).float() / 255
    return result
""",
        "grey expanded": """
def to_batch(photos):
    images = [torch.tensor(p).movedim(-1, 0) if p.ndim == 3 else torch.tensor(p).expand(3, *p.shape) for p in photos]
    return torch.stack(images).to(torch.float32).div(255).contiguous()
""",
    },
    wrong=(
        Wrong("not turned", batch("torch.tensor(photo) / 255"), "channels are at the end", "channels last"),
        Wrong(
            "reshaped",
            batch("torch.tensor(photo).reshape(3, *photo.shape[:2]) / 255"),
            "a third of the photograph",
            "reshaped",
        ),
        Wrong(
            "the batch reshaped",
            batch("torch.tensor(photo)", "(torch.stack(images) / 255).reshape(len(photos), 3, *photos[0].shape[:2])"),
            "Turn the axes with permute",
            "reshaped",
        ),
        Wrong("on their side", batch("torch.tensor(photo).permute(2, 1, 0) / 255"), "on their side", "wrong axis"),
        Wrong("not scaled", batch("torch.tensor(photo).permute(2, 0, 1).float()"), "0 to 255", "forgot the scale"),
        Wrong(
            "whole numbers",
            batch("torch.tensor(photo).permute(2, 0, 1) // 255"),
            "Nearly all is 0",
            "truncated to integers",
        ),
        Wrong("divided by 256", batch("torch.tensor(photo).permute(2, 0, 1) / 256"), "0.9961", "forgot the scale"),
        Wrong(
            "double precision",
            batch("torch.tensor(photo / 255).permute(2, 0, 1)"),
            "torch.float32 was expected",
            "wrong dtype",
        ),
        Wrong("blue first", batch("torch.tensor(photo).permute(2, 0, 1).flip(0) / 255"), "Red and blue", "wrong order"),
        Wrong(
            "grey in red",
            batch("torch.tensor(photo).permute(2, 0, 1) / 255").replace(
                "np.stack([photo] * 3, axis=-1)", "np.stack([photo, 0 * photo, 0 * photo], axis=-1)"
            ),
            "only in the first channel",
            "missing term",
        ),
        Wrong(
            "grey stacked in front",
            batch("torch.tensor(photo).permute(2, 0, 1) / 255").replace("axis=-1", "axis=0"),
            "RuntimeError",
            "raises",
        ),
        Wrong(
            "grey forgotten",
            "def to_batch(photos):\n    return torch.stack([torch.tensor(p).permute(2, 0, 1) / 255 for p in photos])\n",
            "RuntimeError",
            "raises",
        ),
        Wrong(
            "a list",
            batch("torch.tensor(photo).permute(2, 0, 1) / 255", "images"),
            "torch.stack makes one",
            "no tensor",
        ),
    ),
)


def cnn(
    block: str = "nn.Conv2d(before, after, kernel_size=3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)",
    width: str = "before * height * width",
    left: str = "(height - 2) // 2, (width - 2) // 2",
    end: str = "",
) -> str:
    return f"""
def cnn_for(size, channels, classes):
    layers, before = [], 1
    height, width = size
    for after in channels:
        layers += [{block}]
        height, width = {left}
        before = after
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear({width}, classes){end})
"""


CNN_FOR = Answers(
    right={
        "a trial run": """
def cnn_for(size, channels, classes):
    layers = []
    for before, after in zip([1, *channels], channels):
        layers.append(nn.Sequential(nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)))
    features = nn.Sequential(*layers, nn.Flatten()).eval()
    arriving = features(torch.zeros(1, 1, *size)).shape[1]
    return nn.Sequential(features, nn.Linear(arriving, classes)).train()
""",
        "a lazy layer": """
def cnn_for(size, channels, classes):
    layers = []
    for before, after in zip([1] + channels, channels):
        layers += [nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2, 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(classes))
""",
        "a class": """
def cnn_for(size, channels, classes):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks, rows, columns = nn.ModuleList(), *size
            for a, b in zip((1, *channels), channels):
                self.blocks.append(nn.ModuleList([nn.Conv2d(a, b, 3), nn.BatchNorm2d(b)]))
                rows, columns = rows // 2 - 1, columns // 2 - 1
            self.linear = nn.Linear(channels[-1] * rows * columns, classes)

        def forward(self, x):
            for convolution, norm in self.blocks:
                x = torch.max_pool2d(norm(convolution(x)).relu(), 2)
            return self.linear(x.flatten(1))

    return Net()
""",
        "no biases before batch norm": cnn(
            "nn.Conv2d(before, after, 3, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)"
        ),
        "convolutions and norms in two lists": """
def cnn_for(size, channels, classes):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
            rows, columns, before = *size, 1
            for after in channels:
                self.convs.append(nn.Conv2d(before, after, 3))
                self.norms.append(nn.BatchNorm2d(after))
                rows, columns, before = (rows - 2) // 2, (columns - 2) // 2, after
            self.linear = nn.Linear(before * rows * columns, classes)

        def forward(self, x):
            for conv, norm in zip(self.convs, self.norms):
                x = F.max_pool2d(F.relu(norm(conv(x))), 2)
            return self.linear(x.flatten(1))

    return Net()
""",
        "a block that names its norm first": """
def cnn_for(size, channels, classes):
    class Block(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.norm = nn.BatchNorm2d(after)
            self.conv = nn.Conv2d(before, after, 3)

        def forward(self, x):
            return F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)

    rows, columns = size
    for _ in channels:
        rows, columns = (rows - 2) // 2, (columns - 2) // 2
    blocks = [Block(before, after) for before, after in zip([1, *channels], channels)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(channels[-1] * rows * columns, classes))
""",
    },
    wrong=(
        Wrong("a square", cnn(width="before * height * height"), "no square", "does not fit"),
        Wrong("channels left out", cnn(width="height * width"), "numbers, and", "does not fit"),
        Wrong("as if padded", cnn(left="height // 2, width // 2"), "takes two rows", "does not fit"),
        Wrong("pool before convolution", cnn(left="height // 2 - 2, width // 2 - 2"), "arrive", "does not fit"),
        Wrong("floor left out", cnn(left="(height - 2) / 2, (width - 2) / 2"), "TypeError", "raises"),
        Wrong("not flattened", cnn().replace("nn.Flatten(), ", ""), "not been flattened", "does not fit"),
        Wrong(
            "padded",
            cnn(
                "nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)",
                left="height // 2, width // 2",
            ),
            "convolutions have padding",
            "wrong padding",
        ),
        Wrong(
            "ReLU first",
            cnn("nn.Conv2d(before, after, 3), nn.ReLU(), nn.BatchNorm2d(after), nn.MaxPool2d(2)"),
            "before the batch norm",
            "wrong order",
        ),
        Wrong(
            "no ReLU",
            cnn("nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.MaxPool2d(2)"),
            "ReLU is missing",
            "layer left out",
        ),
        Wrong(
            "no batch norm",
            cnn("nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)"),
            "batch norm is missing",
            "layer left out",
        ),
        Wrong(
            "mean pool",
            cnn("nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.AvgPool2d(2)"),
            "takes the mean",
            "mean for maximum",
        ),
        Wrong("softmax", cnn(end=", nn.Softmax(dim=1)"), "softmax is applied twice", "softmax twice"),
        Wrong("ReLU at the end", cnn(end=", nn.ReLU()"), "cuts off all negative", "one layer too many"),
        Wrong(
            "dropout",
            cnn().replace("nn.Flatten(), ", "nn.Flatten(), nn.Dropout(0.5), "),
            "a dropout that was not asked for",
            "one layer too many",
        ),
        Wrong(
            "dropout in the blocks",
            cnn(
                "nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.2)",
            ),
            "a dropout that was not asked for",
            "one layer too many",
        ),
        Wrong(
            "channels not chained",
            cnn().replace("        before = after\n", "").replace("before * height", "channels[-1] * height"),
            "as many channels as the layer before",
            "channels not chained",
        ),
        Wrong("nothing returned", cnn().replace("return nn", "network = nn"), "returns None"),
        Wrong(
            "a list",
            cnn().replace("nn.Sequential(*layers", "list((*layers").replace("classes))", "classes)))"),
            "nn.Module",
        ),
    ),
    equivalent={
        "line 6: ((height - 2) // 2, (width - 2) // 2) -> ((width - 2) // 2, (height - 2) // 2)": (
            "rows and columns are treated alike, and only their product counts"
        )
    },
)


def classifier(rows: str, after: str = "") -> str:
    return f"""
class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        first = nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        second = nn.Conv2d(4, 8, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.features = nn.Sequential(*first, *second)
        self.classify = nn.Linear(72, classes)

    def forward(self, x):
        maps = self.features(x)
        return self.classify({rows}){after}
"""


SIZE_DEMANDED = """
class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, classes),
        )

    def forward(self, x):
        if x.shape[2:] != (12, 12):
            raise ValueError(f"images of 12 x 12 are needed, these are {tuple(x.shape[2:])}")
        return self.stem(x)
"""

CLASSIFIER = Answers(
    right={
        "the batch named": classifier("maps.view(x.shape[0], 72)"),
        "Flatten": classifier("nn.Flatten()(maps)"),
        "the size demanded": SIZE_DEMANDED,
        "the size demanded, by an error of no kind": SIZE_DEMANDED.replace(
            'ValueError(f"images of 12 x 12 are needed, these are {tuple(x.shape[2:])}")', 'Exception("12 x 12 needed")'
        ),
        "pooled to 3 x 3": classifier("F.adaptive_avg_pool2d(maps, 3).reshape(len(x), -1)"),
        "the corner cut out": classifier("nn.Flatten()(self.features(x[:, :, :12, :12]))"),
    },
    wrong=(
        Wrong("view", classifier("maps.view(-1, 72)"), "what is left over for the batch", "batch flattened"),
        Wrong("8 * 3 * 3", classifier("maps.reshape(-1, 8 * 3 * 3)"), "of shape (8, 3)", "batch flattened"),
        Wrong("all flattened", classifier("maps.flatten()"), "behind the batch axis", "batch flattened"),
        Wrong("columns", classifier("maps.reshape(72, -1).T"), "different images are mixed", "images mixed"),
        Wrong(
            "rows cut off",
            classifier("maps.reshape(-1, 72)", "[: len(x)]"),
            "do not belong to the images",
            "images mixed",
        ),
        Wrong(
            "channels last",
            classifier("maps.permute(0, 2, 3, 1).flatten(1)"),
            "channel by channel",
            "channels last",
        ),
        Wrong("transposed", classifier("maps.transpose(2, 3).flatten(1)"), "Rows and columns", "wrong axis"),
        Wrong(
            "mean over places",
            classifier("maps.mean((2, 3)).repeat_interleave(9, 1)"),
            "forgotten where things are",
            "layer left out",
        ),
        Wrong(
            "mean, and a smaller layer",
            classifier("maps.mean((2, 3))").replace("nn.Linear(72", "nn.Linear(8"),
            "the answers have to stay what they were",
            "layer left out",
        ),
        Wrong(
            "pooled to one place",
            classifier("F.adaptive_max_pool2d(maps, 1).flatten(1)").replace("nn.Linear(72", "nn.Linear(8"),
            "the answers have to stay what they were",
            "layer left out",
        ),
        Wrong(
            "the first 72",
            classifier("maps.reshape(len(x), -1)[:, :72]"),
            "behind the first 72",
            "cut off",
        ),
        Wrong("flattened from axis 2", classifier("maps.flatten(2)"), "RuntimeError", "raises"),
    ),
)

ANSWERS = {"07.1": MOVE, "07.2": TO_BATCH, "07.3": CNN_FOR, "07.4": CLASSIFIER}
