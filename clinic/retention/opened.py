"""A decision that is being carried out: who decided, and what it may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from clinic.govern.redact.sealed import Decision
from clinic.record.database import Record
from clinic.retention.stubs import Stub, leave_stub

T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """
    Of one class.

    at: when it was begun: what was due then goes, and nothing that came later
    before: only what is older
    """

    decision: Decision
    at: datetime
    before: datetime

    def leave_stub(
        self, connection: Connection, what: str, of: tuple[str, int | None], count: int, sha256: str
    ) -> None:
        """What is left of a block, with the decision as its authority."""
        authority = f"approval {self.decision.approval_id}"
        leave_stub(
            connection, Stub(what, *of, count, sha256, authority, self.at),
            by=self.decision.asked_by, approver=self.decision.approved_by,
        )  # fmt: skip


def in_blocks(
    record: Record,
    find: Callable[[Connection], list[T]],
    take: Callable[[Connection, list[T]], None],
) -> int:
    """Take what is found, a block a transaction, until nothing is; how many were taken."""
    gone = 0
    while True:
        with record.write() as connection:
            some = find(connection)
            if not some:
                return gone
            take(connection, some)
        gone += len(some)
