"""
The states of an operation. Few, and each is written by one function.

    requested ──► planned ──► waiting ──► approved ──► running ──► done | done_with_conflicts
        │            │           │            │
        └────────────┴───────────┴────────────┴──► withdrawn | expired    nothing was changed
                     │           └──► rejected
                     └──► failed

`approved` is not started yet: its run goes on, or a scheduled one starts another.

Which patients were changed is not a state but a fact of the chunks: an applied chunk was applied whole.
"""

from __future__ import annotations

from typing import Final

REQUESTED: Final = "requested"
PLANNED: Final = "planned"
WAITING: Final = "waiting"  # for an approval
APPROVED: Final = "approved"  # its run has not begun
RUNNING: Final = "running"  # its patients are locked
DONE: Final = "done"
DONE_WITH_CONFLICTS: Final = "done_with_conflicts"  # some could not be changed: rerun those
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"  # by whoever asked
FAILED: Final = "failed"  # nothing was changed; the reason says why

BEFORE: Final = frozenset({REQUESTED, PLANNED, WAITING, APPROVED})  # nothing has begun
CLOSED: Final = frozenset({REJECTED, EXPIRED, WITHDRAWN})  # by people, before it began
ENDED: Final = frozenset({DONE, DONE_WITH_CONFLICTS, FAILED}) | CLOSED
CHANGED_SOMETHING: Final = frozenset({RUNNING, DONE, DONE_WITH_CONFLICTS})
