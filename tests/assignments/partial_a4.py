"""Partly right answers to A4, transfer learning with an explanation."""

from __future__ import annotations

from partial import Partial

NOT_ANSWERED = "# YOUR CODE HERE\nraise NotImplementedError()"


def extract(
    mode: str = "backbone.eval()",
    gradients: str = "with torch.no_grad():",
    step: str = "batch_size",
    mean: str = "maps.mean((2, 3))",
    after: str = "backbone.train(was)",
) -> str:
    """Return a loop over batches with one part replaced."""
    return f"""
def extract(backbone, pictures, batch_size=16):
    was = backbone.training
    {mode}
    parts = []
    {gradients}
        for start in range(0, len(pictures), {step}):
            maps = backbone(pictures[start : start + {step}])
            parts.append({mean})
    {after}
    return torch.cat(parts)
"""


def cross_validate(
    given: str = "x",
    train: str = "~held",
    held: str = "torch.arange(len(y)) % folds == k",
    result: str = "found",
) -> str:
    """Return a cross-validation with one part replaced."""
    return f"""
def cross_validate(features, labels, fit, folds):
    x, y, found = features, labels, []
    x = {given}
    for k in range(folds):
        held = {held}
        predict = fit(x[{train}], y[{train}])
        found.append(float((predict(x[held]) == y[held]).double().mean()))
    return {result}
"""


def reused(
    freeze: str = "self.trunk.requires_grad_(False)", train: str = "self.trunk.eval()", forward: str = "self.trunk(x)"
) -> str:
    """Return a network with other names than the reference, and one part replaced."""
    return f"""
class Reused(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.trunk, self.last = backbone, head
        {freeze}

    def train(self, mode=True):
        super().train(mode)
        {train}
        return self

    def forward(self, x):
        return self.last({forward}.mean(dim=(2, 3)))
"""


def grad_cam(
    kept: str = "output.detach().requires_grad_()",
    remove: str = "handle.remove()",
    score: str = "logits[torch.arange(len(images)), classes].sum()",
    gradient: str = "torch.autograd.grad(score, maps[0])[0]",
    combined: str = "F.relu((weights * maps[0]).sum(dim=1))",
    largest: str = "cam.flatten(1).max(dim=1).values[:, None, None]",
    scaled: str = "torch.where(largest > 0, cam / largest.clamp(min=1e-30), torch.zeros_like(cam))",
) -> str:
    """Return Grad-CAM with a handle that is removed by hand, and one part replaced."""
    return f"""
def grad_cam(model, layer, images, classes):
    maps = []

    def hook(module, inputs, output):
        maps.append({kept})
        return maps[-1]

    handle = layer.register_forward_hook(hook)
    logits = model(images)
    {remove}
    score = {score}
    gradient = {gradient}
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    cam = {combined}.detach()
    largest = {largest}
    return {scaled}
"""


def regression(single: str) -> str:
    """Return a head from scikit-learn; ``single`` says when its one row of weights is made two."""
    return f"""
from sklearn.linear_model import LogisticRegression


def train_head(features, labels, classes):
    m = LogisticRegression(max_iter=500).fit(features.numpy(), labels.numpy())
    weight, bias = torch.tensor(m.coef_).float(), torch.tensor(m.intercept_).float()
    head = nn.Linear(features.shape[1], classes)
    with torch.no_grad():
        if {single}:
            weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
            head.bias.fill_(-1e3)
            head.weight.zero_()
            head.weight[m.classes_] = weight
            head.bias[m.classes_] = bias
        else:
            head.weight.copy_(weight)
            head.bias.copy_(bias)
    return head
"""


