"""Build the site with Sphinx."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from course_utils.site.pages import write_sources

HERE = Path(__file__).parent


class SiteFailed(Exception):
    """Sphinx found something wrong, a dead link for instance; the message is what it said."""


def build_site(notebooks: Path, out: Path) -> Path:
    """Build the site into ``out``, which is replaced in one step, and return its first page.

    Parameters
    ----------
    notebooks : Path
        The folder with the lessons.
    out : Path
        A folder of an earlier site, or one that does not exist or is empty.

    Raises
    ------
    FileExistsError
        If ``out`` holds something else than a site.
    SiteFailed
        If Sphinx warns: a link to a page that is not there, a heading that skips a level, a formula that is not one.
    """
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").is_file():
        raise FileExistsError(f"{out} holds something else than an earlier site. Name an empty or a new folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="course-site-", dir=out.parent) as scratch:
        sources, pages = Path(scratch) / "sources", Path(scratch) / "pages"
        sources.mkdir()
        write_sources(notebooks, sources)
        shutil.copytree(HERE / "static", sources / "static")
        _sphinx(sources, pages, Path(scratch) / "doctrees")
        shutil.rmtree(pages / "jupyter_execute", ignore_errors=True)
        if out.exists():
            shutil.rmtree(out)
        pages.replace(out)
    return out / "index.html"


def _sphinx(sources: Path, pages: Path, doctrees: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(sources, HERE, pages, doctrees, "html", status=None, warning=warnings)
        app.build(force_all=True)
    if warnings.getvalue():
        raise SiteFailed(warnings.getvalue().replace(f"{sources}/", ""))
