"""Exercises and quiz of lesson 07: a first CNN."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network, expect_probed, give_weights, give_weights_by_shape


def _draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def _check_move(learner: Learner, reference: Callable) -> None:
    def grey(*shape):
        drawn = np.random.default_rng(sum(shape)).integers(1, 256, shape)
        return torch.tensor(drawn, dtype=torch.uint8)

    cases = [
        (grey(2, 1, 5, 6), 1, 2),
        (grey(4, 7), -2, 0),
        (grey(3, 6, 4), 0, -3),
        (_draw(2, 3, 5, 5), -1, 2),
        (grey(1, 1, 4, 5), 6, -9),
        (grey(3, 3), 0, 0),
    ]
    mistakes = [
        Mistake(
            "wraps around", lambda x, d, r: x.roll((d, r), (-2, -1)), "What leaves at one edge comes in at the other."
        ),
        Mistake(
            "zeros in the gap",
            lambda x, d, r: _moved(x, d, r, edge=0),
            "The gap is filled with zeros. Repeat the nearest row and column.",
        ),
        Mistake("wrong direction", lambda x, d, r: reference(x, -d, -r)),
        Mistake("wrong direction", lambda x, d, r: reference(x, -d, r), "Up and down are exchanged."),
        Mistake("wrong direction", lambda x, d, r: reference(x, d, -r), "Left and right are exchanged."),
        Mistake("wrong axis", lambda x, d, r: reference(x, r, d)),
        Mistake("missing term", lambda x, d, r: reference(x, 0, r), "The images do not move up or down."),
        Mistake("missing term", lambda x, d, r: reference(x, d, 0), "The images do not move to the side."),
        Mistake(
            "missing edge case",
            lambda x, d, r: reference(x, max(d, 0), max(r, 0)),
            "Negative numbers move up and to the left. Here they do nothing.",
        ),
        Mistake("cut off", lambda x, d, r: _cut(x, d, r), "The gap is missing: the images have become smaller."),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_dtype(learner, cases[:1], [torch.uint8])


def _moved(images: torch.Tensor, down: int, right: int, edge: float) -> torch.Tensor:
    """Move images; what comes in from outside is ``edge``."""
    height, width = images.shape[-2:]
    rows, columns = torch.arange(height) - down, torch.arange(width) - right
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    moved = images[..., rows.clamp(0, height - 1)[:, None], columns.clamp(0, width - 1)]
    return torch.where(inside, moved, torch.full_like(images, edge))


def _cut(images: torch.Tensor, down: int, right: int) -> torch.Tensor:
    height, width = images.shape[-2:]
    return images[..., max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]


MOVE = Exercise(
    id="07.1",
    title="In any direction",
    skill="You move images along both axes, and decide what fills the gap.",
    task="`shift` above moves to the right alone. Write one that moves by `down` rows and `right` columns; negative "
    "numbers move up and to the left. Fill the gap as `shift` does, by repeating what is at the edge.",
    difficulty=2,
    minutes=7,
    stub='''
def move_images(images: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """Move images by whole pixels; rows and columns at the edge are repeated into the gap.

    images: (..., H, W), any number of axes before the rows. down, right: positive, 0 or negative, and perhaps larger
    than the image. Returns the same shape and dtype.
    """
    ...  # your code here
''',
    hints=(
        "Do not ask where a pixel goes to, but where each pixel of the result comes from.",
        "Row i of the result is row i - down of the image. If there is no such row, it is the nearest that there is.",
        "(torch.arange(H) - down).clamp(0, H - 1) are the rows to take. Index with them: images[..., rows, :].",
    ),
    reference="""
def move_images(images, down, right):
    height, width = images.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return images[..., rows, :][..., columns]
