"""What is done with an operation that is there: confirmed, withdrawn, carried on, asked for again."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from starlette.responses import Response

from clinic.change.asking.asking import ask_rerun, confirm, resume
from clinic.change.run.withdraw import withdraw
from clinic.errors import NotAllowed, NotFound, OperationRefused
from clinic.govern.audit.anchor import anchor_of, write_anchor
from desk.staff.operations.one import show
from desk.web.theirs import require_theirs
from desk.web.visit import Visit


def ask_approval(visit: Visit) -> Response:
    """The requester says yes to what was planned; sent twice it is one request."""
    parts, number = visit.desk.parts, visit.path["number"]
    return _tried(
        visit,
        lambda: confirm(parts.record, parts.clock, visit.desk.settings(), number, by=visit.person),
    )


def take_back(visit: Visit) -> Response:
    """The requester withdraws it before it has begun; its approval is void then."""
    parts, number = visit.desk.parts, visit.path["number"]

    def act() -> None:
        withdraw(parts.record, parts.clock, number, by=visit.person.name)
        write_anchor(parts.record, anchor_of(visit.desk.settings()))

    return _tried(visit, act)


def carry_on(visit: Visit) -> Response:
    """What was only stored is asked for; what was stopped goes on, by the scheduled run."""
    parts, number = visit.desk.parts, visit.path["number"]
    return _tried(
        visit,
        lambda: resume(
            parts.record, parts.clock, visit.desk.settings(), number, by=visit.person.name
        ),
    )


def ask_again(visit: Visit) -> Response:
    """ALC-36: the failed part alone, as a new operation; the same form sent twice is one."""
    parts, number = visit.desk.parts, visit.path["number"]
    require_theirs(visit, "operation", number)
    try:
        again = ask_rerun(
            parts.record, parts.clock, visit.desk.settings(), visit.person, of=number,
            request_key=f"desk-{visit.said('key') or uuid.uuid4().hex}",
        )  # fmt: skip
    except (NotAllowed, OperationRefused) as refusal:
        return show(visit, number, fault=refusal.says, status=409)
    return visit.go(f"/operations/{again}")


def _tried(visit: Visit, act: Callable[[], None]) -> Response:
    number = visit.path["number"]
    require_theirs(visit, "operation", number)
    try:
        act()
    except NotFound:
        raise
    except (NotAllowed, OperationRefused) as refusal:
        return show(visit, number, fault=refusal.says, status=409)
    return visit.go(f"/operations/{number}")
