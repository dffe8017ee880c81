"""Answers to the exercises of lesson 17."""

from __future__ import annotations

from answers import Answers, Wrong


def alpha(score: str, result: str = "gradient.mean((2, 3))") -> str:
    return f"""
def channel_weights(maps, rest, classes):
    maps = maps.detach().requires_grad_()
    logits = rest(maps)
    (gradient,) = torch.autograd.grad({score}, maps)
    return {result}
"""


OWN = "logits.gather(1, classes[:, None]).sum()"

CHANNEL_WEIGHTS = Answers(
    right={
        "rows and columns": alpha("logits[range(len(classes)), classes].sum()"),
        "one image at a time": """
def channel_weights(maps, rest, classes):
    found = []
    for image, k in zip(maps, classes):
        image = image[None].clone().requires_grad_()
        rest(image)[0, k].backward()
        found.append(image.grad.flatten(2).mean(2)[0])
    return torch.stack(found)
""",
        "a mask": """
def channel_weights(maps, rest, classes):
    maps = maps.clone().requires_grad_()
    logits = rest(maps)
    asked = torch.arange(logits.shape[1]) == classes[:, None]
    (logits * asked).sum().backward()
    return maps.grad.sum((2, 3)) / maps[0, 0].numel()
""",
    },
    wrong=(
        Wrong(
            "still all classes",
            alpha("torch.stack([logits[:, k].sum() for k in classes]).sum()"),
            "all images at once",
            "classes of others",
        ),
        Wrong(
            "averaged classes", alpha("logits[:, classes].mean(1).sum()"), "one logit out of each", "classes of others"
        ),
        Wrong("first class", alpha("logits[:, classes[0]].sum()"), "class of the first one", "classes of others"),
        Wrong("all logits", alpha("logits.sum()"), "All logits are added", "classes of others"),
        Wrong("largest logit", alpha("logits.max(1).values.sum()"), "largest logit", "classes of others"),
        Wrong("mean over images", alpha(OWN.replace("sum", "mean")), "size of the batch", "mean for sum"),
        Wrong(
            "probability",
            alpha(OWN.replace("logits", "logits.softmax(1)")),
            "gradient of the probability",
            "probability for logit",
        ),
        Wrong("loss", alpha("F.cross_entropy(logits, classes, reduction='sum')"), "gradient of the loss", "wrong sign"),
        Wrong(
            "log probability",
            alpha("-F.cross_entropy(logits, classes, reduction='sum')"),
            "logarithm of the probability",
            "probability for logit",
        ),
        Wrong("sum", alpha(OWN, "gradient.sum((2, 3))"), "added up over the places", "sum for mean"),
        Wrong("over channels", alpha(OWN, "gradient.mean(1)"), "mean over the channels", "wrong axis"),
        Wrong(
            "over images",
            alpha(OWN, "gradient.mean((0, 2, 3)).expand(maps.shape[:2])"),
            "weights of its own",
            "mixed over the batch",
        ),
        Wrong("diagonal of a selection", alpha("logits[classes, classes].sum()"), "raised IndexError", "raises"),
    ),
    equivalent={
        "line 5: (2, 3) -> (3, 2)": "a mean over both axes, in either order",
        "line 2: maps.detach() -> maps": "the maps that are handed over have no history",
    },
)


def sides(
    total: str = "(gradient.mean((2, 3), keepdim=True) * maps).sum(1)",
    both: str = "torch.stack([total.relu(), (-total).relu()], dim=1)",
    largest: str = "both.amax((1, 2, 3), keepdim=True)",
    result: str = "both / torch.where(largest > 0, largest, 1)",
) -> str:
    return f"""
def for_and_against(maps, gradient):
    total = {total}
    both = {both}
    largest = {largest}
    return {result}
"""


