"""
Add a person, disable one, unlock, tie to facilities, reset a second step: by an admin, with a password.

A first password is given here, and changed at once by whose it is (own.py): until then two people know it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from clinic.errors import MendableError, NotAllowed
from clinic.govern.audit.anchor import anchor_of, write_anchor
from clinic.govern.people.facilities import set_facilities, tied_to
from clinic.govern.people.new_secret import require_may_reset
from clinic.govern.people.operators import Operator, add_operator, get_operator
from clinic.govern.people.roles import PEOPLE
from clinic.govern.people.second_step import reset_second_step
from clinic.govern.people.unlock import unlock_operator
from clinic.practice.leavers.disable import disable
from desk.staff.people.listing import show, show_one
from desk.staff.proof import prove_again
from desk.web.page import Page
from desk.web.visit import Visit


def _add(visit: Visit) -> Response:
    parts, role = visit.parts, visit.said("role")
    name, new = visit.said("name").strip(), visit.said("new_password")
    if role not in PEOPLE or new != visit.said("again"):
        fault = "Choose a role." if role not in PEOPLE else "The two new passwords differ."
        return show(visit, fault=fault, status=422)
    try:
        by = prove_again(visit).name
        added = add_operator(
            parts.record, parts.clock, name=name, role=role, secret=new, by=by,
            also=tied_to(parts.clock, _codes(visit), by=by),
        )  # fmt: skip
    except MendableError as refused:
        return show(visit, fault=refused.says, status=_status(refused))
    _anchor(visit)
    return visit.go(f"/staff/{added.name}?done=added")


def _disable(visit: Visit, one: Operator, by: Operator) -> None:
    disable(visit.parts.record, visit.parts.clock, name=one.name, by=by.name)


def _unlock(visit: Visit, one: Operator, by: Operator) -> None:
    unlock_operator(visit.parts.record, visit.parts.clock, name=one.name, by=by)


def _tie(visit: Visit, one: Operator, by: Operator) -> None:
    set_facilities(
        visit.parts.record, visit.parts.clock, name=one.name, codes=_codes(visit), by=by.name
    )


def _reset(visit: Visit, one: Operator, by: Operator) -> None:
    require_may_reset(by, one.name)
    reset_second_step(visit.parts.record, visit.parts.clock, name=one.name, by=by.name)


_ACTS: Final[dict[str, Callable[[Visit, Operator, Operator], None]]] = {
    "disable": _disable, "unlock": _unlock, "facilities": _tie, "reset": _reset,
}  # fmt: skip


def _change(visit: Visit) -> Response:
    one, do = get_operator(visit.desk.parts.record, visit.path["name"]), visit.said("do")
    if do not in _ACTS:
        return show_one(visit, fault="Choose what is to be done.", status=422)
    try:
        _ACTS[do](visit, one, prove_again(visit))
    except MendableError as refused:
        return show_one(visit, fault=refused.says, status=_status(refused))
    _anchor(visit)
    return visit.go(f"/staff/{one.name}?done={do}")


def _codes(visit: Visit) -> list[str]:
    return [str(each) for each in visit.form.getlist("facilities")]


def _status(refused: MendableError) -> int:
    return 403 if isinstance(refused, NotAllowed) else 422


def _anchor(visit: Visit) -> None:
    write_anchor(visit.desk.parts.record, anchor_of(visit.desk.settings()))


PAGES: Final = (
    Page("/staff", "staff", show=show, act=_add, right="govern"),
    Page("/staff/{name}", "staff person", show=show_one, act=_change, right="govern"),
)
