"""
A wrong or refused list goes: its rows are deleted, and a stub with count and SHA-256 stays (NEW-36).

Refused while a campaign of it may still send. Campaigns of it keep their own rows, so that they show counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.held import held_lists
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import QUEUED, campaign

_CHECKING = "checking"  # clinic/message/states.py


@dataclass(frozen=True)
class Emptied:
    """What went; `campaigns`: of this list, whose files go too."""

    rows: int
    sha256: str
    campaigns: tuple[int, ...]


def empty_list(record: Record, clock: Clock, list_id: int, *, by: str, reason: str) -> Emptied:
    """
    Delete the rows of a list, with an act that says who and why. Again: none are left.

    Raises:
        NotFound: there is no such list
        NotAllowed: a campaign of it is under way, or it is under a legal hold
    """
    of_it = campaign.c.list_id == list_id
    with record.write() as connection:
        row = connection.execute(
            sa.select(cohort_list).where(cohort_list.c.id == list_id).with_for_update()
        ).first()
        if row is None:
            raise NotFound("list-unknown", f"there is no list {list_id}; see: cohort list ls")
        under_way = connection.scalars(
            sa.select(campaign.c.id).where(of_it, campaign.c.state.in_((*QUEUED, _CHECKING)))
        ).all()
        if under_way:
            raise NotAllowed(
                "list-in-use",
                f"campaign {under_way[0]} of this list is under way, nothing was deleted; "
                f"end it first: cohort cancel {under_way[0]}",
            )
        if connection.scalar(sa.select(sa.literal(list_id).in_(held_lists()))):
            raise NotAllowed(
                "list-held", f"list {list_id} is under a legal hold: nothing was deleted"
            )
        gone = connection.execute(sa.delete(list_row).where(list_row.c.list_id == list_id)).rowcount
        connection.execute(
            sa.update(cohort_list)
            .where(cohort_list.c.id == list_id, cohort_list.c.emptied_at.is_(None))
            .values(
                emptied_at=clock.now(), emptied_by=by, emptied_why=reason, rows_gone_at=clock.now()
            )
        )
        act = Act(
            operator=by, operation_type="list.emptied", subject="list", subject_id=list_id,
            patients_affected=gone, new_values={"rows": gone, "sha256": row.sha256}, reason=reason,
        )  # fmt: skip
        record_act(connection, clock, act)
        campaigns = connection.scalars(sa.select(campaign.c.id).where(of_it)).all()
    return Emptied(gone, row.sha256, tuple(campaigns))
