"""One request: what would be done, to whom, what follows, why, and who may decide (ALC-15, 33, 34, NEW-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from clinic.change.asking.review_of import review_of
from clinic.change.core.states import BEFORE
from clinic.change.review.checklist import CAUTION
from clinic.cohort.outcomes import OUTCOMES
from clinic.errors import NotFound
from clinic.govern.approval_rows import Approval, existing, why_closed
from clinic.govern.approvals.for_person import Waits, standing
from clinic.message.asking.to_decide import to_decide
from clinic.message.template.sensitive import notices
from desk.staff.approvals.words import MEANS, STATES, state_of, title_of_request
from desk.web.theirs import require_theirs
from desk.web.visit import Visit
from tasks.asking.at_once import at_once

_SHOWN = 20


@dataclass(frozen=True)
class Standing:
    """A request as it stands for whoever looks. mine: they asked for it; open: it can be decided now."""

    waits: Waits
    state: str
    open: bool
    mine: bool

    @property
    def asked(self) -> Approval:
        return self.waits.asked

    @property
    def may_decide(self) -> bool:
        return self.open and "reject" in self.waits.steps


def standing_of(visit: Visit, number: int) -> Standing:
    """
    Read it.

    Raises:
        NotFound: there is no such request
    """
    parts, name = visit.desk.parts, visit.person.name
    require_theirs(visit, "approval", number)
    now = parts.clock.now()
    with parts.record.read() as connection:
        asked = existing(connection, number)
    [waits] = standing(parts.record, [asked], name)
    return Standing(
        waits,
        state_of(asked, late=asked.expires_at <= now),
        open=why_closed(asked, now) is None,
        mine=asked.requested_by == name,
    )


def show_one(visit: Visit) -> Response:
    """GET: the review, and the decision for whom it is."""
    return show(visit, standing_of(visit, visit.path["number"]))


def show(
    visit: Visit, found: Standing, *, fault: str = "", field: str = "password", status: int = 200
) -> Response:
    """The page; with an error in its form, what was typed stands there again but for the password."""
    colour, word = STATES[found.state]
    return visit.show(
        "approvals/one.jinja", title=f"Approval {found.asked.id}: {title_of_request(found.asked)}",
        status=status, found=found, asked=found.asked, colour=colour, word=word,
        means=MEANS.get(found.state, ""), what=title_of_request(found.asked),
        note=visit.said("note"), override=visit.said("override"), decision=visit.said("decision"),
        carries_on=found.state == "approved" and at_once(found.asked) is not None,
        errors=[{"text": fault, "href": f"#{field}"}] if fault else [], **_review(visit, found.asked),
    )  # fmt: skip


def _review(visit: Visit, asked: Approval) -> dict[str, Any]:
    """What is decided over; the look is written down before any of it is shown."""
    try:
        if asked.subject == "operation":
            return _of_operation(visit, asked)
        if asked.subject == "campaign" and asked.state == "waiting":
            return _of_campaign(visit, asked)
    except NotFound:
        pass  # what was asked for is no more; the request itself is shown all the same
    return {"summary": sorted(asked.summary.items())}


def _of_operation(visit: Visit, asked: Approval) -> dict[str, Any]:
    parts, page = visit.desk.parts, page_of(visit)
    seen = review_of(
        parts.record, parts.clock, visit.desk.settings(), asked.subject_id,
        limit=_SHOWN, skip=(page - 1) * _SHOWN,
    )  # fmt: skip
    visit.looked(seen.look)
    failed = [each for each in seen.checks if each.holds is False]
    return {
        "review": seen, "page": page, "more": len(seen.lines) == _SHOWN, "caution": CAUTION,
        "waits": seen.operation.state in BEFORE, "failed": failed,
        "final": any(each.final for each in failed),
    }  # fmt: skip


def _of_campaign(visit: Visit, asked: Approval) -> dict[str, Any]:
    parts = visit.desk.parts
    seen = to_decide(parts.record, parts.clock, visit.desk.settings(), asked.subject_id)
    visit.looked(seen.look)
    return {
        "campaign": seen, "sentences": {code: one.says for code, one in OUTCOMES.items()},
        "notices": notices(seen.review.channel), "failed": [], "final": False,
    }  # fmt: skip


def page_of(visit: Visit) -> int:
    """Which page of the patients is looked at: 1 for the first."""
    asked = visit.query.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
