"""
The states of an operation. Few, and each is written by one function.

    requested ──► planned ──► waiting ──► running ──► done | done_with_conflicts
                     │           ├──────► rejected | expired
                     └───────────┴──────► failed            nothing was changed

Which patients were changed is not a state but a fact of the chunks: an applied chunk was applied whole.
"""

from __future__ import annotations

from typing import Final

REQUESTED: Final = "requested"
PLANNED: Final = "planned"
WAITING: Final = "waiting"  # for an approval
RUNNING: Final = "running"  # its patients are locked
DONE: Final = "done"
DONE_WITH_CONFLICTS: Final = "done_with_conflicts"  # some could not be changed: rerun those
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
FAILED: Final = "failed"  # nothing was changed; the reason says why

BEFORE: Final = frozenset({REQUESTED, PLANNED, WAITING})  # nothing has begun
ENDED: Final = frozenset({DONE, DONE_WITH_CONFLICTS, REJECTED, EXPIRED, FAILED})
CHANGED_SOMETHING: Final = frozenset({RUNNING, DONE, DONE_WITH_CONFLICTS})
