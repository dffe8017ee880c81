"""Answers to the exercises of lesson 16."""

from __future__ import annotations

from answers import Answers, Wrong


def pictures(
    moved: str = ".permute(0, 2, 3, 1)",
    largest: str = "filters.abs().amax((1, 2, 3), keepdim=True)",
    divisor: str = "torch.where(largest > 0, largest, 1)",
) -> str:
    return f"""
def colour_pictures(filters):
    largest = {largest}
    return (0.5 + 0.5 * filters / {divisor}){moved}
"""


COLOUR_PICTURES = Answers(
    right={
        "movedim, one at a time": """
def colour_pictures(filters):
    done = []
    for weights in filters:
        largest = weights.abs().max()
        done.append((weights / largest if largest > 0 else weights) / 2 + 0.5)
    return torch.stack(done).movedim(1, 3)
""",
        "einsum": """
def colour_pictures(filters):
    largest = filters.abs().flatten(1).max(1).values[:, None, None, None]
    return torch.einsum("nchw->nhwc", (filters / largest).nan_to_num()) * 0.5 + 0.5
""",
        "stacked colours": """
def colour_pictures(filters):
    largest = filters.abs().amax((1, 2, 3), keepdim=True)
    red, green, blue = (0.5 + 0.5 * filters / largest.masked_fill(largest == 0, 1)).unbind(1)
    return torch.stack([red, green, blue], dim=-1)
""",
    },
    wrong=(
        Wrong(
            "reshaped",
            pictures(".reshape(len(filters), filters.shape[2], filters.shape[3], 3)"),
            "permute moves axes",
            "read in memory order",
        ),
        Wrong("nan left", pictures(divisor="largest"), "becomes nan", "zero by zero"),
        Wrong("black", pictures(".permute(0, 2, 3, 1).nan_to_num()", divisor="largest"), "is black", "zero by zero"),
        *(
            Wrong(divisor, pictures(divisor=f"({divisor})"), "only a 0: torch.where", "missing edge case")
            for divisor in ("largest + 1e-8", "largest + 1e-12", "largest.clamp(min=1e-8)", "largest + 1e-6")
        ),
        Wrong("transposed", pictures(".permute(0, 3, 2, 1)"), "Rows and columns", "wrong axis"),
        Wrong("not moved", pictures(""), "should be last", "channels first"),
        Wrong("reversed", pictures(".permute(1, 2, 3, 0)"), "Only the colours", "channels first"),
        Wrong("one scale", pictures(largest="filters.abs().max()"), "share one scale", "one scale for all"),
        Wrong(
            "a scale for each colour",
            pictures(largest="filters.abs().amax((2, 3), keepdim=True)"),
            "the colours come out wrong",
            "own scale for each",
        ),
        Wrong(
            "stretched",
            """
def colour_pictures(filters):
    low, high = filters.amin((1, 2, 3), keepdim=True), filters.amax((1, 2, 3), keepdim=True)
    return ((filters - low) / torch.where(high > low, high - low, 1)).permute(0, 2, 3, 1)
""",
            "not mid-grey",
            "stretched",
        ),
    ),
    equivalent={"line 3: 1 -> 2": "zeros divided by 2 are zeros"},
)


def dead(note: str, remove: str = "finally", kind: str = "torch.nn.ReLU") -> str:
    end = (
        """
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
"""
        if remove == "finally"
        else f"""
    model(images)
    {remove}
"""
    )
    return f"""
def count_dead(model, images):
    counts = []

    def note(module, inputs, output):
        counts.append({note})

    hooks = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, {kind})]
{end}
    return counts
"""


COUNT = "int((output.amax((0, 2, 3)) == 0).sum())"
REMOVE = "[hook.remove() for hook in hooks]"

