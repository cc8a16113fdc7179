"""
Everything that a person looks at before they let a campaign go, in one object (ARC-6, ACX-25 to 31, COM-4).

Nothing here asks or shows: the terminal and the desk's pages do, each in its own way, of the same facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinic.clock import Clock
from clinic.cohort.keeping import Kept
from clinic.cohort.rows import get_list
from clinic.gateway.credit import Credit
from clinic.govern.access.look import Look, at_some, known_as, of_rows
from clinic.message.audience.clinical import is_clinical
from clinic.message.campaign.campaign import get_campaign
from clinic.message.credit import credit_of
from clinic.message.prepare.approve import why_needed
from clinic.message.prepare.content import may_be_accepted
from clinic.message.prepare.review import Preview, Review, read_previews, review_campaign
from clinic.message.sending.beside import says_together
from clinic.message.timing.estimate import Estimate, estimate
from clinic.message.timing.timing import timing_of
from clinic.message.words.classes import SIZE
from clinic.record.database import Record
from clinic.settings import Settings


@dataclass(frozen=True)
class ToAnswer:
    """
    What was found in the messages and nobody answered for yet.

    says: what, where, and what it takes
    may: whether a person may answer for it at all; else the text or the list must change
    number: what the reason must name besides, where the number itself was found (NEW-30)
    """

    code: str
    says: str
    may: bool
    number: int | None


@dataclass(frozen=True)
class ToDecide:
    """
    A staged campaign, as a person decides over it.

    previews: messages as they would leave
    together: that several runs are to send it; else ""
    columns, kept: headings of its list, and which of them are kept and why (None: all)
    time: when it starts and ends; credit: whether it can be paid, COM-14. None: nothing of it waits, or
        nobody tells
    approval: who besides its sender must let it go, and why; "" where nobody must
    to_answer: what must be answered for before it goes
    look: the patients whom this shows, for the access log, before it is shown
    """

    review: Review
    previews: tuple[Preview, ...]
    together: str
    columns: tuple[str, ...]
    kept: Kept | None
    time: Estimate | None
    credit: Credit | None
    approval: str
    to_answer: tuple[ToAnswer, ...]
    look: Look


def to_decide(
    record: Record, clock: Clock, settings: Settings, campaign_id: int, *, previews: int = 3
) -> ToDecide:
    """
    Read all of it. Asks the gateways for their credit, with no transaction open.

    previews: how many messages; none where nobody looks at them

    Raises:
        NotFound: there is no such campaign
    """
    review = review_campaign(record, campaign_id, content=settings.content, settings=settings)
    seen = read_previews(record, campaign_id, limit=previews) if previews else []
    waits = bool(review.became.get("waiting"))
    timing, now = timing_of(settings), clock.now()
    with record.read() as connection:
        source = get_list(connection, get_campaign(connection, campaign_id).list_id)
    return ToDecide(
        review=review,
        previews=tuple(seen),
        together=says_together(record, campaign_id),
        columns=source.columns,
        kept=source.kept,
        time=estimate(record, campaign_id, timing, now) if waits else None,
        credit=credit_of(record, settings, campaign_id, clock) if waits else None,
        approval=who_must_approve(record, settings, campaign_id),
        to_answer=_to_answer(review),
        look=look_of(record, review, seen),
    )


def _to_answer(review: Review) -> tuple[ToAnswer, ...]:
    says = {one.code: one.says for one in review.warnings}
    return tuple(
        ToAnswer(code, says[code], may_be_accepted(code), review.accepted if code == SIZE else None)
        for code in review.to_accept
    )


def who_must_approve(record: Record, settings: Settings, campaign_id: int) -> str:
    """Who besides its sender lets a campaign go that one person alone may not send, and why; else ""."""
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        why = why_needed(connection, job, settings)
        clinical = is_clinical(connection, job.template_version_id)
    who = "registered clinician" if clinical else "second approver"
    return f"A {who} must approve it before anything is sent: {why}." if why else ""


def look_of(
    record: Record, review: Review, previews: Sequence[Preview], *, of: str = "campaign"
) -> Look:
    """The patients whom a review shows: of the messages, of numbers that differ, and not on the list."""
    numbers = [one.row_number for one in previews]
    numbers += [one.row_number for one in review.differences]
    with record.read() as connection:
        keys = of_rows(connection, review.campaign_id, numbers)
        if previews:
            keys |= known_as(connection, review.missing)
    return at_some(of, keys, review.campaign_id if of == "campaign" else None)
