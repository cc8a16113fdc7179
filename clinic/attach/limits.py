"""What a document may be (ACX-4), and as what it comes back from being cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST: Final = 5 * 1024 * 1024  # bytes, as it is accepted and as it is kept
MOST_PAGES: Final = 50
MOST_PIXELS: Final = 30_000_000
NAMED: Final = {
    "pdf": ("application/pdf", ".pdf"),
    "png": ("image/png", ".png"),
    "jpeg": ("image/jpeg", ".jpg"),
}
"""Kind → how a browser is told, and how a file's name ends."""
_BEGINS: Final = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}


@dataclass(frozen=True)
class Cleaned:
    """A document that does nothing by itself. pages: 1 of a picture"""

    kind: str
    pages: int
    content: bytes


class Unfit(Exception):
    """A document that is not accepted; its text says why, without anything that is in it."""


def kind_of(content: bytes) -> str:
    """
    What it begins as. That it is nothing else besides is proven by reading it whole.

    Raises:
        Unfit: none of the three kinds
    """
    for begins, kind in _BEGINS.items():
        if content.startswith(begins):
            return kind
    raise Unfit("it is no PDF, PNG or JPEG")
