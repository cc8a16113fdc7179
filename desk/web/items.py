"""Choices as the kit's select, radios and checkboxes take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def items(choices: Sequence[str] | Mapping[str, str], first: str = "") -> list[dict[str, Any]]:
    """
    Each as value and text; `first`: what is chosen where nothing is.

    A mapping says what each value is called; of names alone the underscores become spaces.
    """
    named = choices if isinstance(choices, Mapping) else {one: _plain(one) for one in choices}
    before = [{"value": "", "text": first}] if first else []
    return before + [{"value": value, "text": text} for value, text in named.items()]


def _plain(name: str) -> str:
    return name.replace("_", " ")
