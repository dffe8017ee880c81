from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils.data import faces as drawn
from course_utils.data.loaders import Faces
from course_utils.face_drawings import confusion_chart, film_negatives, neighbours_first, run_chart, weight_images
from course_utils.plotting import COLOURS


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def faces_of_one_pixel(train: int, test: int) -> Faces:
    images, labels = np.zeros((train + test, 1, 1), np.uint8), np.zeros(train + test, np.int64)
    return Faces(images[:train], labels[:train], images[train:], labels[train:], ["Ada"])


def test_a_picture_is_flagged_if_and_only_if_the_other_film_gives_its_inverse():
    train, test = film_negatives(faces_of_one_pixel(445, 445))
    assert train.shape == test.shape == (445,)
    flags, truth = np.concatenate([train, test]), drawn.labels(0)
    for index in (0, *np.flatnonzero(train)[:2], 445, 445 + np.flatnonzero(test)[0]):
        person = drawn.draw_person(0, int(truth[index]))
        shot = drawn.draw_shot(np.random.default_rng([0, drawn._SHOT, index]), person.look.glasses)
        grain = np.random.default_rng([0, drawn._GRAIN, index])
        positive = drawn.render(person, replace(shot, negative=False), grain).image
        expected = 255 - positive if flags[index] else positive
        np.testing.assert_array_equal(drawn.make_picture(0, int(index), int(truth[index])).image, expected)


def test_photographs_count_as_positives():
    for source in ("real", "some/folder"):
        train, test = film_negatives(faces_of_one_pixel(3, 2), source)
        assert (train.tolist(), test.tolist()) == ([False] * 3, [False] * 2)


def test_run_chart_draws_errors_in_per_cent_and_marks_a_step():
    loss, error = run_chart([0, 4], {"train": [3, 1]}, {"train": [0.9, 0.25]}, mark=4, levels={"even": 2.0}).axes
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [3, 1])
    np.testing.assert_array_equal(error.lines[0].get_ydata(), [90, 25])
    assert list(error.lines[1].get_xdata()) == [4, 4]
    assert [text.get_text() for text in error.get_legend().get_texts()] == ["train", "step 4"]
    assert list(loss.lines[-1].get_ydata()) == [2, 2] and loss.texts[0].get_text() == "even"


def test_weight_images_have_zero_in_the_middle_of_their_scale():
    weights = np.array([[-1.0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0]])
    first, second = weight_images({"row": weights}, ["Ada", "Ben"], shape=(2, 3)).axes
    assert [axis.get_title() for axis in (first, second)] == ["Ada", "Ben"] and first.get_ylabel() == "row"
    np.testing.assert_array_equal(first.images[0].get_array(), weights[0].reshape(2, 3))
    for axis in (first, second):
        low, high = axis.images[0].get_clim()
        assert low == -high < 0


def test_people_who_are_taken_for_one_another_become_neighbours():
    matrix = 9 * np.eye(6, dtype=int)
    for a, b in ((0, 4), (4, 2), (5, 1)):
        matrix[a, b] = 5
    order = neighbours_first(matrix).tolist()
    assert sorted(order) == list(range(6))
    for a, b in ((0, 4), (4, 2), (5, 1)):
        assert abs(order.index(a) - order.index(b)) == 1


def test_confusion_chart_writes_counts_in_the_order_given_and_leaves_zeros_blank():
    matrix = np.array([[3, 1, 0], [0, 2, 0], [0, 4, 5]])
    (axis,) = confusion_chart(matrix, ["Ada", "Ben", "Cleo"], order=[2, 0, 1]).axes
    written = {text.get_position(): text.get_text() for text in axis.texts}
    margin = {y: text for (x, y), text in written.items() if x > 2.5}
    counts = {(x, y): text for (x, y), text in written.items() if x <= 2.5}
    assert margin == {0: "5/9", 1: "3/4", 2: "2/2"}
    assert counts == {(0, 0): "5", (2, 0): "4", (1, 1): "3", (2, 1): "1", (2, 2): "2"}
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Cleo", "Ada", "Ben"]
    colours = axis.images[0].get_array()
    np.testing.assert_allclose(colours[0, 1], 1)  # a zero is white
    blue = np.array(to_rgb(COLOURS[0]))
    right, wrong = colours[1, 1], colours[0, 2]
    assert right.argmax() == blue.argmax() and wrong.argmin() == 2  # blue on the diagonal, orange beside it


def test_confusion_chart_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"3 x 3 matrix.*\(2, 2\)"):
        confusion_chart(np.eye(2), ["Ada", "Ben", "Cleo"])
    with pytest.raises(ValueError, match="each of 0 to 1 once"):
        confusion_chart(np.eye(2), ["Ada", "Ben"], order=[0, 0])
