"""The files that must agree with one another do, and nothing of one machine is in them."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def declared() -> dict[str, Requirement]:
    extras = PROJECT["optional-dependencies"]
    requirements = [Requirement(line) for line in sum(extras.values(), list(PROJECT["dependencies"]))]
    return {requirement.name: requirement for requirement in requirements}


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_conda_environment_has_the_ranges_of_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, last = environment["dependencies"]
    lines = conda + last["pip"]
    assert lines[-1] == "--editable ." and "pip" in lines
    found = {}
    for line in lines[:-1]:
        requirement = Requirement(line)
        found[CONDA_NAMES.get(requirement.name, requirement.name)] = requirement.specifier
    assert found.pop("python") == PROJECT["requires-python"]
    found.pop("pip")
    assert found == {name: requirement.specifier for name, requirement in declared().items()}


def test_lock_pins_every_dependency_within_its_range_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "index" not in text
    pinned: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), line
            pinned.setdefault(requirement.name, []).append(requirement)
    for name, requirement in declared().items():
        assert name in pinned, f"{name} is in pyproject.toml but not in requirements.lock: run make lock"
        for pin in pinned[name]:
            version = str(pin.specifier).removeprefix("==")
            assert requirement.specifier.contains(version), f"{pin} is outside {requirement}: run make lock"


def test_torch_and_torchvision_in_the_environment_belong_together():
    from importlib.metadata import requires, version

    needed = next(Requirement(line) for line in requires("torchvision") if line.startswith("torch"))
    assert needed.specifier.contains(version("torch").split("+")[0])


def test_only_the_agreed_folders_stand_at_the_top():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if len(path.relative_to(ROOT).parts) > 1}
    assert folders <= {"notebooks", "course_utils", "data_scripts", "tests", ".ci", ".github"}


def test_readme_shows_both_commands_and_a_described_picture_on_its_first_screen():
    screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    text = "\n".join(screen)
    assert "make lab" in text and "make test" in text
    picture = re.search(r"!\[([^\]]{20,})\]\(([^)]+)\)", text)
    assert picture and (ROOT / picture[2]).is_file()


@pytest.mark.parametrize("command", ["make lab", "make test"])
def test_the_two_commands_are_targets(command):
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def test_no_file_names_a_folder_of_one_machine():
    # Put together here, so that this file does not find itself.
    folders = re.compile(r"(?<![\w.])/(" + "|".join(["ro" + "ot", "wo" + "rk"]) + r")/")
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".toml", ".yml", ".lock", ".ipynb", ".cfg", ".ini"} or path.name == "Makefile":
            found = folders.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)} names {found[0]}"


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_links_of_a_lesson_lead_to_files_that_exist(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    targets = {target for text in texts for target in re.findall(r"\]\(([^)#:]+)\)", text)}
    assert not [target for target in targets if not (path.parent / target).exists()]
