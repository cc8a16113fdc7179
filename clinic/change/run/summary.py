"""How far an operation is and how it ended: counted from the chunks, never from memory (ALC-35)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.states import DONE, DONE_WITH_CONFLICTS, RUNNING
from clinic.change.operations import find_operation
from clinic.errors import Incomplete
from clinic.record.database import Record
from clinic.record.schema.change import operation_chunk


@dataclass(frozen=True, kw_only=True)
class Summary:
    """
    Counts of patients.

    left_out: cannot or need not be changed, seen at the review
    conflicts: changed by somebody else in between, or locked: kept as they were
    failed: the database refused the change
    """

    operation_id: int
    kind: str
    state: str
    selected: int
    will_change: int
    applied: int
    conflicts: int
    failed: int
    remaining: int

    @property
    def left_out(self) -> int:
        return self.selected - self.will_change

    @property
    def processed(self) -> int:
        return self.applied + self.conflicts + self.failed

    @property
    def ended(self) -> str:
        """What is so at a run's end, for its state: one that came to its end need not have changed anybody."""
        counts = {
            "conflicts": self.conflicts, "failed": self.failed, "left out": self.left_out,
            "not done yet": self.remaining,
        }  # fmt: skip
        told = [f"{n:,} {says}" for says, n in counts.items() if n]
        done = f"{self.applied:,} done" if self.applied else "nothing was done"
        return f"Operation {self.operation_id} is {self.state}: {', '.join([done, *told])}"

    def raise_if_incomplete(self) -> Summary:
        """
        This summary, if the operation is through.

        Raises:
            Incomplete: patients are left; running it again goes on with them
        """
        if self.state not in (DONE, DONE_WITH_CONFLICTS):
            raise Incomplete(
                "operation-incomplete" if self.state == RUNNING else "operation-not-done",
                f"operation {self.operation_id} is {self.state}: {self.applied} patients changed, "
                f"{self.remaining} left; see: cohort operations show {self.operation_id}",
            )
        return self


def summarize(record: Record, operation_id: int) -> Summary:
    """
    The operation's counts now.

    Raises:
        NotFound: there is no such operation
    """
    with record.read() as connection:
        return summary_of(connection, operation_id)


def summary_of(connection: Connection, operation_id: int) -> Summary:
    """The same, in the caller's transaction."""
    found = find_operation(connection, operation_id)
    c = operation_chunk.c
    applied, conflicts, failed, remaining, locked = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(c.applied), 0),
            sa.func.coalesce(sa.func.sum(c.conflicts), 0),
            sa.func.coalesce(sa.func.sum(c.failed), 0),
            sa.func.coalesce(sa.func.sum(sa.case((c.state == "planned", c.size), else_=0)), 0),
            # Locked by another when it began: in no count of its chunk
            sa.func.coalesce(
                sa.func.sum(
                    sa.case(
                        (c.state == "applied", c.size - c.applied - c.conflicts - c.failed), else_=0
                    )
                ),
                0,
            ),
        ).where(c.operation_id == operation_id)
    ).one()
    return Summary(
        operation_id=operation_id,
        kind=found.kind,
        state=found.state,
        selected=found.selected,
        will_change=found.will_change,
        applied=int(applied),
        conflicts=int(conflicts + locked),
        failed=int(failed),
        remaining=int(remaining),
    )
