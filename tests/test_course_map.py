import matplotlib.pyplot as plt
import pytest

from course_utils import course_map


def test_lessons_are_numbered_in_order_and_parts_follow_each_other():
    assert [lesson.number for lesson in course_map.LESSONS] == list(range(1, 18))
    parts = [lesson.part for lesson in course_map.LESSONS]
    assert parts == sorted(parts) and set(parts) == {1, 2, 3, 4}
    assert all(lesson.name.startswith(f"{lesson.number:02d}_") for lesson in course_map.LESSONS)


@pytest.mark.parametrize("here", [None, *(lesson.number for lesson in course_map.LESSONS)])
def test_every_lesson_is_on_the_map_inside_its_box_and_one_is_highlighted(here):
    fig = course_map.course_map(here)
    axis = fig.axes[0]
    fig.canvas.draw()
    boxes = [patch.get_window_extent() for patch in axis.patches]
    titles = [text for text in axis.texts if text.get_fontsize() < 10]
    assert len(boxes) == len(course_map.LESSONS) and len(titles) == 2 * len(boxes)
    for index, text in enumerate(titles):
        extent, box = text.get_window_extent(), boxes[index // 2]
        assert box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 and extent.y1 <= box.y1
    filled = [patch for patch in axis.patches if patch.get_linewidth() == 3]
    assert len(filled) == (here is not None)
    plt.close(fig)


def test_unknown_lesson():
    with pytest.raises(ValueError, match="no lesson 18; lessons go from 1 to 17"):
        course_map.course_map(18)


def test_description_says_where_you_are():
    assert "You are in lesson 15, Cat emotions." in course_map.map_description(15)
    assert "part 3, Convolutional networks, lessons 7 to 12" in course_map.map_description()


def test_table_links_what_is_there(tmp_path):
    (tmp_path / "15_cat_emotions.ipynb").touch()
    rows = course_map.lesson_table(tmp_path).splitlines()
    assert len(rows) == 2 + 17
    assert "[Cat emotions](15_cat_emotions.ipynb)" in rows[16]
    assert rows[2].endswith("| 01 Convolution |")
