"""Answers to the exercises of lesson 08."""

from __future__ import annotations

from answers import Answers, Wrong


def folds(deal: str, shuffle: str = "generator.permutation(np.flatnonzero(labels == label))") -> str:
    return f"""
def folds(labels, k, seed):
    generator = np.random.default_rng(seed)
    parts = [[] for _ in range(k)]
    for label in np.unique(labels):
        shuffled = {shuffle}
        for part in range(k):
            {deal}
    return parts
"""


FOLDS = Answers(
    right={
        "array_split": """
def folds(labels, k, seed):
    generator = np.random.default_rng(seed)
    parts = [[] for _ in range(k)]
    for label in sorted(set(labels.tolist())):
        members = np.flatnonzero(labels == label)
        generator.shuffle(members)
        for part, indices in zip(parts, np.array_split(members, k)):
            part.extend(indices)
    return parts
""",
        "deals on from class to class": """
def folds(labels, k, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return [order[part::k] for part in range(k)]
""",
        "card by card": """
def folds(labels, k, seed):
    torch.manual_seed(seed)
    parts, dealt = [[] for _ in range(k)], {}
    for index in torch.randperm(len(labels)).tolist():
        label = int(labels[index])
        parts[dealt.get(label, 0) % k].append(index)
        dealt[label] = dealt.get(label, 0) + 1
    return parts
""",
    },
    wrong=(
        Wrong(
            "not by class",
            """
def folds(labels, k, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    return [order[part::k].tolist() for part in range(k)]
""",
            "not dealt out evenly",
            "not stratified",
        ),
        Wrong(
            "blocks of a folder",
            """
def folds(labels, k, seed):
    return [part.tolist() for part in np.array_split(np.arange(len(labels)), k)]
""",
            "not dealt out evenly",
            "not stratified",
        ),
        Wrong(
            "not shuffled",
            folds("parts[part].extend(shuffled[part::k].tolist())", "np.flatnonzero(labels == label)"),
            "Another seed gives the same parts",
            "not shuffled",
        ),
        Wrong(
            "parts in random order, images not",
            folds("parts[part].extend(shuffled[part::k].tolist())", "np.flatnonzero(labels == label)")
            .replace(
                "in np.unique(labels):",
                "in np.unique(labels):\n        turn = generator.integers(k)",
            )
            .replace("shuffled[part::k]", "shuffled[(part + turn) % k :: k]"),
            "images are not shuffled",
            "not shuffled",
        ),
        Wrong(
            "the remainder lost",
            folds(
                "parts[part].extend(shuffled[part * (len(shuffled) // k):(part + 1) * (len(shuffled) // k)].tolist())"
            ),
            "is in no part",
            "images lost",
        ),
        Wrong(
            "labels counted from 0",
            folds("parts[part].extend(shuffled[part::k].tolist())").replace(
                "np.unique(labels)", "range(len(np.unique(labels)))"
            ),
            "No image of class 2",
            "images lost",
        ),
        Wrong(
            "drawn anew for each part",
            """
def folds(labels, k, seed):
    generator = np.random.default_rng(seed)
    parts = []
    for part in range(k):
        chosen = []
        for label in np.unique(labels):
            shuffled = generator.permutation(np.flatnonzero(labels == label))
            chosen.extend(shuffled[part::k].tolist())
        parts.append(chosen)
    return parts
""",
            "in more than one place",
            "overlapping parts",
        ),
        Wrong(
            "training parts",
            """
def folds(labels, k, seed):
    generator = np.random.default_rng(seed)
    parts = [[] for _ in range(k)]
    for label in np.unique(labels):
        shuffled = generator.permutation(np.flatnonzero(labels == label))
        for part in range(k):
            for other in range(k):
                if other != part:
                    parts[part].extend(shuffled[other::k].tolist())
    return parts
""",
            "exactly one part",
            "overlapping parts",
        ),
        Wrong(
            "one list for all parts",
            folds("parts[part].extend(shuffled[part::k].tolist())").replace("[[] for _ in range(k)]", "[[]] * k"),
            "in more than one place",
            "overlapping parts",
        ),
        Wrong(
            "the seed unused",
            folds("parts[part].extend(shuffled[part::k].tolist())").replace("default_rng(seed)", "default_rng()"),
            "same seed gives other parts",
            "depends on history",
        ),
        Wrong(
            "positions in the class",
            folds(
                "parts[part].extend(shuffled[part::k].tolist())",
                "generator.permutation(int((labels == label).sum()))",
            ),
            "in more than one place",
            "overlapping parts",
        ),
        Wrong(
            "nothing returned",
            folds("parts[part].extend(shuffled[part::k].tolist())").replace("    return parts\n", ""),
            "returns None",
            "returns None",
        ),
    ),
    equivalent={
        "line 7: shuffled[part::k].tolist() -> shuffled[part::k]": "extend takes an array as well",
        "line 8: return parts -> return parts[::-1]": "the parts have no order",
    },
)


