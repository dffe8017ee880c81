"""Sphinx's settings for the course site. All that a page needs lies beside it: no remote script, font or image."""

from course_utils import __version__
from course_utils.notebooks.address import REPOSITORY, TAG

project = "From Fourier to EfficientNet"
author = "The From Fourier to EfficientNet maintainers"
copyright = "the maintainers, MIT licence"
version = release = __version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # widgets need a live kernel; the lessons show a figure in their place
nb_mime_priority_overrides = [("html", "text/html", 0)]
nb_render_markdown_format = "myst"  # tables and links in outputs, as in JupyterLab
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": TAG,
    "path_to_docs": "notebooks",
    "use_download_button": False,  # each page links its notebook
    "use_fullscreen_button": False,
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "navbar_persistent": [],  # the search field stands in the side bar
    "show_toc_level": 2,
    "home_page_in_toc": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
