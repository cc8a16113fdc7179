"""Adding, disabling and proving operators."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import (
    FREE_TRIES,
    Operator,
    add_operator,
    disable_operator,
    get_operator,
    list_operators,
    prove,
)
from clinic.govern.people.unlock import unlock_operator
from clinic.record.database import Record
from clinic.record.schema import METADATA
from clinic.record.schema.govern import audit_act, operator
from tests.clinic.govern.conftest import SECRET
from tests.fakes import FakeClock


def _acts(record: Record) -> list[tuple[str, str, str]]:
    c = audit_act.c
    with record.read() as connection:
        rows = connection.execute(
            sa.select(c.operator, c.operation_type, c.outcome).order_by(c.number)
        )
        return [tuple(row) for row in rows]


def test_the_first_operator_is_an_admin_and_adds_the_others(
    governed: Record, clock: FakeClock
) -> None:
    with pytest.raises(NotAllowed, match="first operator is an admin"):
        add_operator(governed, clock, name="eve", role="manager", secret=SECRET, by="eve")
    add_operator(governed, clock, name="Root", role="admin", secret=SECRET, by="installer")
    add_operator(governed, clock, name="mia", role="manager", secret=SECRET, by="root")
    assert list_operators(governed) == [
        Operator("mia", "manager", active=True),
        Operator("root", "admin", active=True),
    ]
    assert _acts(governed) == [
        ("installer", "operator.added", "done"),
        ("root", "operator.added", "done"),
    ]
    assert verify(governed, None).holds


@pytest.mark.parametrize("by", ["ann", "mia", "nobody"])
@pytest.mark.usefixtures("people")
def test_who_is_no_admin_adds_and_disables_nobody(
    governed: Record, clock: FakeClock, by: str
) -> None:
    with pytest.raises(NotAllowed, match="only an admin"):
        add_operator(governed, clock, name="new", role="manager", secret=SECRET, by=by)
    with pytest.raises(NotAllowed, match="only an admin"):
        disable_operator(governed, clock, name="tim", by=by)


@pytest.mark.usefixtures("people")
def test_a_name_is_one_person_in_any_case_and_for_ever(governed: Record, clock: FakeClock) -> None:
    disable_operator(governed, clock, name="MIA", by="root")
    with pytest.raises(NotAllowed, match="already an operator mia"):
        add_operator(governed, clock, name=" Mia ", role="operator", secret=SECRET, by="root")
    assert get_operator(governed, "Mia") == Operator("mia", "manager", active=False)


@pytest.mark.parametrize("name", ["", "a b", "x" * 81, "a\nb", "-rf", "évê", "a'--"])
def test_a_name_that_could_be_mistaken_is_refused(
    sqlite_record: Record, clock: FakeClock, name: str
) -> None:
    with pytest.raises(NotAllowed) as refusal:
        add_operator(sqlite_record, clock, name=name, role="admin", secret=SECRET, by="x")
    assert refusal.value.code == "operator-name"


def test_a_short_secret_and_an_unknown_role_are_refused(
    sqlite_record: Record, clock: FakeClock
) -> None:
    with pytest.raises(NotAllowed, match="at least 12"):
        add_operator(sqlite_record, clock, name="a", role="admin", secret="tooshort", by="x")
    with pytest.raises(NotAllowed, match="no such role"):
        add_operator(sqlite_record, clock, name="a", role="owner", secret=SECRET, by="x")  # type: ignore[arg-type]
    assert list_operators(sqlite_record) == []


@pytest.mark.usefixtures("people")
def test_the_last_admin_stays(governed: Record, clock: FakeClock) -> None:
    with pytest.raises(NotAllowed, match="last admin"):
        disable_operator(governed, clock, name="root", by="root")
    with pytest.raises(NotFound, match="no such operator"):
        disable_operator(governed, clock, name="nobody", by="root")


@pytest.mark.usefixtures("people")
def test_the_right_secret_proves_a_person_however_they_type_their_name(
    governed: Record, clock: FakeClock
) -> None:
    assert prove(governed, " Mia", SECRET, clock=clock) == Operator("mia", "manager", active=True)


@pytest.mark.usefixtures("people")
def test_whatever_is_wrong_the_answer_is_the_same(governed: Record, clock: FakeClock) -> None:
    disable_operator(governed, clock, name="tim", by="root")
    answers = set()
    for name, secret in (("mia", "wrong"), ("nobody", SECRET), ("tim", SECRET), ("mia", "")):
        with pytest.raises(NotAllowed) as refusal:
            prove(governed, name, secret, clock=clock)
        answers.add((refusal.value.code, refusal.value.says))
    assert len(answers) == 1


@pytest.mark.usefixtures("people")
def test_an_unknown_name_costs_what_a_known_one_does(governed: Record, clock: FakeClock) -> None:
    def cost(name: str) -> float:
        began = time.process_time()
        with pytest.raises(NotAllowed):
            prove(governed, name, "wrong", clock=clock)
        return time.process_time() - began

    # Without the slow hash an unknown name would cost a fiftieth
    assert min(cost("nobody") for _ in range(3)) > min(cost("mia") for _ in range(3)) / 3


@pytest.mark.usefixtures("people")
def test_wrong_tries_make_even_the_right_secret_wait_and_are_audited(
    governed: Record, clock: FakeClock
) -> None:
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(NotAllowed):
            prove(governed, "mia", "wrong", clock=clock)
    with pytest.raises(NotAllowed):
        prove(governed, "mia", SECRET, clock=clock)
    clock.time += timedelta(minutes=1)
    assert prove(governed, "mia", SECRET, clock=clock).name == "mia"
    assert _acts(governed) == [("mia", "operator.unproven", "refused")] * (FREE_TRIES + 2)
    with pytest.raises(NotAllowed):  # the count began anew: one wrong try does not lock
        prove(governed, "mia", "wrong", clock=clock)
    assert prove(governed, "mia", SECRET, clock=clock).name == "mia"


def _lock(record: Record, clock: FakeClock, name: str) -> None:
    for _ in range(FREE_TRIES + 3):
        with pytest.raises(NotAllowed):
            prove(record, name, "wrong", clock=clock)
        clock.time += timedelta(hours=1)
    with pytest.raises(NotAllowed):
        prove(record, name, "wrong", clock=clock)


@pytest.mark.parametrize(("locked", "by"), [("mia", "root"), ("mia", "max"), ("root", "max")])
def test_another_person_ends_the_wait_and_the_trail_says_who(
    governed: Record, clock: FakeClock, people: dict[str, Operator], locked: str, by: str
) -> None:
    _lock(governed, clock, locked)
    with pytest.raises(NotAllowed):
        prove(governed, locked, SECRET, clock=clock)
    unlock_operator(governed, clock, name=locked, by=people[by])
    assert prove(governed, locked, SECRET, clock=clock).name == locked
    assert _acts(governed)[-1] == (by, "operator.unlocked", "done")


@pytest.mark.parametrize(
    ("name", "by", "code"),
    [("mia", "ann", "unlock-role"), ("mia", "tim", "unlock-role"), ("mia", "mia", "unlock-own")],
)  # fmt: skip
def test_nobody_ends_their_own_wait_nor_who_may_not(
    governed: Record,
    clock: FakeClock,
    people: dict[str, Operator],
    name: str,
    by: str,
    code: str,
) -> None:
    _lock(governed, clock, name)
    with pytest.raises(NotAllowed) as refusal:
        unlock_operator(governed, clock, name=name, by=people[by])
    assert refusal.value.code == code
    with pytest.raises(NotAllowed):
        prove(governed, name, SECRET, clock=clock)


@pytest.mark.usefixtures("people")
def test_the_longest_wait_ends_by_itself(governed: Record, clock: FakeClock) -> None:
    _lock(governed, clock, "mia")
    clock.time += timedelta(hours=1)
    assert prove(governed, "mia", SECRET, clock=clock).name == "mia"


@pytest.mark.usefixtures("people")
def test_many_guesses_at_once_are_no_more_guesses(governed: Record, clock: FakeClock) -> None:
    def guess(number: int) -> bool:
        try:
            prove(governed, "mia", SECRET if number == 11 else f"wrong {number}", clock=clock)
        except NotAllowed:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(guess, range(11)))
    with governed.read() as connection:
        tries = connection.execute(
            sa.select(operator.c.wrong_tries).where(operator.c.name == "mia")
        ).scalar_one()
    assert tries == FREE_TRIES + 1  # the others were not compared at all
    assert not guess(11)


@pytest.mark.usefixtures("people")
def test_what_was_typed_is_nowhere_in_the_record(governed: Record, clock: FakeClock) -> None:
    typed = "my secret in the name field"
    with pytest.raises(NotAllowed):
        prove(governed, typed, SECRET, clock=clock)
    add_operator(governed, clock, name="new", role="manager", secret=SECRET + "!", by="root")
    with governed.read() as connection:
        everything = [
            str(row)
            for table in METADATA.sorted_tables
            for row in connection.execute(table.select())
        ]
    assert not [row for row in everything if SECRET in row or typed in row]
    assert any("$argon2id$" in row for row in everything)


@pytest.mark.usefixtures("people")
def test_an_operator_is_disabled_never_removed(governed: Record) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="refused"), governed.write() as connection:
        connection.execute(operator.delete())
