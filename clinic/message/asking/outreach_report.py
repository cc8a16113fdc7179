"""The Outreach Report as it is shown and filed: its columns, and whose look it is (ARC-17, ARC-18)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final

from clinic.govern.access.look import Look, at_patient
from clinic.govern.access.who_saw import REPORT, REPORT_PART
from clinic.message.outcomes.outreach import Filter, Sent, list_sent
from clinic.record.database import Record
from clinic.values.formula import safe_cell

HEADINGS: Final = (
    "Bulk Outreach ID", "Message", "Sent", "List", "Template", "NHS Number", "Local ID", "By",
    "Address", "Status", "Error",
)  # fmt: skip
Show = Callable[[datetime | None], str]


def look_of(wanted: Filter, count: int, keys: frozenset[int]) -> Look:
    """One patient; those of the messages shown; or all of a campaign or of some days, in a file."""
    if wanted.patient_id is not None:
        return at_patient(wanted.patient_id)
    if wanted.campaign_id is not None:
        return Look("campaign", wanted.campaign_id, count, keys)
    subject = REPORT_PART if wanted.status else REPORT
    return Look(
        subject, None, count, keys, sent_from=wanted.sent_from, sent_before=wanted.sent_before
    )


def cells_of(sent: Sent, show: Show) -> tuple[str | None, ...]:
    """A message under the headings; `show`: an instant as people read it."""
    return (
        str(sent.campaign_id), str(sent.id), show(sent.sent_at), sent.list_name, sent.template,
        sent.nhs_number, sent.local_id, sent.channel, sent.address, sent.status, sent.error,
    )  # fmt: skip


def lines_of(record: Record, wanted: Filter, show: Show) -> Iterator[list[str]]:
    """The lines of a file, its headings first; no cell is run by a spreadsheet."""
    known = lru_cache(10_000)(show)  # a batch left at one instant
    yield list(HEADINGS)
    for sent in list_sent(record, wanted):
        yield [safe_cell(cell) if cell else "" for cell in cells_of(sent, known)]
