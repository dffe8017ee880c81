"""Answers to the exercises of lesson 15."""

from __future__ import annotations

from answers import Answers, Wrong


def yolo(result: str, low: str = "0", high: str = "1") -> str:
    return f"""
def box_to_yolo(box, width, height):
    x0, y0, x1, y1 = (min(max(side, {low} * most), {high} * most) for side, most in zip(box, (width, height) * 2))
    return {result}
"""


CENTRE_AND_SIZE = "(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height"

BOX_TO_YOLO = Answers(
    right={
        "sides as fractions": """
def box_to_yolo(box, width, height):
    sides = np.clip(np.array(box) / np.array([width, height, width, height]), 0, 1).reshape(2, 2)
    return np.concatenate([sides.mean(0), sides[1] - sides[0]])
""",
        "min and max": yolo(
            "[x0 / width + (x1 - x0) / 2 / width, (y0 + y1) / (2 * height), (x1 - x0) / width, (y1 - y0) / height]"
        ),
        "tensors": """
def box_to_yolo(box, width, height):
    size = torch.tensor([width, height], dtype=torch.float64)
    corners = torch.tensor(box, dtype=torch.float64).view(2, 2)
    corners = torch.minimum(corners.clamp(min=0), size) / size
    return torch.cat([corners.mean(0), corners.diff(dim=0)[0]])
""",
    },
    wrong=(
        Wrong("not clipped", yolo(CENTRE_AND_SIZE, "-9", "9"), "not cut off", "not clipped"),
        Wrong(
            "fractions clipped",
            yolo(CENTRE_AND_SIZE, "-9", "9")
            .replace("return ", "return np.clip([")
            .replace("/ height\n", "/ height], 0, 1)\n"),
            "cut the sides first",
            "not clipped",
        ),
        Wrong("right edge only", yolo(CENTRE_AND_SIZE, "-9"), "begin before", "not clipped"),
        Wrong("left edge only", yolo(CENTRE_AND_SIZE, high="9"), "end behind", "not clipped"),
        Wrong("last pixel for edge", yolo(CENTRE_AND_SIZE, high="-1 + 1"), "not at width - 1", "off by one"),
        Wrong(
            "corner",
            yolo("x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height"),
            "wants the centre",
            "corner for centre",
        ),
        Wrong(
            "two corners", yolo("x0 / width, y0 / height, x1 / width, y1 / height"), "two corners", "corner for centre"
        ),
        Wrong(
            "width and height swapped",
            yolo("(x0 + x1) / 2 / height, (y0 + y1) / 2 / width, (x1 - x0) / height, (y1 - y0) / width"),
            "width and height are swapped",
            "wrong axis",
        ),
        Wrong(
            "width for all",
            yolo("(x0 + x1) / 2 / width, (y0 + y1) / 2 / width, (x1 - x0) / width, (y1 - y0) / width"),
            "fractions of the height",
            "wrong axis",
        ),
        Wrong(
            "rows first",
            yolo("(y0 + y1) / 2 / height, (x0 + x1) / 2 / width, (y1 - y0) / height, (x1 - x0) / width"),
            "x and y are swapped",
            "wrong axis",
        ),
        Wrong(
            "size first",
            yolo("(x1 - x0) / width, (y1 - y0) / height, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height"),
            "Centre and size",
            "wrong place",
        ),
        Wrong("pixels", yolo("(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0"), "These are pixels", "not normalised"),
        Wrong(
            "half size",
            yolo("(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / 2 / width, (y1 - y0) / 2 / height"),
            "half of what",
            "half the size",
        ),
        Wrong(
            "last pixel counted",
            yolo("(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0 + 1) / width, (y1 - y0 + 1) / height"),
            "a pixel too wide",
            "off by one",
        ),
    ),
    equivalent={
        f"line {line}: np.clip({sides}, 0, {most}) -> np.clip(0, {sides}, {most})": "the larger of 0 and the sides"
        for line, sides, most in ((2, "[box[0], box[2]]", "width"), (3, "[box[1], box[3]]", "height"))
    },
)


