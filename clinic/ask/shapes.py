"""Whether each extension is known where it stands, with a value to be read: else it would be ignored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from clinic.ask.extensions import PARTS, SEVERAL, VALUES
from clinic.ask.fhir import Extension

_FIELDS: Final = (
    "value_string", "value_code", "value_decimal", "value_integer", "value_coding",
)  # fmt: skip


def shape_problems(
    whose: str, extensions: Sequence[Extension], known: frozenset[str]
) -> Iterator[str]:
    """What is wrong with the extensions of one thing, those inside them included."""
    counts = Counter(each.url for each in extensions)
    for url in (url for url, count in counts.items() if count > 1 and url not in SEVERAL):
        yield f"{whose} has the extension {url} {counts[url]} times: leave one"
    for each in extensions:
        if each.url not in known:
            yield f"{whose} has an extension that is not known here: {each.url}: take it out"
            continue
        parts = PARTS.get(each.url, frozenset())
        given = {name for name in _FIELDS if getattr(each, name) is not None}
        if parts and (given or not each.extension):
            yield f"{whose} has {each.url} with a value of its own, or without parts"
        if not parts and not (len(given) == 1 and given <= VALUES[each.url]):
            names = " or ".join(sorted(_fhir(name) for name in VALUES[each.url]))
            yield f"{whose} has {each.url} without one {names}"
        yield from shape_problems(whose, each.extension, parts)


def _fhir(name: str) -> str:
    return "value" + name.removeprefix("value_").capitalize()
