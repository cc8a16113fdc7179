"""
A decision over what waits for one: by another person, whose role may, and while the checklist holds.

The checklist is judged in the transaction that decides, so nothing lies between what it says and the
decision. What is on it is the business of what is approved: it is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.approval_rows import Approval, act_on, existing, move, why_closed
from clinic.govern.approvals.confirming import is_confirmed, unproven
from clinic.govern.audit.trail import record_act
from clinic.govern.people.deciders import NAMED_IN, may_decide, named_deciders
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.people.roles import CLINICAL, decider, may, with_article
from clinic.govern.tied import require_subject
from clinic.record.database import Record

Decision = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Judged:
    """
    What the checklist says of an approval.

    failed: the codes of the points that do not hold
    refusal: why it cannot be approved so; None: it can, as nothing failed or all of it is overridden
    """

    failed: tuple[str, ...] = ()
    refusal: NotAllowed | None = None

    def noted(self, note: str, override: str) -> str:
        """The note of the decision, with what was overridden and why, or what stopped it."""
        if not self.failed:
            return note
        codes = ", ".join(self.failed)
        said = f"failed: {codes}" if self.refusal else f"overrides {codes}: {override.strip()}"
        return f"{note} [{said}]".strip()


# The request, and why it is overridden; what its checklist says as things stand in this transaction
Checklist = Callable[[Connection, Approval, str], Judged]


def decide(
    record: Record,
    clock: Clock,
    approval_id: int,
    *,
    operator: Operator,
    decision: Decision,
    note: str,
    checklist: Checklist,
    override: str = "",
) -> Approval:
    """
    Approve or reject, once. A refused try is written to the audit trail too.

    The checklist is judged in the same transaction, whoever asks and by whatever way.

    Args:
        operator: of `prove`
        checklist: the rules of what is approved: clinic/change/review/deciding.py
        override: why to approve although points of the checklist fail; noted with the decision

    Raises:
        NotFound: there is no such approval
        NotAllowed: it is one's own request, the role may not, it was decided, it has expired, or is to
            be approved and its requester has not confirmed that (confirming.py), its checklist fails, or it has
            patients of other facilities than one's own
    """
    with record.write() as connection:
        asked = existing(connection, approval_id)
        refusal = _why_not(connection, asked, operator, decision, now=clock.now())
        stopped = None
        if refusal is None and decision == "approved":
            judged = checklist(connection, asked, override)
            refusal, note = judged.refusal, judged.noted(note, override)
            stopped = note if judged.failed else None
        if refusal is None:
            move(connection, asked, decision, now=clock.now(), decided_by=operator.name, note=note)
            act = act_on(
                asked, decision, operator=asked.requested_by, approver=operator.name, reason=note
            )
        else:
            act = act_on(
                asked, "refused", operator=operator.name, outcome=refusal.code, reason=stopped
            )
        record_act(connection, clock, act)
        answered = existing(connection, approval_id)
    if refusal is not None:  # only now: the trace of the try is committed
        raise refusal
    return answered


def _why_not(
    connection: Connection,
    asked: Approval,
    operator: Operator,
    decision: Decision,
    *,
    now: datetime,
) -> NotAllowed | None:
    """Why this person may not decide so now; None: they may."""
    person = find_operator(connection, operator.name)  # as they are now, not as they were proven
    may_approve = (
        person is not None
        and person.active
        and may(person.role, "approve", asked.kind)
        and may_decide(connection, person.name, asked.kind)
    )
    if person is None or not may_approve:
        if named := named_deciders(connection, asked.kind):
            who = " or ".join(named)
            return NotAllowed("approval-role", f"this needs the decision of {who} ({NAMED_IN})")
        above = "" if asked.kind == CLINICAL else " or above"
        needed = with_article(decider(asked.kind))
        return NotAllowed("approval-role", f"this needs the decision of {needed}{above}")
    if person.name == asked.requested_by:
        return NotAllowed("approval-own", "the requester does not decide: another person must")
    try:
        require_subject(connection, person.name, "approval", asked.id)
    except NotAllowed as not_theirs:
        return not_theirs
    closed = why_closed(asked, now)
    if closed is None and decision == "approved" and not _may_still_ask(connection, asked):
        return NotAllowed(
            "requester-left",
            f"{asked.requested_by} asked for this and is disabled, or has another role, since: "
            "reject it, and let somebody else ask",
        )
    if closed is None and decision == "approved" and not is_confirmed(connection, asked):
        return unproven(asked)
    return closed


def _may_still_ask(connection: Connection, asked: Approval) -> bool:
    person = find_operator(connection, asked.requested_by)
    return person is not None and person.active and may(person.role, "request", asked.kind)
