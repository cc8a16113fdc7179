"""
Whom the list of a campaign should have, asked with the campaign: who is eligible and missing (NEW-31).

Counted once, as the campaign is made, by the selection of `cohort list missing`, and kept with it: whoever
confirms and whoever approves read the same count.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.coverage import Covers, coverage_of, covered_by
from clinic.cohort.filters import PatientFilter
from clinic.errors import CohortRefused
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.record.schema.recall import coverage_asked
from clinic.values.snomed import check_snomed_codes

_KINDS: Final = ("group", "status", "facility", "provider", "code")
_EXAMPLES: Final = 5


@dataclass(frozen=True)
class CoverageAsked:
    """
    What was asked and what came of it.

    covers: "group:flu-65", "code:44054006" …
    first: some of the missing, by their ids
    """

    covers: tuple[str, ...]
    eligible: int
    missing: int
    first: tuple[int, ...] = ()

    @property
    def says(self) -> str:
        """In a sentence."""
        by = ", ".join(self.covers)
        if not self.eligible:
            return f"nobody is eligible by {by}: look at what was asked"
        return f"{self.missing:,} of {self.eligible:,} eligible patients ({by}) are not on the list"

    @property
    def options(self) -> str:
        """Of `cohort list missing`, to ask the same, with a space before each."""
        named = (one.partition(":") for one in self.covers)
        return "".join(f" --{kind} {shlex.quote(value)}" for kind, _, value in named)


def read_covers(words: Sequence[str]) -> Covers:
    """
    Whom these words mean: "group:flu-65", "status:active" …; of codes there may be several.

    Raises:
        CohortRefused: a word that is none of these
        MendableError: something that is no SNOMED CT code
    """
    found: dict[str, list[str]] = {}
    for word in _tidy(words):
        kind, _, value = word.partition(":")
        if kind not in _KINDS or not value or (kind in found and kind != "code"):
            raise CohortRefused(
                "coverage-unclear",
                f"who should be on the list is not clear from {word!r}: write group:, status:, facility:, "
                "provider: or code: and then its code, for example --covers group:flu-65, each once (only "
                "code: may be repeated). Nothing was sent",
            )
        found.setdefault(kind, []).append(value)
    one = {kind: values[0] for kind, values in found.items()}
    described = PatientFilter(one.get("status"), one.get("facility"), one.get("provider"))
    return Covers(described, one.get("group"), check_snomed_codes(found.get("code", [])))


def ask_coverage(
    record: Record, words: Sequence[str], list_id: int, today: date, *, statuses: Sequence[str],
    told: Collection[int] = (), by: str,
) -> CoverageAsked | None:  # fmt: skip
    """
    Compare a list with whom it should have; None: nobody asked.

    told: patients who are not missing though they are not on it
    by: the requester: whoever is tied to facilities is told of their patients alone

    Raises:
        CohortRefused: a word that says nothing
        NotFound: there is no such group, status, facility or provider
    """
    if not words:
        return None
    asked = read_covers(words)
    with record.read() as connection:
        wanted = covered_by(connection, asked, statuses=statuses, by=by)
        found = coverage_of(connection, list_id, wanted, today)
    there = frozenset(told)
    missing = tuple(key for key in found.missing if key not in there)
    return CoverageAsked(_tidy(words), found.eligible, len(missing), missing[:_EXAMPLES])


def keep_coverage(connection: Connection, campaign_id: int, found: CoverageAsked) -> None:
    """Keep it with its campaign, in the transaction that makes the campaign."""
    connection.execute(
        sa.insert(coverage_asked).values(
            campaign_id=campaign_id,
            covers=orjson.dumps(found.covers).decode(),
            eligible=found.eligible,
            missing=found.missing,
            first=orjson.dumps(found.first).decode(),
        )
    )


def coverage_asked_of(connection: Connection, campaign_id: int) -> CoverageAsked | None:
    """The campaign's; None: nobody asked."""
    c = coverage_asked.c
    row = connection.execute(
        sa.select(c.covers, c.eligible, c.missing, c.first).where(c.campaign_id == campaign_id)
    ).one_or_none()
    if row is None:
        return None
    return CoverageAsked(
        tuple(orjson.loads(row.covers)), row.eligible, row.missing, tuple(orjson.loads(row.first))
    )


def first_missing(connection: Connection, found: CoverageAsked | None) -> tuple[str, ...]:
    """Some of the missing, as a person looks them up: by NHS number, else by the practice's own id."""
    p = patient.c
    query = sa.select(sa.func.coalesce(p.nhs_number, p.local_id)).order_by(p.id)
    if found is None or not found.first:
        return ()
    keys = connection.scalars(query.where(is_any_of(p.id, found.first))).all()
    return tuple(str(key) for key in keys)


def _tidy(words: Sequence[str]) -> tuple[str, ...]:
    parts = (word.partition(":") for word in words)
    return tuple(f"{kind.strip().lower()}{colon}{value.strip()}" for kind, colon, value in parts)
