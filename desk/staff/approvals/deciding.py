"""Approve or reject with the password again; confirm one's own; carry on with what was stopped half way."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.errors import NotAllowed
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.confirming import confirm
from clinic.govern.approvals.deciding import Decision
from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.govern.audit.hands import tell_resumed
from desk.staff.approvals.one import show, standing_of
from desk.staff.proof import prove_again
from desk.web.visit import Visit
from tasks.asking.at_once import Followed, at_once
from tasks.asking.following import decide, write_down

_DECISIONS: Final[dict[str, Decision]] = {"approve": "approved", "reject": "rejected"}
_HOW: Final = "Say whether you approve or reject this"
_WHY: Final = "Say why you reject it: the requester reads it"


def decide_one(visit: Visit) -> Response:
    """Once: sent twice by the same person it is one decision."""
    number = visit.path["number"]
    found = standing_of(visit, number)
    decision = _DECISIONS.get(visit.said("decision"))
    if decision and found.asked.decided_by == visit.person.name and found.asked.state != "waiting":
        return visit.go(f"/approvals/{number}")
    if decision is None:
        return show(visit, found, fault=_HOW, field="approve", status=422)
    if decision == "rejected" and not visit.said("note").strip():
        return show(visit, found, fault=_WHY, field="note", status=422)
    try:
        person = prove_again(visit)
    except NotAllowed:
        # Not which of name, password and code: the name is theirs, and no code is asked for
        fault = "The password is not yours, or you must wait after five wrong tries. It was written down"
        return show(visit, found, fault=fault, status=403)
    try:
        decided = decide(
            visit.desk.parts.record, visit.desk.parts.clock, visit.desk.settings(), number, person=person,
            decision=decision, note=visit.said("note").strip(), override=visit.said("override"),
        )  # fmt: skip
    except NotAllowed as refusal:
        return show(
            visit, standing_of(visit, number), fault=refusal.says, field="decision", status=403
        )
    return _lead_on(visit, decided)


def carry_on(visit: Visit) -> Response:
    """What is done at once by whoever approves it, where that was stopped before its end."""
    found = standing_of(visit, visit.path["number"])
    asked, parts = found.asked, visit.desk.parts
    if found.state != "approved" or at_once(asked) is None:
        return visit.go(f"/approvals/{asked.id}")
    tell_resumed(
        parts.record, parts.clock, by=visit.person.name, subject=asked.subject, subject_id=asked.subject_id
    )  # fmt: skip
    return _lead_on(visit, asked)


def confirm_one(visit: Visit) -> Response:
    """NEW-1: the requester says that it is theirs; being signed in proves them."""
    parts, number = visit.desk.parts, visit.path["number"]
    found = standing_of(visit, number)
    try:
        confirm(parts.record, parts.clock, number, by=visit.person)
    except NotAllowed as refusal:
        return show(visit, found, fault=refusal.says, field="decision", status=403)
    write_anchor(parts.record, anchor_of(visit.desk.settings()))
    return visit.go(f"/approvals/{number}")


def _lead_on(visit: Visit, decided: Approval) -> Response:
    """What needs no run is done now; a run, or the scheduled one, carries on with all else."""
    parts = visit.desk.parts
    does = at_once(decided)
    if does is None:
        write_down(parts.record, parts.clock, decided)
    else:
        followed = does(parts.record, parts.clock, visit.desk.settings(), decided)
        if followed.says:
            return _show_done(visit, decided, followed)
    return visit.go(f"/approvals/{decided.id}")


def _show_done(visit: Visit, decided: Approval, done: Followed) -> Response:
    return visit.show(
        "approvals/done.jinja", title=f"Approval {decided.id}: done", asked=decided, done=done
    )
