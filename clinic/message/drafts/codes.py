"""SNOMED CT codes to save with a message, found by a word (PAT-15): the practice's own, and those used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.settings import Settings

_MOST: Final = 20
_CAMPAIGNS: Final = 500  # the last ones are looked through


@dataclass(frozen=True)
class Code:
    """says: what the practice calls it, "" where it has no words for it; used: so many campaigns had it."""

    code: str
    says: str
    used: int


def find_codes(record: Record, settings: Settings, words: str) -> list[Code]:
    """Those of which every word is in the name, or that begin so; of no word all, the most used first."""
    names = settings.desk.codes
    used = _used(record)
    wanted = words.lower().split()
    found = [
        Code(code, names.get(code, ""), used.get(code, 0)) for code in {**names, **used}
    ]  # those with words first
    fit = [one for one in found if all(_has(one, word) for word in wanted)]
    return sorted(fit, key=lambda one: (-one.used, one.says.lower(), one.code))[:_MOST]


def says_of_code(settings: Settings, code: str) -> str:
    """What the practice calls it; "" where it has no words for it."""
    return settings.desk.codes.get(code, "")


def _has(one: Code, word: str) -> bool:
    return word in one.says.lower() or one.code.startswith(word)


def _used(record: Record) -> Mapping[str, int]:
    last = (
        sa.select(campaign.c.snomed_codes)
        .where(campaign.c.snomed_codes.is_not(None))
        .order_by(campaign.c.id.desc())
        .limit(_CAMPAIGNS)
    )
    counts: dict[str, int] = {}
    with record.read() as connection:
        for codes in connection.scalars(last):
            for code in codes.split():
                counts[code] = counts.get(code, 0) + 1
    return counts
