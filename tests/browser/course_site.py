"""Builds the course site and reads every page of it in a real Chromium, at the widths of a desktop and of a phone.

Run by ``make browser``. With ``COURSE_SCREENSHOTS=FOLDER`` the pictures of some pages are kept there.
"""

import functools
import http.server
import os
import re
import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from course_utils.site.build import SiteFailed, build_site

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = {"desktop": 1280, "phone": 375}
PAGES = ["index", "glossary", "search", *sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "site"
    build_site(ROOT / "notebooks", out)
    return out


@pytest.fixture(scope="module")
def address(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser, address):
    """Opens a page of the site at a width; nothing may be asked of another host meanwhile, or fail."""
    contexts = []

    def visit(name: str, width: str, **options):
        context = browser.new_context(viewport={"width": WIDTHS[width], "height": 900}, **options)
        contexts.append(context)
        page, troubles = context.new_page(), []
        page.on("request", lambda r: None if r.url.startswith((address, "data:")) else troubles.append(r.url))
        page.on("response", lambda r: troubles.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        assert troubles == []
        return page

    yield visit
    for context in contexts:
        context.close()


def keep(page, name: str) -> None:
    if folder := os.environ.get("COURSE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(visit, name, width):
    page = visit(name, width)
    results = Axe().run(page)
    found = {v["id"]: [node["html"][:160] for node in v["nodes"][:3]] for v in results.response["violations"]}
    keep(page, f"site_{name}_{width}")
    assert found == {}


@pytest.mark.parametrize("name", ["index", "07_first_cnn", "glossary"])
def test_axe_finds_no_violation_in_the_dark(visit, name):
    page = visit(name, "desktop", color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    results = Axe().run(page)
    keep(page, f"site_{name}_dark")
    assert {v["id"]: [node["html"][:160] for node in v["nodes"][:3]] for v in results.response["violations"]} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(visit, width):
    for name in PAGES:
        page = visit(name, width)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, name


def test_equations_are_typeset(visit):
    page = visit("01_convolution", "desktop")
    page.wait_for_selector("mjx-container", state="attached")
    assert page.locator("mjx-container").count() > 10
    assert "\\sum" not in page.locator("article").inner_text()


def test_a_quiz_answers(visit):
    page = visit("01_convolution", "phone")
    quiz = page.locator("details", has_text="The same edges with the other sign").first
    assert not quiz.locator("p").first.is_visible()
    quiz.locator("summary").click()
    assert quiz.locator("p").first.is_visible()
    assert "Right." in quiz.inner_text()
    quiz.scroll_into_view_if_needed()
    keep(page, "site_quiz_phone")


def test_search_finds_a_term_in_its_lesson(visit, address):
    page = visit("search", "desktop")
    page.goto(f"{address}/search.html?q=overlap-save", wait_until="networkidle")
    page.wait_for_selector("#search-results a")
    assert page.locator("#search-results a[href^='03_fft_convolution']").count() >= 1


@pytest.mark.parametrize("name", PAGES[3:])
def test_every_lesson_can_be_opened_in_colab_and_downloaded(folder, visit, name):
    page = visit(name, "desktop")
    hrefs = page.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert any(href and "colab.research.google.com" in href and name in href for href in hrefs)
    (download,) = {href for href in hrefs if href and "_downloads/" in href}
    assert (folder / download).is_file()
    images = page.locator("img").evaluate_all("images => images.map(image => image.alt)")
    assert all(images)


def test_no_link_leads_nowhere(folder):
    for path in folder.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        ids = set(re.findall(r'\bid="([^"]+)"', text))
        for href in re.findall(r'href="([^"]+)"', text):
            if re.match(r"[a-z]+:", href) or href == "#":
                continue
            target, _, fragment = href.partition("#")
            assert not target or (folder / target.partition("?")[0]).exists(), f"{path.name}: {href}"
            if not target and fragment:
                assert fragment in ids, f"{path.name}: {href}"


def test_a_dead_link_stops_the_build(tmp_path):
    import shutil

    copy = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", copy)
    lesson = copy / "02_fourier_transform.ipynb"
    lesson.write_text(
        lesson.read_text(encoding="utf-8").replace("# 02 The Fourier", "# [x](no_page.ipynb) The Fourier")
    )
    with pytest.raises(SiteFailed, match="no_page"):
        build_site(copy, tmp_path / "site")
    assert not (tmp_path / "site").exists()
    assert list(tmp_path.iterdir()) == [copy]