FOR_AND_AGAINST = Answers(
    right={
        "clamp": """
def for_and_against(maps, gradient):
    total = torch.einsum("nc,nchw->nhw", gradient.sum((2, 3)), maps)
    total = total / total.abs().amax((1, 2), keepdim=True).clamp(min=1e-30)
    return torch.stack([total.clamp(min=0), -total.clamp(max=0)], 1)
""",
        "one image at a time": """
def for_and_against(maps, gradient):
    answer = torch.zeros(len(maps), 2, *maps.shape[2:], dtype=maps.dtype)
    for n in range(len(maps)):
        total = sum(g.mean() * A for g, A in zip(gradient[n], maps[n]))
        if total.any():
            total = total / total.abs().max()
        answer[n, 0] = torch.where(total > 0, total, 0)
        answer[n, 1] = torch.where(total < 0, -total, 0)
    return answer
""",
        "NumPy": """
def for_and_against(maps, gradient):
    total = np.einsum("nc,nchw->nhw", gradient.mean((2, 3)).numpy(), maps.numpy())
    both = np.maximum(np.stack([total, -total], axis=1), 0)
    return np.nan_to_num(both / np.maximum(both.max((1, 2, 3), keepdims=True), 1e-300))
""",
    },
    wrong=(
        Wrong(
            "ReLU first",
            sides(
                "gradient.mean((2, 3), keepdim=True) * maps",
                "torch.stack([total.relu().sum(1), (-total).relu().sum(1)], dim=1)",
            ),
            "cannot cancel",
            "ReLU too early",
        ),
        Wrong(
            "weights sorted",
            sides(
                "gradient.mean((2, 3), keepdim=True)",
                "torch.stack([(total.relu() * maps).sum(1).relu(), ((-total).relu() * maps).sum(1).relu()], dim=1)",
            ),
            "sorted by the sign",
            "ReLU too early",
        ),
        Wrong(
            "two scales", sides(largest="both.amax((2, 3), keepdim=True)"), "a scale of its own", "own scale for each"
        ),
        Wrong("one scale", sides(largest="both.max()"), "All images share", "one scale for all"),
        Wrong("nan", sides(result="both / largest"), "An empty map stays 0", "zero by zero"),
        *(
            Wrong(divisor, sides(result=f"both / ({divisor})"), "Weak evidence", "missing edge case")
            for divisor in ("largest + 1e-8", "largest.clamp(min=1e-2)")
        ),
        Wrong("not scaled", sides(result="both"), "not scaled", "forgot the scale"),
        Wrong(
            "negative",
            sides(both="torch.stack([total.relu(), total.clamp(max=0)], dim=1)"),
            "is negative",
            "wrong sign",
        ),
        Wrong(
            "swapped",
            sides(both="torch.stack([(-total).relu(), total.relu()], dim=1)"),
            "maps are swapped",
            "wrong order",
        ),
        Wrong(
            "mean over channels",
            sides("(gradient.mean(1, keepdim=True) * maps).sum(1)"),
            "averaged over the channels",
            "wrong axis",
        ),
        Wrong("place by place", sides("(gradient * maps).sum(1)"), "place by place", "not averaged"),
        Wrong(
            "over images",
            sides("(gradient.mean((0, 2, 3), keepdim=True) * maps).sum(1)"),
            "over the images as well",
            "mixed over the batch",
        ),
        Wrong("maps first", sides(both="torch.stack([total.relu(), (-total).relu()])"), "wrong shape"),
    ),
    equivalent={
        "line 2: gradient.mean -> gradient.sum": "the scale takes a common factor out",
        "line 2: (2, 3) -> (3, 2)": "a mean over both axes, in either order",
        "line 3: (weights * maps).sum -> (weights * maps).mean": "the scale takes a common factor out",
        "line 6: 1 -> 2": "zeros divided by 2 are zeros",
    },
)