COUNT_DEAD = Answers(
    right={
        "handles with with": """
def count_dead(model, images):
    from contextlib import ExitStack
    maps = []
    with ExitStack() as stack, torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.ReLU):
                stack.enter_context(module.register_forward_hook(lambda m, i, output: maps.append(output.clone())))
        model(images)
    return [sum(not bool(found[:, c].any()) for c in range(found.shape[1])) for found in maps]
""",
        "NumPy": dead(
            "int((output.detach().numpy().transpose(1, 0, 2, 3).reshape(output.shape[1], -1) == 0).all(1).sum())"
        ),
        "outputs_of": """
def count_dead(model, images):
    order, caught, hooks = [], {}, []

    def keep(name):
        def hook(module, inputs, output):
            caught[name] = output.detach().clone()
        return hook

    try:
        for name, module in model.named_modules():
            if type(module) is nn.ReLU:
                hooks.append(module.register_forward_hook(keep(name)))
        model(images)
    finally:
        while hooks:
            hooks.pop().remove()
    return [int((maps.sum((0, 2, 3)) == 0).sum()) for maps in caught.values()]
""",
    },
    wrong=(
        Wrong("never removed", dead(COUNT, "pass"), "2 hooks are left", "hook left behind"),
        Wrong("one removed", dead(COUNT, "hooks[0].remove()"), "1 hook is left", "hook left behind"),
        Wrong(
            "left in eval mode",
            dead(COUNT).replace("        model(images)", "        model.eval()(images)"),
            "leave it in eval mode",
            "mode not restored",
        ),
        Wrong(
            "left in training mode",
            dead(COUNT).replace("        model(images)", "        model.train()(images)"),
            "leave it in training mode",
            "mode not restored",
        ),
        Wrong(
            "run in eval mode",
            dead(COUNT)
            .replace("    counts = []", "    counts, mode = [], model.training", 1)
            .replace("        model(images)", "        model.eval()(images)")
            .replace("    return counts", "    model.train(mode)\n    return counts"),
            "was run in eval mode",
            "mode changed",
        ),
        Wrong(
            "run in training mode",
            dead(COUNT)
            .replace("    counts = []", "    counts, mode = [], model.training", 1)
            .replace("        model(images)", "        model.train()(images)")
            .replace("    return counts", "    model.train(mode)\n    return counts"),
            "was run in training mode",
            "mode changed",
        ),
        Wrong(
            "children", dead(COUNT).replace("modules()", "children()"), "inside a part of the model", "layer left out"
        ),
        Wrong("not after an error", dead(COUNT, REMOVE), "After an error", "hook left behind"),
        Wrong(
            "all cleared",
            dead(COUNT)
            .replace("for hook in hooks:", "for m in model.modules():")
            .replace("hook.remove()", "m._forward_hooks.clear()"),
            "somebody else",
            "hook left behind",
        ),
        Wrong(
            "any image", dead("int((output.amax((2, 3)) == 0).any(0).sum())"), "at least one image", "dead in one image"
        ),
        Wrong("each image", dead("int((output.amax((2, 3)) == 0).sum())"), "counted once", "dead in one image"),
        Wrong("first image", dead("int((output[0].amax((1, 2)) == 0).sum())"), "Only the first", "dead in one image"),
        Wrong("places", dead("int((output == 0).sum())"), "These are places", "places counted"),
        Wrong(
            "below a threshold",
            dead("int((output.amax((0, 2, 3)) < 1e-3).sum())"),
            "small numbers",
            "missing edge case",
        ),
        Wrong("somewhere", dead("int((output.amin((0, 2, 3)) == 0).sum())"), "0 somewhere", "places counted"),
        Wrong("alive", dead("int((output.amax((0, 2, 3)) > 0).sum())"), "alive", "wrong part"),
        Wrong("shares", dead("(output.amax((0, 2, 3)) == 0).float().mean().item()"), "These are shares", "percent"),
        Wrong(
            "order of modules",
            dead(COUNT)
            .replace("counts = []", "counts = {}")
            .replace("counts.append(", "counts.__setitem__(module, ")
            .replace("return counts", "return [counts[m] for m in model.modules() if m in counts]"),
            "in the order of model.modules()",
            "wrong order",
        ),
        Wrong(
            "counts dead inputs",
            dead("int((inputs[0].amax((0, 2, 3)) == 0).sum())"),
            "values differ",
        ),
        Wrong("a tuple of outputs", dead("output[0]"), "expected were numbers"),
    ),
    equivalent={
        "line 5: int((output.amax((0, 2, 3)) == 0).sum()) -> (output.amax((0, 2, 3)) == 0).sum()": "a number as well"
    },
)


def relatives(
    rows: str = "weight - weight.mean(0)", table: str = "unit @ unit.T", itself: str = "-2", answer: str = "argmax(1)"
) -> str:
    return f"""
def most_alike(weight):
    unit = F.normalize({rows}, dim=1)
    cosine = {table}
    cosine.fill_diagonal_({itself})
    return cosine.{answer}
"""


