"""
The Outreach Report: every message that was sent or failed, with the Bulk Outreach ID of its campaign.

Its filters stand in the address and name no patient; who wants one patient's messages opens their card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.errors import NotFound
from clinic.message.asking.outreach_report import lines_of, look_of
from clinic.message.campaign.campaign import get_campaign
from clinic.message.outcomes.outreach import Filter, count_sent, page_of_sent
from clinic.values.moments import first_after, first_of, read_day
from desk.web.download import csv_file
from desk.web.items import items
from desk.web.page import Page
from desk.web.visit import Visit

_SHOWN: Final = 25
_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_MOST: Final = 2**63 - 1
_WORDS: Final = ("Pending", "Sent Successfully", "Send Failed", "Kept in the outbox, not sent")
_FIELDS: Final = ("campaign", "from", "to", "status")


@dataclass(frozen=True)
class _Asked:
    """The filters as they were typed, and what they mean; fault: of the field `at`, in a sentence."""

    says: dict[str, str]
    wanted: Filter
    fault: str = ""
    at: str = ""


def _asked(visit: Visit) -> _Asked:
    says = {name: visit.query.get(name, "").strip() for name in _FIELDS}
    zone = ZoneInfo(visit.desk.settings().organisation.time_zone)
    status = says["status"] if says["status"] in _WORDS else None
    at, number = "campaign", None
    try:
        if says["campaign"]:
            number = int(says["campaign"]) if says["campaign"].isascii() else -1
            with visit.desk.parts.record.read() as connection:
                get_campaign(connection, number)  # an unknown one is a slip, and not nobody
        at = "from"
        begin = first_of(read_day(says["from"]).date(), zone) if says["from"] else None
        at = "to"
        end = first_after(read_day(says["to"]).date(), zone) if says["to"] else None
    except (ValueError, OverflowError, NotFound) as wrong:
        unknown = "There is no bulk message with this Bulk Outreach ID."
        fault = unknown if at == "campaign" else f"{str(wrong).capitalize()}."
        return _Asked(says, Filter(), fault, at)
    return _Asked(says, Filter(number, None, begin, end, status))


def _report(visit: Visit) -> Response:
    asked = _asked(visit)
    before = visit.query.get("before", "")
    older = min(int(before), _MOST) if _NUMBER.fullmatch(before) else None
    record = visit.desk.parts.record
    found = (
        [] if asked.fault else page_of_sent(record, asked.wanted, before=older, limit=_SHOWN + 1)
    )
    shown = found[:_SHOWN]
    if shown:
        keys = frozenset(sent.patient_id for sent in shown)
        visit.looked(look_of(asked.wanted, len(shown), keys))
    return visit.show(
        "reports/outreach.jinja", title="Outreach Report", status=422 if asked.fault else 200, found=shown,
        says=asked.says, statuses=items(_WORDS, "Any"), fault=asked.fault, at=asked.at,
        older=shown[-1].id if len(found) > _SHOWN else None, may_export=visit.has("export"),
        errors=[{"text": asked.fault, "href": f"#{asked.at}"}] if asked.fault else [],
    )  # fmt: skip


def _file(visit: Visit) -> Response:
    asked = _asked(visit)
    if asked.fault:
        raise HTTPException(404)
    record = visit.desk.parts.record
    visit.looked(look_of(asked.wanted, count_sent(record, asked.wanted), frozenset()))
    zone = ZoneInfo(visit.desk.settings().organisation.time_zone)

    def show(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%-d %b %Y %H:%M}" if at else ""

    return csv_file("outreach-report.csv", lines_of(record, asked.wanted, show))


PAGES: Final = (
    Page("/outreach", "outreach", show=_report, right="view"),
    Page("/outreach.csv", "outreach file", show=_file, right="export"),
)
