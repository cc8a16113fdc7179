"""
Who answers for a list that the gate would stop: a person with a name, and why.

It is kept with the campaign before its list is judged, and sealed once it counts: only where the gate would
count, and that is an act of the audit trail: the checks that failed, with counts and digests. The
reason itself is a person's words: it stays where it can be erased, and the trail has its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.message.safety.accepted import require_known
from clinic.record.database import Record
from clinic.record.schema.messages import gate_override


@dataclass(frozen=True)
class Override:
    """Who overrides the gate, and why; applied: it did stop the list, and the campaign went on."""

    by: str
    reason: str
    applied: bool


def keep_override(record: Record, clock: Clock, campaign_id: int, *, by: str, reason: str) -> None:
    """
    Keep who answers for the campaign's list. Again: nothing.

    Raises:
        CohortRefused: nobody is named, or no reason is given
        NotAllowed: the practice has operators, and this is none of the active ones
    """
    if not by.strip() or not reason.strip():
        raise CohortRefused(
            "override-unnamed",
            "who overrides the checks of a list gives their name and a reason: --override-gate REASON",
        )
    with record.write() as connection:
        require_known(connection, by)
        if override_of(connection, campaign_id) is None:
            connection.execute(
                sa.insert(gate_override).values(
                    campaign_id=campaign_id,
                    overridden_by=by.strip(),
                    reason=reason.strip(),
                    given_at=clock.now(),
                )
            )


def override_of(connection: Connection, campaign_id: int) -> Override | None:
    """Who answers for the campaign's list; None where nobody does."""
    row = connection.execute(
        sa.select(gate_override).where(gate_override.c.campaign_id == campaign_id)
    ).one_or_none()
    if row is None:
        return None
    return Override(row.overridden_by, row.reason, row.applied_at is not None)


def apply_override(
    connection: Connection, clock: Clock, campaign_id: int, found: Mapping[str, Any], *, rows: int
) -> None:
    """
    Note that the gate stopped the list and a person let it pass, with the act of the trail.

    Args:
        found: the checks that stopped it: names, counts and digests
        rows: of the list
    """
    override = override_of(connection, campaign_id)
    if override is None or override.applied:
        return
    connection.execute(
        sa.update(gate_override)
        .where(gate_override.c.campaign_id == campaign_id)
        .values(applied_at=clock.now())
    )
    reason = hashlib.sha256(override.reason.encode()).hexdigest()
    act = Act(
        operator=override.by,
        operation_type="gate.overridden",
        subject="campaign",
        subject_id=campaign_id,
        patients_affected=rows,
        new_values={**found, "rows": rows, "reason_sha256": reason},
    )
    record_act(connection, clock, act, rows={gate_override: [campaign_id]})