def game(
    x: str = "place % width + 0.5",
    y: str = "place // width + 0.5",
    inside: str = "(x0 - margin <= x) & (x < x1 + margin) & (y0 - margin <= y) & (y < y1 + margin)",
    result: str = "inside & (maps.amax((1, 2)) > 0)",
) -> str:
    return f"""
def points_inside(maps, boxes, margin):
    height, width = maps.shape[1:]
    place = maps.flatten(1).argmax(1)
    x, y = {x}, {y}
    x0, y0, x1, y1 = boxes.unbind(1)
    inside = {inside}
    return {result}
"""


POINTS_INSIDE = Answers(
    right={
        "loops": """
def points_inside(maps, boxes, margin):
    answers = []
    for values, (x0, y0, x1, y1) in zip(maps, boxes.tolist()):
        row, column = divmod(int(values.argmax()), values.shape[1])
        across = x0 - margin <= column + 0.5 < x1 + margin
        down = y0 - margin <= row + 0.5 < y1 + margin
        answers.append(across and down and values.max().item() > 0)
    return torch.tensor(answers)
""",
        "masks": """
def points_inside(maps, boxes, margin):
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.T)
    y = torch.arange(maps.shape[1])[None, :, None] + 0.5
    x = torch.arange(maps.shape[2])[None, None] + 0.5
    inside = (x >= x0 - margin) & (x < x1 + margin) & (y >= y0 - margin) & (y < y1 + margin)
    best = maps.amax((1, 2), keepdim=True)
    return ((maps == best) & (best > 0) & inside).any(2).any(1)
""",
        "unravel_index": """
def points_inside(maps, boxes, margin):
    values, answers = maps.numpy(), []
    for n in range(len(values)):
        row, column = np.unravel_index(values[n].argmax(), values[n].shape)
        low, high = boxes[n, :2].numpy() - margin, boxes[n, 2:].numpy() + margin
        point = np.array([column, row]) + 0.5
        answers.append(values[n].max() > 0 and (low <= point).all() and (point < high).all())
    return answers
""",
    },
    wrong=(
        Wrong("rows for x", game("place // width + 0.5", "place % width + 0.5"), "x counts columns", "wrong axis"),
        Wrong(
            "height for width",
            game("place % height + 0.5", "place // height + 0.5"),
            "divided by the height",
            "wrong axis",
        ),
        Wrong("corners", game("place % width", "place // width"), "upper left corner", "corner for centre"),
        Wrong("no margin", game().replace(" - margin", "").replace(" + margin", ""), "left out", "missing term"),
        Wrong(
            "smaller box",
            game().replace("- margin", "-- margin").replace("+ margin", "- margin").replace("-- margin", "+ margin"),
            "box smaller",
            "wrong sign",
        ),
        Wrong("two sides", game().replace(" - margin", ""), "two sides only", "padding on one side"),
        Wrong("moved", game().replace("- margin", "+ margin"), "the box moves", "padding on one side"),
        Wrong("edges inside", game().replace("<", "<=").replace("<==", "<="), "x < x1 + margin", "missing edge case"),
        Wrong("right edge inside", game().replace("(x < x1", "(x <= x1"), "right or lower edge", "missing edge case"),
        Wrong("lower edge inside", game().replace("(y < y1", "(y <= y1"), "right or lower edge", "missing edge case"),
        Wrong("empty maps hit", game(result="inside"), "points nowhere", "missing edge case"),
        Wrong(
            "energy",
            """
def points_inside(maps, boxes, margin):
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.T)
    y = torch.arange(maps.shape[1])[None, :, None] + 0.5
    x = torch.arange(maps.shape[2])[None, None] + 0.5
    inside = (x >= x0 - margin) & (x < x1 + margin) & (y >= y0 - margin) & (y < y1 + margin)
    total = maps.sum((1, 2))
    return (maps * inside).sum((1, 2)) / torch.where(total > 0, total, 1)
""",
            "yes or no",
            "share for a point",
        ),
        Wrong(
            "largest of all maps", game().replace("maps.flatten(1).argmax(1)", "maps.sum(0).argmax()"), "values differ"
        ),
    ),
    equivalent={"line 8: (1, 2) -> (2, 1)": "the largest over both axes, in either order"},
)


