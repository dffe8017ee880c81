"""Answers to the exercises of lesson 13."""

from __future__ import annotations

from answers import Answers, Wrong


def loss(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def stable_loss(z, y):\n{lines}\n"


STABLE_LOSS = Answers(
    right={
        "library": loss("return F.binary_cross_entropy_with_logits(z, y.to(z.dtype))"),
        "library, labels to float": loss("return nn.BCEWithLogitsLoss()(z, y.float()).to(z.dtype)"),
        "softplus": loss("return (F.softplus(z) - y * z).mean()"),
        "softplus of both classes": loss("return (y * F.softplus(-z) + (1 - y) * F.softplus(z)).mean()"),
        "logarithm of the sigmoid": loss("return -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()"),
        "largest taken out": loss("return (z.relu() + torch.log1p(torch.exp(-z.abs())) - y * z).mean()"),
        "cross-entropy of two classes": loss("return F.cross_entropy(torch.stack([torch.zeros_like(z), z], dim=1), y)"),
    },
    wrong=(
        Wrong(
            "exponential instead of sigmoid",
            loss("p = 1 / (1 + torch.exp(-z))\nreturn -(y * p.log() + (1 - y) * (1 - p).log()).mean()"),
            "infinite, or not a number",
            "overflows",
        ),
        Wrong(
            "simplified, not yet safe",
            loss("return (torch.log(1 + torch.exp(z)) - y * z).mean()"),
            "infinite, or not a number",
            "overflows",
        ),
        Wrong(
            "one of two sides chosen",
            loss(
                "safe = torch.where(z > 0, z + torch.log1p(torch.exp(-z)), torch.log1p(torch.exp(z)))\n"
                "return (safe - y * z).mean()"
            ),
            "torch.where computes both",
            "overflows",
        ),
        Wrong(
            "small number added",
            loss("p = z.sigmoid()\nreturn -(y * (p + 1e-7).log() + (1 - y) * (1 - p + 1e-7).log()).mean()"),
            "Clamping hides",
            "clamped",
        ),
        Wrong(
            "probability clamped",
            loss("p = z.sigmoid().clamp(1e-6, 1 - 1e-6)\nreturn -(y * p.log() + (1 - y) * (1 - p).log()).mean()"),
            "Clamping hides",
            "clamped",
        ),
        Wrong(
            "logits clamped", loss("z = z.clamp(-30, 30)\nreturn (F.softplus(z) - y * z).mean()"), "Clamping", "clamped"
        ),
        Wrong(
            "loss of probabilities",
            loss("return F.binary_cross_entropy(z.sigmoid(), y.to(z.dtype))"),
            "Clamping hides",
            "clamped",
        ),
        Wrong(
            "nan set to zero",
            loss("p = z.sigmoid()\nreturn torch.nan_to_num(-(y * p.log() + (1 - y) * (1 - p).log())).mean()"),
            "not the expected",
        ),
        Wrong(
            "sigmoid twice",
            loss("return F.binary_cross_entropy_with_logits(z.sigmoid(), y.to(z.dtype))"),
            "applied twice",
            "softmax twice",
        ),
        Wrong("sum", loss("return (F.softplus(z) - y * z).sum()"), "sum where the mean", "sum for mean"),
        Wrong(
            "labels exchanged",
            loss("return (F.softplus(-z) + y * z).mean()"),
            "labels are exchanged",
            "wrong direction",
        ),
        Wrong("detached", loss("return (F.softplus(z) - y * z).mean().detach()"), "no gradient", "gradient lost"),
        Wrong(
            "always single precision",
            loss("return (F.softplus(z) - y * z).mean().float()"),
            "torch.float64 was expected",
            "wrong dtype",
        ),
        Wrong("not averaged", loss("return F.softplus(z) - y * z"), "wrong shape"),
        Wrong(
            "gradient of one class only",
            loss("return (F.softplus(z) - y * z.detach()).mean()"),
            "their gradient",
        ),
    ),
    equivalent={
        "line 2: torch.logaddexp(torch.zeros_like(z), z) -> torch.logaddexp(z, torch.zeros_like(z))": "it is symmetric",
    },
)


def cached(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def cached_features(backbone, images):\n{lines}\n"


BATCHES = "torch.cat([backbone(batch) for batch in images.split(16)])"

CACHED_FEATURES = Answers(
    right={
        "image by image, on a copy": cached("""
import copy
frozen = copy.deepcopy(backbone).eval()
return torch.stack([frozen(image[None])[0].detach() for image in images])
"""),
        "if it was training": cached(f"""
modes = [(module, module.training) for module in backbone.modules()]
try:
    with torch.inference_mode():
        return {BATCHES.replace("backbone(", "backbone.eval()(")}.clone()
finally:
    for module, mode in modes:
        module.training = mode
"""),
        "filled": cached("""
before = backbone.training
backbone.train(False)
rows = []
for start in range(0, len(images), 16):
    with torch.no_grad():
        rows.extend(backbone(images[start : start + 16]))
if before:
    backbone.train()
return torch.stack(rows)
"""),
    },
    wrong=(
        Wrong("a gradient more", cached(f"return {BATCHES}.detach()"), "left in training mode", "eval mode missing"),
        Wrong(
            "eval too late",
            cached(f"with torch.no_grad():\n    features = {BATCHES}\nbackbone.eval()\nreturn features"),
            "left in training mode",
            "eval mode missing",
        ),
        Wrong(
            "all at once",
            cached("with torch.no_grad():\n    return backbone(images)"),
            "left in training mode",
            "eval mode missing",
        ),
        Wrong(
            "one by one",
            cached("with torch.no_grad():\n    return torch.cat([backbone(image) for image in images.split(1)])"),
            "normalised by itself",
            "eval mode missing",
        ),
        Wrong(
            "only batch norm in eval mode",
            cached(f"""
norms = [(module, module.training) for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
for norm, _ in norms:
    norm.eval()
with torch.no_grad():
    features = {BATCHES}
for norm, mode in norms:
    norm.train(mode)
return features
"""),
            "Batch norm is in eval mode, dropout is not",
            "eval mode missing",
        ),
        Wrong(
            "left in eval mode",
            cached(f"backbone.eval()\nwith torch.no_grad():\n    return {BATCHES}"),
            "left in eval mode",
            "left in eval mode",
        ),
        Wrong(
            "always to training mode",
            cached(
                f"backbone.eval()\nwith torch.no_grad():\n    features = {BATCHES}\nbackbone.train()\nreturn features"
            ),
            "left in training mode",
            "wrong part",
        ),
        Wrong(
            "graph kept",
            cached(f"mode = backbone.training\nbackbone.eval()\nrows = {BATCHES}\nbackbone.train(mode)\nreturn rows"),
            "graph of autograd",
            "graph kept",
        ),
        Wrong(
            "left frozen",
            cached(f"""
mode = backbone.training
backbone.eval()
for parameter in backbone.parameters():
    parameter.requires_grad = False
features = {BATCHES}
backbone.train(mode)
return features
"""),
            "parameters are frozen",
            "frozen too much",
        ),
        Wrong(
            "gradients left off",
            cached(f"""
mode = backbone.training
backbone.eval()
torch.set_grad_enabled(False)
features = {BATCHES}
backbone.train(mode)
return features
"""),
            "switched off everywhere",
            "frozen too much",
        ),
        Wrong(
            "warmed up",
            cached(f"""
mode = backbone.training
with torch.no_grad():
    features = {BATCHES.replace("backbone(", "backbone.eval()(")}
    backbone.train()(images)
backbone.train(mode)
return features
"""),
            "running statistics move",
            "running statistics move",
        ),
        Wrong(
            "last batch dropped",
            cached("""
mode = backbone.training
backbone.eval()
with torch.no_grad():
    features = torch.cat([backbone(images[i * 16:(i + 1) * 16]) for i in range(max(len(images) // 16, 1))])
backbone.train(mode)
return features
"""),
            "wrong shape",
        ),
        Wrong(
            "shuffled",
            cached("""
mode = backbone.training
backbone.eval()
with torch.no_grad():
    features = torch.cat([backbone(images[part]) for part in torch.randperm(len(images)).split(16)])
backbone.train(mode)
return features
"""),
            "values differ",
        ),
    ),
    equivalent={
        "line 5: 16 -> 17": "other batches, the same features",
        "line 5: 16 -> 15": "other batches, the same features",
    },
)


def fold(weights: str, bias: str) -> str:
    return f"def fold_scaler(mean, deviation, weight, bias):\n    return {weights}, {bias}\n"


FOLD_SCALER = Answers(
    right={
        "asked by features": """
def fold_scaler(mean, deviation, weight, bias):
    def logit(x):
        return ((x - mean) / deviation) @ weight + bias

    offset = logit(np.zeros(len(mean)))
    return np.array([logit(unit) - offset for unit in np.eye(len(mean))]), offset
""",
        "sums": fold("[w / s for w, s in zip(weight, deviation)]", "bias - sum(weight * mean / deviation)"),
        "tensors": """
def fold_scaler(mean, deviation, weight, bias):
    m, s, w = (torch.from_numpy(values) for values in (mean, deviation, weight))
    return w / s, torch.tensor([bias], dtype=w.dtype) - torch.dot(w / s, m)
""",
    },
    wrong=(
        Wrong("mean forgotten", fold("weight / deviation", "bias"), "mean is left out", "missing term"),
        Wrong(
            "mean added",
            fold("weight / deviation", "bias + weight @ (mean / deviation)"),
            "lowers the bias",
            "wrong direction",
        ),
        Wrong(
            "mean not divided", fold("weight / deviation", "bias - weight @ mean"), "as the features", "missing term"
        ),
        Wrong(
            "divided twice",
            fold("weight / deviation", "bias - (weight / deviation) @ (mean / deviation)"),
            "twice",
            "wrong divisor",
        ),
        Wrong(
            "multiplied",
            fold("weight * deviation", "bias - (weight * deviation) @ mean"),
            "multiplied by the deviation",
            "wrong divisor",
        ),
        Wrong("deviation forgotten", fold("weight", "bias - weight @ mean"), "deviation is left out", "missing term"),
        Wrong(
            "weights as they were",
            fold("weight", "bias - weight @ (mean / deviation)"),
            "weights are not divided",
            "missing term",
        ),
        Wrong(
            "old bias lost", fold("weight / deviation", "-(weight @ (mean / deviation))"), "old bias", "missing term"
        ),
        Wrong("nothing folded", fold("weight", "bias"), "regression alone", "not transformed"),
        Wrong(
            "variance",
            fold("weight / deviation**2", "bias - (weight / deviation**2) @ mean"),
            "not by its square",
            "squared",
        ),
        Wrong(
            "mean over the features",
            fold("weight / deviation", "bias - np.mean(weight / deviation * mean)"),
            "values differ",
        ),
        Wrong(
            "a bias for each feature",
            fold("weight / deviation", "bias - weight / deviation * mean"),
            "one number: add up over the features",
        ),
        Wrong(
            "weights only",
            "def fold_scaler(mean, deviation, weight, bias):\n    return weight / deviation\n",
            "Two things are returned",
        ),
        Wrong(
            "weights summed",
            fold("weight @ (1 / deviation)", "bias - weight @ (mean / deviation)"),
            "There is one for each",
        ),
    ),
    equivalent={"line 3: float(bias - weights @ mean) -> bias - weights @ mean": "a number of NumPy is a number"},
)


def tuned(
    init: str = "trunk.requires_grad_(False)\n        block.requires_grad_(True)",
    train: str = "super().train(mode)\n        self.trunk.eval()\n        self.block.eval()\n        return self",
    forward: str = "self.head(self.block(self.trunk(x)))",
    keep: str = "self.trunk, self.block, self.head = trunk, block, head",
) -> str:
    return f"""
class FineTuned(nn.Module):
    def __init__(self, trunk, block, head):
        super().__init__()
        {keep}
        {init}

    def train(self, mode=True):
        {train}

    def forward(self, x):
        return {forward}
"""


FINE_TUNED = Answers(
    right={
        "no graph for the trunk": """
class FineTuned(nn.Module):
    def __init__(self, trunk, block, head):
        super().__init__()
        self.backbone, self.head = nn.ModuleDict({"trunk": trunk, "block": block}), head
        for parameter in block.parameters():
            parameter.requires_grad = True

    def train(self, mode=True):
        self.training = mode
        self.backbone.train(False)
        self.head.train(mode)
        return self

    def forward(self, x):
        with torch.no_grad():
            maps = self.backbone["trunk"](x)
        return self.head(self.backbone["block"](maps))
""",
        "copies of the parts": tuned(
            keep="from copy import deepcopy\n        "
            "self.trunk, self.block, self.head = deepcopy(trunk), deepcopy(block), deepcopy(head)",
            init="self.trunk.requires_grad_(False)\n        self.block.requires_grad_(True)",
        ),
        "copies of their layers": """
class FineTuned(nn.Sequential):
    def __init__(self, trunk, block, head):
        from copy import deepcopy
        super().__init__(*(nn.Sequential(*map(deepcopy, part)) for part in (trunk, block, head)))
        self[0].requires_grad_(False)
        self[1].requires_grad_(True)

    def train(self, mode=True):
        super().train(mode)
        self[0].eval()
        self[1].eval()
        return self
""",
        "only the batch norms in eval mode": tuned(
            train="super().train(mode)\n"
            "        for module in [*self.trunk.modules(), *self.block.modules()]:\n"
            "            if isinstance(module, nn.BatchNorm2d):\n"
            "                module.eval()\n"
            "        return self"
        ),
        "every module of trunk and block in eval mode": """
class FineTuned(nn.Module):
    def __init__(self, trunk, block, head):
        super().__init__()
        self.parts = nn.Sequential(trunk, block, head)
        for part, learns in zip(self.parts, (False, True, True)):
            part.requires_grad_(learns)

    def train(self, mode=True):
        result = super().train(mode)
        for module in [*self.parts[0].modules(), *self.parts[1].modules()]:
            module.train(False)
        return result

    def forward(self, x):
        return self.parts(x)
""",
    },
    wrong=(
        Wrong("trunk learns", tuned("block.requires_grad_(True)"), "moved the trunk's weights", "not frozen"),
        Wrong("block as it came", tuned("trunk.requires_grad_(False)"), "This block came frozen", "frozen too much"),
        Wrong(
            "block frozen",
            tuned("trunk.requires_grad_(False)\n        block.requires_grad_(False)"),
            "weights of the block",
            "frozen too much",
        ),
        Wrong("all frozen", tuned("self.requires_grad_(False)"), "weights of the block", "frozen too much"),
        Wrong(
            "train as usual",
            tuned(train="return super().train(mode)"),
            "statistics of the trunk",
            "running statistics move",
        ),
        Wrong(
            "block's statistics move",
            tuned(train="super().train(mode)\n        self.trunk.eval()\n        return self"),
            "statistics of the block",
            "running statistics move",
        ),
        Wrong(
            "once in the beginning",
            tuned(
                "trunk.requires_grad_(False).eval()\n        block.requires_grad_(True).eval()",
                "return super().train(mode)",
            ),
            "statistics of the trunk",
            "running statistics move",
        ),
        Wrong(
            "head in eval mode too",
            tuned(train="return super().train(False)"),
            "its dropout does nothing",
            "left in eval mode",
        ),
        Wrong(
            "nothing returned",
            tuned(train="super().train(mode)\n        self.trunk.eval()\n        self.block.eval()"),
            "train() does not return",
            "returns None",
        ),
        Wrong(
            "always training mode",
            tuned(
                train="super().train(True)\n        self.trunk.eval()\n        self.block.eval()\n        return self"
            ),
            "still in training mode",
            "always training",
        ),
        Wrong("trunk left out", tuned(forward="self.head(self.block(x))"), "RuntimeError", "raises"),
        Wrong("head left out", tuned(forward="self.block(self.trunk(x))"), "head was to make", "layer left out"),
        Wrong(
            "in a list",
            tuned(
                keep="self.parts = [trunk, block, head]",
                train="[part.train(mode and part is self.parts[2]) for part in self.parts]\n"
                "        self.training = mode\n        return self",
                forward="self.parts[2](self.parts[1](self.parts[0](x)))",
            ),
            "plain list",
            "sub-modules in a list",
        ),
        Wrong(
            "block without gradient",
            tuned(forward="self.head(self.block(self.trunk(x)).detach())"),
            "weights of the block",
            "frozen too much",
        ),
    ),
    equivalent={
        "line 6: self.block.requires_grad_(True) -> self.block.requires_grad_()": "True is the default",
    },
)

ANSWERS = {
    "13.1": STABLE_LOSS,
    "13.2": CACHED_FEATURES,
    "13.3": FOLD_SCALER,
    "13.4": FINE_TUNED,
}