def top_k(count: str, divisor: str = "images", before: str = "model.eval()", after: str = "model.train(was)") -> str:
    return f"""
@torch.no_grad()
def top_k_accuracy(model, batches, k):
    was = model.training
    {before}
    right, images, number = 0, 0, 0
    for inputs, labels in batches:
        logits = model(inputs)
        right += {count}
        images += len(labels)
        number += 1
    {after}
    return right / {divisor}
"""


COUNT = "(logits.topk(k, dim=1).indices == labels[:, None]).any(1).sum().item()"

TOP_K = Answers(
    right={
        "ranks": """
def top_k_accuracy(model, batches, k):
    mode = model.training
    model.train(False)
    hits = []
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            own = logits.gather(1, y[:, None])
            hits += ((logits > own).sum(1) < k).tolist()
    if mode:
        model.train()
    return float(np.mean(hits))
""",
        "image by image": """
def top_k_accuracy(model, batches, k):
    was = model.training
    model.eval()
    right = []
    for inputs, labels in batches:
        for x, y in zip(inputs, labels):
            with torch.no_grad():
                order = model(x[None])[0].argsort(descending=True)
            right.append(1.0 if y in order[:k] else 0.0)
    model.train(was)
    return sum(right) / len(right)
""",
        "a copy of the network": """
def top_k_accuracy(model, batches, k):
    import copy
    asked = copy.deepcopy(model).eval()
    with torch.no_grad():
        pairs = [(asked(x).topk(k).indices, y) for x, y in batches]
    return torch.cat([(first == y[:, None]).any(1).float() for first, y in pairs]).mean()
""",
    },
    wrong=(
        Wrong(
            "no eval", top_k(COUNT, before="pass", after="pass"), "was measured in training mode", "eval mode missing"
        ),
        Wrong(
            "train instead", top_k(COUNT, before="model.train()"), "was measured in training mode", "eval mode missing"
        ),
        Wrong("left in eval mode", top_k(COUNT, after="pass"), "is left in another one", "mode not restored"),
        Wrong("always back to train", top_k(COUNT, after="model.train()"), "came in eval mode", "mode not restored"),
        Wrong(
            "mean of means",
            top_k(COUNT.replace(".sum()", ".double().mean()"), "number"),
            "Every batch counts alike",
            "mean of means",
        ),
        Wrong("top 1", top_k("(logits.argmax(1) == labels).sum().item()"), "largest logit alone", "only the first"),
        Wrong("a count", top_k(COUNT, "1"), "sum where the mean", "sum for mean"),
        Wrong("by all answers", top_k(COUNT, "(images * k)"), "all k answers", "wrong divisor"),
        Wrong("by batches", top_k(COUNT, "number"), "number of batches", "wrong divisor"),
        Wrong(
            "by the last batch",
            top_k(COUNT).replace("images +=", "images ="),
            "images of the last batch alone",
            "wrong divisor",
        ),
        Wrong("smallest logits", top_k(COUNT.replace("logits", "(-logits)", 1)), "smallest logits", "wrong part"),
        Wrong(
            "the last batch",
            top_k(COUNT).replace("right +=", "right =").replace("images +=", "images ="),
            "last batch",
            "one batch only",
        ),
        Wrong(
            "return inside the loop",
            top_k(COUNT).replace("        number += 1\n", "        return right / images\n"),
            "return after the loop",
            "one batch only",
        ),
        Wrong(
            "gradients remembered", top_k(COUNT).replace("@torch.no_grad()\n", ""), "torch.no_grad()", "no_grad missing"
        ),
        Wrong(
            "rows and labels compared",
            top_k("(logits.topk(k, dim=1).indices == labels).any(1).sum().item()"),
            "RuntimeError",
            "raises",
        ),
    ),
    equivalent={
        "line 7: model(inputs).topk(k, dim=1) -> model(inputs).topk(k)": "the last axis is the default",
        "line 8: (first == labels[:, None]).any(dim=1).sum().item() -> (first == labels[:, None]).any(dim=1).sum()": (
            "a tensor with one number is a number too"
        ),
    },
)


