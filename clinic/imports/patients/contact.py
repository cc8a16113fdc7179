"""
What an import says of how patients may be contacted: marked as sensitive, or declined (NEW-26).

    SpineSensitive, Sensitive, Confidentiality R, Safeguarding, S-Flag: yes     by no channel: safe contact
    SMS Declined: yes, Do not text: yes, SMS Consent: no, a consent code        an opt-out of that channel
    National Data Opt-out: yes, no                                              kept from research exports

A mark sets and never lifts: an empty cell, or a no, takes nothing away (clinic/practice/safe_contact.py).
An opt-out is noted once, so that what the patient decides afterwards counts. Cells that are neither yes nor no
set nothing, and are counted. Columns are known by words in their headings (intake/says_no.py); of those
that decline, only one that names a channel, or messages as such: "Declined" alone may be a vaccine.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.consent_codes import CODES
from clinic.cohort.files import Block
from clinic.imports.consents.known import noted_by
from clinic.message.eligibility.decisions import write_consents
from clinic.message.intake.cells import UNCLEAR
from clinic.message.intake.says_no import (
    is_national_opt_out,
    kind_of,
    read_says_no,
    says_yes,
)
from clinic.practice.safe_contact import CHANNELS, restrict_imported
from clinic.record.bulk import is_any_of
from clinic.record.schema.people import consent, patient
from clinic.values.purposes import ANY, NATIONAL_OPT_OUT

_SENSITIVE: Final = "list_says_sensitive"
_DECLINES: Final = frozenset({"list_says_no_contact", "list_says_declined", "consent"})
_NAMED: Final = {"sms": r"sms|\btext|mobile", "email": r"e ?mail", "voice": r"\bcall|\bphone|voice"}
_EVERY: Final = re.compile(r"contact|communicat|messag")
_IDS: Final = ("nhs_number", "local_id")
_TAKEN: Final = frozenset({"added", "changed", "moved", "unchanged", "repeated"})
# Consent codes that decline → their purpose; in a cell Read codes may end in dots
_OUT: Final = {code: purpose for code, (said, purpose) in CODES.items() if said == "opt_out"}

Noted = tuple[int, str, str, str | None]  # whose opt-out; by channel, purpose and code


@dataclass
class ContactColumns:
    """
    A file's columns that say how patients may be contacted, and what came of them.

    restricted, opted_out: patients for whom it was set; unclear: heading → cells that are neither yes nor no
    """

    sensitive: tuple[str, ...] = ()
    national: tuple[str, ...] = ()
    # heading → channels, or ("any",)
    declining: dict[str, tuple[str, ...]] = field(default_factory=dict)
    restricted: int = 0
    opted_out: int = 0
    kept_from_research: int = 0
    unclear: Counter[str] = field(default_factory=Counter)
    _noted: set[Noted] = field(default_factory=set)  # several columns may say the same

    @classmethod
    def of(cls, headings: list[str]) -> ContactColumns:
        """Those among headings that nothing else is read from."""
        kinds = {heading: _kinds(heading) for heading in headings}
        return cls(
            sensitive=tuple(h for h, found in kinds.items() if _SENSITIVE in found),
            national=tuple(filter(is_national_opt_out, headings)),
            declining={
                heading: channels
                for heading, found in kinds.items()
                if found & _DECLINES and (channels := _channels(heading))
            },
        )

    @property
    def headings(self) -> set[str]:
        """All of them."""
        return {*self.sensitive, *self.national, *self.declining}

    def apply(
        self, connection: Connection, block: Block, rows: pd.DataFrame, *, by: str, now: datetime
    ) -> None:
        """
        Set what the block says, in the transaction that imports it.

        Args:
            rows: `outcome`, `nhs_number` and `local_id` as the import made them; only of rows that are
                imported, or repeat one that is, something is set
        """
        taken = rows["outcome"].isin(_TAKEN)
        if not self.headings or not taken.any():
            return
        self._restrict(connection, block, rows, taken, by, now)
        for heading, channels in self.declining.items():
            self._decline(connection, block, rows, taken, heading, channels, now)
        self._keep_from_research(connection, block, rows, taken, now)

    def _restrict(
        self, connection: Connection, block: Block, rows: pd.DataFrame, taken: pd.Series[bool],
        by: str, now: datetime,
    ) -> None:  # fmt: skip
        marked = pd.Series(False, index=rows.index)
        for heading in self.sensitive:
            marked |= self._says(block, heading, taken) == _SENSITIVE
        if marked.any():
            ids = _patients(connection, rows[marked])
            self.restricted += restrict_imported(connection, ids, by=by, now=now)

    def _decline(
        self, connection: Connection, block: Block, rows: pd.DataFrame, taken: pd.Series[bool],
        heading: str, channels: tuple[str, ...], now: datetime,
    ) -> None:  # fmt: skip
        codes = _codes(block, heading).where(taken, "")
        words = self._says(block, heading, taken, channels[0]).isin(_DECLINES)
        for code in sorted(set(codes) & _OUT.keys()):
            ids = _patients(connection, rows[codes == code])
            self.opted_out += _opt_out(connection, ids, "sms", _OUT[code], code, now, self._noted)
        if words.any():
            ids = _patients(connection, rows[words])
            for channel in channels:
                self.opted_out += _opt_out(connection, ids, channel, "any", None, now, self._noted)

    def _keep_from_research(
        self, connection: Connection, block: Block, rows: pd.DataFrame, taken: pd.Series[bool],
        now: datetime,
    ) -> None:  # fmt: skip
        """As the national service has it by now: it is the patient's, and may be lifted there."""
        yes, no = (pd.Series(False, index=rows.index) for _ in range(2))
        for heading in self.national:
            cells = block.frame[heading].where(taken, "").astype("str").str.strip()
            said = [says_yes(text) for text in cells]
            yes |= pd.Series([one is True for one in said], rows.index)
            no |= pd.Series([one is False for one in said], rows.index)
            if unclear := sum(
                one is None and text != "" for one, text in zip(said, cells, strict=True)
            ):
                self.unclear[heading] += unclear
        for which, decision in ((yes, "opt_out"), (no & ~yes, "opt_in")):
            new = _changes_to(connection, _patients(connection, rows[which]), decision)
            row = {
                "channel": ANY, "purpose": NATIONAL_OPT_OUT, "decision": decision,
                "decided_at": now, "source": "import", "code": None,
            }  # fmt: skip
            write_consents(connection, [{"patient_id": key, **row} for key in new])
            self.kept_from_research += len(new) if which is yes else 0

    def _says(
        self, block: Block, heading: str, taken: pd.Series[bool], channel: str = "sms"
    ) -> pd.Series[str]:
        """What each cell says against messages; what is not understood is counted, a consent code is."""
        said = read_says_no(
            [(heading, block.frame[heading].where(taken, ""))],
            "sms" if channel == "any" else channel,
        )
        known = _codes(block, heading).isin(list(CODES))
        if unclear := int(((said == UNCLEAR) & ~known).sum()):
            self.unclear[heading] += unclear
        return said


