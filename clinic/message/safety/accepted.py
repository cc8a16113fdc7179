"""
What a safety check finds and a named person accepts, with a reason: check by check, for one campaign.

    given with the request (`--accept CODE=REASON`) ─► kept ─► the check finds it ─► applied
    said at the review                                                 ─► kept ─► applied at once

An acceptance counts for the campaign that it was given for, and for the check that it names: nobody accepts
what they were not told of. Where it counts it is sealed, with an act of the trail that has counts and
digests; the reason is a person's words, and stays where it can be erased. The checks of a list as a whole
have an override of their own (clinic/message/campaign/override.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.message.words.classes import CLASSES, CODE, DAY_WORD, OTHERS, REFUSED, SIZE
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import campaign, gate_override
from clinic.record.schema.safety import safety_acceptance

# What can be accepted, and what it means: a code that no check has is refused, so that a slip is seen
CHECKS: Final[dict[str, str]] = {
    "number_of_another": "Numbers or addresses of the list are other patients' on the record.",
    "name_differs": "Names of the list are unlike the patients' on the record.",
    "outside_template": "Rows of the list are of patients whom the template is not for.",
    "template_unlike_list": "The list is called after something else than the template.",
    "printed_unproven": "A template prints of a list that has neither names nor dates of birth.",
    "had_this_lately": "Patients of the list had the same template or text lately: the others are sent it.",
    SIZE: "The campaign is far larger than is usual here, or goes to much of the practice.",
    "stale_list": "The list is older than freshness.days.",
    "stale_sources": "Appointments, opt-outs or patients of a source are older than sync.reminder_hours.",
    "date_gone_by": "Days that the messages ask to keep have gone by.",
    "list_says_unclear": "Columns of the list may say no, and some of their cells are not understood.",
    "child_contact": "Texts to children on numbers that others have too are sent as they are written.",
    "shared_number": "Sensitive texts go to numbers that several adults have.",
    "number_unconfirmed": "Sensitive texts go to numbers that were not confirmed since the patient's 13th or "
    "16th birthday.",
    **{CODE + name: f"The messages have words of the class {name}." for name in CLASSES},
    **{CODE + name: f"{says}." for name, (says, _) in OTHERS.items() if name not in REFUSED},
}


@dataclass(frozen=True)
class Acceptance:
    """
    Who accepted what a check found, and why.

    applied: the check did find it; two_persons: another must approve the campaign; second_by: who did
    """

    code: str
    by: str
    reason: str
    applied: bool
    two_persons: bool
    second_by: str | None


def keep_acceptances(
    record: Record, clock: Clock, campaign_id: int, accept: Mapping[str, str], *, by: str
) -> None:
    """
    Keep what is accepted before its check was asked: code → reason. Again: nothing.

    Raises:
        CohortRefused: nobody is named, a reason is missing, or no check has this code
        NotAllowed: the practice has operators, and this is none of the active ones
    """
    if not accept:
        return
    for code, reason in accept.items():
        _require_words(code, by, reason)
    with record.write() as connection:
        require_known(connection, by)
        known = {one.code for one in acceptances_of(connection, campaign_id)}
        for code in sorted(accept.keys() - known):
            _insert(connection, clock, campaign_id, code, by, accept[code])


def apply_acceptance(
    connection: Connection, clock: Clock, campaign_id: int, code: str, *, found: Mapping[str, Any],
    rows: int, two_persons: bool = False,
) -> bool:  # fmt: skip
    """
    Whether somebody accepted this for the campaign; where it did not count before, it does now, with the act.

    Args:
        found: what the check found: codes, counts and digests, no patient's value
        rows: how many it concerns
        two_persons: the campaign then waits for a second approver (approve.py), whatever its size
    """
    own = acceptance_of(connection, campaign_id, code)
    if own is None:
        return False
    if own.applied:
        return True
    connection.execute(
        sa.update(safety_acceptance)
        .where(_of(campaign_id, code))
        .values(applied_at=clock.now(), two_persons=two_persons)
    )
    key = connection.scalars(sa.select(safety_acceptance.c.id).where(_of(campaign_id, code))).one()
    reason = hashlib.sha256(own.reason.encode()).hexdigest()
    act = Act(
        operator=own.by,
        operation_type="safety.accepted",
        subject="campaign",
        subject_id=campaign_id,
        patients_affected=rows,
        new_values={**found, "check": code, "two_persons": two_persons, "reason_sha256": reason},
    )
    record_act(connection, clock, act, rows={safety_acceptance: [key]})
    return True


def acceptances_of(connection: Connection, campaign_id: int) -> list[Acceptance]:
    """All of a campaign's, those that never counted too."""
    own = safety_acceptance.c
    rows = connection.execute(
        sa.select(safety_acceptance).where(own.campaign_id == campaign_id).order_by(own.id)
    )
    return [
        Acceptance(
            row.check_code, row.accepted_by, row.reason, row.applied_at is not None, row.two_persons,
            row.second_by,
        )
        for row in rows
    ]  # fmt: skip