def stopping(
    condition: str = "loss < self.best - self.least",
    improved: str = "self.best, self.waited = loss, 0",
    otherwise: str = "self.waited += 1",
    stop: str = "return self.waited >= self.patience",
) -> str:
    return f"""
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.least = patience, least
        self.best, self.waited = float("inf"), 0

    def __call__(self, loss):
        if {condition}:
            {improved}
        else:
            {otherwise}
        {stop}
"""


EARLY_STOPPING = Answers(
    right={
        "epochs counted": """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.least = patience, least
        self.epoch, self.best, self.best_epoch = 0, None, 0

    def __call__(self, loss):
        self.epoch += 1
        if loss == loss and (self.best is None or self.best - loss > self.least):
            self.best, self.best_epoch = loss, self.epoch
        return self.epoch - self.best_epoch >= self.patience
""",
        "all losses kept": """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.least, self.losses = patience, least, []

    def __call__(self, loss):
        self.losses.append(loss)
        best, last = math.inf, 0
        for epoch, value in enumerate(self.losses):
            if value < best - self.least:
                best, last = value, epoch
        return len(self.losses) - 1 - last >= self.patience
""",
        "counts down": """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience = self.left = patience
        self.least = least
        self.best = np.inf

    def __call__(self, loss):
        self.left -= 1
        if loss + self.least < self.best:
            self.best = loss
            self.left = self.patience
        return self.left == 0
""",
    },
    wrong=(
        Wrong("one more", stopping(stop="return self.waited > self.patience"), "too late", "off by one"),
        Wrong("one less", stopping(stop="return self.waited >= self.patience - 1"), "too early", "off by one"),
        Wrong(
            "epoch before",
            stopping(improved="self.waited = 0").replace("        return", "        self.best = loss\n        return"),
            "epoch before",
            "last for best",
        ),
        Wrong("never reset", stopping(improved="self.best = loss"), "Only those in a row", "counts all failures"),
        Wrong("equal counts", stopping("loss <= self.best - self.least"), "equal loss", "missing edge case"),
        Wrong("least forgotten", stopping("loss < self.best"), "`least` is left out", "missing term"),
        Wrong(
            "the lesson's argmin",
            """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.losses = patience, []

    def __call__(self, loss):
        self.losses.append(loss)
        return len(self.losses) - 1 - np.argmin(self.losses) >= self.patience
""",
            "`least` is left out",
            "missing term",
        ),
        Wrong(
            "argmin that knows nan",
            """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.losses = patience, []

    def __call__(self, loss):
        self.losses.append(loss)
        numbers = np.nan_to_num(self.losses, nan=np.inf)
        return len(self.losses) - 1 - np.argmin(numbers) >= self.patience
""",
            "`least` is left out",
            "missing term",
        ),
        Wrong(
            "a first loss of nan kept",
            """
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.least = patience, least
        self.epoch, self.best, self.best_epoch = 0, None, 0

    def __call__(self, loss):
        self.epoch += 1
        if self.best is None or self.best - loss > self.least:
            self.best, self.best_epoch = loss, self.epoch
        return self.epoch - self.best_epoch >= self.patience
""",
            "A first loss of nan becomes the best one",
            "missing edge case",
        ),
        Wrong(
            "least as a share",
            stopping("loss < self.best * (1 - self.least)"),
            "`least` is taken as a share",
            "wrong scale",
        ),
        Wrong(
            "begins with 100",
            stopping().replace('float("inf")', "100"),
            "Begin with infinity",
            "wrong start value",
        ),
        Wrong("least added", stopping("loss < self.best + self.least"), "`least` is added", "wrong direction"),
        Wrong(
            "best creeps",
            stopping(otherwise="self.best, self.waited = min(self.best, loss), self.waited + 1"),
            "still moves the best",
            "best creeps",
        ),
        Wrong(
            "best creeps, the loss first",
            stopping(otherwise="self.best, self.waited = min(loss, self.best), self.waited + 1"),
            "still moves the best",
            "best creeps",
        ),
        Wrong(
            "nan counts",
            stopping("not (loss >= self.best - self.least)"),
            "nan counts as an improvement",
            "missing edge case",
        ),
        Wrong(
            "nan not counted",
            stopping().replace(
                "        if loss <", "        if math.isnan(loss):\n            return False\n        if loss <"
            ),
            "not counted at all",
            "missing edge case",
        ),
        Wrong(
            "turned round",
            stopping("loss >= self.best - self.least", "self.waited += 1", "self.best, self.waited = loss, 0"),
            "nan counts as an improvement",
            "missing edge case",
        ),
        Wrong(
            "waits for the largest",
            stopping("loss > self.best + self.least").replace('float("inf")', "0"),
            "largest value",
            "wrong part",
        ),
        Wrong("nothing returned", stopping(stop="self.waited >= self.patience"), "returns None", "returns None"),
        Wrong(
            "counted in the class",
            """
class EarlyStopping:
    losses = []

    def __init__(self, patience, least=0.0):
        self.patience, self.least = patience, least

    def __call__(self, loss):
        self.losses.append(loss)
        best, last = float("inf"), 0
        for epoch, value in enumerate(self.losses):
            if value < best - self.least:
                best, last = value, epoch
        return len(self.losses) - 1 - last >= self.patience
""",
            "not the expected one",
        ),
    ),
    equivalent={
        "line 4: 0 -> -1": "an improvement sets it to 0; how long to wait for the first loss that is not nan is open",
        "line 11: return self.waited >= self.patience -> return -(self.waited >= self.patience)": "-1 is true as well",
    },
)


