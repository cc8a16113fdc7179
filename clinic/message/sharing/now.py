"""
Who may not be messaged on their number now: asked again in the intent to send (NEW-27).

A number that was its patient's alone when the text was staged may be another's too by then, or be another
number. The text is what it is: one that names its patient does not go to a number that adults share, nor one
that does not say that it is for the guardian to a child on a shared one.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message.purposes import STAFF_LIST
from clinic.message.safety.accepted import acceptances_of
from clinic.message.sharing.looked_into import Question, look_into
from clinic.message.sharing.standing import left_out, standing_of
from clinic.record.bulk import is_any_of, plain_frame
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.settings import Settings


def refused_now(
    connection: Connection, campaign_id: int, which: ColumnElement[bool], now: datetime,
    *, settings: Settings,
) -> list[tuple[int, str]]:  # fmt: skip
    """Which of these messages of a campaign may not go to their number, and why (standing.CODES)."""
    job = connection.execute(
        sa.select(campaign.c.channel, cohort_list.c.source)
        .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
        .where(campaign.c.id == campaign_id)
    ).one()
    if job.source == STAFF_LIST:
        return []
    question = Question(job.channel, now.date(), settings.sharing, settings.phones)
    asked = sa.select(message.c.patient_id, message.c.address, message.c.sensitive).where(which)
    found = look_into(connection, asked, None, question)
    if not found.rows:  # of most batches: nobody has anything for which a number could be refused
        return []
    known = found.known()
    if known.empty:
        return []
    rows = _messages_of(connection, which & is_any_of(message.c.patient_id, known.index.tolist()))
    standing = standing_of(connection, rows, known, question)
    accepted = {one.code for one in acceptances_of(connection, campaign_id)}
    left = left_out(standing, rows["sensitive"], rows["greeting"], accepted)
    left = left[left != ""]
    return list(zip(left.index.tolist(), left.tolist(), strict=True))


def _messages_of(connection: Connection, which: ColumnElement[bool]) -> pd.DataFrame:
    """By id: whose each is, where it goes, and what its text is like."""
    columns = ("id", "patient_id", "address", "sensitive", "greeting")
    found = connection.execute(sa.select(*(message.c[name] for name in columns)).where(which))
    return plain_frame(found).set_index("id").astype({"patient_id": "Int64", "sensitive": bool})
