"""
The HTML part of an e-mail, made of its text: the same words, and nothing that the text does not show.

What was reviewed is the text, so whatever stands in it is escaped, and a link shows where it leads. No picture,
no style sheet, nothing that is fetched: an e-mail that tells its sender that it was read is none of ours.
"""

from __future__ import annotations

import html
import re
from typing import Final

_PAGE: Final = (
    '<!doctype html><html><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"></head>'
    '<body dir="auto" style="font-family:sans-serif;font-size:16px;line-height:1.5">\n{text}\n</body></html>'
)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
# As a reader would take it: without the full stop or bracket behind it
_LINK: Final = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]")
# What no HTML may hold (WHATWG, control characters); a text part may
_NOT_ALLOWED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def html_of(text: str) -> str:
    """The page: a line each, links that show their address, and every other character as itself."""
    lines = _LINE_END.split(_NOT_ALLOWED.sub("\ufffd", text.rstrip("\r\n")))
    return _PAGE.format(text="<br>\n".join(map(_line, lines)))


def _line(line: str) -> str:
    shown, at = [], 0
    for link in _LINK.finditer(line):
        address = html.escape(link[0])
        shown += [_words(line[at : link.start()]), f'<a href="{address}">{address}</a>']
        at = link.end()
    return "".join([*shown, _words(line[at:])])


def _words(text: str) -> str:
    """Spaces that stand together stay, as in tables and at the beginning of lines."""
    return html.escape(text).replace("  ", " &nbsp;").replace("\t", " &nbsp; &nbsp;")