""",
    explanation="To ask where each pixel comes from leaves no gap: every place gets a number. Crops, mirrors and "
    "rotations are written in this way, too.",
    check=_check_move,
)


def _check_to_batch(learner: Learner, reference: Callable) -> None:
    def photo(*shape):
        return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)

    def as_colour(x):
        return np.stack([x] * 3, axis=-1) if x.ndim == 2 else x

    def batch(photos, change):
        return torch.stack([torch.tensor(change(as_colour(x)).astype(np.float32) / 255) for x in photos])

    cases = [
        ([photo(4, 5, 3), photo(4, 5, 3)],),
        ([photo(3, 3, 3)],),
        ([photo(2, 6), photo(2, 6, 3), photo(2, 6)],),
        ([photo(5, 5)],),
        ([photo(3, 4, 3), photo(3, 4), photo(3, 4, 3)],),
    ]
    mistakes = [
        Mistake("channels last", lambda photos: batch(photos, lambda x: x)),
        Mistake(
            "reshaped",
            lambda photos: batch(photos, lambda x: x.reshape(3, *x.shape[:2])),
            "reshape cuts the numbers anew: each channel holds a third of the photograph. Turn the axes with permute.",
        ),
        Mistake(
            "reshaped",
            lambda photos: torch.tensor(
                np.stack([as_colour(x) for x in photos]).reshape(len(photos), 3, *photos[0].shape[:2]) / 255
            ),
            "reshape cuts the numbers anew. Turn the axes with permute.",
        ),
        Mistake(
            "wrong axis",
            lambda photos: batch(photos, lambda x: x.transpose(2, 1, 0)),
            "Rows and columns are swapped: the photographs lie on their side.",
        ),
        Mistake("forgot the scale", lambda photos: 255 * reference(photos), "The numbers run from 0 to 255, not to 1."),
        Mistake(
            "truncated to integers",
            lambda photos: reference(photos).floor(),
            "Nearly all is 0: a whole number of 0 to 255, divided without a rest by 255, is 0 or 1.",
        ),
        Mistake(
            "missing term",
            lambda photos: torch.stack(
                [
                    y if x.ndim == 3 else y * torch.tensor([1.0, 0, 0])[:, None, None]
                    for x, y in zip(photos, reference(photos))
                ]
            ),
            "A grey photograph is only in the first channel. Grey is equal red, green and blue.",
        ),
        Mistake(
            "wrong order",
            lambda photos: reference([x[..., ::-1].copy() if x.ndim == 3 else x for x in photos]),
            "Red and blue are exchanged.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    if not isinstance(learner(*cases[0]), torch.Tensor):
        sentence = "The numbers are right, but a network takes one tensor: torch.stack makes one of several."
        reject(learner, cases[0], "no tensor", "a tensor", "another kind of value", sentence)
    expect_dtype(learner, cases[:1], [torch.float32])


TO_BATCH = Exercise(
    id="07.2",
    title="Photographs to a batch",
    skill="You bring images from a camera's layout into the one that a network takes.",
    task="Photographs come as arrays of whole numbers from 0 to 255, rows × columns × colours; some are grey and have "
    "no axis for colours. Make one batch of them for a network with three input channels: N × C × H × W, "
    "with numbers from 0 to 1. A grey photograph has the same numbers in each of the three channels.",
    difficulty=2,
    minutes=7,
    stub='''
def to_batch(photos: list[np.ndarray]) -> torch.Tensor:
    """Put photographs of one size into a batch.

    photos: arrays (H, W, 3) or (H, W) of dtype uint8. Returns (N, 3, H, W), float32, from 0 to 1.
    """
    ...  # your code here
''',
    hints=(
        "Bring each photograph to shape (3, H, W) first. At the end, torch.stack puts them into a batch.",
        "For a grey one, photo.ndim is 2: make three equal channels of it, with np.stack([photo] * 3, axis=-1).",
        "Turn the axes of torch.tensor(photo) with permute(2, 0, 1), and divide by 255.",
    ),
    reference="""
def to_batch(photos):
    images = []
    for photo in photos:
        if photo.ndim == 2:
            photo = np.stack([photo] * 3, axis=-1)
        images.append(torch.tensor(photo).permute(2, 0, 1) / 255)
    return torch.stack(images)
