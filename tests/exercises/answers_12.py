"""Answers to the exercises of lesson 12."""

from __future__ import annotations

from answers import Answers, Wrong


def momentum(formula: str) -> str:
    return f"def momentum_at(u, low=0.9, high=0.999):\n    return {formula}\n"


MOMENTUM_AT = Answers(
    right={
        "1 - m by ratio": momentum("1 - (1 - low) * ((1 - high) / (1 - low)) ** u"),
        "logarithms": momentum("1 - np.exp(np.log(1 - low) + u * (np.log(1 - high) - np.log(1 - low)))"),
        "base ten": momentum("1 - 10 ** -(math.log10(1 / (1 - low)) + u * math.log10((1 - low) / (1 - high)))"),
        "torch": momentum("1 - (1 - low) * ((1 - high) / (1 - low)) ** torch.as_tensor(u)"),
        "single precision": momentum("np.float32(1) - np.float32(1 - low) * np.float32((1 - high) / (1 - low)) ** u"),
        "geometric mean of both ends": momentum("1 - (1 - low) ** (1 - u) * (1 - high) ** u"),
    },
    wrong=(
        Wrong("linear", momentum("low + u * (high - low)"), "even in the momentum", "wrong scale"),
        Wrong("lesson's formula", momentum("low * (high / low) ** u"), "ratio of the momentum", "wrong scale"),
        Wrong(
            "memory evenly",
            momentum("1 - 1 / (1 / (1 - low) + u * (1 / (1 - high) - 1 / (1 - low)))"),
            "even in the memory",
            "wrong scale",
        ),
        Wrong(
            "from the other end",
            momentum("1 - (1 - high) * ((1 - low) / (1 - high)) ** u"),
            "Position 0 was to give",
            "wrong direction",
        ),
        Wrong(
            "memory", momentum("1 / (1 - low) * ((1 - low) / (1 - high)) ** u"), "This is the memory", "not transformed"
        ),
        Wrong("1 - m", momentum("(1 - low) * ((1 - high) / (1 - low)) ** u"), "This is 1 - m", "not transformed"),
        Wrong("a number only", momentum("float(1 - (1 - low) * ((1 - high) / (1 - low)) ** u)"), "TypeError", "raises"),
        Wrong("rounded", momentum("np.round(1 - (1 - low) * ((1 - high) / (1 - low)) ** u, 2)"), "values differ"),
        Wrong("bounds fixed", momentum("1 - 10 ** -(1 + 2 * u)"), "values differ"),
    ),
)


