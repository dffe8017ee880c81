"""Partly right answers to A3, an inception block and a CNN."""

from __future__ import annotations

from partial import Partial

# A network and a loop that use no other answer, for students whose block or loop does not work.
OWN_NETWORK = """
seed_everything(3)
network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
for epoch in range(5):
    for batch in torch.randperm(1000).split(32):
        optimizer.zero_grad()
        F.cross_entropy(network(train_images[batch]), train_labels[batch]).backward()
        optimizer.step()
    schedule.step()
"""
NO_EXPERIMENT = {"q7_experiment": "# I had no time for this."}
NO_BLOCK = {**NO_EXPERIMENT, "q6": OWN_NETWORK}


def block(
    one: str = "self.conv(before, row[0], 1)",
    three: str = "nn.Sequential(self.conv(before, row[1], 1), self.conv(row[1], row[2], 3))",
    five: str = "nn.Sequential(self.conv(before, row[3], 1), self.conv(row[3], row[4], 5))",
    pool: str = "nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), self.conv(before, row[5], 1))",
    branches: str = "nn.ModuleList([one, three, five, pool])",
    conv: str = "nn.Conv2d(a, b, k, padding=k // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU()",
    joined: str = "torch.cat([branch(x) for branch in self.branches], dim=1)",
) -> str:
    """Return an inception block, written differently from the reference, with one part replaced."""
    return f"""
class Inception(nn.Module):
    def __init__(self, before, row):
        super().__init__()
        one = {one}
        three = {three}
        five = {five}
        pool = {pool}
        self.branches = {branches}

    @staticmethod
    def conv(a, b, k):
        return nn.Sequential({conv})

    def forward(self, x):
        return {joined}
"""


def bare(a: str, b: str) -> str:
    return f"nn.Conv2d({a}, {b}, 1, bias=False), nn.BatchNorm2d({b})"


def swapped(a: str, b: str) -> str:
    return f"nn.Conv2d({a}, {b}, 1, bias=False), nn.ReLU(), nn.BatchNorm2d({b})"


def net(
    between: str = "if number:\n                layers.append(nn.MaxPool2d(2))",
    behind: str = "",
    dropout: str = "nn.Dropout(dropout)",
    end: str = "",
    stem: str = "nn.ReLU()",
    mean: str = "nn.AdaptiveAvgPool2d(1)",
) -> str:
    """Return a network of blocks, written differently from the reference, with one part replaced."""
    return f"""
class DigitNet(nn.Module):
    def __init__(self, block, rows, classes=10, dropout=0.2):
        super().__init__()
        layers = [nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), {stem}]
        before = 16
        for number, row in enumerate(rows):
            {between}
            layers.append(block(before, row))
            {behind}
            before = row[0] + row[2] + row[4] + row[5]
        layers += [{mean}, nn.Flatten(), {dropout}, nn.Linear(before, classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x){end}
"""


def epoch(first: str = "model.train()", forget: str = "optimizer.zero_grad()", mean: str = "loss_sum / seen") -> str:
    """Return a training loop with one part replaced."""
    return f"""
def train_epoch(model, loader, optimizer):
    {first}
    loss_sum, right, seen, batch_losses = 0.0, 0, 0, []
    for x, y in loader:
        {forget}
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        batch_losses.append(loss.item())
        loss_sum += loss.item() * len(y)
        right += int((logits.argmax(1) == y).sum())
        seen += len(y)
    return {mean}, right / seen
"""


