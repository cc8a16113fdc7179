"""
The decision, with an operation's checklist: judged in the transaction that decides, whoever decides.

Everybody decides by this `decide`: nothing else approves an operation.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from sqlalchemy import Connection

from clinic.change.core.states import BEFORE
from clinic.change.operations import find_operation
from clinic.change.review.checklist import NOTHING, Check, checks_of
from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals import deciding
from clinic.govern.approvals.deciding import Decision, Judged
from clinic.govern.people.operators import Operator
from clinic.govern.rules.governed import held_values, value_of
from clinic.record.database import Record
from clinic.settings import Settings, Silence

_PROGRAMS: Final = Silence()


def decide(
    record: Record,
    clock: Clock,
    approval_id: int,
    *,
    operator: Operator,
    decision: Decision,
    note: str,
    override: str = "",
    words: Silence = _PROGRAMS,
) -> Approval:
    """
    `clinic.govern.approvals.deciding.decide` with the checklists that there are: operations have one.

    words: by which a reason says only that nobody answered, as a practice adds to them
    """
    return deciding.decide(
        record,
        clock,
        approval_id,
        operator=operator,
        decision=decision,
        note=note,
        override=override,
        checklist=partial(_checklist, words=words),
    )


def _checklist(connection: Connection, asked: Approval, override: str, *, words: Silence) -> Judged:
    if asked.subject != "operation":
        return Judged()
    return judge(connection, asked.subject_id, override=override, words=words)


def judge(
    connection: Connection, operation_id: int, *, override: str = "", words: Silence = _PROGRAMS
) -> Judged:
    """
    Judge an operation's checklist as things stand in this transaction.

    override: why a person approves although points fail; those that are final it does not pass
    """
    try:
        found = find_operation(connection, operation_id)
    except NotFound:
        return Judged()  # nothing that an approval could begin
    if found.state not in BEFORE:
        return Judged(refusal=_ended(operation_id, found.state))
    cap = held_values(connection).get("operations.cap", value_of(Settings(), "operations.cap"))
    failed = [each for each in checks_of(connection, cap, found, words) if each.holds is False]
    codes = tuple(each.code for each in failed)
    final = [each for each in failed if each.final]
    if final or (failed and not override.strip()):
        return Judged(codes, _refusal(operation_id, final or failed, final=bool(final)))
    return Judged(codes)


def _ended(operation_id: int, state: str) -> NotAllowed:
    return NotAllowed(
        "operation-ended",
        f"operation {operation_id} is {state}: there is nothing to approve; "
        f"see: cohort operations show {operation_id}",
    )


def _refusal(operation_id: int, failed: list[Check], *, final: bool) -> NotAllowed:
    said = "; ".join(f"{check.title}: no, {check.says}" for check in failed)
    way = f"reject it, and ask again: cohort operations rerun {operation_id}"
    if NOTHING in {check.code for check in failed}:
        way = "reject it: there is nothing to ask for again"
    elif not final:
        way = 'reject it, or approve all the same with --override "why"'
    return NotAllowed("checklist-failed", f"{said}; {way}")