def drawn(
    means: str = "gain[rng.integers(0, n, (draws, n))].mean(1)",
    ends: str = "np.quantile(means, [0.025, 0.975])",
    result: str = "gain.mean(), low, high",
) -> str:
    return f"""
def interval_of_gain(one, other, draws=2000):
    rng = np.random.default_rng()
    gain, n = one - other, len(one)
    means = {means}
    low, high = {ends}
    return {result}
"""


INTERVAL_OF_GAIN = Answers(
    right={
        "pictures drawn for both": drawn(
            "np.array([one[i].mean() - other[i].mean() for i in rng.integers(0, n, (draws, n))])"
        ),
        "choice, sorted": drawn(
            "np.sort([rng.choice(gain, n).mean() for _ in range(draws)])",
            "means[int(0.025 * draws)], means[int(0.975 * draws)]",
        ),
        "torch": """
def interval_of_gain(one, other, draws=2000):
    gain = torch.from_numpy(one - other)
    means = gain[torch.randint(len(gain), (draws, len(gain)))].mean(1)
    return [gain.mean(), *means.quantile(torch.tensor([0.025, 0.975], dtype=means.dtype))]
""",
    },
    wrong=(
        Wrong(
            "drawn apart",
            drawn("one[rng.integers(0, n, (draws, n))].mean(1) - other[rng.integers(0, n, (draws, n))].mean(1)"),
            "drawn apart",
            "not paired",
        ),
        Wrong(
            "without putting back",
            drawn("np.array([rng.permutation(gain).mean() for _ in range(draws)])"),
            "without putting back",
            "without replacement",
        ),
        Wrong("quantiles of values", drawn("gain"), "differences themselves", "spread of the values"),
        Wrong("90 %", drawn(ends="np.quantile(means, [0.05, 0.95])"), "90 %", "another level"),
        Wrong(
            "one deviation",
            drawn(ends="gain.mean() + np.array([-1, 1]) * means.std()"),
            "one standard deviation",
            "another level",
        ),
        Wrong(
            "normal formula",
            drawn(ends="gain.mean() + np.array([-1.96, 1.96]) * gain.std() / n**0.5"),
            "one mean is drawn",
        ),
        Wrong(
            "draws ignored",
            drawn("gain[rng.integers(0, n, (5000, n))].mean(1)"),
            "one mean is drawn",
        ),
        Wrong("shares for percent", drawn(ends="np.percentile(means, [0.025, 0.975])"), "2.5 and 97.5", "percent"),
        Wrong("one network", drawn("one[rng.integers(0, n, (draws, n))].mean(1)"), "first network alone", "one only"),
        Wrong("other minus one", drawn(result="-gain.mean(), -high, -low"), "gain of the first network"),
        Wrong("upper first", drawn(result="gain.mean(), high, low"), "lower end comes first", "wrong order"),
        Wrong("mean of the draws", drawn(result="means.mean(), low, high"), "mean of the measured"),
        Wrong(
            "around 0", drawn("(gain - gain.mean())[rng.integers(0, n, (draws, n))].mean(1)"), "moved to 0", "centred"
        ),
        Wrong("ten at a time", drawn("gain[rng.integers(0, n, (draws, 10))].mean(1)"), "interval is too wide"),
        Wrong("ends alone", drawn(result="low, high"), "Three numbers were expected"),
    ),
    equivalent={
        "line 3: np.random.default_rng(0) -> np.random.default_rng()": "any draws will do",
        "line 3: 0 -> 1": "any draws will do",
    },
)

ANSWERS = {
    "17.1": CHANNEL_WEIGHTS,
    "17.2": FOR_AND_AGAINST,
    "17.3": POINTS_INSIDE,
    "17.4": INTERVAL_OF_GAIN,
}
