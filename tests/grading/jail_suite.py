"""Wherever Python, its packages and the course lie, submissions find them. Run by ``make hostile``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from samples import cell, notebook, write

import course_utils

GRADE = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from course_utils.grading.run import Grading, grade
from course_utils.grading.workers import close_idle
folder = Path(sys.argv[1])
with ThreadPoolExecutor(1) as executor:
    grading = Grading(folder / "a.ipynb", timeout=5, hidden=[folder / "in", folder / "out"])
    grading.try_reference(executor)
    (result,) = grade(grading, folder / "in", folder / "out", executor)
close_idle()
print(json.dumps([grading.reference.failing, grading.reference.jailed, result]))
"""

# What the jail empties for each submission, as far as this system has it, and where people keep environments.
PLACES = [place for place in ("/tmp", "/dev/shm", "/var/tmp") if os.path.isdir(place)]


@pytest.fixture
def folders():
    made = [tempfile.TemporaryDirectory(dir=place) for place in PLACES]
    yield [Path(folder.name).resolve() for folder in made]
    for folder in made:
        folder.cleanup()


def test_environment_below_a_folder_that_submissions_have_for_themselves(folders):
    """Python's environment lies below /tmp and is reached by a link, a package of it lies elsewhere."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folders[0] / "real" / "venv"], check=True)
    (folders[-1] / "link").symlink_to(folders[0] / "real")
    venv = folders[-1] / "link" / "venv"
    (packages,) = venv.glob("lib/python3*/site-packages")
    more = [folder / "site-packages" for folder in folders[1:]]
    (packages / "more.pth").write_text("\n".join([sysconfig.get_path("purelib"), *map(str, more)]) + "\n")
    (packages / "course_utils").symlink_to(Path(course_utils.__file__).resolve().parent)
    for number, place in enumerate([packages, *more]):
        (place / f"late{number}").mkdir(parents=True)
        (place / f"late{number}" / "__init__.py").write_text(f"from late{number}.part import value\n")
        (place / f"late{number}" / "part.py").write_text(f"value = {number}\n")
    late = [f"late{number}" for number in range(len(PLACES))]
    imports = "\n".join(f"    import {name}" for name in late)
    seek = (
        "import os\nimport sys\n\n\ndef seek():\n    found = []\n"
        "    for start in (sys.prefix, os.path.realpath(sys.prefix), os.getcwd()):\n"
        "        for place, _, names in os.walk(start):\n            for name in names:\n"
        "                if name in ('a.ipynb', 'note.txt'):\n"
        "                    try:\n                        found.append(open(os.path.join(place, name)).read())\n"
        "                    except OSError:\n                        pass\n"
        "    return [text for text in found if text]"
    )
    cells = [
        cell(
            f"def late():\n{imports}\n    return [{', '.join(f'{name}.value' for name in late)}]", "q1", solution=True
        ),
        cell(f"assert late() == {list(range(len(PLACES)))}", "t1", grade=True, points=1),
        cell(seek, "q2", solution=True),
        cell("assert seek() == []", "t2", grade=True, points=1),
    ]
    write(notebook(cells), venv / "a.ipynb")  # in the environment's own folder, which is shown
    handed_in = write(notebook(cells), venv / "in" / "ada" / "a.ipynb")
    write(notebook(cells), venv / "in" / ".old" / "a.ipynb")
    (venv / "out").mkdir()
    (venv / "out" / "note.txt").write_text("marks of last week")
    done = subprocess.run([venv / "bin" / "python", "-P", "-c", GRADE, venv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    failing, jailed, result = json.loads(done.stdout)
    assert jailed, failing
    assert handed_in.is_file() and failing == {}
    assert [question["points"] for question in result["questions"]] == [1, 1], result["questions"]
