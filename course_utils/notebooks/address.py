"""Where the course can be fetched from, and what every notebook says of it: its set-up cell and its starts on the web.

The address below is the only one that is written by hand. ``make stamp`` puts it into the notebooks; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import nbformat

from course_utils import __version__

REPOSITORY = "https://github.com/fourier-to-efficientnet/course"
TAG = f"v{__version__}"
DISTRIBUTION = "fourier-to-efficientnet"
SETUP_CELL = "setup"
# What a notebook needs besides: an extra of pyproject.toml, and the module that shows whether it is there.
EXTRAS = {"12_hyperparameters.ipynb": ("search", "ax")}
BADGE = "open_in_colab.svg"


def setup_source(name: str = "") -> str:
    """Return a notebook's first code cell: one line that installs the course where it is missing, and else nothing.

    ``pip`` keeps a torch that is there, since the ranges in ``pyproject.toml`` are wide.
    """
    if name in EXTRAS:
        extra, module = EXTRAS[name]
        return (
            f'all(map(__import__("importlib.util").util.find_spec, ("course_utils", "{module}"))) or '
            f'get_ipython().run_line_magic("pip", '
            f"'install -q \"{DISTRIBUTION}[{extra}] @ git+{REPOSITORY}@{TAG}\"');  # fmt: skip"
        )
    # The semicolon keeps IPython from showing the line's value.
    return (
        '__import__("importlib.util").util.find_spec("course_utils") or '
        f'get_ipython().run_line_magic("pip", "install -q git+{REPOSITORY}@{TAG}");  # fmt: skip'
    )


def colab_address(name: str) -> str:
    """Return the address that opens the notebook ``notebooks/name`` in Colab."""
    repository = REPOSITORY.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{repository}/blob/{TAG}/notebooks/{quote(name)}"


def kaggle_address(name: str) -> str:
    """Return the address that copies the notebook ``notebooks/name`` into Kaggle."""
    return f"https://www.kaggle.com/kernels/welcome?src={quote(f'{REPOSITORY}/blob/{TAG}/notebooks/{name}', safe='')}"


def binder_address(name: str) -> str:
    """Return the address that opens the notebook ``notebooks/name`` in JupyterLab on Binder."""
    repository = REPOSITORY.removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{repository}/{TAG}?labpath={quote(f'notebooks/{name}', safe='')}"


def badge(name: str) -> str:
    """Return the line of Markdown with a notebook's starts: Colab's badge, Kaggle, Binder."""
    colab = f"[![Open in Colab]({BADGE})]({colab_address(name)})"
    return f"{colab} or in [Kaggle]({kaggle_address(name)}) or [Binder]({binder_address(name)})"


def stamp(notebook: nbformat.NotebookNode, name: str) -> None:
    """Put the set-up cell and the badge into a lesson that begins with a title, or bring them up to date."""
    title = notebook.cells[0]
    heading, *text = (line for line in title.source.split("\n") if not line.startswith("[![Open in Colab]"))
    title.source = "\n\n".join([heading, badge(name), "\n".join(text).strip()])
    cells = [cell for cell in notebook.cells if cell.id != SETUP_CELL]
    setup = next((cell for cell in notebook.cells if cell.id == SETUP_CELL), None)
    if setup is None:
        setup = nbformat.v4.new_code_cell(id=SETUP_CELL)
    setup.source = setup_source(name)
    notebook.cells = [cells[0], setup, *cells[1:]]


def main() -> None:
    """Stamp every lesson beside this package."""
    folder = Path(__file__).parents[2] / "notebooks"
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        stamp(notebook, path.name)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
