"""
The checklist at the decision: judged in the transaction that decides, by whatever way somebody decides.

`clinic.govern.approvals.decide` asks it; nothing else approves an operation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from clinic.change.checklist import Check, checks_of
from clinic.change.operations import find_operation
from clinic.change.states import BEFORE
from clinic.errors import NotAllowed, NotFound
from clinic.govern.governed import held_values, value_of
from clinic.settings import Settings


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


def judge(connection: Connection, operation_id: int, *, override: str = "") -> Judged:
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
    failed = [each for each in checks_of(connection, cap, found) if each.holds is False]
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
    way = (
        f"reject it, and ask anew: cohort operations rerun {operation_id}"
        if final
        else 'reject it, or approve all the same with --override "why"'
    )
    return NotAllowed("checklist-failed", f"{said}; {way}")
