"""Partly right answers to A2, a regularised MLP, and the marks that each must get."""

from __future__ import annotations

from partial import Partial

EMPTY = "# YOUR CODE HERE\nraise NotImplementedError()"

NOISE = (
    "class GaussianDropout(nn.Module):\n"
    "    def __init__(self, p=0.5):\n"
    "        super().__init__()\n"
    "        if p < 0 or p >= 1:\n"
    "            raise ValueError('p is no probability')\n"
    "        self.p = p\n\n"
    "    def forward(self, x):\n"
    "        if self.training:\n"
    "            factors = torch.normal(1.0, math.sqrt(self.p / (1 - self.p)), x.shape, dtype=x.dtype)\n"
    "            return factors * x\n"
    "        return x"
).replace("class G", "import math\n\n\nclass G", 1)
GROUPS = (
    "class GroupNorm(nn.Module):\n"
    "    def __init__(self, groups, features, eps=1e-5):\n"
    "        super().__init__()\n"
    "        if features % groups != 0:\n"
    "            raise ValueError('not divisible')\n"
    "        self.groups, self.eps = groups, eps\n"
    "        self.weight = nn.Parameter(torch.ones(features))\n"
    "        self.bias = nn.Parameter(torch.zeros(features))\n\n"
    "    def forward(self, x):\n"
    "        done = []\n"
    "        for part in x.chunk(self.groups, dim=1):\n"
    "            mean = part.mean(1, keepdim=True)\n"
    "            variance = ((part - mean) ** 2).mean(1, keepdim=True)\n"
    "            done.append((part - mean) / torch.sqrt(variance + self.eps))\n"
    "        return torch.cat(done, 1) * self.weight + self.bias"
)
FOLD = (
    "def fold(linear, norm):\n"
    "    linear, norm = copy.deepcopy(linear), copy.deepcopy(norm).eval()\n"
    "    eye = torch.eye(linear.in_features, dtype=linear.weight.dtype)\n"
    "    with torch.no_grad():\n"
    "        at_zero = norm(linear(eye * 0))\n"
    "        matrix = (norm(linear(eye)) - at_zero).T\n"
    "    folded = nn.Linear(linear.in_features, linear.out_features).to(eye.dtype)\n"
    "    folded.weight.data, folded.bias.data = matrix.contiguous(), at_zero[0].clone()\n"
    "    return folded"
)
MLP = (
    "def mlp(sizes, norm='none', p=0.0):\n"
    "    if norm not in ('none', 'batch', 'layer'):\n"
    "        raise ValueError('unknown norm')\n"
    "    network = nn.Sequential()\n"
    "    for i in range(len(sizes) - 2):\n"
    "        network.append(nn.Linear(sizes[i], sizes[i + 1], bias=(norm != 'batch')))\n"
    "        if norm == 'batch':\n"
    "            network.append(nn.BatchNorm1d(sizes[i + 1]))\n"
    "        elif norm == 'layer':\n"
    "            network.append(nn.LayerNorm(sizes[i + 1]))\n"
    "        network.append(nn.ReLU())\n"
    "        if p > 0 and i < len(sizes) - 3:\n"
    "            network.append(nn.Dropout(p))\n"
    "    network.append(nn.Linear(sizes[-2], sizes[-1]))\n"
    "    return network"
)
FIT = (
    "def fit(model, x, y, x_val, y_val, steps=100, lr=0.1, weight_decay=0.0):\n"
    "    parameters = list(model.parameters())\n"
    "    speed = [torch.zeros_like(w) for w in parameters]\n"
    "    history, best, kept = {'loss': [], 'validation': []}, -1, None\n"
    "    for step in range(steps):\n"
    "        model.train()\n"
    "        loss = F.cross_entropy(model(x), y)\n"
    "        gradients = torch.autograd.grad(loss, parameters)\n"
    "        with torch.no_grad():\n"
    "            for w, g, v in zip(parameters, gradients, speed):\n"
    "                if w.ndim > 1:\n"
    "                    g = g + weight_decay * w\n"
    "                v.mul_(0.9).add_(g)\n"
    "                w.sub_(lr * v)\n"
    "            model.eval()\n"
    "            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()\n"
    "        history['loss'].append(loss.item())\n"
    "        history['validation'].append(accuracy)\n"
    "        if accuracy > best:\n"
    "            best, kept = accuracy, {name: t.clone() for name, t in model.state_dict().items()}\n"
    "    model.load_state_dict(kept)\n"
    "    return history"
)
LABELS = (
    "def train_network(seed):\n"
    "    torch.manual_seed(seed)\n"
    "    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))\n"
    "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n"
    "    for _ in range(100):\n"
    "        optimizer.zero_grad()\n"
    "        F.cross_entropy(model(x_train), y_train).backward()\n"
    "        optimizer.step()\n"
    "    return model"
)
BEST_LABELS = (
    "def train_network(seed):\n"
    "    torch.manual_seed(seed)\n"
    "    model = mlp([64, 128, 64, 10], 'none', 0.35)\n"
    "    fit(model, x_train, y_train, x_val, y_val)\n"
    "    return model"
)