PARTIAL: dict[str, Partial] = {
    "right in another way": Partial(
        {
            "q1": extract(),
            "q2": """
from sklearn.preprocessing import StandardScaler


def scaler(features):
    fitted = StandardScaler().fit(features.double().numpy())
    return torch.tensor(fitted.mean_).float(), torch.tensor(fitted.scale_).float()
""",
            "q3": """
def train_head(features, labels, classes):
    head = nn.Linear(features.shape[1], classes)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=30)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(head(features), labels) + 1e-3 * head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return head
""",
            "q4": cross_validate(result="torch.tensor(found)"),
            "q5": """
def fold(head, mean, std):
    folded = copy.deepcopy(head)
    folded.weight.data = head.weight.data / std
    folded.bias.data = head(-mean / std).detach()
    return folded
""",
            "q6": reused(),
            "q7": grad_cam(),
        },
        {"test_q1_mode": 7, "test_q4_folds": 8, "test_q7_clean": 5},
    ),
    "backbone in train mode, hook left": Partial(
        {"q1": extract(mode="pass", after="pass"), "q7": grad_cam(remove="pass")},
        {"test_q1_mode": 0, "test_q7_clean": 0},
    ),
    "mode not restored, ReLU before the sum": Partial(
        {
            "q1": extract(after="pass"),
            "q7": grad_cam(combined="F.relu(weights * maps[0]).sum(dim=1)"),
        },
        {"test_q1_mode": 0, "test_q7_values": 0},
    ),
    "one axis averaged, one class for all images": Partial(
        {
            "q1": extract(mean="maps.mean(2)[:, :, 0]"),
            "q7": grad_cam(score="logits[:, classes[0]].sum()"),
        },
        {"test_q1_values": 0, "test_q7_batch": 0},
    ),
    "all pictures at once, no ReLU": Partial(
        {"q1": extract(step="len(pictures)"), "q7": grad_cam(combined="(weights * maps[0]).sum(dim=1)")},
        {"test_q1_values": 0, "test_q7_values": 0},
    ),
    "gradients kept, empty maps divided by 0": Partial(
        {"q1": extract(gradients="if True:"), "q7": grad_cam(scaled="cam / largest")},
        {"test_q1_mode": 0, "test_q7_batch": 0},
    ),
    "one largest value for all maps, constant channels ignored": Partial(
        {
            "q2": "def scaler(features):\n    return features.mean(0), features.std(0)",
            "q7": grad_cam(largest="cam.max()", scaled="cam / largest if largest > 0 else cam"),
        },
        {"test_q2_constant": 0, "test_q7_batch": 0},
    ),
    "needs a model that is not frozen, deviation of everything": Partial(
        {
            "q2": "def scaler(features):\n    return features.mean(0), features.std() * torch.ones(features.shape[1])",
            "q7": grad_cam(kept="output"),
        },
        {"test_q2_values": 0, "test_q2_constant": 0, "test_q7_clean": 0},
    ),
    "backward leaves gradients, head not trained": Partial(
        {
            "q3": "def train_head(features, labels, classes):\n    return nn.Linear(features.shape[1], classes)",
            "q7": grad_cam(gradient="(score.backward(), maps[0].grad)[1]"),
        },
        {"test_q3_learns": 0, "test_q7_clean": 0},
    ),
    "centred before the folds, shift forgotten": Partial(
        {
            "q4": cross_validate(given="x - x.mean(0)"),
            "q5": """
def fold(head, mean, std):
    folded = nn.Linear(head.in_features, head.out_features)
    folded.weight.data = head.weight.data / std
    folded.bias.data = head.bias.data.clone()
    return folded
""",
        },
        {"test_q4_folds": 0, "test_q5_logits": 0},
    ),
    "trained on the held-out pictures, too": Partial(
        {
            "q4": cross_validate(train=":"),
            "q5": """
def fold(head, mean, std):
    with torch.no_grad():
        head.bias -= (head.weight * (mean / std)).sum(1)
        head.weight /= std
    return head
""",
        },
        {"test_q4_folds": 0, "test_q4_accuracies": 0, "test_q5_logits": 0, "test_q5_layer": 0},
    ),
    "the mean and not the folds, backbone not frozen": Partial(
        {"q4": cross_validate(result="[sum(found) / folds] * folds"), "q6": reused(freeze="pass")},
        {"test_q4_accuracies": 0, "test_q6_frozen": 0},
    ),
    "folds of neighbours, no train of its own": Partial(
        {"q4": cross_validate(held="torch.arange(len(y)) * folds // len(y) == k"), "q6": reused(train="pass")},
        {"test_q4_folds": 0, "test_q4_accuracies": 0, "test_q6_train_mode": 0},
    ),
    "right with a small number in the divisor, and with scikit-learn": Partial(
        {"q3": regression("len(m.coef_) == 1"), "q7": grad_cam(scaled="cam / (largest + 1e-7)")}
    ),
    "answers that do not look at the network, one row for two classes": Partial(
        {
            "q1": "def extract(backbone, pictures, batch_size=16):\n    return pictures.mean((2, 3))",
            "q3": regression("False"),
            "q7": "def grad_cam(model, layer, images, classes):\n    return torch.zeros(len(images), 5, 5)",
        },
        {
            "test_q1_values": 0,
            "test_q1_mode": 0,
            "test_q3_learns": 0,
            "test_q7_values": 0,
            "test_q7_batch": 0,
            "test_q7_clean": 0,
        },
    ),
    "backbone left frozen, rounding taken for a deviation, the course's Grad-CAM": Partial(
        {
            "q1": extract(mode="backbone.eval().requires_grad_(False)"),
            "q2": """
def scaler(features):
    mean = features.mean(0)
    std = (features - mean).square().mean(0).sqrt()
    std[std == 0] = 1
    return mean, std
""",
            "q7": """
from course_utils.explain import GradCAM


def grad_cam(model, layer, images, classes):
    cam = GradCAM(model, layer).at_layer(images, classes).relu()
    largest = cam.amax((1, 2), keepdim=True)
    return cam / torch.where(largest > 0, largest, torch.ones_like(largest))
""",
        },
        {"test_q1_mode": 0, "test_q2_constant": 0, "test_q7_values": 0},
    ),
    "frozen with no_grad": Partial(
        {
            "q6": """
class Reused(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone.requires_grad_(False), head

    def train(self, mode=True):
        self.training = mode
        self.backbone.eval()
        self.head.train(mode)
        return self

    def forward(self, x):
        with torch.no_grad():
            features = self.backbone(x).mean((2, 3))
        return self.head(features)
"""
        },
        {"test_q6_frozen": 0},
    ),
    "nothing returned": Partial(
        {
            "q1": "def extract(backbone, pictures, batch_size=16):\n    return torch.empty(0, 1, 1)",
            "q2": "def scaler(features):\n    return torch.empty(0, 1, 1), torch.empty(0, 1, 1)",
            "q3": "def train_head(features, labels, classes):\n    return lambda x: torch.empty(0, 1, 1)",
            "q4": "def cross_validate(features, labels, fit, folds):\n    return torch.empty(0, 1, 1)",
            "q5": "def fold(head, mean, std):\n    return lambda x: torch.empty(0, 1, 1)",
            "q6": """
class Reused(nn.Module):
    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head, self.calls = backbone.requires_grad_(False), head, 0

    def forward(self, x):
        self.calls += self.training
        return torch.empty(0, 1, *[1] * (1 + self.calls % 3))  # another shape each time
""",
            "q7": "def grad_cam(model, layer, images, classes):\n    return torch.empty(0, 1, 1)",
        },
        {
            "test_q1_values": 0,
            "test_q1_mode": 0,
            "test_q2_values": 0,
            "test_q2_constant": 0,
            "test_q3_layer": 0,
            "test_q3_learns": 0,
            "test_q4_folds": 0,
            "test_q4_accuracies": 0,
            "test_q5_logits": 0,
            "test_q5_layer": 0,
            "test_q6_logits": 0,
            "test_q6_frozen": 0,
            "test_q6_train_mode": 0,
            "test_q7_values": 0,
            "test_q7_batch": 0,
            "test_q7_clean": 0,
        },
    ),
    "a cell that raises, and three empty ones": Partial(
        {
            "q1": "1 / 0\n" + extract(),
            "q3": NOT_ANSWERED,
            "q5": "",
            "q6": NOT_ANSWERED,
        },
        {
            "test_q1_values": 0,
            "test_q1_mode": 0,
            "test_q3_layer": 0,
            "test_q3_learns": 0,
            "test_q5_logits": 0,
            "test_q5_layer": 0,
            "test_q6_logits": 0,
            "test_q6_frozen": 0,
            "test_q6_train_mode": 0,
        },
    ),
}