""",
    explanation="Three things to get right: which axis is which, how many channels, and the range. Only the second "
    "leads to an error if it is wrong. So draw an image out of the batch before you train.",
    check=_check_to_batch,
)


def _network(
    size: Sequence[int], channels: Sequence[int], classes: int, block: Callable, end: Sequence = ()
) -> nn.Module:
    """A network that derives its linear layer from a trial run, with any kind of block."""
    before, layers = 1, []
    for after in channels:
        layers += block(before, after)
        before = after
    features = nn.Sequential(*layers, nn.Flatten())
    with torch.no_grad():
        arriving = features.eval()(torch.zeros(1, 1, *size)).shape[1]
    return nn.Sequential(features, nn.Linear(arriving, classes), *end).train()


def _check_cnn_for(learner: Learner, reference: Callable) -> None:
    settings = [((12, 9), [4], 3), ((17, 21), [2, 5], 4), ((30, 23), [3, 2, 4], 2), ((10, 10), [1, 1], 1)]

    def arriving(answer, size, channels, classes):
        """What the last linear layer was built for, and how many numbers arrive; None if there is no such layer."""
        found = []
        model = answer(size, channels, classes).eval()
        for module in model.modules():
            if type(module) is nn.Linear:
                module.register_forward_pre_hook(
                    lambda layer, given: found.append((layer.in_features, tuple(given[0].shape)))
                )
        try:
            model(torch.zeros(2, 1, *size))
        except RuntimeError as error:
            if "channels, but got" in str(error):
                return "channels"
            if not found or found[-1][0] == found[-1][1][-1]:
                raise
        return found[-1] if found else None

    def has_dropout(model):
        return any(isinstance(layer, nn.Dropout | nn.Dropout2d) and layer.p > 0 for layer in model.modules())

    for setting in settings:
        expect_network(learner, setting)
        met = learner.inside(lambda *given: arriving(learner.answer, *given))(*setting)
        if met == "channels":
            reject(learner, setting, "channels not chained", "channels that fit", "channels that do not")
        if met and met[0] != met[1][-1]:
            _reject_width(learner, setting, *met)
        if learner.inside(lambda *given: has_dropout(learner.answer(*given)))(*setting):
            sentence = "There is a dropout that was not asked for: in training, the logits change from call to call."
            reject(learner, setting, "one layer too many", "no dropout", "a dropout", sentence)

    def outputs(answer, size, channels, classes, x):
        model = answer(size, channels, classes).eval()
        with torch.no_grad():
            model(x)  # lazy layers have no weights before
            give_weights_by_shape(model)
            one = model(x[:1])
            return torch.cat([one, model(x), model.train()(x)])

    def wrong(block, end=()):
        return lambda size, channels, classes: _network(size, channels, classes, block, end)

    def parts(a, b, **options):
        return nn.Conv2d(a, b, 3, **options), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)

    def order(*places):
        return lambda a, b: [parts(a, b)[place] for place in places]

    mistakes = [
        Mistake("wrong order", wrong(order(0, 2, 1, 3)), "ReLU comes before the batch norm. It belongs behind it."),
        Mistake("layer left out", wrong(order(0, 1, 3)), "The ReLU is missing."),
        Mistake("layer left out", wrong(order(0, 2, 3)), "The batch norm is missing."),
        Mistake("layer left out", wrong(order(0, 1, 2)), "The pool is missing."),
        Mistake("layer left out", wrong(order(0, 3)), "Batch norm and ReLU are missing."),
        Mistake(
            "wrong padding",
            wrong(lambda a, b: parts(a, b, padding=1)),
            "The convolutions have padding. Without it, a kernel of 3 takes two rows and two columns away.",
        ),
        Mistake(
            "mean for maximum", wrong(lambda a, b: [*parts(a, b)[:3], nn.AvgPool2d(2)]), "The pool takes the mean."
        ),
        Mistake("softmax twice", wrong(lambda a, b: parts(a, b), [nn.Softmax(dim=1)])),
        Mistake(
            "one layer too many",
            wrong(lambda a, b: parts(a, b), [nn.ReLU()]),
            "A ReLU behind the linear layer cuts off all negative logits.",
        ),
        Mistake("overlapping windows", wrong(lambda a, b: [*parts(a, b)[:3], nn.MaxPool2d(2, stride=1)])),
        Mistake(
            "wrong scale", wrong(lambda a, b: [*parts(a, b)[:3], nn.MaxPool2d(3)]), "The pool's window is 3, not 2."
        ),
    ]
    cases = [(*setting, _draw(3, 1, *setting[0])) for setting in settings]
    expect_probed(learner, reference, outputs, cases, mistakes, tolerance=1e-4)


def _reject_width(learner: Learner, setting: tuple, built_for: int, shape: tuple[int, ...]) -> None:
    """Say what a linear layer was built for that gets inputs of another shape, and why if that can be guessed."""
    (height, width), channels, _ = setting
    rows, columns, padded_rows, padded_columns = height, width, height, width
    for _ in channels:
        rows, columns = (rows - 2) // 2, (columns - 2) // 2
        padded_rows, padded_columns = padded_rows // 2, padded_columns // 2
    last, arriving = channels[-1], shape[-1]
    sentence = f"The linear layer is built for {built_for:,} numbers, and {arriving:,} arrive."
    if len(shape) > 2:
        sentence += " The maps have not been flattened."
    elif built_for == rows * columns and last > 1:
        sentence += " Each of the channels has a map."
    elif built_for in (last * rows * rows, last * columns * columns):
        sentence += " The image is no square."
    elif built_for == last * padded_rows * padded_columns:
        sentence += " A convolution without padding takes two rows and two columns away."
    reject(learner, setting, "does not fit", f"{arriving:,} inputs", f"{built_for:,} inputs", sentence)


CNN_FOR = Exercise(
    id="07.3",
    title="A network for any image",
    skill="You derive the width of the linear layer, and build the network from it.",
    task="Build a network for grey images of any size. A *block* is a convolution of 3 × 3 without padding, batch "
    "norm, ReLU, and a max pool of 2. `channels` says how many blocks there are, and how many channels come out of "
    "each. Behind them: flatten, and a linear layer to the classes.",
    difficulty=2,
    minutes=9,
    stub='''
def cnn_for(size: tuple[int, int], channels: list[int], classes: int) -> nn.Module:
    """A network for grey images of one size.

    size: rows and columns, large enough for all blocks. channels: of each block, for example [8, 16] for two blocks.
    Takes (N, 1, *size), gives logits (N, classes).
    """
    ...  # your code here
''',
    hints=(
        "Collect the layers in a list, block by block, and note how many rows and columns are left after each.",
        "The convolution makes n - 2 of n, and the pool half of that, rounded down. Rows and columns each for itself.",
        "Each block takes as many channels as the one before puts out; the first takes 1. At the end: "
        "nn.Sequential(*layers, nn.Flatten(), nn.Linear(last channels * rows * columns, classes)).",
    ),
    reference="""
