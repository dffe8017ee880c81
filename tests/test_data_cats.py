"""The generated cats: layout, labels, boxes, repeatability, and that nothing but the face tells the emotion."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import yaml
from PIL import Image

from course_utils.data import cats
from course_utils.data.cats.expression import CUES
from course_utils.data.cats.pose import extent

ANGRY, HAPPY = 0, 1
COUNTS = {"train": 4, "valid": 2, "test": 2}


@pytest.fixture(scope="module")
def sample():
    """The first twelve pictures, each drawn angry and drawn happy: [(angry, happy), ...]."""
    return [(cats.render(ANGRY, index), cats.render(HAPPY, index)) for index in range(12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny data set on disk."""
    root = tmp_path_factory.mktemp("cats") / "new" / "folder"
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cats, "SPLITS", COUNTS)
        cats.make_cats(root, progress=steps.append)
    assert steps == [1] * sum(COUNTS.values())
    return root


@pytest.fixture(scope="module")
def scenes():
    """What is chosen for 400 pictures, without drawing them: (emotions, lists of cats, first boxes)."""
    emotions = np.concatenate(list(cats._emotions(0).values()))
    emotions = np.concatenate([emotions, 1 - emotions])[:400]
    plans = [cats._plan(int(emotion), index, 0)[0] for index, emotion in enumerate(emotions)]
    boxes = np.array([np.ravel(extent(plan[0].look, plan[0].face, plan[0].pose)) for plan in plans])
    return emotions, plans, boxes


def pixels(drawn):
    return np.asarray(drawn.image)


def area_under_curve(values, emotions) -> float:
    """Return how often a happy picture has the larger value of a pair: 0.5 says that the value tells nothing."""
    happy, angry = (np.asarray(values)[np.asarray(emotions) == k] for k in (HAPPY, ANGRY))
    return float(((happy[:, None] > angry).mean() + (happy[:, None] >= angry).mean()) / 2)


def test_counts_are_those_of_the_published_set():
    assert cats.SPLITS == {"train": 240, "valid": 68, "test": 36}
    assert cats.NAMES == ("angry", "happy")


def test_each_split_is_half_angry_and_shuffled():
    for seed in range(3):
        for split, emotions in cats._emotions(seed).items():
            assert len(emotions) == cats.SPLITS[split]
            assert emotions.sum() == len(emotions) // 2
            runs = 1 + np.count_nonzero(np.diff(emotions))
            # Shuffled, not in blocks and not in turns: half as many runs as pictures, give or take.
            assert abs(runs - len(emotions) / 2) < 2 * np.sqrt(len(emotions)), (seed, split)
    assert not np.array_equal(cats._emotions(0)["train"], cats._emotions(1)["train"])


def test_the_layout_is_yolos(folder):
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    expected, number = ["data.yaml"], 0
    for split, count in COUNTS.items():
        for _ in range(count):
            number += 1
            expected += [f"{split}/images/{number:04d}.jpg", f"{split}/labels/{number:04d}.txt"]
    assert names == sorted(expected)  # and so no name tells the class
    config = yaml.safe_load((folder / "data.yaml").read_text())
    assert config["names"] == ["angry", "happy"] and config["nc"] == 2
    for key, split in (("train", "train"), ("val", "valid"), ("test", "test")):
        assert config[key] == f"{split}/images" and (folder / config[key]).is_dir()


def test_labels_and_pictures_agree_with_what_is_drawn(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cats, "SPLITS", COUNTS)
        emotions = np.concatenate(list(cats._emotions(0).values()))
    for index, path in enumerate(sorted(folder.rglob("*.txt"), key=lambda path: path.stem)):
        drawn = cats.render(int(emotions[index]), index)
        lines = path.read_text().splitlines()
        assert len(lines) == len(drawn.boxes) in (1, 2)
        for line, box in zip(lines, drawn.boxes):
            fields = line.split(" ")
            assert fields[0] == str(emotions[index]) and len(fields) == 5
            cx, cy, w, h = (float(field) for field in fields[1:])
            found = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]) * 320
            assert np.allclose(found, box, atol=1e-3)
        with Image.open(path.parents[1] / "images" / f"{path.stem}.jpg") as image:
            assert image.size == (320, 320) and image.mode == "RGB" and image.format == "JPEG"
            # The file is the picture, but for what JPEG at quality 92 does to it.
            assert np.abs(np.asarray(image, float) - pixels(drawn)).mean() < 5


def test_generating_twice_gives_the_same_bytes(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cats, "SPLITS", COUNTS)
        cats.make_cats(tmp_path)
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name


def test_a_picture_depends_on_its_own_index_and_seed_only(sample):
    for index in (7, 2):  # alone and in another order
        again = cats.render(HAPPY, index)
        assert np.array_equal(pixels(again), pixels(sample[index][HAPPY]))
        assert np.array_equal(again.boxes, sample[index][HAPPY].boxes)
    assert not np.array_equal(pixels(cats.render(HAPPY, 2, 1)), pixels(sample[2][HAPPY]))
    assert not np.array_equal(pixels(sample[3][HAPPY]), pixels(sample[2][HAPPY]))


