"""
The requester of a campaign says that it is theirs, proven by their password (NEW-1).

    waiting ──► confirmed by its requester ──► may be approved by another

Operations, notices to staff and resolving unknown messages are asked for with a password. A campaign may be
started in Prefect, which knows no identities: its request only names somebody. Until that person has
confirmed exactly this request nobody can approve it. Otherwise one person could ask in another's name,
and approve it as themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approval_rows import Approval, act_on, existing, why_closed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.audit.verify import is_sealed
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.people.roles import CLINICAL, may, who_may, with_article
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act

_ASKED: Final = "campaign.asked"


def confirm(record: Record, clock: Clock, approval_id: int, *, by: Operator) -> Approval:
    """
    Write to the trail that a proven operator asks for exactly this. Again: nothing.

    A refused try is written to the audit trail too. A request made again after a change needs a new one.

    Args:
        by: of `prove`

    Raises:
        NotFound: there is no such approval
        NotAllowed: somebody else asked, or their role may not any more; it does not wait; or it was
            asked for with a password already
    """
    with record.write() as connection:
        asked = existing(connection, approval_id)
        refusal = _why_not(connection, asked, by, now=clock.now())
        if refusal is not None:
            record_act(
                connection,
                clock,
                act_on(asked, "refused", operator=by.name, outcome=refusal.code),
            )
        elif not is_confirmed(connection, asked):
            record_act(connection, clock, _act(asked))
    if refusal is not None:  # only now: the trace of the try is committed
        raise refusal
    return asked


def is_confirmed(connection: Connection, asked: Approval) -> bool:
    """Whether the requester of this has proven it: when asking, or by a sealed act since."""
    if not _only_names(asked):
        return True
    c = audit_act.c
    acts = connection.execute(
        sa.select(c.new_values, c.stream, c.number).where(
            c.operation_type == _ASKED,
            c.operator == asked.requested_by,
            c.subject == asked.subject,
            c.subject_id == asked.subject_id,
        )
    )
    return any(
        orjson.loads(act.new_values or "null") == _exactly(asked)
        and is_sealed(connection, act.stream, act.number)
        for act in acts
    )


def unproven(asked: Approval) -> NotAllowed:
    """Why a request that is not confirmed cannot be approved."""
    who = asked.requested_by
    return NotAllowed(
        "requester-unproven",
        f"{who} has not confirmed this request: {who} types: cohort confirm {asked.id}",
    )


def _only_names(asked: Approval) -> bool:
    # A notice (kind "notification") is a campaign too: it was asked for by `cohort notify`
    return asked.subject == "campaign" and asked.kind in ("campaign", CLINICAL)


def _why_not(
    connection: Connection, asked: Approval, by: Operator, *, now: datetime
) -> NotAllowed | None:
    if not _only_names(asked):
        return NotAllowed(
            "confirm-needless", "this was asked for with a password: there is nothing to confirm"
        )
    person = find_operator(connection, by.name)  # as they are now, not as they were proven
    if person is None or person.name != asked.requested_by:
        return NotAllowed(
            "confirm-other",
            f"{asked.requested_by} is named as the requester: nobody else can confirm",
        )
    if not person.active:
        return NotAllowed(
            "request-not-allowed", "the requester is disabled: somebody else must ask for it"
        )
    if not may(person.role, "request", asked.kind):
        return NotAllowed(
            "request-not-allowed",
            f"{with_article(person.role)} may not ask for this now; {who_may('request', asked.kind)} may "
            "ask for it",
        )
    return why_closed(asked, now)


def _act(asked: Approval) -> Act:
    return Act(
        operator=asked.requested_by,
        operation_type=_ASKED,
        subject=asked.subject,
        subject_id=asked.subject_id,
        new_values=_exactly(asked),
        reason=asked.reason,
    )


def _exactly(asked: Approval) -> dict[str, int | str]:
    return {"approval": asked.id, "digest": asked.digest}
