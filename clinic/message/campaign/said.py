"""
What is to be said of a campaign's list, the same everywhere: `list check`, review, run, summary, outcome file.

Each source is kept when it was found: what the reader of the file left out or ignored, what the gate found
of the list as a whole and did not pass, who is eligible and not on it, who let it pass all the same, how
many reminders say less than their template, and how texts speak to numbers that several patients have. Codes,
headings, row numbers, counts and sentences; no value of a patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.list_index import PREVIEW
from clinic.cohort.remarks import list_remarks
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import messages_of
from clinic.message.campaign.override import override_of
from clinic.message.meanwhile.still_in import FROM_RECORD
from clinic.message.safety.accepted import acceptances_of
from clinic.message.safety.coverage_asked import coverage_asked_of
from clinic.message.safety.recall_asked import recall_of
from clinic.message.words.classes import CODE, NEUTRAL
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, check_result, message, recipient
from clinic.record.schema.safety import content_finding


@dataclass(frozen=True)
class Said:
    """A remark. count: how often, None where nothing is counted; rows: the first row numbers."""

    code: str
    says: str
    count: int | None = None
    column: str = ""
    rows: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """Column and rows, for a person who looks the place up."""
        numbers = ", ".join(map(str, self.rows))
        more = " …" if self.rows and len(self.rows) < (self.count or 0) else ""
        column = f"column {self.column}" if self.column else ""
        return "; ".join(filter(None, (column, f"rows {numbers}{more}" if numbers else "")))


def said_of(connection: Connection, campaign_id: int) -> tuple[Said, ...]:
    """
    All remarks on the campaign's list that a person must see.

    Raises:
        NotFound: there is no such campaign
    """
    list_id = get_campaign(connection, campaign_id).list_id
    read = [
        Said(one.code, one.says, one.count, one.column, tuple(one.rows))
        for one in list_remarks(connection, list_id)
        if one.must_be_seen
    ]
    return (
        *read,
        *_of_the_gate(connection, campaign_id),
        *coverage_said(connection, campaign_id, list_id),
        *_overridden(connection, campaign_id),
        *_made_neutral(connection, campaign_id),
        *_shared(connection, campaign_id),
    )


def _of_the_gate(connection: Connection, campaign_id: int) -> Iterator[Said]:
    """What did not pass, be it a warning or what stopped the list."""
    query = sa.select(check_result.c.checks).where(check_result.c.campaign_id == campaign_id)
    for kept in connection.scalars(query.order_by(check_result.c.suite)):
        for check in orjson.loads(kept)["checks"]:
            if not check["passed"]:
                yield Said(check["name"], check["says"], check["broken"])


def coverage_said(connection: Connection, campaign_id: int, list_id: int) -> Iterator[Said]:
    """Who is eligible and not on it (NEW-31); of a recall whose list was handed in: that nobody asked."""
    found = coverage_asked_of(connection, campaign_id)
    own = sa.select(campaign.c.request_key).where(campaign.c.id == campaign_id)
    is_look = str(connection.scalar(own)).startswith(PREVIEW)  # its list is gone afterwards
    if found is not None:
        who = f" Who they are: cohort list missing {list_id}{found.options} --csv missing.csv"
        yield Said("coverage", f"{found.says}.{who if found.missing and not is_look else ''}")
        return
    source = connection.scalar(sa.select(cohort_list.c.source).where(cohort_list.c.id == list_id))
    if source not in FROM_RECORD and recall_of(connection, campaign_id) is not None:
        how = f"cohort list missing {list_id} --status active, also by --group and --code"
        yield Said(
            "coverage_not_asked",
            "It is a recall, and nobody asked who is eligible and not on the list: "
            f"{'--covers status:active, also group: and code:' if is_look else how}.",
        )


def _overridden(connection: Connection, campaign_id: int) -> Iterator[Said]:
    for one in acceptances_of(connection, campaign_id):
        if one.applied:
            yield Said("accepted", f"{one.by} accepted {one.code}, with a reason.")
    override = override_of(connection, campaign_id)
    if override is not None and override.applied:
        yield Said(
            "overridden", f"The checks stopped this list; {override.by} let it pass, with a reason."
        )


def _made_neutral(connection: Connection, campaign_id: int) -> Iterator[Said]:
    own = content_finding.c
    query = sa.select(own.messages, own.first_rows).where(
        own.campaign_id == campaign_id, own.check_code == CODE + NEUTRAL
    )
    for count, rows in connection.execute(query).tuples():
        yield Said(
            "neutral_reminder",
            "Reminders of a sensitive place or type of visit say only when it is: content.neutral_reminder.",
            count,
            rows=tuple(int(row) for row in rows.split(",")),
        )


_GREETINGS: Final = {
    "guardian": "Texts to children on a number that others have too begin with: To the parent or guardian of.",
    "neutral": "Texts to adults who share a number or address with another adult name nobody.",
}


def _shared(connection: Connection, campaign_id: int) -> Iterator[Said]:
    """How texts speak to numbers that several patients have (clinic/message/sharing)."""
    own = message.c
    query = sa.select(own.greeting, sa.func.count(), sa.func.count(own.told_by)).where(
        messages_of(campaign_id), own.greeting.in_(list(_GREETINGS))
    )
    for greeting, count, told in connection.execute(query.group_by(own.greeting)).tuples():
        yield Said(f"{greeting}_greeting", _GREETINGS[greeting], count)
        if told:
            says = (
                "Of these, so many are told by the one message of another patient of their number."
            )
            yield Said("told_together", says, told)
    unconfirmed = sa.select(recipient.c.row_number).where(
        recipient.c.campaign_id == campaign_id,
        recipient.c.outcome == "accepted",
        recipient.c.detail == "number_unconfirmed",
    )
    rows = connection.scalars(unconfirmed.order_by(recipient.c.row_number)).all()
    if rows:
        yield Said(
            "number_unconfirmed",
            "Numbers that were recorded before the patient's 13th or 16th birthday and not confirmed since. "
            "Ask whose they are, and confirm: cohort patients confirm-number.",
            len(rows),
            rows=tuple(rows[:5]),
        )
