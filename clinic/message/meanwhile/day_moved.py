"""
"Today" or "tomorrow" in a text on another day than it was asked for: it may not be true any more.

Asked at the release and in each intent to send: a second approver takes their time, a campaign is paused over a
night, a crash is carried on with in the morning. Where it was known beforehand that it would be sent on several
days, a person has accepted the words or the campaign was refused (clinic/message/prepare/judged.py).
What is sent again was written for the day on which it was first asked for.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message.purposes import STAFF_LIST
from clinic.message.safety.accepted import acceptance_of
from clinic.message.words.classes import CODE, DAY_WORD
from clinic.message.words.days import day_words
from clinic.record.schema.lists import cohort_list, template_version
from clinic.record.schema.messages import campaign

# Made once: they are asked with each batch (clinic/record/statements/made.py)
_OWN: Final = campaign.c.id == sa.bindparam("this_campaign")
_ASKED: Final = sa.select(campaign.c.created_at, campaign.c.resend_of).where(_OWN)
_SAYS: Final = (
    sa.select(
        campaign.c.dry_run,
        template_version.c.body,
        template_version.c.subject,
        cohort_list.c.source,
    )
    .join(template_version, template_version.c.id == campaign.c.template_version_id)
    .join(cohort_list, cohort_list.c.id == campaign.c.list_id)
    .where(_OWN)
)


def first_asked(connection: Connection, campaign_id: int) -> datetime:
    """When a campaign was asked for; of one that sends failures again, when the first of them was."""
    row = connection.execute(_ASKED, {"this_campaign": campaign_id}).one()
    return row.created_at if row.resend_of is None else first_asked(connection, row.resend_of)


def words_of_another_day(
    connection: Connection, campaign_id: int, now: datetime, zone: tzinfo
) -> list[str]:
    """The words by which a campaign's text names a day that has moved, if nobody accepted them; else none."""
    job = connection.execute(_SAYS, {"this_campaign": campaign_id}).one()
    asked = first_asked(connection, campaign_id)
    same = asked.astimezone(zone).date() == now.astimezone(zone).date()
    if same or job.dry_run or job.source == STAFF_LIST:
        return []
    found = day_words("\n".join(filter(None, (job.body, job.subject))))
    if found and acceptance_of(connection, campaign_id, CODE + DAY_WORD) is None:
        return found
    return []
