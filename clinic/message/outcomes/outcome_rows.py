"""
Every row of a campaign's list with what became of it, as it came in: streamed, and as a CSV file.

The file has the list's own columns, so that the practice can go on with it, then `Outcome` (the code),
`What to do` (the sentence) and `Detail`. Cells that a spreadsheet would run are made safe (ACX-27).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final, Literal, NamedTuple, TextIO

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.keeping import read_kept
from clinic.cohort.outcomes import AT_SENDING, BEFORE, OUTCOMES
from clinic.message import states
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.counting import code_of, count_outcomes, in_flight
from clinic.message.campaign.said import said_of
from clinic.message.codes import message_on
from clinic.message.eligibility.evidence import explain
from clinic.message.eligibility.numbers import DIFFERS
from clinic.message.following.then import COLUMNS, joined, says_then
from clinic.message.outcomes.joined import Original
from clinic.message.outcomes.reasons import message_says
from clinic.message.sharing.standing import UNCONFIRMED
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import patient
from clinic.record.told import of_teller
from clinic.values.formula import safe_cell

PAGE = 5_000
Only = Literal["all", "not_accepted", "not_messaged", "errors"]
# A list made in the record (a group, a filter) has no columns of its own: who it is must be told
_OWN = ("NHS Number", "Local ID")
_NOT_THEIRS: Final = "other_facility"  # then not: whoever asked is not told (clinic/govern/tied.py)


def _codes(*kinds: str) -> list[str]:
    """The outcomes of these kinds; what is unknown counts as failed until somebody settles it."""
    found = [code for code, outcome in OUTCOMES.items() if outcome.kind in kinds]
    return [*found, "unknown"] if "failed" in kinds else found


_CODES: Final = {
    "not_accepted": [code for code in BEFORE if code != "accepted"],
    "not_messaged": _codes("error", "left_out", "failed"),
    "errors": _codes("error", "failed"),
}


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """A row: its number in the spreadsheet, its kept cells, its outcome, and what is known of it."""

    row_number: int
    cells: list[str]
    code: str
    detail: str
    reason: str | None = None  # the message's, as a code

    @property
    def says(self) -> str:
        """What to do."""
        if self.code == states.SUPPRESSED and self.reason in AT_SENDING:
            return AT_SENDING[self.reason].says
        return OUTCOMES[self.code].says


class _Found(NamedTuple):
    """A row as `_rows` reads it."""

    row_number: int
    cells: str
    code: str
    detail: str | None
    reason: str | None
    evidence: str | None
    nhs_number: str | None
    local_id: str | None
    taken_by: int | None
    then: str | None


def headings(record: Record, campaign_id: int) -> list[str]:
    """
    The headings of the campaign's list that are kept, in their order.

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        columns, places = _columns(connection, own.list_id)
        return [columns[place] for place in places] or list(_OWN)


def _columns(connection: Connection, list_id: int) -> tuple[list[str], list[int]]:
    """A list's headings, and the places of those that are kept (NEW-39)."""
    query = sa.select(cohort_list.c.columns, cohort_list.c.kept).where(cohort_list.c.id == list_id)
    columns, kept = connection.execute(query).one()
    names = orjson.loads(columns)
    only = read_kept(kept)
    return names, list(only.places if only else range(len(names)))