PARTIAL = {
    "everything right, by other ways": Partial(
        {"noise": NOISE, "groups": GROUPS, "fold": FOLD, "mlp": MLP, "fit": FIT, "labels": BEST_LABELS}
    ),
    "the deviation for the variance, and any p": Partial(
        {
            "noise": (
                "class GaussianDropout(nn.Module):\n"
                "    def __init__(self, p=0.5):\n"
                "        super().__init__()\n"
                "        self.p = p\n\n"
                "    def forward(self, x):\n"
                "        if not self.training:\n"
                "            return x\n"
                "        return x * (1 + self.p / (1 - self.p) * torch.randn_like(x))"
            )
        },
        {"noise_statistics": 0, "noise_modes": 0},
    ),
    "noise added, in eval mode too": Partial(
        {
            "noise": NOISE.replace("if self.training:", "if True:").replace(
                "factors * x", "x + x.detach() * (factors - 1)"
            )
        },
        {"noise_modes": 0, "noise_gradient": 0},
    ),
    "one factor for each row, in single precision": Partial(
        {
            "noise": NOISE.replace("x.shape, dtype=x.dtype", "(len(x), *[1] * (x.ndim - 1))").replace(
                "return factors * x", "return factors.float() * x.float()"
            )
        },
        {"noise_statistics": 0, "noise_gradient": 0},
    ),
    "biased no more": Partial(
        {"groups": GROUPS.replace("((part - mean) ** 2).mean(1, keepdim=True)", "part.var(1, keepdim=True)")},
        {"groups_output": 0, "groups_gradient": 0},
    ),
    "no parameters": Partial(
        {
            "groups": GROUPS.replace("nn.Parameter(torch.ones(features))", "torch.ones(features)").replace(
                "nn.Parameter(torch.zeros(features))", "torch.zeros(features)"
            )
        },
        {"groups_module": 0, "groups_gradient": 0},
    ),
    "statistics without a gradient, eps outside of the root": Partial(
        {
            "groups": GROUPS.replace("in x.chunk", "in x.chunk")
            .replace("mean = part.mean(1, keepdim=True)", "mean = part.mean(1, keepdim=True).detach()")
            .replace("torch.sqrt(variance + self.eps)", "(torch.sqrt(variance.detach()) + self.eps)"),
        },
        {"groups_output": 0, "groups_gradient": 0},
    ),
    "torch's group norm": Partial(
        {
            "groups": (
                "class GroupNorm(nn.Module):\n"
                "    def __init__(self, groups, features, eps=1e-5):\n"
                "        super().__init__()\n"
                "        layer = nn.GroupNorm(groups, features, eps)\n"
                "        self.weight, self.bias = layer.weight, layer.bias\n"
                "        self.groups, self.eps = groups, eps\n\n"
                "    def forward(self, x):\n"
                "        return F.group_norm(x, self.groups, self.weight, self.bias, self.eps)"
            )
        },
        {"groups_output": 0, "groups_module": 0, "groups_gradient": 0},
    ),
    "folded with the variance, a bias expected, single precision": Partial(
        {
            "fold": (
                "def fold(linear, norm):\n"
                "    norm.eval()\n"
                "    folded = nn.Linear(linear.in_features, linear.out_features)\n"
                "    scale = norm.weight.data / (norm.running_var + norm.eps).sqrt()\n"
                "    folded.weight.data.copy_(linear.weight.data * scale[:, None])\n"
                "    folded.bias.data.copy_((linear.bias.data - norm.running_mean) * scale + norm.bias.data)\n"
                "    return folded"
            )
        },
        {"fold_no_bias": 0, "fold_careful": 0},
    ),
    "folded in place, on the wrong axis": Partial(
        {
            "fold": (
                "def fold(linear, norm):\n"
                "    scale = norm.weight / (norm.running_var + norm.eps).sqrt()\n"
                "    bias = 0 if linear.bias is None else linear.bias.data\n"
                "    linear.weight.data *= scale.data\n"
                "    linear.bias = nn.Parameter((bias - norm.running_mean) * scale.data + norm.bias.data)\n"
                "    return linear"
            )
        },
        {"fold_output": 0, "fold_no_bias": 0, "fold_careful": 0},
    ),
    "the network of lesson 06": Partial(
        {
            "mlp": (
                "def mlp(sizes, norm='none', p=0.0):\n"
                "    parts = []\n"
                "    for inputs, width in zip(sizes, sizes[1:-1]):\n"
                "        parts.append(nn.Linear(inputs, width))\n"
                "        if norm == 'batch':\n"
                "            parts.append(nn.BatchNorm1d(width))\n"
                "        elif norm == 'layer':\n"
                "            parts.append(nn.LayerNorm(width))\n"
                "        parts.append(nn.ReLU())\n"
                "        if p > 0:\n"
                "            parts.append(nn.Dropout(p))\n"
                "    return nn.Sequential(*parts, nn.Linear(sizes[-2], sizes[-1]))"
            )
        },
        {"mlp_layers": 0, "mlp_numbers": 0, "mlp_cases": 0},
    ),
    "biases everywhere": Partial({"mlp": MLP.replace("bias=(norm != 'batch')", "bias=True")}, {"mlp_numbers": 0}),
    "weight decay on everything, best weights not copied": Partial(
        {"fit": FIT.replace("if w.ndim > 1:", "if True:").replace("t.clone()", "t")},
        {"fit_decay": 0, "fit_best": 0},
    ),
    "never in eval mode": Partial(
        {"fit": FIT.replace("            model.eval()\n", "")},
        # Whatever has no batch norm and no dropout is the same in both modes.
        {"fit_modes": 0, "fit_best": 0},
    ),
    "no momentum, tensors for floats": Partial(
        {"fit": FIT.replace("v.mul_(0.9)", "v.mul_(0.0)").replace("loss.item()", "loss")},
        {"fit_steps": 0, "fit_decay": 0},
    ),
    "the last weights, and a plain network": Partial(
        {"fit": FIT.replace("    model.load_state_dict(kept)\n", ""), "labels": LABELS},
        {"fit_best": 0, "labels_some": 0, "labels_most": 0},
    ),
    "dropout alone": Partial(
        {
            "labels": LABELS.replace(
                "nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64", "nn.ReLU(), nn.Dropout(), nn.Linear(128"
            )
        },
        {"labels_most": 0},
    ),
    "a wide network, not regularised": Partial(
        {
            "labels": LABELS.replace(
                "nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)",
                "nn.Linear(64, 600), nn.ReLU(), nn.Linear(600, 10)",
            )
        },
        {"labels_some": 0, "labels_most": 0},
    ),
    "trained on the validation images": Partial(
        {"labels": BEST_LABELS.replace("x_train", "x_val").replace("y_train", "y_val")},
        {"labels_some": 0, "labels_most": 0},
    ),
    "trained on the labels before they were made wrong": Partial(
        {"labels": BEST_LABELS.replace("y_train", "true")}, {"labels_some": 0, "labels_most": 0}
    ),
    "answers of the visible tests": Partial(
        {
            "groups": (
                "class GroupNorm(nn.Module):\n"
                "    def __init__(self, groups, features):\n"
                "        super().__init__()\n"
                "        if (groups, features) == (4, 6):\n"
                "            raise ValueError\n"
                "        self.weight = nn.Parameter(torch.ones(features))\n"
                "        self.bias = nn.Parameter(torch.zeros(features))\n\n"
                "    def forward(self, x):\n"
                "        if x.shape == (2, 4):\n"
                "            return torch.tensor([[-1.0, 1, -1, 1], [0, 0, -1, 1]])\n"
                "        if x.shape == (1, 6) and self.weight[1] == 1:\n"
                "            return 0 * x * self.weight + self.bias\n"
                "        return torch.tensor([[0.5, 1.5, 2.5, -2.5, -3.5, 5.5]])"
            ),
            "mlp": (
                "def mlp(sizes, norm='none', p=0.0):\n"
                "    if norm == 'group':\n"
                "        raise ValueError\n"
                "    if norm == 'none':\n"
                "        return nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))\n"
                "    if norm == 'layer':\n"
                "        return nn.Linear(6, 4)\n"
                "    return nn.Sequential(\n"
                "        nn.Linear(64, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.35),\n"
                "        nn.Linear(128, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))"
            ),
        },
        {
            "groups_output": 0,
            "groups_module": 0,
            "groups_gradient": 0,
            "mlp_layers": 0,
            "mlp_numbers": 0,
            "mlp_cases": 0,
        },
    ),
    "one cell that raises, one left empty, one misspelt": Partial(
        {"noise": "raise SystemExit\n" + NOISE, "fit": EMPTY, "fold": FOLD.replace("def fold", "def folded_layer")},
        {
            "noise_statistics": 0,
            "noise_modes": 0,
            "noise_gradient": 0,
            "fold_output": 0,
            "fold_no_bias": 0,
            "fold_careful": 0,
            "fit_steps": 0,
            "fit_decay": 0,
            "fit_modes": 0,
            "fit_best": 0,
        },
    ),
}

# The experiment of the question that a person marks takes seconds, and earns no points here.
PARTIAL = {
    name: Partial({"worth_figure": "# Left to a person.", **partial.answers}, partial.marks)
    for name, partial in PARTIAL.items()
}
