"""
Try sending again: a campaign's failures as a draft, looked at and sent as any other (PAT-22, PAT-23).

The campaign comes first and the draft after it, under one request key: killed between the two, the helper
refuses the campaign (work.py), and its rows may be sent again. Nobody chooses its list: changed in any way, it
asks for one, and is another message.
"""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.message.asking.carrying_on import resend
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.drafts.asked import Asked
from clinic.message.drafts.draft import CHECKING, KEY
from clinic.record.database import Record
from clinic.record.schema.campaigns import draft
from clinic.record.schema.lists import template, template_version
from clinic.settings import Settings

_KEY: Final = re.compile(re.escape(KEY) + r"[0-9a-f-]{36}")


def begin_again(
    record: Record, clock: Clock, settings: Settings, campaign_id: int, *, by: str, request_key: str
) -> int:
    """
    Let a campaign's failures be checked and their messages be written; the draft's number. Once for a key.

    Args:
        by: the name of a proven person, whose draft it is
        request_key: of `new_key`

    Raises:
        NotFound: there is no such campaign
        NotAllowed: nothing of it can be sent again, or not yet; or the key is of something else
    """
    if not _KEY.fullmatch(request_key):
        raise NotAllowed("draft-changed", "this form is out of date: load the page again")
    made = resend(
        record, clock, settings, campaign_id, by=by, rows=None, accept={}, request_key=request_key
    )
    with record.write() as connection:
        own = get_campaign(connection, made)
        if own.resend_of != campaign_id or own.requested_by != by:
            raise NotAllowed("draft-changed", "this form is out of date: load the page again")
        known = sa.select(draft.c.id).where(draft.c.request_key == request_key)
        if (number := connection.scalar(known)) is not None:
            return int(number)
        key = sa.select(template.c.key).join(template_version).where(
            template_version.c.id == own.template_version_id
        )  # fmt: skip
        asked = _asked(own, connection.scalars(key).one())
        now = clock.now()
        values = {
            "owner": by, "state": CHECKING, "request_key": request_key, "asked": asked.model_dump_json(),
            "rows": own.rows, "list_id": own.list_id, "campaign_id": made, "problem": "", "says": "",
            "mark": "", "tries": 0, "began_at": now, "changed_at": now,
        }  # fmt: skip
        return int(
            connection.execute(sa.insert(draft).values(**values).returning(draft.c.id)).scalar_one()
        )


def _asked(own: Campaign, key: str) -> Asked:
    """What it says, and no list: that is the failures' alone."""
    return Asked.model_validate(
        {
            "list_name": own.list_name, "channel": own.channel, "template": key, "timing": "now",
            "snomed_codes": tuple((own.snomed_codes or "").split()), "save_to_record": own.save_to_record,
        }
    )  # fmt: skip
