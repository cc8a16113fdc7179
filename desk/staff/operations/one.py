"""One operation: its review, its patients, how far it is, and what comes next (ALC-15, 34, 35, 36, 38)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from clinic.change.asking.review_of import review_of
from clinic.change.core.states import BEFORE, CHANGED_SOMETHING, PLANNED
from clinic.change.exported import find_file
from clinic.change.kinds.table import UNDO, words_of
from clinic.change.operations import Operation, get_operation
from clinic.change.review.checklist import CAUTION
from clinic.change.review.follow_up import list_follow_ups
from clinic.change.review.next_steps import next_steps
from clinic.change.run.summary import summarize
from clinic.govern.approvals.approvals import latest
from clinic.notify.status import notices_of
from desk.staff.approvals.one import page_of
from desk.staff.operations.words import LIVELY, STATES
from desk.web.theirs import require_theirs
from desk.web.visit import Visit

_SHOWN: Final = 20


@dataclass(frozen=True)
class Acts:
    """What this person may do with it now: what the same commands would be typed for."""

    confirm: bool = False
    withdraw: bool = False
    resume: bool = False
    rerun: bool = False
    undo: bool = False
    notify: bool = False


def show_one(visit: Visit) -> Response:
    """GET."""
    return show(visit, visit.path["number"])


def show(visit: Visit, number: int, *, fault: str = "", status: int = 200) -> Response:
    """The page; the look is written down before anything of it is shown."""
    parts, page = visit.desk.parts, page_of(visit)
    require_theirs(visit, "operation", number)
    seen = review_of(
        parts.record, parts.clock, visit.desk.settings(), number, limit=_SHOWN, skip=(page - 1) * _SHOWN
    )  # fmt: skip
    found = seen.operation
    with parts.record.read() as connection:
        asked = latest(connection, subject="operation", subject_id=number)
    visit.looked(seen.look)
    return visit.show(
        "operations/one.jinja", title=f"Operation {number}: {seen.title}", status=status,
        review=seen, found=found, asked=asked, page=page, caution=CAUTION, waits=found.state in BEFORE,
        more=len(seen.lines) == _SHOWN, key=uuid.uuid4().hex, acts=_acts(visit, found),
        notices=notices_of(parts.record, number, parts.clock.now()),
        tasks=list_follow_ups(parts.record, operation_id=number, closed=True),
        errors=[{"text": fault, "href": "#acts"}] if fault else [], **_progress(visit, found),
    )  # fmt: skip


def show_progress(visit: Visit) -> Response:
    """The part of the page that is fetched again while it runs: counts alone."""
    number = visit.path["number"]
    require_theirs(visit, "operation", number)
    found = get_operation(visit.desk.parts.record, number)
    return visit.part(
        "operations/progress.jinja", found=found, fetched=True, **_progress(visit, found)
    )


def _progress(visit: Visit, found: Operation) -> dict[str, Any]:
    record = visit.desk.parts.record
    colour, word = STATES[found.state]
    return {
        "summary": summarize(record, found.id),
        "done_word": words_of(found.kind).done,
        "colour": colour,
        "word": word,
        "lively": found.state in LIVELY,
        "file": find_file(record, found.id) if found.kind == "export" else None,
        "reader": found.requested_by == visit.person.name and visit.has("export"),
    }


def _acts(visit: Visit, found: Operation) -> Acts:
    if not visit.has("send"):
        return Acts()
    steps = [command.split() for command in next_steps(visit.desk.parts.record, found)]
    typed = {words[2] for words in steps if words[:2] == ["cohort", "operations"]}
    mine = found.requested_by == visit.person.name
    return Acts(
        confirm=mine and found.state == PLANNED,
        withdraw=mine and found.state in BEFORE,
        resume="resume" in typed and not (mine and found.state == PLANNED),
        rerun="rerun" in typed and visit.may("request", found.kind),
        undo="undo" in typed and visit.may("request", UNDO),
        notify=found.state in CHANGED_SOMETHING and visit.may("request", "notification"),
    )  # fmt: skip
