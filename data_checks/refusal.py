"""
Refuses a campaign as a whole, for good: its rows say why, and a run that is started again is told the same.
Where a named person answers for the list, what would have stopped it is noted and it goes on.

What the gate found is kept with the campaign, accepted or refused.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_index import PREVIEW
from clinic.errors import CohortRefused
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.moves import move
from clinic.message.campaign.override import apply_override, override_of
from clinic.message.safety.accepted import CHECKS, acceptance_for, apply_acceptance
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, check_result, recipient
from data_checks.gate.verdict import Verdict

HOW_TO_OVERRIDE: Final = (
    "Every row and its reason can be downloaded; whoever knows that the list is right anyway gives a "
    "reason: --override-gate REASON"
)


def known_verdict(connection: Connection, job: Campaign) -> Verdict | None:
    """
    The verdict on a campaign's list, if it was judged to the end before.

    Raises:
        CohortRefused: it was refused then, and stays so
    """
    kept = verdicts_of(connection, job.id)
    if job.state != states.REFUSED:
        return kept[0] if kept else None
    whys = [why for verdict in kept for why in verdict.stops]
    why = " ".join(whys) or "nobody was messaged"
    raise CohortRefused(
        job.state_reason or "list-refused", f"campaign {job.id} was refused before: {why}"
    )


def verdicts_of(connection: Connection, campaign_id: int) -> list[Verdict]:
    """What was found of the campaign's list, that of its rows first."""
    query = sa.select(check_result.c.checks).where(check_result.c.campaign_id == campaign_id)
    kept = connection.scalars(query.order_by(check_result.c.suite.desc()))  # "list", then "intake"
    return [Verdict.from_json(text) for text in kept]


def keep(
    connection: Connection, clock: Clock, campaign_id: int, suite: str, verdict: Verdict
) -> None:
    """Keep what a suite found of the campaign's list."""
    connection.execute(
        sa.insert(check_result).values(
            campaign_id=campaign_id,
            suite=suite,
            verdict=verdict.outcome,
            checks=verdict.to_json(),
            checked_at=clock.now(),
        )
    )


def pass_or_refuse(
    record: Record, clock: Clock, job: Campaign, suite: str, verdict: Verdict, *, rows: int
) -> None:
    """
    Go on with a list that may be acted on, or for which a named person answers; else close the campaign.

    Raises:
        CohortRefused: the list is stopped, and nobody answers for it
    """
    if verdict.outcome != "stop":
        return
    with record.write() as connection:
        if _is_accepted(connection, clock, job, suite, verdict, rows=rows):
            return
        if override_of(connection, job.id) is not None:
            if not job.request_key.startswith(PREVIEW):  # of a look nothing stays behind
                apply_override(connection, clock, job.id, _found(suite, verdict), rows=rows)
            return
        keep(connection, clock, job.id, suite, verdict)
        _add_unjudged(connection, job.id)
        _close(connection, job.id, "list-refused", "list_refused")
    raise CohortRefused(
        "list-refused", f"{' '.join(verdict.stops)} {HOW_TO_OVERRIDE}{_or_alone(verdict)}"
    )


def _or_alone(verdict: Verdict) -> str:
    """What is typed where each check that stopped the list may be accepted by its own code."""
    codes = [check.name for check in verdict.checks if check.stops]
    if not set(codes) <= CHECKS.keys():
        return ""
    ways = " ".join(f"--accept {code}=REASON" for code in codes)
    return f"; or for what was found alone {ways}"


def _is_accepted(
    connection: Connection, clock: Clock, job: Campaign, suite: str, verdict: Verdict, *, rows: int
) -> bool:
    """Whether a named person accepted each of the checks that stopped the list, by its own code."""
    stopped = [check for check in verdict.checks if check.stops]
    if any(acceptance_for(connection, job.id, check.name) is None for check in stopped):
        return False
    if job.request_key.startswith(PREVIEW):  # of a look nothing stays behind
        return True
    found = _found(suite, verdict)
    for check in stopped:
        apply_acceptance(
            connection, clock, job.id, check.name, found=found, rows=check.broken or rows
        )
    return True


def _found(suite: str, verdict: Verdict) -> dict[str, Any]:
    """What stopped the list, for the trail: names and counts, and the digest of all that was found."""
    return {
        "suite": suite,
        "checks": {check.name: check.broken for check in verdict.checks if check.stops},
        "verdict_sha256": hashlib.sha256(verdict.to_json().encode()).hexdigest(),
    }


def hold_cap(record: Record, campaign_id: int, cap: int) -> None:
    """
    PAT-2, ARC-14: over the cap the whole request is refused with both counts, never cut.

    Raises:
        CohortRefused: it has more recipients than `cap`
    """
    with record.write() as connection:
        count = connection.execute(
            sa.select(sa.func.count())
            .select_from(recipient)
            .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        ).scalar_one()
        if count > cap:
            _close(connection, campaign_id, "over-cap", "over_cap")
    if count > cap:
        raise CohortRefused(
            "over-cap",
            f"the list has {count:,} recipients, a campaign may have {cap:,}: nobody was messaged. "
            "Split the list, or raise organisation.campaign_cap",
        )


def _add_unjudged(connection: Connection, campaign_id: int) -> None:
    """Rows that were not judged before the list was refused are there all the same."""
    list_id = sa.select(campaign.c.list_id).where(campaign.c.id == campaign_id).scalar_subquery()
    judged = sa.select(recipient.c.row_number).where(recipient.c.campaign_id == campaign_id)
    connection.execute(
        sa.insert(recipient).from_select(
            ["campaign_id", "row_number", "patient_id", "outcome"],
            sa.select(
                sa.literal(campaign_id),
                list_row.c.row_number,
                list_row.c.patient_id,
                sa.literal("accepted"),
            ).where(list_row.c.list_id == list_id, list_row.c.row_number.not_in(judged)),
        )
    )


def _close(connection: Connection, campaign_id: int, code: str, outcome: str) -> None:
    """Nothing of the campaign is ever sent; those who would have been messaged have a reason too."""
    connection.execute(
        sa.update(recipient)
        .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        .values(outcome=outcome)
    )
    own = campaign.c.id == campaign_id
    move(connection, states.REFUSED, own, state_reason=code, send_guard=None)
