"""
What strangers wrote, made harmless where it is shown: replies, receipts, headings, names, providers' texts.

    control characters, escape sequences        �: a terminal obeys them
    marks that turn the direction of writing    �: they disguise what stands beside them
    [/b], [link=…]                              as they stand: only the few styles that we write are styles

`Screen` is the only console there is, so that no command has to think of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.errors import MarkupError
from rich.segment import Segment
from rich.text import Text

# Everything that is not printed but done: C0 and C1 without tab and line end, line and paragraph ends of
# Unicode, marks of direction, tags that nobody sees, halves of surrogate pairs
_DOES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_TAG = re.compile(r"(\\*)\[([a-z#/@][^\[]*?)\]")  # what rich takes for a style
_OURS = re.compile(r"/|(bold|dim)?( ?(red|green|yellow))?")


def harmless(text: str) -> str:
    """The text with what a terminal would obey replaced by �."""
    return text if text.isprintable() else _DOES.sub("\ufffd", text)


def harmless_json(text: str) -> str:
    """The same document, with what a terminal would obey written as JSON escapes it."""
    return _DOES.sub(lambda match: f"\\u{ord(match[0]):04x}", text) if not text.isascii() else text


def harmless_out() -> TextIO:
    """Standard output for a file's lines: as they are into a pipe, harmless on a screen."""
    return cast(TextIO, _HarmlessFile(sys.stdout)) if sys.stdout.isatty() else sys.stdout


class _HarmlessFile:
    """A terminal to which files are written."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner

    def write(self, text: str) -> int:
        return self._inner.write(harmless(text.replace("\r\n", "\n")))


class Screen(Console):
    """A console that shows what strangers wrote and obeys none of it."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)

    def render_str(self, text: str, **how: Any) -> Text:
        """Our styles are styles; any other bracket is a bracket."""
        if how.get("markup") is False:
            return super().render_str(harmless(text), **how)
        try:
            return super().render_str(_TAG.sub(_literal, harmless(text)), **how)
        except MarkupError:  # a bracket of theirs closed one of ours
            return super().render_str(harmless(text), **how | {"markup": False})


def _literal(tag: re.Match[str]) -> str:
    if len(tag[1]) % 2 or _OURS.fullmatch(tag[2]):
        return tag[0]
    return rf"{tag[1]}\[{tag[2]}]"
