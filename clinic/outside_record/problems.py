"""Why something was not saved outside: codes, each with what to do (docs/outside-record.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NOT_THERE: Final = "patient-not-there"
TWICE: Final = "patient-there-twice"
NO_NUMBER: Final = "patient-without-number"
SEVERAL: Final = "there-more-than-once"
GONE: Final = "taken-away-there"
REFUSED: Final = "refused-there"
BUSY: Final = "not-yet"

SAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NOT_THERE: "The other system has no patient with this identifier: register them there.",
        TWICE: "The other system has several patients with this identifier: merge them there.",
        NO_NUMBER: "The patient has no identifier of the kind that is set: add it to their record here.",
        SEVERAL: "The other system has it more than once: look which is right there.",
        GONE: "Somebody took it away there: nothing was written again.",
        REFUSED: "The other system refused it.",
        BUSY: "The other system could not take it yet: it is asked again.",
    }
)


@dataclass(frozen=True)
class Problem:
    """A code of ours, and what the other side said in codes; no patient's data."""

    code: str
    says: str = ""