def test_an_unknown_emotion_is_refused():
    with pytest.raises(ValueError, match="expected a class id, 0 for angry or 1 for happy"):
        cats.render("happy", 0)


def test_boxes_lie_inside_and_fit_the_head(sample):
    for drawn in (drawn for pair in sample for drawn in pair):
        assert len(drawn.boxes) == len(drawn.heads) == len(drawn.cats)
        for (x0, y0, x1, y1), head in zip(drawn.boxes, drawn.heads):
            assert 0 <= x0 < x1 <= 320 and 0 <= y0 < y1 <= 320
            inside = head[y0:y1, x0:x1]
            assert inside.sum() > 0.97 * head.sum()  # next to nothing sticks out
            for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                assert edge.max() >= 0.5  # each side touches fur
            assert 0.1 < inside.size / 320**2 < 0.65


def test_the_head_is_where_the_mask_says(monkeypatch):
    # Drawn without a head, the picture changes where the mask is, and around it only by the whiskers.
    drawn = cats.render(HAPPY, 4)
    draw_head = cats.draw_head
    monkeypatch.setattr(cats, "draw_head", lambda picture, *rest: draw_head(picture.copy(), *rest))
    change = np.abs(pixels(drawn).astype(float) - pixels(cats.render(HAPPY, 4))).max(2)
    head = np.max(drawn.heads, 0)
    assert np.median(change[head > 0.99]) > 20
    assert (change[head < 0.01] > 8).mean() < 0.06


def test_only_the_face_depends_on_the_emotion(sample):
    for angry, happy in sample:
        assert len(angry.cats) == len(happy.cats)
        for a, h in zip(angry.cats, happy.cats):
            one, other = asdict(a), asdict(h)
            for part in ("look", "body"):
                for name, value in one[part].items():
                    assert np.array_equal(value, other[part][name]), name
            for name in ("roll", "yaw", "pitch", "tall"):
                assert one["pose"][name] == other["pose"][name]

    # Away from the heads the two pictures of a pair are the same scene in the same light; two pairs are not.
    def difference(one, other):
        away = np.max([*one.heads, *other.heads], 0) == 0
        return np.abs(pixels(one).astype(int) - pixels(other))[away].mean()

    within = [difference(angry, happy) for angry, happy in sample]
    between = [difference(a, b) for (a, _), (b, _) in zip(sample, sample[1:])]
    assert np.median(within) < 0.25 * np.median(between)


def test_the_cues_point_the_right_way_and_none_decides_alone(scenes):
    emotions, plans, _ = scenes
    for cue in CUES:
        values = np.array([getattr(plan[0].face, cue) for plan in plans])
        assert np.all(np.abs(values) <= 1)
        right = np.mean((values > 0) == (emotions == HAPPY))
        assert 0.7 < right < 0.98, cue
        assert 0.03 < np.mean(np.abs(values) < 0.3) < 0.6, cue  # absent from some pictures
    total = [np.mean([getattr(plan[0].face, cue) for cue in CUES]) for plan in plans]
    assert area_under_curve(total, emotions) > 0.99  # together they do


def test_place_size_number_and_colour_of_the_cats_do_not_tell_the_emotion(scenes):
    emotions, plans, boxes = scenes
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    measured = {"number": [len(plan) for plan in plans], "area": width * height}
    measured["x"], measured["y"] = (boxes[:, :2] + boxes[:, 2:]).T / 2
    for k, channel in enumerate("rgb"):
        measured[channel] = [plan[0].look.base[k] for plan in plans]
    for name in ("roll", "yaw", "pitch", "tall"):
        measured[name] = [getattr(plan[0].pose, name) for plan in plans]
    for name, values in measured.items():
        # The standard error of the area under the curve is 0.029 for 200 + 200 pictures.
        assert abs(area_under_curve(values, emotions) - 0.5) < 0.09, name


def test_the_shape_of_the_box_tells_no_more_than_the_ears_do():
    # Flat ears make a lower and wider box. With the ears of one class on the other's face, the boxes are the same.
    for index in range(30):
        angry, happy = cats._plan(ANGRY, index, 0)[0][0], cats._plan(HAPPY, index, 0)[0][0]
        for face in (angry.face, happy.face):
            face.ears = face.gape = 0.0
        boxes = [extent(angry.look, face, angry.pose) for face in (angry.face, happy.face)]
        assert np.allclose(boxes[0], boxes[1])


def test_the_mean_colour_does_not_tell_the_emotion(sample):
    # The same scenes with both emotions: what an expression changes is far below what scenes differ by.
    means = np.array([[pixels(drawn).mean((0, 1)) for drawn in pair] for pair in sample])
    by_emotion = np.abs((means[:, HAPPY] - means[:, ANGRY]).mean(0))
    assert np.all(by_emotion < 0.2 * means.mean(1).std(0))
    assert np.all(means.mean(1).std(0) > 10)


def test_sizes_and_places_vary(scenes):
    _, plans, boxes = scenes
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 320**2
    assert area.min() < 0.16 and area.max() > 0.5
    centres = (boxes[:, :2] + boxes[:, 2:]) / 640
    assert np.all(centres.std(0) > 0.08)
    assert 0.1 < np.mean([len(plan) == 2 for plan in plans]) < 0.3