def views(
    mean: str = 'self.register_buffer("mean", mean)',
    layers: str = "nn.ModuleList([nn.Conv2d(3, channels, kernel_size=3, padding=1) for _ in range(views)])",
    shares: str = "nn.Parameter(torch.full((views,), 1 / views))",
    forward: str = "sum(share * view(x) for share, view in zip(self.shares, self.views))",
) -> str:
    return f"""
class Views(nn.Module):
    def __init__(self, mean, channels, views):
        super().__init__()
        {mean}
        self.views = {layers}
        self.shares = {shares}

    def forward(self, x):
        x = x - self.mean[:, None, None]
        return {forward}
"""


LIST = "[nn.Conv2d(3, channels, kernel_size=3, padding=1) for _ in range(views)]"
TENSOR = "torch.full((views,), 1 / views)"

VIEWS = Answers(
    right={
        "a parameter that is not trained": views("self.mean = nn.Parameter(mean.clone(), requires_grad=False)"),
        "attributes": """
class Views(nn.Module):
    def __init__(self, mean, channels, views):
        super().__init__()
        self.register_buffer("colour", mean.clone().view(1, 3, 1, 1))
        for number in range(views):
            setattr(self, f"view{number}", nn.Conv2d(3, channels, 3, padding=1))
        self.register_parameter("shares", nn.Parameter(torch.ones(views) / views))

    def forward(self, x):
        x = x - self.colour
        return sum(self.shares[n] * getattr(self, f"view{n}")(x) for n in range(len(self.shares)))
""",
        "stacked": views(
            forward="torch.einsum('v,vnchw->nchw', self.shares, torch.stack([view(x) for view in self.views]))"
        ),
        "a share each": views(
            shares="nn.ParameterList([nn.Parameter(torch.full((1,), 1 / views)) for _ in range(views)])"
        ),
        "a dictionary of modules": """
class Views(nn.Module):
    def __init__(self, mean, channels, views):
        super().__init__()
        self.register_buffer("mean", mean)
        self.shares = nn.Parameter(torch.full((views,), 1.0 / views))
        self.views = nn.ModuleDict({str(n): nn.Conv2d(3, channels, 3, 1, 1) for n in range(views)})

    def forward(self, x):
        outputs = [view(x - self.mean[None, :, None, None]) for view in self.views.values()]
        return (self.shares[:, None, None, None, None] * torch.stack(outputs)).sum(0)
""",
    },
    wrong=(
        Wrong("the list left", views(layers=LIST), "stand in a plain list", "sub-modules in a list"),
        Wrong("the shares left", views(shares=TENSOR), "no nn.Parameter", "parameter or buffer"),
        Wrong("the mean left", views("self.mean = mean"), "not in the state_dict", "parameter or buffer"),
        Wrong("the mean trained", views("self.mean = nn.Parameter(mean)"), "trained as well", "parameter or buffer"),
        Wrong(
            "the shares only stored",
            views(shares="None").replace("self.shares = None", f'self.register_buffer("shares", {TENSOR})'),
            "no nn.Parameter",
            "parameter or buffer",
        ),
        Wrong(
            "exchanged",
            views("self.mean = nn.Parameter(mean)", shares="None").replace(
                "self.shares = None", f'self.register_buffer("shares", {TENSOR})'
            ),
            "the other way round",
            "parameter or buffer",
        ),
        Wrong(
            "only the list's name changed",
            views("self.mean = mean", f"tuple({LIST})", TENSOR),
            "Nothing would be trained",
            "sub-modules in a list",
        ),
        Wrong(
            "requires_grad is not enough",
            views(shares="torch.full((views,), 1 / views, requires_grad=True)"),
            "no nn.Parameter",
            "parameter or buffer",
        ),
        Wrong(
            "a buffer that is not stored",
            views('self.register_buffer("mean", mean, persistent=False)'),
            "not in the state_dict",
            "parameter or buffer",
        ),
        Wrong(
            "one layer several times",
            views(layers="nn.ModuleList([nn.Conv2d(3, channels, kernel_size=3, padding=1)] * views)"),
            "number of trained parameters is wrong",
            "parameter or buffer",
        ),
        Wrong(
            "shares of 1",
            views(shares="nn.Parameter(torch.ones(views))"),
            "times what was expected",
            "forgot the scale",
        ),
        Wrong("the mean added", views().replace("x - self.mean", "x + self.mean"), "values differ"),
        Wrong(
            "shares not used",
            views(forward="sum(view(x) for view in self.views) / len(self.views)"),
            "Does forward use them?",
        ),
    ),
)


