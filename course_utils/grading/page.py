"""A page for a browser that can do nothing but be read: no scripts, nothing from another place."""

from __future__ import annotations

from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: {width}; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }}
table {{ border-collapse: collapse; }}
caption {{ text-align: left; font-weight: bold; padding: .5rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #767676; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f2f2; padding: .6rem; margin: .3rem 0; }}
{style}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def html_page(title: str, body: str, style: str = "", width: str = "60rem") -> str:
    """Return a page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML in which all that is not ours has been escaped.
    style : str
        Further CSS.
    width : str
        The widest that text gets, in CSS.
    """
    return _PAGE.format(title=escape(title), body=body, style=style.strip(), width=width)
