"""The drawn faces: shapes, determinism, ground truth, and that the shortcuts to the person are closed.

One set of pictures is rendered once and shared: the first pictures of the training and of the test half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from course_utils.data import faces
from course_utils.data.faces import HEIGHT, NAMES, PER_SPLIT, WIDTH, labels, make_faces, make_picture

PEOPLE = 26
SAMPLE = 130  # pictures of each half that these tests render


@pytest.fixture(scope="module")
def sample():
    """Return pictures and labels, the first half from the training set, the second half from the test set."""
    truth = labels(0)
    indices = [*range(SAMPLE), *range(PER_SPLIT, PER_SPLIT + SAMPLE)]
    return [make_picture(0, index, int(truth[index])) for index in indices], truth[indices]


@pytest.fixture(scope="module")
def images(sample):
    return np.stack([picture.image for picture in sample[0]])


def nearest_centroid(train, train_labels, test) -> np.ndarray:
    centroids = np.stack([train[train_labels == k].mean(0) for k in range(PEOPLE)])
    return ((test[:, None] - centroids[None]) ** 2).sum(2).argmin(1)


def test_the_set_has_the_agreed_keys_shapes_and_types(monkeypatch):
    # 26 pictures in each half are enough to see the layout.
    monkeypatch.setattr(faces, "PER_SPLIT", PEOPLE)
    ticks = []
    made = make_faces(0, progress=ticks.append)
    assert ticks == [1] * (2 * PEOPLE)
    for half in ("train", "test"):
        assert made[f"{half}_images"].shape == (PEOPLE, 170, 130)
        assert made[f"{half}_images"].dtype == np.uint8
        assert made[f"{half}_labels"].shape == (PEOPLE,)
        assert made[f"{half}_labels"].dtype == np.int64
        assert made[f"{half}_boxes"].shape == (PEOPLE, 4)
        assert made[f"{half}_boxes"].dtype == np.int64
    assert made["names"].tolist() == list(NAMES)
    assert made["names"].dtype.kind == "U"
    assert sorted(made) == sorted(
        ["names", *(f"{half}_{what}" for half in ("train", "test") for what in ("images", "labels", "boxes"))]
    )


def test_there_is_one_name_for_each_letter():
    assert [name[0] for name in NAMES] == [chr(ord("A") + k) for k in range(PEOPLE)]


@pytest.mark.parametrize("seed", [0, 7])
def test_labels_are_balanced_in_both_halves(seed):
    truth = labels(seed)
    assert truth.shape == (890,)
    for half in (truth[:445], truth[445:]):
        assert set(np.bincount(half, minlength=PEOPLE)) == {17, 18}
        assert (np.diff(half) != 0).mean() > 0.9  # shuffled, not sorted


def test_the_same_picture_has_the_same_bytes_in_any_order():
    truth = labels(0)
    wanted = {index: make_picture(0, index, int(truth[index])) for index in (3, 4, 500)}
    for index in (500, 3, 4):
        again = make_picture(0, index, int(truth[index]))
        assert np.array_equal(again.image, wanted[index].image)
        assert np.array_equal(again.box, wanted[index].box)


def test_the_set_holds_the_pictures_of_make_picture(monkeypatch):
    monkeypatch.setattr(faces, "PER_SPLIT", 2)
    made = make_faces(0)
    picture = make_picture(0, 3, int(made["test_labels"][1]))
    assert np.array_equal(made["test_images"][1], picture.image)
    assert np.array_equal(made["test_boxes"][1], picture.box)


def test_another_seed_gives_other_pictures():
    assert not np.array_equal(make_picture(0, 0, 5).image, make_picture(1, 0, 5).image)
    assert faces.draw_person(0, 5) != faces.draw_person(1, 5)


def test_no_picture_appears_twice(images):
    assert len({image.tobytes() for image in images}) == len(images)


def test_pictures_are_well_exposed(images):
    flat = images.reshape(len(images), -1)
    saturated = ((flat == 0) | (flat == 255)).mean(1)
    assert saturated.mean() < 0.02
    assert saturated.max() < 0.35
    assert flat.std(1).min() > 12  # none is a blank
    assert 60 < flat.mean() < 190


def test_boxes_lie_inside_and_hold_both_eyes(sample):
    for picture in sample[0]:
        x0, y0, x1, y1 = picture.box
        assert 0 <= x0 < x1 <= WIDTH
        assert 0 <= y0 < y1 <= HEIGHT
        assert 50 <= x1 - x0 <= 100
        assert 60 <= y1 - y0 <= 120
        for x, y in picture.eyes:
            assert x0 < x < x1
            assert y0 < y < y0 + 0.7 * (y1 - y0)
        assert picture.eyes[0, 0] < picture.eyes[1, 0]


def test_the_boxes_follow_the_head():
    person = faces.draw_person(0, 1)
    shot = faces.draw_shot(np.random.default_rng(0), 0.0)
    boxes = {}
    for shift in (0.0, 6.0):
        moved = replace(shot, shift=(shift, shift / 2))
        boxes[shift] = faces.render(person, moved, np.random.default_rng(1))
    assert np.abs(boxes[6.0].box - boxes[0.0].box - [6, 3, 6, 3]).max() <= 1
    assert np.allclose(boxes[6.0].eyes - boxes[0.0].eyes, [6, 3])


def test_the_iris_is_where_the_eyes_are_said_to_be():
    # In a plain frontal picture the darkest spot around each place is the pupil.
    shot = faces.draw_shot(np.random.default_rng(0), 0.0)
    plain = replace(
        shot,
        roll=0.1,
        yaw=0.1,
        pitch=0.05,
        gaze=(0.0, 0.0),
        lid=1.1,
        smile=0.0,
        occluder="",
        negative=False,
        dapple=0.0,
    )
    for label in (0, 5, 20):
        picture = faces.render(faces.draw_person(0, label), plain, np.random.default_rng(1))
        for x, y in np.round(picture.eyes - 0.5).astype(int):
            window = picture.image[y - 4 : y + 5, x - 5 : x + 6].astype(int)
            dark_y, dark_x = np.unravel_index(window.argmin(), window.shape)
            assert abs(dark_x - 5) <= 3
            assert window.min() < 0.75 * np.median(picture.image[y + 8 : y + 14, x - 4 : x + 5])


def test_people_differ_in_one_and_the_same_light():
    shot = faces.draw_shot(np.random.default_rng(0), 0.0)
    same = [faces.render(faces.draw_person(0, k), shot, np.random.default_rng(1)).image for k in range(PEOPLE)]
    flat = np.stack(same).reshape(PEOPLE, -1).astype(float)
    apart = np.abs(flat[:, None] - flat[None]).mean(2)[np.triu_indices(PEOPLE, 1)]
    assert apart.min() > 4  # grey levels, on average over all pixels


def test_a_negative_is_the_picture_turned_around():
    person, shot = faces.draw_person(0, 2), faces.draw_shot(np.random.default_rng(3), 0.0)
    positive, negative = (
        faces.render(person, replace(shot, negative=flag), np.random.default_rng(4)).image for flag in (False, True)
    )
    assert np.array_equal(negative, 255 - positive)


def test_the_circumstances_vary_and_say_nothing_about_the_person():
    truth = labels(0)
    shots = [faces.draw_shot(np.random.default_rng([0, faces._SHOT, index]), 0.0) for index in range(890)]
    negative = np.array([shot.negative for shot in shots])
    assert 0.2 < negative.mean() < 0.3
    left = np.array([shot.azimuth < 0 for shot in shots])
    assert 0.45 < left.mean() < 0.55
    assert max(abs(c) for shot in shots for c in shot.shift) <= 8
    # Each person has pictures of every kind in the training half.
    for k in range(PEOPLE):
        mine = np.flatnonzero(truth[:445] == k)
        assert 0 < left[mine].mean() < 1
        assert negative[mine].mean() < 0.7


def test_clothes_and_background_do_not_change_with_the_person():
    shot = replace(faces.draw_shot(np.random.default_rng(0), 0.0), occluder="", shift=(0.0, 0.0), roll=0.0)
    corners = []
    for label in range(PEOPLE):
        # The same hairstyle for all: the strands of hair draw from the same random stream as the cloth.
        person = replace(faces.draw_person(0, label), look=faces.LOOKS[1])
        image = faces.render(person, shot, np.random.default_rng(1)).image
        corners.append(np.concatenate([image[:25, :20], image[:25, -20:], image[-15:, :20], image[-15:, -20:]]))
    for corner in corners[1:]:
        assert np.array_equal(corner, corners[0])


def test_the_surroundings_do_not_give_the_person_away(sample, images):
    _, truth = sample
    # A frame of 10 pixels, averaged over 10 x 10 pixels.
    coarse = images.reshape(len(images), 17, 10, 13, 10).mean((2, 4))
    frame = np.concatenate([coarse[:, :, 0], coarse[:, :, -1], coarse[:, 0, 1:-1], coarse[:, -1, 1:-1]], axis=1)
    found = nearest_centroid(frame[:SAMPLE], truth[:SAMPLE], frame[SAMPLE:])
    assert (found == truth[SAMPLE:]).mean() < 0.13  # chance is 0.04


def test_faces_are_learnable_but_not_trivial(sample, images):
    _, truth = sample
    coarse = images.reshape(len(images), 34, 5, 26, 5).mean((2, 4)).reshape(len(images), -1)
    train, test = coarse[:SAMPLE], coarse[SAMPLE:]
    mean, deviation = train.mean(0), train.std(0)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    # Ridge regression onto the 26 labels, in its dual form: 130 equations instead of 884.
    target = np.eye(PEOPLE)[truth[:SAMPLE]] - 1 / PEOPLE
    weights = np.linalg.solve(train @ train.T + 100 * np.eye(SAMPLE), target)
    score = ((test @ train.T @ weights).argmax(1) == truth[SAMPLE:]).mean()
    # Five training pictures of each person, a quarter of them negatives; chance is 0.04.
    assert 0.12 < score < 0.60
