"""What was observed of an installation. None everywhere: it could not be asked, or there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RecordFacts:
    """
    What the record knows.

    refusing: campaigns whose gateway takes nothing
    out: gateways that take nothing, where others send instead for campaigns that wait, in words
    halted: those that paused themselves for another reason
    awaiting: messages whose receipt is overdue; awaiting_since: when the oldest of them left
    receipts_expected: whether there is any way in for receipts
    not_understood: what gateways sent within a day and nobody could read
    people: who is disabled soon because they are not here, and that their review is due, in words
    service: why nothing of a schedule begins, in words; empty: it does
    latest: the latest instant that anything in it was written at
    ahead: seconds that this machine's clock is ahead of the database server's
    sources: what of the sources was not imported last, or is too old to remind by, in words
    outside: what is not saved to the clinical record outside, or sent to the practice by MESH, in words
    visits: of the next day, where none of them is on a list of reminders
    approvals: requests that wait for longer than notices.chase_hours
    odd_looks: at patients, of the week before, that nobody has read of yet: by person and kind
    """

    created_at: datetime | None = None
    stopped: str | None = None
    refusing: tuple[int, ...] = ()
    halted: tuple[int, ...] = ()
    out: tuple[str, ...] = ()
    awaiting: int = 0
    awaiting_since: datetime | None = None
    people: tuple[str, ...] = ()
    service: str = ""
    last_receipt: datetime | None = None
    not_understood: int = 0
    backup_at: datetime | None = None
    backup_checked_at: datetime | None = None
    watched_at: datetime | None = None
    latest: datetime | None = None
    ahead: float | None = None
    odd_looks: str = ""
    sources: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    visits: int = 0
    approvals: int = 0


@dataclass(frozen=True)
class Unusable:
    """Why the record cannot be asked: the error's code and sentence."""

    code: str
    says: str


@dataclass(frozen=True)
class PrefectFacts:
    """
    What Prefect's server knows; made only if it answers.

    polled_at: when a worker last asked for work
    paused: whether the queue of messages is
    reminders_due, reminders_state: the last reminder run that should have begun, and what became of it
    failed, late: runs of the last half day that ended so, and those that should have begun, by their flows
    ahead: seconds that this machine's clock is ahead of the server's
    """

    polled_at: datetime | None = None
    paused: bool = False
    reminders_due: datetime | None = None
    reminders_state: str = ""
    failed: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    ahead: float | None = None


@dataclass(frozen=True)
class Disk:
    """A disk that the installation writes to."""

    place: str
    free_bytes: int
    free_share: float


@dataclass(frozen=True)
class GatewayFacts:
    """
    What a look at a gateway's address showed; nothing was sent to it.

    asked: whether there was a look: some types answer nobody who does not log in
    fault: why there was no conversation, in words; empty: there was one
    ends_at: of its certificate; None: it speaks no TLS, or showed none
    """

    channel: str
    asked: bool = True
    fault: str = ""
    expired: bool = False
    ends_at: datetime | None = None
    ahead: float | None = None


@dataclass(frozen=True)
class Facts:
    """All of it, at one instant of this machine's clock."""

    at: datetime
    record: RecordFacts | Unusable
    prefect: PrefectFacts | None
    disks: tuple[Disk, ...] = ()
    gateways: tuple[GatewayFacts, ...] = ()
    watch_gone: bool = (
        False  # one was started on this machine, nobody ended it, and it does not run
    )
    started_again: tuple[tuple[str, datetime], ...] = ()  # by the watch, and when