def unseeing(
    answer: str = "share.argmax()", entropy: str = "-np.log(share[test_labels]).mean()", counted: str = "train_labels"
) -> str:
    return f"""
def without_looking(train_labels, test_labels):
    classes = train_labels.max() + 1
    share = np.bincount({counted}, minlength=classes) / len({counted})
    accuracy = (test_labels == {answer}).mean()
    return accuracy, {entropy}
"""


WITHOUT_LOOKING = Answers(
    right={
        "logits": """
def without_looking(train_labels, test_labels):
    logits = torch.from_numpy(np.bincount(train_labels)).double().log().expand(len(test_labels), -1)
    test_labels = torch.from_numpy(test_labels)
    return (logits.argmax(1) == test_labels).double().mean().item(), F.cross_entropy(logits, test_labels).item()
""",
        "counting": """
def without_looking(train_labels, test_labels):
    train, test = list(train_labels), list(test_labels)
    share = {c: train.count(c) / len(train) for c in set(train)}
    answer = max(share, key=share.get)
    return test.count(answer) / len(test), sum(-math.log(share[c]) for c in test) / len(test)
""",
        "by shares of the test": """
def without_looking(train_labels, test_labels):
    p = np.bincount(train_labels) / len(train_labels)
    q = np.bincount(test_labels, minlength=len(p)) / len(test_labels)
    return np.array([q[p.argmax()], -(q * np.log(p)).sum()])
""",
    },
    wrong=(
        Wrong("test labels", unseeing(counted="test_labels"), "only apply to the rest", "fitted on test data"),
        Wrong(
            "answer from the test",
            unseeing("np.bincount(test_labels).argmax()"),
            "most frequent class of the test",
            "fitted on test data",
        ),
        Wrong(
            "shares from the test",
            unseeing(entropy="-np.log((np.bincount(test_labels) / len(test_labels))[test_labels]).mean()"),
            "probabilities are those of the test",
            "fitted on test data",
        ),
        Wrong(
            "scored on training labels",
            unseeing(entropy="-np.log(share[train_labels]).mean()").replace("(test_labels ==", "(train_labels =="),
            "measured on the training labels",
            "scored on training data",
        ),
        Wrong(
            "training accuracy",
            unseeing().replace("return accuracy", "return share.max()"),
            "accuracy is that on the training",
            "scored on training data",
        ),
        Wrong(
            "entropy of the shares",
            unseeing(entropy="-(share * np.log(share)).sum()"),
            "mean over the training labels",
            "scored on training data",
        ),
        Wrong("equal probabilities", unseeing(entropy="np.log(classes)"), "equal probabilities", "uniform"),
        Wrong("bits", unseeing(entropy="-np.log2(share[test_labels]).mean()"), "has base 2", "another base"),
        Wrong("base 10", unseeing(entropy="-np.log10(share[test_labels]).mean()"), "has base 10", "another base"),
        Wrong("sum", unseeing(entropy="-np.log(share[test_labels]).sum()"), "sum where the mean", "sum for mean"),
        Wrong("sign", unseeing(entropy="np.log(share[test_labels]).mean()"), "the loss is not", "wrong sign"),
        Wrong(
            "mean inside",
            unseeing(entropy="-np.log(share[test_labels].mean())"),
            "mean of the logarithms",
            "wrong order",
        ),
        Wrong(
            "count for accuracy",
            unseeing().replace("return accuracy", "return accuracy * len(test_labels)"),
            "Accuracy is a share",
            "sum for mean",
        ),
        Wrong(
            "swapped",
            unseeing().replace(
                "return accuracy, -np.log(share[test_labels]).mean()",
                "return -np.log(share[test_labels]).mean(), accuracy",
            ),
            "two numbers are swapped",
            "wrong order",
        ),
    ),
)