def latin(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def latin_positions(count, settings, seed):\n{lines}\n"


DRAWN = """
rng = np.random.default_rng(seed)
middles = (np.arange(count) + 0.5) / count
return {}
"""

LATIN_POSITIONS = Answers(
    right={
        "orders of random numbers": latin("""
order = np.random.default_rng(seed).random((count, settings)).argsort(axis=0)
return (order + 0.5) / count
"""),
        "shuffled in place": latin("""
rng = np.random.RandomState(seed)
positions = np.empty((count, settings))
for setting in range(settings):
    column = np.linspace(0.5 / count, 1 - 0.5 / count, count)
    rng.shuffle(column)
    positions[:, setting] = column
return positions
"""),
        "torch": latin("""
generator = torch.Generator().manual_seed(seed)
columns = [torch.randperm(count, generator=generator) for _ in range(settings)]
return (torch.stack(columns, dim=1).double() + 0.5) / count
"""),
        "single precision": latin("""
torch.manual_seed(seed)
return torch.stack([(torch.randperm(count) + 0.5) / count for _ in range(settings)], 1)
"""),
        "permuted": latin(DRAWN.format("rng.permuted(np.tile(middles, (settings, 1)), axis=1).T")),
    },
    wrong=(
        Wrong(
            "dice",
            latin("return np.random.default_rng(seed).random((count, settings))"),
            "some slices hold several",
            "drawn with replacement",
        ),
        Wrong(
            "slices drawn",
            latin(DRAWN.format("rng.choice(middles, (count, settings))")),
            "does not have one trial in each slice",
            "drawn with replacement",
        ),
        Wrong(
            "rows permuted together",
            latin(DRAWN.format("rng.permutation(np.stack([middles] * settings, axis=1))")),
            "on the diagonal",
            "all alike",
        ),
        Wrong(
            "generator inside the loop",
            latin("""
middles = (np.arange(count) + 0.5) / count
return np.stack([np.random.default_rng(seed).permutation(middles) for _ in range(settings)], axis=1)
"""),
            "on the diagonal",
            "all alike",
        ),
        Wrong(
            "seed ignored",
            latin(
                DRAWN.format("np.stack([rng.permutation(middles) for _ in range(settings)], axis=1)").replace(
                    "(seed)", "(0)"
                )
            ),
            "Another seed",
            "seed ignored",
        ),
        Wrong(
            "no seed",
            latin(
                DRAWN.format("np.stack([rng.permutation(middles) for _ in range(settings)], axis=1)").replace(
                    "(seed)", "()"
                )
            ),
            "The same seed gives another",
            "not repeatable",
        ),
        Wrong(
            "numpy's global state",
            latin("""
middles = (np.arange(count) + 0.5) / count
return np.stack([np.random.permutation(middles) for _ in range(settings)], axis=1)
"""),
            "Another seed",
            "seed ignored",
        ),
        Wrong(
            "rows are settings",
            latin(DRAWN.format("np.stack([rng.permutation(middles) for _ in range(settings)])")),
            "A row is one trial",
            "wrong axis",
        ),
        Wrong(
            "lower edges",
            latin(DRAWN.format("np.stack([rng.permutation(count) / count for _ in range(settings)], axis=1)")),
            "lower edges",
            "wrong place",
        ),
        Wrong(
            "both ends",
            latin(
                DRAWN.format("np.stack([rng.permutation(np.linspace(0, 1, count)) for _ in range(settings)], axis=1)")
            ),
            "both ends included",
            "wrong place",
        ),
        Wrong(
            "anywhere in the slice",
            latin(
                DRAWN.format(
                    "np.stack([(rng.permutation(count) + rng.random(count)) / count for _ in range(settings)], axis=1)"
                )
            ),
            "middles of their slices",
            "wrong place",
        ),
        Wrong(
            "first setting in order",
            latin(
                DRAWN.format("np.stack([middles] + [rng.permutation(middles) for _ in range(settings - 1)], axis=1)")
            ),
            "in the same order whatever the seed",
            "all alike",
        ),
        Wrong(
            "one order, rolled",
            latin("""
order = np.random.default_rng(seed).permutation(count)
return (np.stack([np.roll(order, setting) for setting in range(settings)], axis=1) + 0.5) / count
"""),
            "decides that of the other",
            "all alike",
        ),
        Wrong(
            "slices, not positions",
            latin(DRAWN.format("np.stack([rng.permutation(count) for _ in range(settings)], axis=1)")),
            "between 0 and 1",
        ),
    ),
    equivalent={
        "line 4: return np.stack([rng.permutation(middles) for _ in range(settings)], axis=1) -> "
        "return np.stack([rng.permutation(middles) for _ in range(settings)], axis=1)[::-1]": "another random order",
    },
)


def best(body: str) -> str:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"def expected_best(errors, trials):\n{lines}\n"


EXPECTED_BEST = Answers(
    right={
        "loop": best("""
n, total = len(errors), 0.0
for i, error in enumerate(sorted(errors)):
    total += error * (((n - i) / n) ** trials - ((n - i - 1) / n) ** trials)
return total
"""),
        "sum of steps": best("""
ordered = np.sort(errors)
missed = (1 - np.arange(1, len(errors)) / len(errors)) ** trials
return ordered[0] + (np.diff(ordered) * missed).sum()
"""),
        "single precision": best("""
ordered, n = torch.as_tensor(errors).sort().values, len(errors)
missed = (torch.arange(n, -1, -1) / n) ** trials
return (ordered * (missed[:-1] - missed[1:])).sum()
"""),
        "chances of each place": best("""
places = np.arange(len(errors) + 1) / len(errors)
return np.inner(np.sort(errors), -np.diff((1 - places) ** trials))
"""),
    },
    wrong=(
        Wrong(
            "largest",
            best("""
n, total = len(errors), 0.0
for i, error in enumerate(sorted(errors)):
    total += error * (((i + 1) / n) ** trials - (i / n) ** trials)
return total
"""),
            "expected largest",
            "wrong direction",
        ),
        Wrong(
            "without putting back",
            best("""
n = len(errors)
ways = [math.comb(n - i - 1, trials - 1) for i in range(n)]
return sum(w * e for w, e in zip(ways, sorted(errors))) / math.comb(n, trials)
"""),
            "without putting back",
            "without replacement",
        ),
        Wrong(
            "not sorted",
            best("""
n, total = len(errors), 0.0
for i, error in enumerate(errors):
    total += error * (((n - i) / n) ** trials - ((n - i - 1) / n) ** trials)
return total
"""),
            "not sorted",
            "wrong order",
        ),
        Wrong("mean", best("return np.mean(errors)"), "mean of all trials", "missing term"),
        Wrong("best of all", best("return min(errors)"), "best of all trials", "missing term"),
        Wrong("quantile", best("return np.quantile(errors, 1 / (trials + 1))"), "This is a quantile", "wrong place"),
        Wrong("first trials", best("return min(errors[:trials])"), "in which they happen to stand", "missing term"),
        Wrong(
            "one draw too few",
            best("""
missed = (np.arange(len(errors), -1, -1) / len(errors)) ** (trials - 1)
return np.sort(errors) @ -np.diff(missed)
"""),
            "too few",
            "off by one",
        ),
        Wrong(
            "by dice",
            best("return np.random.default_rng(0).choice(errors, (1000, trials)).min(axis=1).mean()"),
            "Drawn at random",
        ),
        Wrong(
            "by dice without a seed",
            best("""
import random
return sum(min(random.choices(errors.tolist(), k=trials)) for _ in range(2000)) / 2000
"""),
            "Drawn at random",
        ),
        Wrong(
            "mean of the best so far",
            best("return np.minimum.accumulate(errors).mean()"),
            "not the expected one",
        ),
        Wrong(
            "probability of all others",
            best("""
n = len(errors)
return sum(error * ((n - i) / n) ** trials for i, error in enumerate(sorted(errors)))
"""),
            "do not add up to 1",
            "missing term",
        ),
        Wrong(
            "probability of all others and this one",
            best("""
n = len(errors)
return sum(error * ((n - i) / n) ** trials for i, error in enumerate(sorted(errors), start=1))
"""),
            "do not add up to 1",
            "missing term",
        ),
    ),
)


def honest(choose: str, report: str = "1 - right[winner, size:].mean()", best: str = "argmin") -> str:
    return f"""
def honest_error(right, size):
    errors = 1 - {choose}.mean(axis=1)
    winner = errors.{best}()
    return {report}
"""


HONEST_ERROR = Answers(
    right={
        "most right": """
def honest_error(right, size):
    winner = np.argmax(right[:, :size].sum(1))
    return np.mean(right[winner, size:] == 0)
""",
        "lists": """
def honest_error(right, size):
    best = max(right.tolist(), key=lambda answers: sum(answers[:size]))
    return 1 - sum(best[size:]) / len(best[size:])
""",
        "split": """
def honest_error(right, size):
    valid, test = np.split(right, [size], axis=1)
    return (1 - test.mean(1))[(1 - valid.mean(1)).argmin()]
""",
    },
    wrong=(
        Wrong(
            "unrepaired, otherwise",
            "def honest_error(right, size):\n    return 1 - right[right.mean(1).argmax(), size:].mean()\n",
            "looks at all images",
            "chosen on test data",
        ),
        Wrong("chosen by the test", honest("right[:, size:]"), "very images", "chosen on test data"),
        Wrong("validation error", honest("right[:, :size]", "errors[winner]"), "was chosen for", "wrong part"),
        Wrong(
            "judged by all",
            honest("right[:, :size]", "1 - right[winner].mean()"),
            "counted in",
            "missing term",
        ),
        Wrong("all and all", honest("right", "errors.min()"), "same images", "chosen on test data"),
        Wrong("exchanged", honest("right[:, size:]", "1 - right[winner, :size].mean()"), "are exchanged", "wrong part"),
        Wrong("worst", honest("right[:, :size]", best="argmax"), "largest error", "wrong direction"),
        Wrong("accuracy", honest("right[:, :size]", "right[winner, size:].mean()"), "right answers", "wrong part"),
        Wrong(
            "mean of all trials", honest("right[:, :size]", "1 - right[:, size:].mean()"), "all trials", "missing term"
        ),
        Wrong(
            "last of equals",
            honest("right[::-1, :size]", "1 - right[::-1][winner, size:].mean()"),
            "first one counts",
            "missing edge case",
        ),
        Wrong("rows for columns", honest("right[:size]"), "looks at all images", "chosen on test data"),
    ),
    equivalent={
        "line 2: 1 -> 2": "the order of the trials stays",
        "line 2: 1 -> 0": "the order of the trials stays",
        "line 2: right[:, :size].mean -> right[:, :size].sum": "the order of the trials stays",
    },
)


ANSWERS = {
    "12.1": MOMENTUM_AT,
    "12.2": LATIN_POSITIONS,
    "12.3": EXPECTED_BEST,
    "12.4": HONEST_ERROR,
}
