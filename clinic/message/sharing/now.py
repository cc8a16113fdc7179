"""
Who may not be messaged on their number now: asked again in the intent to send (NEW-27).

A number that was its patient's alone when the text was staged may be another's too by then, or be another
number. The text is what it is: one that names its patient does not go to a number that adults share, nor one
that does not say that it is for the guardian to a child on a shared one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

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

_JOB: Final = (
    sa.select(campaign.c.channel, cohort_list.c.source)
    .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
    .where(campaign.c.id == sa.bindparam("this_campaign"))
)


def refused_now(
    connection: Connection, campaign_id: int, which: ColumnElement[bool], now: datetime,
    *, settings: Settings, values: Mapping[str, object] | None = None,
) -> list[tuple[int, str]]:  # fmt: skip
    """
    Which of these messages of a campaign may not go to their number, and why (standing.CODES).

    Args:
        values: of the parameters of `which`, where that is the same for each batch
    """
    job = connection.execute(_JOB, {"this_campaign": campaign_id}).one()
    if job.source == STAFF_LIST:
        return []
    question = Question(job.channel, now.date(), settings.sharing, settings.phones)
    asked = sa.select(message.c.patient_id, message.c.address, message.c.sensitive).where(which)
    found = look_into(connection, asked, None, question, values=values)
    if not found.rows:  # of most batches: nobody has anything for which a number could be refused
        return []
    known = found.known()
    if known.empty:
        return []
    whose = is_any_of(message.c.patient_id, known.index.tolist())
    rows = _messages_of(connection, which & whose, values or {})
    standing = standing_of(connection, rows, known, question)
    accepted = {one.code for one in acceptances_of(connection, campaign_id)}
    left = left_out(standing, rows["sensitive"], rows["greeting"], accepted)
    left = left[left != ""]
    return list(zip(left.index.tolist(), left.tolist(), strict=True))


def _messages_of(
    connection: Connection, which: ColumnElement[bool], values: Mapping[str, object]
) -> pd.DataFrame:
    """By id: whose each is, where it goes, and what its text is like."""
    columns = ("id", "patient_id", "address", "sensitive", "greeting")
    query = sa.select(*(message.c[name] for name in columns)).where(which)
    found = connection.execute(query, values)
    return plain_frame(found).set_index("id").astype({"patient_id": "Int64", "sensitive": bool})
