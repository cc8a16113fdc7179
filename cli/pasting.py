"""Ids that are pasted, or come from a text file: `--ids-from`."""

from __future__ import annotations

import sys
from pathlib import Path

from cli import console

_HOW = (
    "Paste NHS numbers or the practice's own ids, one a line or with commas or spaces between them. "
    "To end: Enter, then Ctrl-D (Windows: Ctrl-Z, then Enter). To give up: Ctrl-C."
)


def text_of(source: Path) -> str:
    """What a text file holds, or what is pasted after `-`; at a terminal it says what, and how to end."""
    if str(source) != "-":
        return source.read_text(encoding="utf-8-sig")
    if sys.stdin.isatty():
        console.say(_HOW)
    return sys.stdin.read()