def cnn_for(size, channels, classes):
    layers, before = [], 1
    height, width = size
    for after in channels:
        layers += [nn.Conv2d(before, after, kernel_size=3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        height, width = (height - 2) // 2, (width - 2) // 2
        before = after
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * height * width, classes))
""",
    explanation="The floor counts anew in each block: 23 becomes 10, then 4, then 1. The shortest proof of a "
    "derivation is one image that goes through.",
    check=_check_cnn_for,
)


def _check_classifier(learner: Learner, reference: Callable) -> None:
    def logits(answer, classes, x):
        with torch.no_grad():
            return give_weights(answer(classes))(x)

    def with_rows(rows):
        """The network, with another way from maps to rows."""

        def answer(classes):
            model = reference(classes)
            model.forward = lambda x: model.classify(rows(model.features(x)))
            return model

        return answer

    def with_eight(pool):
        """A network whose linear layer gets one number of each channel."""

        def answer(classes):
            model = reference(classes)
            model.classify = nn.Linear(8, classes)
            model.forward = lambda x: model.classify(pool(model.features(x)))
            return model

        return answer

    expect_network(learner, (3,))
    cases = [(3, _draw(1, 1, 12, 12)), (4, _draw(5, 1, 12, 12)), (2, _draw(72, 1, 12, 12))]
    eight = (
        "This is another network: its linear layer gets one number of each channel. For 12 × 12, the answers have to "
        "stay what they were, with 72 numbers of each image."
    )
    mistakes = [
        Mistake(
            "batch flattened",
            with_rows(lambda maps: maps.flatten()),
            "flatten() without a number flattens the batch as well. Start behind the batch axis.",
        ),
        Mistake(
            "images mixed",
            with_rows(lambda maps: maps.reshape(72, -1).T),
            "The numbers of different images are mixed. A row of the result should come from one image.",
        ),
        Mistake(
            "channels last",
            with_rows(lambda maps: maps.permute(0, 2, 3, 1).flatten(1)),
            "The maps are flattened place by place. The linear layer's weights go channel by channel.",
        ),
        Mistake(
            "wrong axis",
            with_rows(lambda maps: maps.transpose(2, 3).flatten(1)),
            "Rows and columns are swapped before the maps are flattened.",
        ),
        Mistake(
            "layer left out",
            with_rows(lambda maps: maps.mean((2, 3)).repeat_interleave(9, 1)),
            "The mean over all places has forgotten where things are. For images of 12 × 12, the logits must stay.",
        ),
        Mistake("layer left out", with_eight(lambda maps: maps.mean((2, 3))), eight),
        Mistake("layer left out", with_eight(lambda maps: maps.amax((2, 3))), eight),
    ]
    expect_probed(learner, reference, logits, cases, mistakes, tolerance=1e-5)

    def two_answers(answer, classes, x):
        """Logits of images, with another last image, and with a brighter last map; None if their size is refused."""
        model = give_weights(answer(classes))
        other = torch.cat([x[:-1], x[-1:] + 1])
        with torch.no_grad():
            try:
                results = [model(x), model(other)]
                last = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)][-1:]
                for layer in last:
                    layer.bias[-1] += 9
                return *results, model(x) if last else None
            except Exception:  # any kind of error will do
                return None

    for arguments in (
        (3, _draw(2, 1, 24, 24)),
        (2, _draw(3, 1, 12, 24)),
        (2, _draw(4, 1, 12, 6)),
        (3, _draw(2, 1, 6, 6)),
    ):
        classes, x = arguments
        answers = learner.inside(lambda *given: two_answers(learner.answer, *given))(*arguments)
        if answers is None:
            continue
        if any(answer is None for answer in answers[:2]):
            reject(learner, arguments, "returns None", f"{len(x)} rows, or an error", None)
        before, after, brighter = answers
        expected = f"({len(x)}, {classes}), or an error"
        if tuple(before.shape) != (len(x), classes):
            sentence = (
                f"{len(x)} images of {x.shape[2]} × {x.shape[3]} lead to a result of shape {tuple(before.shape)}: -1 "
                "takes what is left over for the batch. Name the batch, and let the rest be counted."
            )
            reject(learner, arguments, "batch flattened", expected, f"{tuple(before.shape)}", sentence)
        if not torch.equal(before[:-1], after[:-1]) or torch.equal(before[-1], after[-1]):
            sentence = "The number of rows is right, but they do not belong to the images: row i must be image i."
            reject(learner, arguments, "images mixed", "one row for each image", "rows of other images", sentence)
        if brighter is not None and torch.equal(before, brighter):
            sentence = (
                "The number of rows is right, but the numbers behind the first 72 of an image are cut off: with larger "
                "maps, these are whole channels. Let another size be an error, or bring the maps to 3 × 3."
            )
            reject(learner, arguments, "cut off", "all channels, or an error", "some channels", sentence)


CLASSIFIER = Exercise(
    id="07.4",
    title="Find the bug: more answers than images",
    skill="You flatten all axes but the batch.",
    task="This network was made for images of 12 × 12, and there it is right. Somebody hands it two images of 24 × 24. "
    "It gives *eight* rows of logits, without an error, and all that follows is computed with them. Find out where the "
    "rows come from, and repair it: one row for each image, or an error.",
    difficulty=1,
    minutes=5,
    stub='''
class Classifier(nn.Module):
    """Two convolutions and a linear layer.

    Takes (N, 1, 12, 12), gives logits (N, classes). Images of another size lead to one row for each, or to an error.
    """

    def __init__(self, classes: int):
        super().__init__()
        first = nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        second = nn.Conv2d(4, 8, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.features = nn.Sequential(*first, *second)
        self.classify = nn.Linear(72, classes)

    def forward(self, x):
        return self.classify(self.features(x).reshape(-1, 72))
''',
    hints=(
        "How many numbers are there after the features, for one image of 12 × 12, and for one of 24 × 24?",
        "8 · 3 · 3 = 72, and 8 · 6 · 6 = 288 = 4 · 72. What does the -1 stand for?",
        "Keep the batch and count the rest: reshape(len(x), -1), or flatten(1).",
    ),
    reference="""
