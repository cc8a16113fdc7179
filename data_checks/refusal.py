"""
Refuses a campaign as a whole, for good: its rows say why, and a run that is started again is told the same.

What the gate found is kept with the campaign, accepted or refused.
"""

from __future__ import annotations

from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, check_result, recipient
from data_checks.verdict import Verdict


def known_verdict(connection: Connection, job: sa.Row[Any]) -> Verdict | None:
    """
    The verdict on a campaign's list, if it was judged to the end before.

    Raises:
        CohortRefused: it was refused then, and stays so
    """
    kept = [
        Verdict.from_json(text)
        for text in connection.scalars(
            sa.select(check_result.c.checks)
            .where(check_result.c.campaign_id == job.id)
            .order_by(check_result.c.suite)
        )
    ]
    if job.state != states.REFUSED:
        return kept[0] if kept else None
    whys = [why for verdict in kept for why in verdict.stops]
    why = " ".join(whys) or "nobody was messaged"
    raise CohortRefused(
        job.state_reason or "list-refused", f"campaign {job.id} was refused before: {why}"
    )


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


def refuse_list(
    record: Record, clock: Clock, campaign_id: int, suite: str, verdict: Verdict
) -> NoReturn:
    """
    Close the campaign because of what a suite found.

    Raises:
        CohortRefused: always
    """
    with record.write() as connection:
        keep(connection, clock, campaign_id, suite, verdict)
        _add_unjudged(connection, campaign_id)
        _close(connection, campaign_id, "list-refused", "list_refused")
    raise CohortRefused("list-refused", " ".join(verdict.stops))


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
    """Nothing of the campaign ever leaves; those who would have been messaged have a reason too."""
    connection.execute(
        sa.update(recipient)
        .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
        .values(outcome=outcome)
    )
    connection.execute(
        sa.update(campaign)
        .where(campaign.c.id == campaign_id)
        .values(state=states.REFUSED, state_reason=code, send_guard=None)
    )