def acceptance_of(connection: Connection, campaign_id: int, code: str) -> Acceptance | None:
    """Who accepted this for the campaign; None where nobody did."""
    return next((one for one in acceptances_of(connection, campaign_id) if one.code == code), None)


def acceptance_for(connection: Connection, campaign_id: int, code: str) -> Acceptance | None:
    """
    Who accepted this for the campaign, or for the one whose failures it sends again; None: nobody did.

    Only what is in the words is the same there. How old the list is, whose numbers are whose, how many there
    are, and which day "tomorrow" is may all be otherwise by now: somebody looks, and accepts it again.
    """
    key: int | None = campaign_id
    while key is not None:
        if found := acceptance_of(connection, key, code):
            return found
        if not code.startswith(CODE) or code == CODE + DAY_WORD:
            return None
        key = connection.scalar(sa.select(campaign.c.resend_of).where(campaign.c.id == key))
    return None


def need_second(connection: Connection, campaign_id: int) -> bool:
    """Whether something was accepted that one person alone may not."""
    own = safety_acceptance.c
    found = sa.select(own.id).where(
        own.campaign_id == campaign_id, own.two_persons, own.applied_at.is_not(None)
    )
    return connection.scalar(found.limit(1)) is not None


def note_second(connection: Connection, clock: Clock, campaign_id: int, by: str) -> None:
    """Who approved the campaign answers for what was accepted in it too, with the act."""
    own = safety_acceptance.c
    keys = connection.scalars(
        sa.update(safety_acceptance)
        .where(
            own.campaign_id == campaign_id,
            own.two_persons,
            own.second_by.is_(None),
            own.accepted_by != by,
        )
        .values(second_by=by)
        .returning(own.id)
    ).all()
    if keys:
        act = Act(
            operator=by,
            operation_type="safety.seconded",
            subject="campaign",
            subject_id=campaign_id,
            new_values={"accepted": len(keys)},
        )
        record_act(connection, clock, act, rows={safety_acceptance: list(keys)})


def require_given(
    record: Record, request_key: str, accept: Mapping[str, str], override_gate: str | None
) -> None:
    """
    Refuse a run that accepts a finding, or overrides a list's checks, by itself (decision 0045).

    Its requester's name is a parameter, which proves nothing. What was given in the terminal is kept with its
    campaign already, and is not asked for again.

    Raises:
        NotAllowed: not all of it was given in the terminal
    """
    if not (accept or override_gate is not None):
        return
    accepted, answered = safety_acceptance.c, gate_override.c
    mine = campaign.c.request_key == request_key
    kept = (
        sa.select(accepted.check_code)
        .join(campaign, campaign.c.id == accepted.campaign_id)
        .where(mine)
    )
    given = (
        sa.select(answered.campaign_id)
        .join(campaign, campaign.c.id == answered.campaign_id)
        .where(mine)
    )
    with record.read() as connection:
        missing = accept.keys() - set(connection.scalars(kept))
        unanswered = override_gate is not None and connection.scalar(given) is None
    if missing or unanswered:
        option = "--override-gate REASON" if unanswered else "--accept CODE=REASON"
        raise NotAllowed(
            "override-unproven",
            "a run cannot accept what a check finds, nor override the checks of a list, for nobody proves "
            "there who they are: sign in (cohort sign-in NAME) and send it in the terminal: "
            f"cohort message … {option}, or cohort remind … {option}. Nothing was done",
        )


def require_known(connection: Connection, by: str) -> None:
    """
    Where the practice has operators, it is one of them who answers for a list.

    Raises:
        NotAllowed: they are none of the active ones
    """
    active = set(connection.scalars(sa.select(operator.c.name).where(operator.c.active)))
    if active and by.strip().lower() not in active:
        raise NotAllowed(
            "override-unnamed",
            "only an active operator overrides the checks of a list; see: cohort operators list",
        )


def _require_words(code: str, by: str, reason: str) -> None:
    if code not in CHECKS:
        raise CohortRefused(
            "acceptance-unknown",
            "no safety check has the code that is to be accepted; those that can be: "
            f"{', '.join(sorted(CHECKS))}",
        )
    if not by.strip() or len(reason.strip()) < 3:
        raise CohortRefused(
            "override-unnamed",
            f"who accepts what a safety check finds gives their name and a reason: --accept {code}=REASON",
        )


def _insert(
    connection: Connection, clock: Clock, campaign_id: int, code: str, by: str, reason: str
) -> None:
    connection.execute(
        sa.insert(safety_acceptance).values(
            campaign_id=campaign_id,
            check_code=code,
            accepted_by=by.strip(),
            reason=reason.strip(),
            accepted_at=clock.now(),
        )
    )


def _of(campaign_id: int, code: str) -> sa.ColumnElement[bool]:
    own = safety_acceptance.c
    return (own.campaign_id == campaign_id) & (own.check_code == code)
