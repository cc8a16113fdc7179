"""
A named person answers for what was found in a campaign's messages, with a reason (COM-4, NEW-30).

What nobody may answer for is not kept at all: an answer that does not count would bar the way to one that does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.message.prepare.content import has_number, may_be_accepted
from clinic.message.prepare.review import Review
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.words.classes import CODE, PLACEHOLDER, SIZE, UNFILLED
from clinic.record.database import Record


def accept(
    record: Record, clock: Clock, review: Review, reasons: Mapping[str, str], *, by: str
) -> None:
    """
    Keep who answers for all that was found, and why. Again: nothing.

    Args:
        review: as that person saw it; each code of its `to_accept` needs a reason
        reasons: by code; of an unusual size it names the number of messages (`numbered`)
        by: of a proven person

    Raises:
        NotAllowed: something was not answered for, or nobody can; nothing is kept
        CohortRefused: a reason is too short
    """
    if not review.to_accept:
        return
    require_answered(review, {code for code in reasons if _counts(review, code, reasons[code])})
    answers = {code: reasons[code] for code in review.to_accept}
    keep_acceptances(record, clock, review.campaign_id, answers, by=by)


def _counts(review: Review, code: str, reason: str) -> bool:
    return bool(reason.strip()) and (code != SIZE or has_number(reason, review.accepted))


def require_answered(review: Review, answered: Collection[str]) -> None:
    """
    Whether all that was found in the messages was answered for, here or with what was asked.

    Raises:
        NotAllowed: what was not, and how it is
    """
    found = [one.code for one in review.warnings if one.code.startswith((CODE, SIZE))]
    left = [code for code in review.to_accept or found if code not in answered]
    if left and not review.dry_run:
        ways = " ".join(
            f'--accept {code}="{numbered(code, review, "REASON")}"'
            for code in left
            if may_be_accepted(code)
        )
        answer = f", or answer by name for what was found in it: {ways}"
        raise NotAllowed(
            "warning-not-accepted",
            "nothing was sent: change the text"
            + (answer if all(map(may_be_accepted, left)) else ": nobody can accept all of it"),
        )


def numbered(code: str, review: Review, reason: str) -> str:
    """The reason as it is given; where the number of messages belongs to it, with that."""
    return f"{review.accepted} {reason}" if code == SIZE else reason


def of_warnings() -> dict[str, str]:
    """What `--accept-warnings` answers for: places to be filled, in the text and in the list's values."""
    return {CODE + one: "accepted with --accept-warnings" for one in (PLACEHOLDER, UNFILLED)}