def keep(stored: str, loaded: str = "model.load_state_dict(best)", better: str = "loss < best_loss") -> str:
    return f"""
def train_and_keep_best(model, train_epoch, validate, epochs):
    import copy
    best_loss = float("inf")
    for _ in range(epochs):
        train_epoch(model)
        loss = validate(model)
        if {better}:
            best_loss, best = loss, {stored}
    {loaded}
    return best_loss
"""


CLONES = "{name: tensor.clone() for name, tensor in model.state_dict().items()}"


def stopped(patience: int) -> str:
    return (
        keep(CLONES)
        .replace('best_loss = float("inf")', 'best_loss, waited = float("inf"), 0')
        .replace("best_loss, best = loss,", "waited, best_loss, best = 0, loss,")
        .replace(
            "    model.load_state",
            f"""        else:
            waited += 1
            if waited == {patience}:
                break
    model.load_state""",
        )
    )


TRAIN_AND_KEEP_BEST = Answers(
    right={
        "deepcopy": keep("copy.deepcopy(model.state_dict())"),
        "a copy of the model": keep("copy.deepcopy(model)", "model.load_state_dict(best.state_dict())"),
        "through a file in memory": keep(
            "io.BytesIO()", "model.load_state_dict(torch.load(io.BytesIO(best.getvalue())))"
        )
        .replace("import copy", "import io")
        .replace(
            "            best_loss, best = loss, io.BytesIO()\n",
            """            best_loss, best = loss, io.BytesIO()
            torch.save(model.state_dict(), best)
""",
        ),
        "all epochs kept": """
def train_and_keep_best(model, train_epoch, validate, epochs):
    losses, states = [], []
    for _ in range(epochs):
        train_epoch(model)
        losses.append(validate(model))
        states.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    model.load_state_dict(states[int(np.argmin(losses))])
    return min(losses)
""",
    },
    wrong=(
        Wrong("copied names", keep("dict(model.state_dict())"), "weights of its last epoch", "no copy"),
        Wrong("shallow copy", keep("copy.copy(model.state_dict())"), "weights of its last epoch", "no copy"),
        Wrong(
            "detached, not copied",
            keep("{name: tensor.detach() for name, tensor in model.state_dict().items()}"),
            "weights of its last epoch",
            "no copy",
        ),
        Wrong("another model", keep("copy.deepcopy(model)", "model = best"), "load them into it", "no copy"),
        Wrong("not loaded", keep(CLONES, "pass"), "weights of its last epoch", "no copy"),
        Wrong(
            "no buffers",
            keep("{name: p.detach().clone() for name, p in model.named_parameters()}").replace(
                "load_state_dict(best)", "load_state_dict(best, strict=False)"
            ),
            "the buffers",
            "no copy",
        ),
        Wrong("ties", keep(CLONES, better="loss <= best_loss"), "the first is to be kept", "missing edge case"),
        Wrong(
            "highest",
            keep(CLONES, better="loss > best_loss").replace('"inf"', '"-inf"'),
            "highest loss",
            "wrong direction",
        ),
        Wrong("start value", keep(CLONES).replace('float("inf")', "1.0"), "raised", "raises"),
        Wrong(
            "validated first",
            keep(CLONES)
            .replace("        train_epoch(model)\n", "")
            .replace("    model.load_state", "        train_epoch(model)\n    model.load_state"),
            "Train first",
            "wrong order",
        ),
        Wrong(
            "stops at the first rise",
            keep(CLONES).replace("    model.load_state", "        else:\n            break\n    model.load_state"),
            "This stops",
            "missing term",
        ),
        *(Wrong(f"patience {epochs}", stopped(epochs), "This stops", "missing term") for epochs in (2, 3, 5, 10)),
        Wrong(
            "last loss compared",
            keep(CLONES, better="loss < last_loss")
            .replace('best_loss = float("inf")', 'best_loss = last_loss = float("inf")')
            .replace("    model.load_state", "        last_loss = loss\n    model.load_state"),
            "best one so far",
            "last for best",
        ),
        Wrong("last loss", keep(CLONES).replace("return best_loss", "return loss"), "not the lowest", "missing term"),
        Wrong("no return", keep(CLONES).replace("return best_loss", "pass"), "returns None", "returns None"),
    ),
)


