"""
What a list and a template are called after, and whether that clearly disagrees: "flu-2026" and "smear-recall".

Topics are in topics.toml, in two kinds. Names disagree where both have a topic of one kind and share none at
all; whoever names a list after its patients ("over-65s") or a template after nothing is never asked. What the
template's text speaks of counts for it too, but not against it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from clinic.message.words.folding import fold_one

_WORDS = re.compile(r"[^\W\d_]+(?:1c)?")  # FLU2026 is flu; HbA1c stays whole


@dataclass(frozen=True)
class Clash:
    """The topics that the two names have, none of them the other's."""

    of_list: tuple[str, ...]
    of_template: tuple[str, ...]


def clash_of(list_name: str, template_name: str, text: str) -> Clash | None:
    """
    How the names disagree; None where they do not, or one of them says nothing.

    Args:
        template_name: its key and its name; text: what it says
    """
    of_list, of_template = _topics(list_name), _topics(template_name)
    if of_list & (of_template | _topics(text)):
        return None
    for kind in {kind for kind, _ in of_list} & {kind for kind, _ in of_template}:
        return Clash(_named(of_list, kind), _named(of_template, kind))
    return None


def speaks_of(text: str, topic: str) -> bool:
    """Whether a text has a word of this topic."""
    return any(name == topic for _, name in _topics(text))


def _named(topics: frozenset[tuple[str, str]], kind: str) -> tuple[str, ...]:
    return tuple(sorted(name for own, name in topics if own == kind))


def _topics(text: str) -> frozenset[tuple[str, str]]:
    words = _WORDS.findall(fold_one(text))
    return frozenset(
        topic
        for topic, expression in _expressions().items()
        if any(expression.fullmatch(word) for word in words)
    )


@cache
def _expressions() -> dict[tuple[str, str], re.Pattern[str]]:
    """Kind and topic → what finds a word of it."""
    kept = tomllib.loads(
        files("clinic.message.audience").joinpath("topics.toml").read_text("utf-8")
    )
    return {
        (kind, name): re.compile("|".join(re.escape(word).replace(r"\*", r"\w*") for word in words))
        for kind, topics in kept.items()
        for name, words in topics.items()
    }
