"""The audit trail and odd looks in pages, for whoever may read them (ALC-41, NEW-37)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from clinic.govern.people.facilities import set_facilities
from clinic.record.schema.govern import audit_act
from tasks.wiring import Wiring
from tests.desk.operations.asked import carried_out, furnish, waiting
from tests.desk.visitors import SECRET, Visitor


@pytest.fixture
def mair(visitor: Visitor, parts: Wiring) -> Visitor:
    """A manager who approved Olwen's operation 1, which is done; Olwen asked for a second one."""
    furnish(parts)
    number, approval = waiting(parts, (1, 2))
    waiting(parts, (4,))
    visitor.sign_in("mair")
    form = {"decision": "approve", "note": "counted", "password": SECRET}
    visitor.send(f"/approvals/{approval}/decide", form, seen_at="/sessions")
    carried_out(parts, number)
    return visitor


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("", ("operation.requested", "approval.approved", "operator.signed-in"), ()),
        ("operation=1", ("operation.requested", "approval.approved"), ("operator.signed-in",)),
        ("by=olwen", ("selection.taken",), ("operator.signed-in",)),
        ("since=2031-01-01", ("Nothing on the trail",), ("selection.taken",)),
        ("operation=99", ("99",), ("selection.taken",)),
        ("operation=x%27", ("whole number",), ("selection.taken",)),
        ("by=nobody", ("nobody",), ("selection.taken",)),
        ("since=yesterday", ("2026-03-31",), ("selection.taken",)),
        ("operation=1&campaign=1", ("not for both",), ("selection.taken",)),
    ],
)
def test_the_trail_is_asked_by_operation_operator_and_day(
    mair: Visitor, query: str, there: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    """ALC-41: no patient's value is in it; what there is not is not answered with an empty list."""
    page = mair.see(f"/audit?{query}").text
    for said in there:
        assert said in page, said
    for said in (*absent, "on_hold", "Family1"):
        assert said not in page, said


def test_an_export_has_old_and_new_values_and_is_itself_audited(
    mair: Visitor, parts: Wiring
) -> None:
    """ALC-41: an attachment; nothing of it stays in the home."""
    answer = mair.send("/audit/export", {"operation": "1"}, seen_at="/sessions")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert b"on_hold" in answer.content
    assert not [path for path in parts.settings.home.rglob("audit.csv") if "uploads" in path.parts]
    with parts.record.read() as connection:
        told = connection.execute(
            sa.select(audit_act.c.operator, audit_act.c.outcome).where(
                audit_act.c.operation_type == "audit.exported"
            )
        ).all()
    assert [tuple(row) for row in told] == [("mair", "begun"), ("mair", "done")]


def test_odd_looks_name_staff_and_no_patient(mair: Visitor) -> None:
    """NEW-37: and that they were read is on the access log too."""
    page = mair.see("/audit/odd-looks")
    assert page.status_code == 200
    assert "Family" not in page.text


@pytest.mark.parametrize(("name", "may"), [("gwil", True), ("olwen", False), ("ada", False)])
def test_only_who_may_audit_reads_it(
    visitor: Visitor, parts: Wiring, name: str, *, may: bool
) -> None:
    """ALC-44: neither in the navigation nor at the address."""
    visitor.sign_in(name)
    assert ("/audit" in visitor.see("/").text) is may
    assert (visitor.see("/audit").status_code == 200) is may
    assert (visitor.see("/audit/odd-looks").status_code == 200) is may


def test_whoever_is_tied_reads_their_own_acts_and_exports_nothing(
    mair: Visitor, parts: Wiring
) -> None:
    """NEW-38."""
    set_facilities(parts.record, parts.clock, name="mair", codes=["F2"], by="ada")
    assert "approval.approved" in mair.see("/audit?by=mair").text
    assert mair.see("/audit").status_code == 403
    assert mair.see("/audit?operation=1").status_code == 404
    assert mair.send("/audit/export", {"by": "mair"}, seen_at="/sessions").status_code == 404
