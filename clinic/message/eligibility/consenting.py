"""
Who consented to a purpose that needs a yes (NEW-40): marketing, where silence is none.

The latest counts of what was said of this very purpose, and of opting out of all: a consent code for texts
(formats of the record have one) speaks of being texted, not of being sold to.
"""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.record.bulk import is_any_of
from clinic.record.schema.people import consent
from clinic.values.purposes import ANY, decided_by, needs_consent


def consenting(
    channel: str, purpose: str, patients: sa.Select[tuple[int]]
) -> sa.Select[tuple[int]]:
    """The ids among `patients` whose latest word on this purpose, by this channel, is yes."""
    c = consent.c
    own = c.purpose.in_(decided_by(purpose) - {ANY})
    no_to_all = (c.purpose == ANY) & (c.decision == "opt_out")
    rank = sa.func.row_number().over(
        partition_by=c.patient_id, order_by=[c.decided_at.desc(), c.id.desc()]
    )
    said = (
        sa.select(c.patient_id, c.decision, rank.label("rank"))
        .where(c.channel.in_([channel, ANY]), own | no_to_all, c.patient_id.in_(patients))
        .subquery()
    )
    return sa.select(said.c.patient_id).where(said.c.rank == 1, said.c.decision == "opt_in")


def without_consent(
    connection: Connection, patients: pd.Series[int], channel: str, purpose: str
) -> pd.Series[bool]:
    """Which rows may not be messaged for want of a yes; none where the purpose needs no yes."""
    if not needs_consent(purpose):
        return pd.Series(False, index=patients.index)
    ids = patients.dropna().unique().tolist()
    among = sa.select(consent.c.patient_id).where(is_any_of(consent.c.patient_id, ids))
    yes = connection.scalars(consenting(channel, purpose, among)).all()
    return ~patients.isin(list(yes)).astype(bool)