def wilson(
    middle: str = "(p + spread / 2) / (1 + spread)",
    half: str = "z * np.sqrt(p * (1 - p) / samples + spread / (4 * samples)) / (1 + spread)",
    result: str = "middle - half, middle + half",
) -> str:
    return f"""
def wilson_bounds(correct, samples, z=1.96):
    p, spread = correct / samples, z * z / samples
    middle = {middle}
    half = {half}
    return {result}
"""


WILSON_BOUNDS = Answers(
    right={
        "roots": """
def wilson_bounds(correct, samples, z=1.96):
    share, spread = correct / samples, z**2 / samples
    return np.sort(np.roots([1 + spread, -(2 * share + spread), share**2]).real)
""",
        "bisection": """
def wilson_bounds(correct, samples, z=1.96):
    share, ends = correct / samples, []
    for far in (0.0, 1.0):
        inside, outside = share, far
        for _ in range(60):
            p = (inside + outside) / 2
            if (share - p) ** 2 <= z**2 * p * (1 - p) / samples:
                inside = p
            else:
                outside = p
        ends.append(inside)
    return ends
""",
    },
    wrong=(
        Wrong(
            "normal",
            wilson("p", "z * np.sqrt(p * (1 - p) / samples)"),
            "Keep p there",
            "normal approximation",
        ),
        Wrong(
            "normal, cut",
            wilson("p", "z * np.sqrt(p * (1 - p) / samples)", "max(0, middle - half), min(1, middle + half)"),
            "no doubt at all",
            "normal approximation",
        ),
        Wrong(
            "half of it",
            wilson(half="z * np.sqrt(middle * (1 - middle) / (samples + z * z))"),
            "the width is not",
            "normal approximation",
        ),
        Wrong(
            "not divided",
            wilson("p + spread / 2", "z * np.sqrt(p * (1 - p) / samples + spread / (4 * samples))"),
            "divided by 1 + z * z / n",
            "missing term",
        ),
        Wrong("middle not moved", wilson("p / (1 + spread)"), "middle is not moved", "missing term"),
        Wrong(
            "root", wilson(half="z * np.sqrt(p * (1 - p) / samples) / (1 + spread)"), "Under the root", "missing term"
        ),
        Wrong("moved too far", wilson("(p + spread) / (1 + spread)"), "twice as far", "wrong divisor"),
        Wrong("1.96", wilson().replace("p, spread", "z = 1.96\n    p, spread"), "only its default", "rounded constant"),
        Wrong(
            "SciPy's z",
            wilson().replace("p, spread", "z = 1.959963984540054\n    p, spread"),
            "SciPy takes 1.959964",
            "rounded constant",
        ),
        Wrong(
            "z for its square",
            wilson(half="np.sqrt(z * (p * (1 - p) / samples + spread / (4 * samples))) / (1 + spread)").replace(
                "z * z", "z"
            ),
            "z is not squared",
            "not squared",
        ),
        Wrong(
            "z for its square elsewhere",
            wilson().replace("z * z", "z"),
            "z is not squared",
            "not squared",
        ),
        Wrong("percent", wilson(result="100 * (middle - half), 100 * (middle + half)"), "percentages", "percent"),
        Wrong("upper first", wilson(result="middle + half, middle - half"), "lower end comes first", "wrong order"),
        Wrong("middle and half", wilson(result="middle, half"), "Return the two ends", "missing term"),
        Wrong("one-sided", wilson(result="middle - half"), "wrong shape"),
    ),
)

ANSWERS = {
    "15.1": BOX_TO_YOLO,
    "15.2": WITHOUT_LOOKING,
    "15.3": TRAIN_AND_KEEP_BEST,
    "15.4": WILSON_BOUNDS,
}
