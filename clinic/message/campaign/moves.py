"""
The one place where a campaign moves from a state to another, and the table of moves that there are:

    checking           ──► refused, awaiting_approval, scheduled, running, missed, held, cancelled
    awaiting_approval  ──► refused, scheduled, running, missed, held, cancelled
    scheduled          ──► running, missed, paused, held, cancelled
    running            ──► paused, reconciling, completed, held, cancelled
    paused             ──► running, scheduled, reconciling, completed, held, cancelled
    held               ──► checking, running, scheduled, cancelled
    missed             ──► running, held, cancelled
    reconciling        ──► completed, cancelled

Refused, completed and cancelled campaigns move no more. A test holds picture and table together, and
another finds whoever writes the state elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.states import CampaignState as S
from clinic.record.schema.messages import campaign

# State → those that may follow
MOVES: Final[Mapping[S, frozenset[S]]] = {
    S.CHECKING: frozenset(
        {S.REFUSED, S.AWAITING_APPROVAL, S.SCHEDULED, S.RUNNING, S.MISSED, S.HELD, S.CANCELLED}
    ),
    S.AWAITING_APPROVAL: frozenset(
        {S.REFUSED, S.SCHEDULED, S.RUNNING, S.MISSED, S.HELD, S.CANCELLED}
    ),
    S.SCHEDULED: frozenset({S.RUNNING, S.MISSED, S.PAUSED, S.HELD, S.CANCELLED}),
    S.RUNNING: frozenset({S.PAUSED, S.RECONCILING, S.COMPLETED, S.HELD, S.CANCELLED}),
    S.PAUSED: frozenset({S.RUNNING, S.SCHEDULED, S.RECONCILING, S.COMPLETED, S.HELD, S.CANCELLED}),
    S.HELD: frozenset({S.CHECKING, S.RUNNING, S.SCHEDULED, S.CANCELLED}),
    S.MISSED: frozenset({S.RUNNING, S.HELD, S.CANCELLED}),
    S.RECONCILING: frozenset({S.COMPLETED, S.CANCELLED}),
    S.REFUSED: frozenset(),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
}


def before(to: S) -> frozenset[S]:
    """From which states a campaign may move to this one."""
    return frozenset(state for state, following in MOVES.items() if to in following)


def move(
    connection: Connection,
    to: S,
    *which: sa.ColumnElement[bool],
    of: Collection[S] | None = None,
    **values: Any,
) -> list[int]:
    """
    Move the campaigns of these conditions that may go there; the ids of those that did.

    In the caller's transaction, one statement. Whoever is in another state stays: repeated, it moves nobody.

    Args:
        which: conditions on `campaign`, at least one
        of: only those that are in one of these states; by default in any from which there is such a move
        values: what else changes with the state, such as `state_reason`

    Raises:
        ValueError: there is no move from one of `of` to this state, or no condition was given
    """
    sources = before(to) if of is None else frozenset(of)
    if not sources <= before(to) or not which:
        raise ValueError(f"no campaign moves to {to} from {sorted(sources - before(to))}")
    return sorted(
        connection.scalars(
            sa.update(campaign)
            .where(*which, campaign.c.state.in_(sorted(sources)))
            .values(state=to, row_version=campaign.c.row_version + 1, **values)
            .returning(campaign.c.id)
        ).all()
    )