PARTIAL: dict[str, Partial] = {
    "right in another way": Partial(
        {
            "q1": """
def block_parameters(before, row):
    a, b, c, d, e, f = row
    shapes = [(before, a, 1), (before, b, 1), (b, c, 3), (before, d, 1), (d, e, 5), (before, f, 1)]
    return sum(i * o * k**2 + 2 * o for i, o, k in shapes)


def block_multiply_adds(before, row, height, width):
    return (block_parameters(before, row) - 2 * sum(row)) * height * width
""",
            "q2": block(),
            "q3": net(),
            "q4": epoch(forget="model.zero_grad()"),
            "q5": """
def recalls(model, loader, classes):
    was = model.training
    model.eval()
    with torch.inference_mode():
        answers = [(model(x).argmax(dim=1), y) for x, y in loader]
    model.train(was)
    said, truth = (torch.cat(part) for part in zip(*answers))
    return [float((said[truth == k] == k).double().mean()) for k in range(classes)]
""",
            **NO_EXPERIMENT,
        },
        {"test_q2_norm_relu": 6, "test_q4_steps": 8, "test_q6_learns_well": 7},
    ),
    "numbers of the visible tests": Partial(
        {
            "q1": """
def block_parameters(before, row):
    return 164064 if before == 192 else 50


def block_multiply_adds(before, row, height, width):
    return 128049152 if before == 192 else 38
""",
            **NO_EXPERIMENT,
        },
        {"test_q1_parameters": 0, "test_q1_multiply_adds": 0},
    ),
    "batch norm not counted, sides confused": Partial(
        {
            "q1": """
def block_parameters(before, row):
    one, three_reduce, three, five_reduce, five, pool = row
    return before * (one + three_reduce + five_reduce + pool) + 9 * three_reduce * three + 25 * five_reduce * five


def block_multiply_adds(before, row, height, width):
    return block_parameters(before, row) * height * height
""",
            **NO_EXPERIMENT,
        },
        {"test_q1_parameters": 0, "test_q1_multiply_adds": 0},
    ),
    "batch norm not counted": Partial(
        {
            "q1": """
def block_parameters(before, row):
    one, three_reduce, three, five_reduce, five, pool = row
    return before * (one + three_reduce + five_reduce + pool) + 9 * three_reduce * three + 25 * five_reduce * five


def block_multiply_adds(before, row, height, width):
    return block_parameters(before, row) * height * width
""",
            **NO_EXPERIMENT,
        },
        {"test_q1_parameters": 0},
    ),
    "branches in a plain list": Partial(
        {"q2": block(branches="[one, three, five, pool]"), **NO_BLOCK},
        {"test_q2_parameters": 0, "test_q2_branches": 0},
    ),
    "joined along the height": Partial(
        {"q2": block(joined="torch.cat([branch(x) for branch in self.branches], dim=2)"), **NO_EXPERIMENT},
        {
            "test_q2_shape": 0,
            "test_q2_parameters": 0,
            "test_q2_branches": 0,
            "test_q2_norm_relu": 0,
            "test_q6_learns": 0,
            "test_q6_learns_well": 0,
        },
    ),
    "no ReLU behind the reductions": Partial(
        {
            "q2": block(
                three=f"nn.Sequential({bare('before', 'row[1]')}, self.conv(row[1], row[2], 3))",
                five=f"nn.Sequential({bare('before', 'row[3]')}, self.conv(row[3], row[4], 5))",
            ),
            **NO_BLOCK,
        },
        {"test_q2_norm_relu": 0},
    ),
    "convolutions with bias, means over batches": Partial(
        {
            "q2": block(conv="nn.Conv2d(a, b, k, padding=k // 2), nn.BatchNorm2d(b), nn.ReLU()"),
            "q4": epoch(mean="sum(batch_losses) / len(batch_losses)"),
            **NO_BLOCK,
        },
        {"test_q2_parameters": 0, "test_q4_means": 0},
    ),
    "average pool in the fourth branch, statistics of batches": Partial(
        {
            "q2": block(pool="nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), self.conv(before, row[5], 1))"),
            "q5": """
def recalls(model, loader, classes):
    right, there = torch.zeros(classes), torch.zeros(classes)
    for x, y in loader:
        hit = model(x).argmax(1) == y
        there += y.bincount(minlength=classes)
        right += y[hit].bincount(minlength=classes)
    return right / there
""",
            **NO_BLOCK,
        },
        {"test_q2_branches": 0, "test_q5_mode": 0},
    ),
    "a pool behind each block, recall 0 for an empty class": Partial(
        {
            "q3": net(between="pass", behind="layers.append(nn.MaxPool2d(2))"),
            "q5": """
def recalls(model, loader, classes):
    model.eval()
    right, there = torch.zeros(classes), torch.zeros(classes)
    for x, y in loader:
        hit = model(x).detach().argmax(1) == y
        there += y.bincount(minlength=classes)
        right += y[hit].bincount(minlength=classes)
    return right / there.clamp(min=1)
""",
            **NO_BLOCK,
        },
        {"test_q3_shape": 0, "test_q5_values": 0},
    ),
    "softmax at the end, old gradients kept": Partial(
        {"q3": net(end=".softmax(1)"), "q4": epoch(forget="pass"), **NO_BLOCK},
        {"test_q3_modes": 0, "test_q4_steps": 0},
    ),
    "no dropout, no train mode": Partial(
        {"q3": net(dropout="nn.Identity()"), "q4": epoch(first="pass"), **NO_BLOCK},
        {"test_q3_modes": 0, "test_q4_steps": 0},
    ),
    "a cell with a syntax error, and a linear classifier": Partial(
        {
            "q4": "def train_epoch(model, loader, optimizer)\n    model.train()",
            "q6": """
x = F.pad(train_images.flatten(1).double(), (0, 1), value=1.0)
y = F.one_hot(train_labels, 10).double()
solution = torch.linalg.solve(x.T @ x + 10 * torch.eye(65).double(), x.T @ y).float()
network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
with torch.no_grad():
    network[1].weight.copy_(solution[:64].T)
    network[1].bias.copy_(solution[64])
""",
            **NO_EXPERIMENT,
        },
        {"test_q4_steps": 0, "test_q4_means": 0, "test_q6_learns_well": 0},
    ),
    "the course's block and loop, neighbours in place of a network": Partial(
        {
            "q2": """
from course_utils.models import googlenet


class Inception(googlenet.Inception):
    def __init__(self, before, row):
        super().__init__(before, googlenet.Branches(*row))
""",
            "q4": """
from course_utils.training import fit


def train_epoch(model, loader, optimizer):
    history = fit(model, loader, loader, epochs=1, optimizer=optimizer)
    return history.train_loss[0], history.train_accuracy[0]
""",
            "q6": """
class Neighbour(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        near = torch.cdist(x.flatten(1), train_images.flatten(1)).argmin(1)
        return F.one_hot(train_labels[near], 10).float()


network = Neighbour()
""",
            **NO_EXPERIMENT,
        },
        {
            "test_q2_shape": 0,
            "test_q2_parameters": 0,
            "test_q4_steps": 0,
            "test_q4_means": 0,
            "test_q6_learns": 0,
            "test_q6_learns_well": 0,
        },
    ),
    "no ReLU in the stem, batch norm behind the inner ReLU": Partial(
        {
            "q2": block(
                three=f"nn.Sequential({swapped('before', 'row[1]')}, self.conv(row[1], row[2], 3))",
                five=f"nn.Sequential({swapped('before', 'row[3]')}, self.conv(row[3], row[4], 5))",
            ),
            "q3": net(stem="nn.Identity()"),
            **NO_BLOCK,
        },
        {"test_q2_norm_relu": 0, "test_q3_modes": 0},
    ),
    "average pools between the blocks": Partial(
        {"q3": net(between="if number:\n                layers.append(nn.AvgPool2d(2))"), **NO_BLOCK},
        {"test_q3_modes": 0},
    ),
    "the largest value of each map and not the mean, a plain convolution": Partial(
        {"q2": "class Inception(Plain):\n    pass", "q3": net(mean="nn.AdaptiveMaxPool2d(1)"), **NO_BLOCK},
        {
            "test_q2_shape": 0,
            "test_q2_parameters": 0,
            "test_q2_branches": 0,
            "test_q2_norm_relu": 0,
            "test_q3_modes": 0,
        },
    ),
    "pixels dropped, a device asked for": Partial(
        {
            "q3": net(
                between="layers.append(nn.Dropout(dropout) if number == 0 else nn.MaxPool2d(2))",
                dropout="nn.Identity()",
            ),
            "q5": """
def recalls(model, loader, classes):
    device = next(model.parameters()).device
    model.eval()
    right, there = torch.zeros(classes), torch.zeros(classes)
    with torch.no_grad():
        for x, y in loader:
            hit = (model(x.to(device)).argmax(1) == y.to(device)).cpu()
            there += y.bincount(minlength=classes)
            right += y[hit].bincount(minlength=classes)
    return right / there
""",
            **NO_BLOCK,
        },
        {"test_q3_modes": 0},
    ),
    "an answer that does not look at the pictures": Partial(
        {
            "q3": """
class DigitNet(nn.Module):
    def __init__(self, block, rows, classes=10, dropout=0.2):
        super().__init__()
        self.classes = classes

    def forward(self, x):
        return torch.zeros(len(x), self.classes)
""",
            **NO_BLOCK,
        },
        {"test_q3_shape": 0, "test_q3_parameters": 0, "test_q3_modes": 0},
    ),
    "nothing returned": Partial(
        {
            "q1": """
def block_parameters(before, row):
    return torch.empty(0, 1, 1)


def block_multiply_adds(before, row, height, width):
    return torch.empty(0, 1, 1)
""",
            "q2": """
class Inception(nn.Module):
    def __init__(self, before, row):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * torch.empty(0, 1, 1, 1)
""",
            "q3": """
class DigitNet(nn.Module):
    def __init__(self, block, rows, classes=10, dropout=0.2):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(classes))

    def forward(self, x):
        return torch.empty(0, 1, 1)
""",
            "q4": "def train_epoch(model, loader, optimizer):\n    return torch.empty(0, 1, 1), torch.empty(0, 1, 1)",
            "q5": "def recalls(model, loader, classes):\n    return torch.empty(0, 1)",
            "q6": "network = DigitNet(Inception, [])",
            **NO_EXPERIMENT,
        },
        {
            "test_q1_parameters": 0,
            "test_q1_multiply_adds": 0,
            "test_q2_shape": 0,
            "test_q2_parameters": 0,
            "test_q2_branches": 0,
            "test_q2_norm_relu": 0,
            "test_q3_shape": 0,
            "test_q3_parameters": 0,
            "test_q3_modes": 0,
            "test_q4_steps": 0,
            "test_q4_means": 0,
            "test_q5_values": 0,
            "test_q5_mode": 0,
            "test_q6_learns": 0,
            "test_q6_learns_well": 0,
        },
    ),
    "too many parameters": Partial(
        {
            "q6": "network = DigitNet(Inception, ((64, 96, 128, 16, 32, 32), (8, 8, 8, 8, 8, 8)))",
            **NO_EXPERIMENT,
        },
        {"test_q6_learns": 0, "test_q6_learns_well": 0},
    ),
    "only questions 1 and 5": Partial(
        {
            "q2": "",
            "q3": "# YOUR CODE HERE\nraise NotImplementedError()",
            "q4": "# YOUR CODE HERE\nraise NotImplementedError()",
            "q6": "# YOUR CODE HERE\nraise NotImplementedError()",
            **NO_EXPERIMENT,
        },
        {
            "test_q2_shape": 0,
            "test_q2_parameters": 0,
            "test_q2_branches": 0,
            "test_q2_norm_relu": 0,
            "test_q3_shape": 0,
            "test_q3_parameters": 0,
            "test_q3_modes": 0,
            "test_q4_steps": 0,
            "test_q4_means": 0,
            "test_q6_learns": 0,
            "test_q6_learns_well": 0,
        },
    ),
}