MOST_ALIKE = Answers(
    right={
        "loops": """
def most_alike(weight):
    rows, found = weight - weight.mean(0), []
    for k in range(len(rows)):
        others = [j for j in range(len(rows)) if j != k]
        found.append(max(others, key=lambda j: F.cosine_similarity(rows[k], rows[j], dim=0).item()))
    return torch.tensor(found)
""",
        "second best": """
def most_alike(weight):
    unit = F.normalize(weight - weight.mean(0), dim=1)
    return (unit @ unit.T).topk(2, dim=1).indices[:, 1]
""",
        "distance of unit vectors": """
def most_alike(weight):
    unit = weight - weight.mean(dim=0, keepdim=True)
    unit = unit / unit.norm(dim=1, keepdim=True)
    return ((unit[:, None] - unit) ** 2).sum(2).fill_diagonal_(torch.inf).argmin(1)
""",
    },
    wrong=(
        Wrong("itself", relatives(itself="1"), "diagonal has to be taken out", "compared with itself"),
        Wrong("zero on the diagonal", relatives(itself="0"), "less than -1", "compared with itself"),
        Wrong("no mean", relatives("weight"), "what all share", "mean not subtracted"),
        Wrong(
            "mean of the row",
            relatives("weight - weight.mean(1, keepdim=True)"),
            "mean over the rows",
            "mean not subtracted",
        ),
        Wrong(
            "products",
            relatives(table="(weight - weight.mean(0)) @ (weight - weight.mean(0)).T", itself="-1000"),
            "long rows win",
            "not of length 1",
        ),
        Wrong(
            "distance",
            relatives(table="torch.cdist(weight, weight)", itself="1e9", answer="argmin(1)"),
            "smallest distance",
            "not of length 1",
        ),
        Wrong("least alike", relatives(itself="2", answer="argmin(1)"), "least alike", "wrong direction"),
        Wrong("absolute", relatives(table="(unit @ unit.T).abs()"), "sign of the cosine", "wrong sign"),
        Wrong("cosines", relatives(answer="max(1).values"), "values differ"),
    ),
    equivalent={
        "line 2: F.normalize(weight - weight.mean(0), dim=1) -> F.normalize(weight - weight.mean(0))": "the default",
        "line 4: 2 -> 3": "-3 is less than every cosine, too",
        "line 5: 1 -> 0": "the table of cosines is symmetric",
    },
)


def contrast(result: str) -> str:
    return f"""
def contrast_map(weight, bias, maps, k, j):
    votes = (weight[k] - weight[j])[:, None, None] * maps
    return {result}
"""


CONTRAST_MAP = Answers(
    right={
        "difference of two maps": """
def contrast_map(weight, bias, maps, k, j):
    one, other = (torch.einsum("c,chw->hw", weight[i], maps) + bias[i] for i in (k, j))
    return one - other
""",
        "1 x 1 convolution": """
def contrast_map(weight, bias, maps, k, j):
    logits = F.conv2d(maps[None], weight[:, :, None, None], bias)[0]
    return logits[k] - logits[j]
""",
        "place by place": """
def contrast_map(weight, bias, maps, k, j):
    answer = torch.zeros(maps.shape[1:], dtype=maps.dtype)
    for row in range(maps.shape[1]):
        for column in range(maps.shape[2]):
            z = weight @ maps[:, row, column] + bias
            answer[row, column] = z[k] - z[j]
    return answer
""",
    },
    wrong=(
        Wrong("no bias", contrast("votes.sum(0)"), "bias is left out", "bias left out"),
        Wrong(
            "bias divided",
            contrast("votes.sum(0) + (bias[k] - bias[j]) / maps[0].numel()"),
            "divides once more",
            "bias left out",
        ),
        Wrong("one bias", contrast("votes.sum(0) + bias[k]"), "class j has one", "bias left out"),
        Wrong(
            "bias turned", contrast("votes.sum(0) - bias[k] + bias[j]"), "biases has the wrong sign", "bias left out"
        ),
        Wrong("turned", contrast("-votes.sum(0) - bias[k] + bias[j]"), "speaks for class j", "wrong sign"),
        Wrong(
            "one class",
            "def contrast_map(weight, bias, maps, k, j):\n"
            '    return torch.einsum("c,chw->hw", weight[k], maps) + bias[k]\n',
            "class k alone",
            "one class only",
        ),
        Wrong("mean", contrast("votes.mean(0) + bias[k] - bias[j]"), "votes are added", "mean for sum"),
        Wrong(
            "sum is the difference",
            contrast("(votes.sum(0) + bias[k] - bias[j]) / maps[0].numel()"),
            "Its mean should be",
            "mean for sum",
        ),
        Wrong("ReLU", contrast("(votes.sum(0) + bias[k] - bias[j]).relu()"), "cut off", "wrong part"),
        Wrong("not summed", contrast("votes"), "have to be added up", "missing term"),
        Wrong("channels", contrast("votes.mean((1, 2))"), "votes of the channels", "wrong axis"),
    ),
)

ANSWERS = {
    "16.1": COLOUR_PICTURES,
    "16.2": COUNT_DEAD,
    "16.3": MOST_ALIKE,
    "16.4": CONTRAST_MAP,
}
