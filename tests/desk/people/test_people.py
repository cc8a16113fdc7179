"""Who works here, at the desk; and one's own password."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.govern.people.facilities import tied
from clinic.govern.people.operators import get_operator
from clinic.record.schema.people import facility
from tasks.wiring import Wiring
from tests.desk.visitors import SECRET, Visitor
from tests.main_job import Practice

EVIL = "<img src=x onerror=alert(1)>\"'>"
FIRST = "a first password of theirs"
NEW: dict[str, Any] = {
    "name": "nerys", "role": "operator", "new_password": FIRST, "again": FIRST, "password": SECRET,
}  # fmt: skip


@pytest.fixture
def ada(visitor: Visitor) -> Visitor:
    """The admin, signed in."""
    visitor.sign_in("ada")
    return visitor


def add(visitor: Visitor, **other: Any) -> Any:
    """A person, through the form."""
    return visitor.send("/staff", NEW | other, seen_at="/staff")


def change(visitor: Visitor, name: str, do: str, **other: Any) -> Any:
    """Something of a person."""
    return visitor.send(
        f"/staff/{name}", {"do": do, "password": SECRET} | other, seen_at="/sessions"
    )


def test_an_admin_adds_a_person_who_then_changes_the_first_password(
    ada: Visitor, practice: Practice, parts: Wiring
) -> None:
    """Two people know a first password until whose it is has changed it."""
    with practice.record.write() as connection:
        connection.execute(sa.insert(facility).values(code="NORTH", name="North"))
    assert add(ada, facilities=["NORTH"]).url.path == "/staff/nerys"
    assert "Added." in ada.see("/staff/nerys?done=added").text
    with practice.record.read() as connection:
        assert tied(connection)["nerys"] == ("NORTH",)
    nerys, own = Visitor(parts), "an own password of hers"
    nerys.sign_in("nerys", FIRST)
    form = {"password": FIRST, "new_password": own, "again": own}
    for wrong, says in (
        ({"again": "another one at all"}, "The two new passwords differ"),
        ({"new_password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": "not this one"}, "There is a problem"),
    ):
        assert says in nerys.send("/password", form | wrong, seen_at="/password").text
    changed = nerys.send("/password", form, seen_at="/password")
    assert changed.url.path == "/sign-in", "every sign-in ended with the old one"
    later = Visitor(parts)
    assert later.sign_in("nerys", FIRST).status_code == 403
    assert later.sign_in("nerys", own).status_code == 200


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"password": "wrong"}, "There is a problem"),
        ({"role": ""}, "Choose a role"),
        ({"role": "service"}, "Choose a role"),
        ({"again": "something else"}, "The two new passwords differ"),
        ({"new_password": "short", "again": "short"}, "at least 12 characters"),
        ({"name": "mair"}, "already an operator"),
        ({"name": EVIL}, "There is a problem"),
    ],
)
def test_nobody_is_added_by_a_slip(ada: Visitor, other: dict[str, Any], says: str) -> None:
    """The form comes back with the sentence; no password stands in it."""
    answer = add(ada, **other)
    assert answer.status_code in (403, 422)
    assert says in answer.text
    assert FIRST not in answer.text
    assert "<img" not in answer.text
    assert ada.see("/staff/nerys").status_code == 404


def test_a_person_is_changed_with_the_admins_password_alone(
    ada: Visitor, practice: Practice, parts: Wiring
) -> None:
    """Disable, unlock, tie, reset: each refused with a wrong password, and kept with the right one."""
    with practice.record.write() as connection:
        connection.execute(sa.insert(facility).values(code="NORTH", name="North"))
    for do in ("disable", "unlock", "facilities", "reset"):
        assert change(ada, "olwen", do, password="wrong password").status_code == 403
    assert get_operator(practice.record, "olwen").active
    assert change(ada, "olwen", "nothing").status_code == 422
    assert "is kept" in change(ada, "olwen", "facilities", facilities=["NORTH"]).text
    with practice.record.read() as connection:
        assert tied(connection) == {"olwen": ("NORTH",)}
    assert change(ada, "olwen", "facilities").url.path == "/staff/olwen"
    assert "need not wait" in change(ada, "olwen", "unlock").text
    assert "without a code" in change(ada, "olwen", "reset").text
    assert change(ada, "ada", "reset").status_code == 403, "of another alone"
    assert change(ada, "ada", "disable").status_code == 403, "the last admin stays"
    olwen = Visitor(parts)
    olwen.sign_in("olwen")
    assert "Disabled" in change(ada, "olwen", "disable").text
    assert olwen.see("/sessions").url.path == "/sign-in"


@pytest.mark.parametrize("name", ["olwen", "mair", "gwil"])
def test_nobody_but_an_admin_sees_staff(visitor: Visitor, name: str) -> None:
    """ALC-44: not shown, and not answered."""
    visitor.sign_in(name)
    assert "Staff" not in visitor.see("/sessions").text
    assert visitor.see("/staff").status_code == 404
    assert visitor.see("/staff/olwen").status_code == 404
    assert change(visitor, "olwen", "disable").status_code == 404
    assert visitor.see("/password").status_code == 200