def outcome_rows(
    record: Record, campaign_id: int, *, only: Only = "all", zone: tzinfo = UTC,
    after: int = 0, page_size: int = PAGE,
) -> Iterator[OutcomeRow]:  # fmt: skip
    """
    The rows of the campaign's list in their order, a page of them in memory at a time.

    after: from the row after this one on; page_size: rows of a page, for who wants no more
    zone: by whose calendar it is told when somebody opted out
    only: "not_accepted" before sending (ACX-26), "not_messaged" whatever the reason, "errors" of any
        kind (PAT-22)

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        _, places = _columns(connection, own.list_id)
    last = after
    while True:
        with record.read() as connection:
            page = _page(connection, own, after=last, only=only, size=page_size)
            decisions = explain(connection, {row.evidence for row in page if row.evidence}, zone)
        for row in page:
            yield _outcome_row(own, row, decisions.get(row.evidence or ""), places)
        if len(page) < page_size:
            return
        last = page[-1].row_number


def _page(
    connection: Connection, own: Campaign, *, after: int, only: Only, size: int
) -> list[_Found]:
    code = code_of(own, in_flight(connection, own.id))
    query = _rows(own, code).where(list_row.c.row_number > after).limit(size)
    if only != "all":
        query = query.where(code.in_(_CODES[only]))
    return [_Found._make(row) for row in connection.execute(query)]


def _rows(own: Campaign, code: sa.ColumnElement[str]) -> sa.Select[Any]:
    """Three walks along primary keys, side by side."""
    to_recipient = sa.and_(
        recipient.c.campaign_id == own.id, recipient.c.row_number == list_row.c.row_number
    )
    to_message = message.c.id == message_on(own.message_base, list_row.c.row_number)
    evidence = sa.func.coalesce(recipient.c.evidence, message.c.evidence)
    rows = (
        list_row.outerjoin(recipient, to_recipient)
        .outerjoin(message, to_message)
        .outerjoin(patient, patient.c.id == list_row.c.patient_id)
    )
    return (
        sa.select(
            list_row.c.row_number,
            list_row.c.cells,
            code.label("code"),
            sa.func.coalesce(of_teller("error_text"), recipient.c.detail).label("detail"),
            sa.func.coalesce(of_teller("reason"), message.c.reason).label("reason"),
            evidence.label("evidence"),
            patient.c.nhs_number,
            patient.c.local_id,
            *(COLUMNS if own.fallback else (sa.null().label("taken_by"), sa.null().label("then"))),
        )
        .select_from(joined(rows, own) if own.fallback else rows)
        .where(list_row.c.list_id == own.list_id)
        .order_by(list_row.c.row_number)
    )


def _outcome_row(
    own: Campaign, row: _Found, decision: str | None, places: Sequence[int]
) -> OutcomeRow:
    found = orjson.loads(row.cells)
    cells = [found[place] for place in places if place < len(found)]
    if (
        not found and not places
    ):  # made in the record; of others they are gone by the clock (NEW-39)
        shown = row.code != _NOT_THEIRS
        cells = [row.nhs_number or "" if shown else "", row.local_id or "" if shown else ""]
    detail = decision or _in_words(row.code, row.detail) or message_says(row.reason)
    then = says_then(own, row.taken_by, row.then)
    told = " ".join(filter(None, (detail, then)))
    return OutcomeRow(row.row_number, cells, row.code, told, row.reason)


def _in_words(code: str, detail: str | None) -> str | None:
    """What is wrong with a number is kept as a word for programs; a person reads the sentence."""
    if detail == DIFFERS:
        return "The record has another number or address than the list."
    if detail == UNCONFIRMED:
        return "The number was not confirmed since the patient's 13th or 16th birthday."
    if not detail or not code.startswith("phone_"):
        return detail
    from clinic.values.phone_kinds import KINDS

    return KINDS[detail][1] if detail in KINDS else detail


def count_rows(record: Record, campaign_id: int, only: Only) -> int:
    """
    How many rows that is.

    Raises:
        NotFound: there is no such campaign
    """
    with record.read() as connection:
        get_campaign(connection, campaign_id)
        counts = count_outcomes(connection, campaign_id)
    return sum(rows for code, rows in counts.items() if only == "all" or code in _CODES[only])


def write_outcomes(
    record: Record, campaign_id: int, file: TextIO, *, only: Only = "all", zone: tzinfo = UTC,
    original: Original | None = None,
) -> int:  # fmt: skip
    """
    Write the rows as CSV into a text file opened with `newline=""`; how many there are.

    original: the sender's own file, whose columns stand in place of those that are kept

    Raises:
        NotFound: there is no such campaign
    """
    writer = csv.writer(file, lineterminator="\r\n")
    count = 0
    for line in outcome_lines(record, campaign_id, only=only, zone=zone, original=original):
        writer.writerow(line)
        count += isinstance(line[0], int)
    return count


def outcome_lines(
    record: Record, campaign_id: int, *, only: Only = "all", zone: tzinfo = UTC,
    original: Original | None = None,
) -> Iterator[list[int | str]]:  # fmt: skip
    """
    The lines of that file, made safe for spreadsheets: headings, then the rows, each with its number.

    Below them, without a row number, stands what was said of the list: hidden rows, further sheets, the
    checks that it did not pass.

    Raises:
        NotFound: there is no such campaign
    """
    own = original.columns if original else headings(record, campaign_id)
    with record.read() as connection:
        said = said_of(connection, campaign_id) if only == "all" else ()
    yield _safe(("Row", *own, "Outcome", "What to do", "Detail"))
    for row in outcome_rows(record, campaign_id, only=only, zone=zone):
        # A row with more or fewer cells than headings must not push its outcome into another column
        found = original.cells(row.row_number) if original else row.cells
        cells = [*found, *[""] * len(own)][: len(own)]
        yield _safe((row.row_number, *cells, row.code, row.says, row.detail))
    for one in said:  # of the list as a whole: what is in no row above
        yield _safe(("", *[""] * len(own), one.code, one.says, one.where))


def _safe(cells: Iterable[Any]) -> list[int | str]:
    return [cell if isinstance(cell, int) else safe_cell(cell or "") for cell in cells]