class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        first = nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        second = nn.Conv2d(4, 8, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.features = nn.Sequential(*first, *second)
        self.classify = nn.Linear(72, classes)

    def forward(self, x):
        return self.classify(self.features(x).flatten(1))
""",
    explanation="-1 stands for whatever makes the numbers fit. Let it stand for what belongs to one image, never for "
    "the batch: then a wrong size is an error, and no result.",
    check=_check_classifier,
)

EXERCISES = (MOVE, TO_BATCH, CNN_FOR, CLASSIFIER)

QUIZ = (
    Question(
        "You shuffle the pixels of all images, with one permutation for all. Who loses accuracy?",
        (
            Option("The perceptron and the CNN", "A perceptron's inputs have no order. It never knew of one."),
            Option(
                "The CNN alone",
                "Its windows held neighbours, which are alike. Now they hold pixels that have nothing in common.",
                right=True,
            ),
            Option("Neither: no information is lost", "None is lost. But the CNN looks for it among neighbours."),
        ),
    ),
    Question(
        "A face moves four columns to the right. What do the maps of a convolution do, away from the edges?",
        (
            Option(
                "They move four columns to the right",
                "This is equivariance: a shift for a shift, bit for bit.",
                right=True,
            ),
            Option("They stay the same", "That would be invariance. No single layer here has it."),
            Option(
                "They change in ways that nobody can foresee",
                "The formula of section 2 foresees them. Pooling is less orderly.",
            ),
        ),
    ),
    Question(
        "So the convolution keeps up with a face that has moved by eight columns. Why is the face not recognised?",
        (
            Option("Its pixels have left the image", "Eight columns of background are no loss."),
            Option("Max pooling destroys the maps", "It keeps what is strong, up to a few pixels of place."),
            Option(
                "The linear layer has a weight for each place",
                "It has learned what to find where, and now it is somewhere else.",
                right=True,
            ),
        ),
    ),
    Question(
        "The network of section 4 has over 1.8 million parameters. What makes it much smaller?",
        (
            Option(
                "Kernels of 3 × 3 instead of 7 × 7",
                "The convolution shrinks from 1,600 to 320 parameters. But the maps grow, and the linear layer with "
                "them.",
            ),
            Option(
                "One more pool of 3 before flattening",
                "A ninth of the places are left, and nearly all parameters belong to places.",
                right=True,
            ),
            Option("No batch norm", "That saves 64 parameters."),
        ),
    ),
    Question(
        "photo.reshape(3, H, W), where photo is H × W × 3. What happens?",
        (
            Option("An error", "The number of elements is right, and reshape asks for no more."),
            Option("The colours come first, as they should", "reshape keeps the order in memory. permute turns axes."),
            Option(
                "Each channel holds a third of the rows, colours in turn",
                "The numbers are cut anew. The network will train on it, without a complaint.",
                right=True,
            ),
        ),
    ),
)
