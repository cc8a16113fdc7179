"""The classes of the word list by name, for what must know them without reading it."""

from __future__ import annotations

from typing import Final

CLASSES: Final = (
    "bad_news", "end_of_life", "sexual_reproductive", "mental_health", "substance_use", "safeguarding",
    "results", "urgency", "shorthand", "identity", "secret",
)  # fmt: skip
CODE: Final = "content_"  # and the class: what `--accept` names