def step(
    loss: str = "F.cross_entropy(model(part), answers) * len(part) / len(inputs)",
    before: str = "optimizer.zero_grad()",
    inside: str = "pass",
    after: str = "optimizer.step()",
    total: str = "loss.item()",
    start: str = "pass",
) -> str:
    return f"""
def accumulated_step(model, inputs, labels, size, optimizer):
    {before}
    total = 0.0
    for part, answers in zip(inputs.split(size), labels.split(size)):
        {start}
        loss = {loss}
        loss.backward()
        total += {total}
        {inside}
    {after}
    return total
"""


ACCUMULATED_STEP = Answers(
    right={
        "sums, divided at the end": """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    total = 0.0
    for start in range(0, len(inputs), size):
        part = slice(start, start + size)
        loss = F.cross_entropy(model(inputs[part]), labels[part], reduction="sum")
        loss.backward()
        total += loss.detach()
    for parameter in model.parameters():
        parameter.grad /= len(inputs)
    optimizer.step()
    return total / len(inputs)
""",
        "gradients kept apart": """
def accumulated_step(model, inputs, labels, size, optimizer):
    parameters = list(model.parameters())
    sums, mean = [torch.zeros_like(p) for p in parameters], 0.0
    for part, answers in zip(inputs.split(size), labels.split(size)):
        share = len(part) / len(inputs)
        loss = F.cross_entropy(model(part), answers)
        for total, gradient in zip(sums, torch.autograd.grad(loss, parameters)):
            total += share * gradient
        mean += share * loss.item()
    for parameter, total in zip(parameters, sums):
        parameter.grad = total
    optimizer.step()
    return mean
""",
        "a tensor for the sum of the losses": """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    total = 0
    for start in range(0, len(inputs), size):
        logits = model(inputs[start : start + size])
        loss = F.cross_entropy(logits, labels[start : start + size], reduction="sum") / len(inputs)
        loss.backward()
        total += loss
    optimizer.step()
    return total.item()
""",
        "losses measured apart": """
def accumulated_step(model, inputs, labels, size, optimizer):
    with torch.no_grad():
        mean = sum(F.cross_entropy(model(x[None]), y[None]).item() for x, y in zip(inputs, labels)) / len(inputs)
    model.zero_grad()
    for part, answers in zip(inputs.split(size), labels.split(size)):
        (F.cross_entropy(model(part), answers) * len(part) / len(inputs)).backward()
    optimizer.step()
    return mean
""",
        "image by image": """
def accumulated_step(model, inputs, labels, size, optimizer):
    model.zero_grad()
    losses = []
    for x, y in zip(inputs, labels):
        loss = nn.CrossEntropyLoss()(model(x[None]), y[None])
        (loss / len(inputs)).backward()
        losses.append(loss.item())
    optimizer.step()
    optimizer.zero_grad()
    return np.mean(losses)
""",
    },
    wrong=(
        Wrong("no zero_grad", step(before="pass"), "backward adds to them", "forgot zero_grad"),
        Wrong("zero_grad in the loop", step(start="optimizer.zero_grad()"), "erases", "gradients erased"),
        Wrong(
            "mean of means",
            step("F.cross_entropy(model(part), answers) / len(inputs.split(size))"),
            "last one may be shorter",
            "mean of means",
        ),
        Wrong(
            "size for the length",
            step("F.cross_entropy(model(part), answers) * size / len(inputs)"),
            "counts `size` images",
            "mean of means",
        ),
        Wrong("means added", step("F.cross_entropy(model(part), answers)"), "means of the parts", "sum for mean"),
        Wrong(
            "sum of losses",
            step('F.cross_entropy(model(part), answers, reduction="sum")'),
            "sum over all images",
            "sum for mean",
        ),
        Wrong(
            "a step for each part",
            step(inside="optimizer.step()", after="pass"),
            "steps after each part",
            "stepped for each part",
        ),
        Wrong(
            "small batches",
            step(
                "F.cross_entropy(model(part), answers)",
                start="optimizer.zero_grad()",
                inside="optimizer.step()",
                after="pass",
            ),
            "steps after each part",
            "stepped for each part",
        ),
        Wrong(
            "step first",
            step(before="optimizer.zero_grad(); optimizer.step()", after="pass"),
            "have not moved",
            "step before backward",
        ),
        Wrong(
            "step first, nothing erased",
            step(before="optimizer.step()", after="pass"),
            "before backward has computed",
            "step before backward",
        ),
        Wrong("no step", step(after="pass"), "have not moved", "step before backward"),
        Wrong(
            "erased before the step",
            step(after="optimizer.zero_grad(); optimizer.step()"),
            "before the gradients are erased",
            "step before backward",
        ),
        Wrong(
            "all at once",
            """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
""",
            "saw 10 images at a time",
            "parts ignored",
        ),
        Wrong("chunk for split", step().replace("split", "chunk"), "images at a time", "parts ignored"),
        Wrong(
            "one backward at the end",
            """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    total = 0.0
    for part, answers in zip(inputs.split(size), labels.split(size)):
        total += F.cross_entropy(model(part), answers) * len(part) / len(inputs)
    total.backward()
    optimizer.step()
    return total.item()
""",
            "10 images are in memory together",
            "graph kept",
        ),
        Wrong(
            "losses collected",
            """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    parts = zip(inputs.split(size), labels.split(size))
    losses = [F.cross_entropy(model(part), answers) * len(part) / len(inputs) for part, answers in parts]
    for loss in losses:
        loss.backward()
    optimizer.step()
    return sum(loss.item() for loss in losses)
""",
            "before the network sees the next one",
            "graph kept",
        ),
        Wrong(
            "the graph retained",
            step().replace("loss.backward()", "loss.backward(retain_graph=True)"),
            "8 images are in memory together",
            "graph kept",
        ),
        Wrong(
            "short part left out",
            """
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    total = 0.0
    for start in range(0, len(inputs) - size + 1, size):
        part = slice(start, start + size)
        loss = F.cross_entropy(model(inputs[part]), labels[part]) * size / len(inputs)
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
""",
            "left out",
            "cut off",
        ),
        Wrong(
            "the loss a sum",
            step(total="loss.item() * len(inputs) / len(part)"),
            "loss that you return is a sum",
            "sum for mean",
        ),
        Wrong(
            "the loss of the last part",
            step().replace("return total", "return loss.item()"),
            "values differ",
        ),
        Wrong("no loss", step().replace("    return total\n", ""), "returns None", "returns None"),
    ),
    equivalent={"line 7: loss.item() -> loss": "a tensor with one number is a number too"},
)

ANSWERS = {
    "08.1": FOLDS,
    "08.2": TOP_K,
    "08.3": EARLY_STOPPING,
    "08.4": VIEWS,
    "08.5": ACCUMULATED_STEP,
}
