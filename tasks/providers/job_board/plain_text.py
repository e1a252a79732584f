"""HTML of strangers as plain text."""

from __future__ import annotations

import html
import re
from typing import Any

from tasks.providers.job_board.cleaning import MOST_DESCRIPTION, is_missing, line, paragraphs

MOST_HTML = 200_000  # characters that are looked at

_ENDS_LINE = {"p", "br", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "h5", "h6"}
_TAG = re.compile(r"<(/?)(\w+)>")


def plain_text(value: Any, most: int = MOST_DESCRIPTION) -> str:
    """Return what a reader of the HTML would read, a line for each block; scripts are nobody's."""
    return paragraphs(_unmarked(value), most)


def plain_line(value: Any, most: int) -> str | None:
    """Return the HTML of a title as one line, or None when nothing is in it."""
    return line(_unmarked(value), most)


def _unmarked(value: Any) -> str:
    import nh3

    if is_missing(value):
        return ""
    text = str(value).replace("\0", "").encode("utf-8", "ignore").decode()[:MOST_HTML]
    tags_alone = nh3.clean(text, tags=_ENDS_LINE, attributes={}, link_rel=None)
    lines = _TAG.sub(lambda tag: _break(tag[1], tag[2]), tags_alone)
    return html.unescape(lines)


def _break(closing: str, tag: str) -> str:
    if tag == "li":
        return "" if closing else "\n- "
    return "\n" if closing or tag == "br" else ""
