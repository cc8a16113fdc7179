"""STOP and START from numbers that several patients have: for each a person says whether it holds (NEW-27)."""

from __future__ import annotations

from typing import Final, cast, get_args

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.govern.access.look import at_some
from clinic.govern.tied import kept_from
from clinic.message.incoming.shared_stop import Decided, decide, list_open
from desk.staff.work.common import acted, theirs
from desk.web.page import Page
from desk.web.visit import Visit


def _list(visit: Visit) -> Response:
    found = theirs(visit, list_open(visit.desk.parts.record), lambda one: one.patient_id, kept_from)
    visit.looked(at_some("replies", [one.patient_id for one in found]))
    return visit.show(
        "work/shared.jinja", title="STOP from shared numbers", rows=found, may_act=visit.has("send")
    )


def _decide(visit: Visit) -> Response:
    number, patient, said = visit.path["number"], visit.said("patient"), visit.said("decision")
    if said not in get_args(Decided) or not patient.isdecimal():
        raise HTTPException(400)
    visit.theirs("reply", number)
    parts, by = visit.desk.parts, visit.person.name
    decide(parts.record, parts.clock, number, int(patient), cast(Decided, said), by=by)
    acted(visit)
    return visit.go("/replies/shared")


PAGES: Final = (
    Page("/replies/shared", "shared stops", show=_list, right="view"),
    Page("/replies/{number:int}/decide", "decide stop", act=_decide, right="send"),
)
