"""Follow-ups of operations, and of patients whom recalls did not reach: ticked and given (NEW-31)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from clinic.change.review.follow_up import list_follow_ups
from clinic.errors import NotFound
from clinic.govern.access.look import at_some, known_as
from clinic.govern.people.teams import TEAMS, asked_owner
from clinic.govern.tied import kept_ids
from clinic.message.recall.follow_ups import give, is_of_recall, list_recall_follow_ups
from desk.staff.work.common import acted, people, theirs
from desk.web.page import Page
from desk.web.visit import Visit
from tasks.asking.follow_ups import set_done

_MOST: Final = 100
_ASKED: Final = ("team", "campaign", "operation", "all")


def _list(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    record = visit.desk.parts.record
    asked = _asked(visit)
    team, campaign, operation = (
        asked["team"],
        _number(asked["campaign"]),
        _number(asked["operation"]),
    )
    if team:
        try:
            with record.read() as connection:
                team = asked_owner(connection, team)
        except NotFound as unknown:
            team, fault = "", fault or unknown.says
    closed = bool(asked["all"])
    of_recalls = []
    if operation is None:
        of_recalls = list_recall_follow_ups(
            record, owner=team, campaign_id=campaign, closed=closed, limit=_MOST + 1
        )
    more = len(of_recalls) > _MOST
    of_recalls = theirs(visit, of_recalls[:_MOST], lambda each: each.patient, kept_ids)
    of_operations = []
    if campaign is None and team in ("", *TEAMS):
        of_operations = list_follow_ups(record, team=team, operation_id=operation, closed=closed)
    with record.read() as connection:
        keys = known_as(connection, [each.patient for each in of_recalls])
    visit.looked(at_some("follow-ups", keys))
    owners = [
        {"value": "", "text": "Everybody"},
        *({"value": each, "text": each} for each in TEAMS),
    ]
    return visit.show(
        "work/tasks.jinja", title="Tasks", status=status, of_recalls=of_recalls, of_operations=of_operations,
        more=more, most=_MOST, asked=asked, team=team, today=visit.desk.today(),
        owners=[*owners, *people(visit)], may_act=visit.has("send"),
        errors=[{"text": fault, "href": "#tasks"}] if fault else [],
    )  # fmt: skip


def _asked(visit: Visit) -> dict[str, str]:
    """What the list is narrowed to: of the address, or of the form that was sent from it."""
    given = visit.said if visit.request.method == "POST" else lambda name: visit.query.get(name, "")
    return {name: given(name).strip() for name in _ASKED}


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _do(visit: Visit) -> Response:
    numbers = [each for each in visit.form.getlist("number") if isinstance(each, str)]
    if not numbers:
        return _list(visit, fault="Tick the tasks first that this is about", status=400)
    parts, what = visit.desk.parts, visit.said("do")
    for number in numbers:
        _require_theirs(visit, number)
    try:
        if what == "give":
            mine = [number for number in numbers if is_of_recall(number)]
            if len(mine) < len(numbers):
                says = "What an operation left to do is its team's: tick only patients of recalls to give them"
                return _list(visit, fault=says, status=400)
            give(parts.record, parts.clock, mine, to=visit.said("to"), by=visit.person)
        else:
            set_done(parts.record, parts.clock, numbers, by=visit.person, done=what != "open")
    except NotFound as unknown:
        return _list(visit, fault=unknown.says, status=409)
    acted(visit)
    asked: dict[str, Any] = {name: value for name, value in _asked(visit).items() if value}
    return visit.go("/tasks" + (f"?{urlencode(asked)}" if asked else ""))


def _require_theirs(visit: Visit, number: str) -> None:
    own = number.lstrip("cC").partition(".")[0]
    if own.isdecimal():
        visit.theirs("campaign" if is_of_recall(number) else "operation", int(own))


PAGES: Final = (
    Page("/tasks", "tasks", show=_list, right="view"),
    Page("/tasks/do", "do tasks", act=_do, right="send"),
)
