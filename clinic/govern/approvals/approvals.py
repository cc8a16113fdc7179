"""
Two people decide: the requester, and another whose role may approve it (ALC-2 to ALC-8, ALC-33, NEW-1).

    waiting ──► approved ──► used        by `require_approved`, once, when the work begins
       │            └──────► void        asked for again: what was reviewed has changed
       ├──► rejected
       └──► expired                      nobody decided, or nobody began, in time

An approval binds to a digest of what was reviewed. Every step is written to the audit trail in the same
transaction, and `require_approved` believes only what is sealed there: a row put in or changed by SQL
approves nothing. That requester and approver differ is a CHECK of the table too. The requester of a campaign
confirms it before it is approved: confirming.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approval_rows import (
    Approval,
    act_on,
    bound,
    existing,
    latest,
    move,
)
from clinic.govern.approvals.queue import deciders, expire, stale, undecidable, waiting
from clinic.govern.audit.chain import hold
from clinic.govern.audit.rows import as_json
from clinic.govern.audit.trail import record_act, write_act
from clinic.govern.audit.verify import is_sealed
from clinic.govern.people.deciders import may_decide
from clinic.govern.people.operators import find_operator
from clinic.govern.people.roles import may, required_role, who_may
from clinic.record.schema.govern import approval, audit_act

__all__ = [
    "Approval",
    "deciders",
    "expire",
    "latest",
    "request_approval",
    "require_approved",
    "stale",
    "undecidable",
    "waiting",
]

_SAYS: Final = {
    "none": "nobody asked for an approval of this: ask for one",
    "waiting": "nobody has decided yet; see: cohort approvals",
    "rejected": "it was rejected: change it and ask again",
    "expired": "the approval has expired: ask again",
    "void": "what was reviewed has changed since: ask again",
    "used": "this approval was used already: each one serves once",
    "disabled": "who approved it may not approve it any more: reject it or ask again, and another decides",
    "forged": "the audit trail knows of no such decision; run: cohort audit verify",
}


def request_approval(
    connection: Connection,
    clock: Clock,
    *,
    subject: str,
    subject_id: int,
    kind: str,
    digest: str,
    requested_by: str,
    summary: Mapping[str, int | str],
    reason: str,
    flow_run_id: str | None,
    expires_in: timedelta,
) -> int:
    """
    Ask for an approval in the caller's transaction; gives its number. An open one of this subject is void.

    Args:
        kind: of clinic/govern/people/roles.py
        digest: SHA-256 (hexadecimal) of all that is reviewed
        summary: counts and codes only: it is shown to the approver and kept in the audit trail
        flow_run_id: the suspended run that the decision resumes

    Raises:
        NotFound: there is no such kind
        NotAllowed: the requester is no active operator, or their role may not ask for this
    """
    required_role(kind)
    asking = find_operator(connection, requested_by)
    if asking is None or not asking.active or not may(asking.role, "request", kind):
        raise NotAllowed(
            "request-not-allowed",
            f"the requester of {kind} must be an active operator, and {who_may('request', kind)}; an admin "
            "adds one: cohort operators add",
        )
    hold(connection, f"approval of {subject}-{subject_id}")
    open_one = latest(connection, subject=subject, subject_id=subject_id)
    if open_one is not None and open_one.state in ("waiting", "approved"):
        move(connection, open_one, "void", now=clock.now())
        record_act(connection, clock, act_on(open_one, "void", operator=asking.name))
    asked: dict[str, Any] = {
        "subject": subject,
        "subject_id": subject_id,
        "kind": kind,
        "digest": digest,
        "requested_by": asking.name,
        "requested_at": clock.now(),
        "expires_at": clock.now() + expires_in,
        "reason": reason,
        "flow_run_id": flow_run_id,
        "state": "waiting",
    }
    row = approval.insert().values(**asked, summary=as_json(summary)).returning(approval.c.id)
    approval_id = int(connection.execute(row).scalar_one())
    record_act(
        connection,
        clock,
        act_on(existing(connection, approval_id), "requested", operator=asking.name),
    )
    return approval_id


def require_approved(
    connection: Connection, *, subject: str, subject_id: int, digest: str, now: datetime
) -> Approval:
    """
    Use up the approval of this subject in the caller's transaction, or refuse.

    Call it once, in the transaction in which the work begins: a resumed work has begun already.

    Raises:
        NotAllowed: codes "approval-none", "-waiting", "-rejected", "-expired", "-void", "-used",
            "-disabled", "-forged"
    """
    asked = latest(connection, subject=subject, subject_id=subject_id)
    problem = _problem(connection, asked, digest, now)
    if asked is None or problem is not None:
        raise NotAllowed(f"approval-{problem}", _SAYS[problem or "none"])
    move(connection, asked, "used", now=now)
    act = act_on(asked, "used", operator=asked.requested_by, approver=asked.decided_by)
    write_act(connection, act, now)
    return existing(connection, asked.id)


def _problem(
    connection: Connection, asked: Approval | None, digest: str, now: datetime
) -> str | None:
    if asked is None:
        return "none"
    if asked.state != "approved":
        return asked.state
    if asked.digest != digest:
        return "void"
    if asked.expires_at <= now:
        return "expired"
    if not _is_sealed(connection, asked, "approved"):
        return "forged"
    decider = find_operator(connection, asked.decided_by or "")
    if decider is None or not decider.active or not may(decider.role, "approve", asked.kind):
        return "disabled"
    if not may_decide(connection, decider.name, asked.kind):
        return "disabled"
    # Somebody set the row back by SQL; the trail remembers
    return "used" if _is_sealed(connection, asked, "used") else None


def _is_sealed(connection: Connection, asked: Approval, step: str) -> bool:
    """Whether the audit trail has this step of this approval, with the same digest and persons."""
    c = audit_act.c
    acts = connection.execute(
        sa.select(audit_act).where(
            c.subject == "approval",
            c.subject_id == asked.id,
            c.operation_type == f"approval.{step}",
        )
    )
    return any(
        act.approver == asked.decided_by
        and act.operator == asked.requested_by
        and orjson.loads(act.new_values) == bound(asked)
        and is_sealed(connection, act.stream, act.number)
        for act in acts
    )