def _kinds(heading: str) -> set[str]:
    return {kind_of(heading, channel) for channel in CHANNELS} - {""}


def _channels(heading: str) -> tuple[str, ...]:
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", heading.casefold()).split())
    named = tuple(channel for channel, what in _NAMED.items() if re.search(what, words))
    return named or (("any",) if _EVERY.search(words) else ())


def _codes(block: Block, heading: str) -> pd.Series[str]:
    return block.frame[heading].str.strip().str.rstrip(".")


def _patients(connection: Connection, rows: pd.DataFrame) -> list[int]:
    """The ids of the patients of these rows, as they are in the record now."""
    found: set[int] = set()
    for name in _IDS:
        given = rows[name].dropna().tolist()
        found.update(
            connection.scalars(sa.select(patient.c.id).where(is_any_of(patient.c[name], given)))
        )
    return sorted(found)


def _changes_to(connection: Connection, ids: list[int], decision: str) -> list[int]:
    """Those of whom something else, or nothing, was noted last; nothing is as good as no."""
    c = consent.c
    said = sa.select(c.patient_id, c.decision).where(
        is_any_of(c.patient_id, ids), c.purpose == NATIONAL_OPT_OUT
    )
    last = dict(connection.execute(said.order_by(c.decided_at, c.id)).tuples().all())
    return [key for key in ids if last.get(key, "opt_in") != decision]


def _opt_out(
    connection: Connection, ids: list[int], channel: str, purpose: str, code: str | None, now: datetime,
    done: set[Noted],
) -> int:  # fmt: skip
    """
    Note that these declined, where no import of patients has noted it before; how many were new.

    Where an import of opt-outs has, it is noted as of then: it holds also when that one withdraws it.
    """
    source = "import" if code is None else "code"
    c = consent.c
    query = sa.select(c.id, c.patient_id, c.decided_at).where(
        is_any_of(c.patient_id, ids), c.channel == channel, c.purpose == purpose,
        c.decision == "opt_out", c.source == source,
    )  # fmt: skip
    known = connection.execute(query.order_by(c.decided_at)).all()
    mine = noted_by(connection, pd.Series([row.id for row in known], dtype="int64"), "patients")
    own = {row.patient_id for row, is_mine in zip(known, mine, strict=True) if is_mine}
    before = {row.patient_id: row.decided_at for row in known}
    which = (channel, purpose, code)
    new = sorted(key for key in set(ids) - own if (key, *which) not in done)
    done.update((key, *which) for key in new)
    said = {
        "channel": channel, "purpose": purpose, "decision": "opt_out", "source": source, "code": code,
    }  # fmt: skip
    rows = [{"patient_id": key, "decided_at": before.get(key, now), **said} for key in new]
    write_consents(connection, rows)
    return len(set(new) - before.keys())
