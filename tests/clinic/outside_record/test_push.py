"""NEW-18: operations reach the outside record, patient by patient; a conflict changes nobody."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.operations import get_operation
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.summary import Summary
from clinic.errors import GatewayBusy, NotAllowed
from clinic.outside_record.patients import forget_patients
from clinic.outside_record.push import apply_pushed, end_pushed
from clinic.outside_record.standing import standing
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.people import patient
from clinic.record.schema.systems.outside_record import outside_push
from clinic.settings import Operations, OutsideRecord, Settings
from tests.clinic.change.practice import (
    approved,
    asked,
    column,
    outcomes,
    practice,
    tags_of,
    update,
)
from tests.clinic.change.run.test_undo import undo_of
from tests.clinic.outside_record.conftest import TOKEN
from tests.fakes import FakeClock
from tests.main_job import nhs
from tests.servers.fhir import FhirServer, faults_before

pytestmark = pytest.mark.xdist_group("fhir")
FIRST = 100  # patients of their own there: other tests change none of them
COUNT = 4


class Pushed:
    """The practice, with what is on the other side."""

    def __init__(self, record: Record, clock: FakeClock, server: FhirServer) -> None:
        self.record, self.clock, self.server = record, clock, server
        self.system = f"urn:uuid:{install(record, clock)}"
        self.url = server.url
        practice(record, COUNT)
        with record.write() as connection:
            for n in range(1, COUNT + 1):
                own = sa.update(patient).where(patient.c.id == n)
                connection.execute(own.values(nhs_number=nhs(FIRST + n)))
        server.patients({FIRST + n: nhs(FIRST + n) for n in range(1, COUNT + 1)})

    @property
    def settings(self) -> Settings:
        own = OutsideRecord(
            fhir_url=self.url, save_from="2026-01-01", push=True, timeout_seconds=5, token=TOKEN
        )  # type: ignore[arg-type]
        return Settings(operations=Operations(chunk_size=2), outside_record=own)

    def there(self, n: int) -> dict[str, Any]:
        return self.server.ask(f"Patient/p{FIRST + n}")

    def ours(self, n: int, field: str) -> list[str]:
        found = self.there(n).get("extension", [])
        return [one["valueCode"] for one in found if one["url"] == f"{self.system}#{field}"]

    def providers(self, n: int) -> list[str]:
        return [one["identifier"]["value"] for one in self.there(n).get("generalPractitioner", [])]

    def edit(self, n: int, **values: Any) -> None:
        self.server.tell("PUT", f"Patient/p{FIRST + n}", {**self.there(n), **values})

    def ask(self, kind: str, **parameters: Any) -> int:
        number = asked(self.record, self.clock, kind, parameters, range(1, COUNT + 1))
        approved(self.record, self.clock, number)
        return number

    def apply(self, number: int, **more: Any) -> Summary:
        begin(self.record, self.clock, number)
        for chunk in chunks_left(self.record, number):
            apply_pushed(self.record, self.clock, self.settings, number, chunk, **more)
        end_pushed(self.record, self.clock, self.settings, number)
        return finish(self.record, self.clock, self.settings, number)

    def states(self, number: int) -> dict[int, str]:
        p = outside_push.c
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(p.patient_id, p.state).where(p.operation_id == number)
            )
            return dict(rows.tuples().all())


@pytest.fixture
def pushed(record: Record, clock: FakeClock, fhir: FhirServer) -> Pushed:
    """Four patients, on both sides."""
    return Pushed(record, clock, fhir)


@pytest.fixture
def pushed_here(sqlite_record: Record, clock: FakeClock, fhir: FhirServer) -> Pushed:
    """The same on SQLite, for what is between us and the server."""
    return Pushed(sqlite_record, clock, fhir)


def test_a_status_is_changed_on_both_sides_and_taken_back_on_both(pushed: Pushed) -> None:
    """ALC-38: the undo goes the same way, by who has changed nothing since."""
    number = pushed.ask("status", to="discharged")
    assert pushed.apply(number).applied == COUNT
    for n in range(1, COUNT + 1):
        assert (pushed.there(n)["active"], pushed.ours(n, "status")) == (False, ["discharged"])
    assert set(pushed.states(number).values()) == {"done"}
    back = undo_of(pushed.record, pushed.clock, number)
    approved(pushed.record, pushed.clock, back)
    assert pushed.apply(back).applied == COUNT
    assert set(column(pushed.record, "status").values()) == {"active"}
    assert (pushed.there(1)["active"], pushed.ours(1, "status")) == (True, ["active"])


def test_providers_and_tags_go_too_and_what_others_wrote_stays(pushed: Pushed) -> None:
    theirs = {"identifier": {"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "G1"}}
    pushed.edit(1, generalPractitioner=[theirs], gender="female")
    pushed.apply(pushed.ask("provider", to=["P2"], visits="cancel"))
    pushed.apply(pushed.ask("tag", add=["a"]))
    assert pushed.providers(1) == ["G1", "P2"]
    assert pushed.ours(1, "tag") == ["a"]
    assert pushed.there(1)["gender"] == "female"
    pushed.apply(pushed.ask("tag", remove=["a"], add=["b"]))
    assert pushed.ours(1, "tag") == ["b"]
    assert {key for _, key in tags_of(pushed.record)} == {2}


def test_a_conflict_leaves_that_patient_unchanged_on_both_sides_and_listed(pushed: Pushed) -> None:
    """Somebody gave her another status there; one is not there at all; the others are changed."""
    pushed.apply(pushed.ask("status", to="on_hold"))
    url = f"{pushed.system}#status"
    pushed.edit(1, extension=[{"url": url, "valueCode": "moved_away"}])
    update(pushed.record, 2, nhs_number="9990000000")
    with pushed.record.write() as connection:
        forget_patients(connection, [2])
    number = pushed.ask("status", to="discharged")
    done = pushed.apply(number)
    assert (done.applied, done.conflicts) == (2, 2)
    assert outcomes(pushed.record, number) == {
        1: "differs_outside", 2: "differs_outside", 3: "will_change", 4: "will_change",
    }  # fmt: skip
    assert column(pushed.record, "status") == {
        1: "on_hold", 2: "on_hold", 3: "discharged", 4: "discharged",
    }  # fmt: skip
    assert pushed.ours(1, "status") == ["moved_away"]
    assert pushed.ours(2, "status") == ["on_hold"]
    assert set(pushed.states(number)) == {3, 4}


def test_who_is_changed_here_since_the_review_is_not_changed_there(pushed: Pushed) -> None:
    number = pushed.ask("status", to="discharged")
    update(pushed.record, 2, status="on_hold")
    pushed.apply(number)
    assert outcomes(pushed.record, number)[2] == "changed_since"
    assert pushed.ours(2, "status") == []
    assert pushed.ours(1, "status") == ["discharged"]


def test_who_is_changed_here_between_is_put_back_there(
    pushed: Pushed,
) -> None:
    """Between the answer there and the transaction here."""
    number = pushed.ask("status", to="discharged")

    def after_an_edit(*words: Any, **more: Any) -> None:
        if column(pushed.record, "status")[1] == "active":
            update(pushed.record, 1, status="on_hold")
        apply_chunk(*words, **more)

    pushed.apply(number, apply=after_an_edit)
    assert outcomes(pushed.record, number)[1] == "changed_since"
    assert (pushed.there(1)["active"], pushed.ours(1, "status")) == (True, ["active"])
    assert pushed.states(number) == {1: "put-back", 2: "done", 3: "done", 4: "done"}


def test_who_cannot_be_put_back_there_is_told(pushed: Pushed) -> None:
    """Somebody there changed her as well, right after us: that is theirs, and a person looks."""
    number = pushed.ask("status", to="discharged")

    def after_two_edits(*words: Any, **more: Any) -> None:
        if column(pushed.record, "status")[1] == "active":
            update(pushed.record, 1, status="on_hold")
            url = f"{pushed.system}#status"
            pushed.edit(1, extension=[{"url": url, "valueCode": "moved_away"}])
        apply_chunk(*words, **more)

    pushed.apply(number, apply=after_two_edits)
    assert pushed.ours(1, "status") == ["moved_away"]
    assert column(pushed.record, "status")[1] == "on_hold"
    assert standing(pushed.record).differ == {number: 1}


class Killed(BaseException):
    """This process ends here."""


@pytest.mark.parametrize("when", ["before the commit here", "after it"])
@pytest.mark.parametrize("meanwhile", ["nothing", "changed here", "changed there"])
def test_killed_between_the_two_sides_it_goes_on_and_nobody_is_on_one_side_alone(
    pushed: Pushed, when: str, meanwhile: str
) -> None:
    """The last chunk: nobody else comes by. Who is changed meanwhile, here or there, stays so on that side."""
    number = pushed.ask("status", to="discharged")

    def killed(*words: Any, **more: Any) -> None:
        if words[3] == 2:
            if when == "after it":
                if (
                    meanwhile == "changed here"
                ):  # in the same moment: a conflict that nobody puts back
                    update(pushed.record, 4, status="on_hold")
                apply_chunk(*words, **more)
            raise Killed
        apply_chunk(*words, **more)

    with pytest.raises(Killed):
        pushed.apply(number, apply=killed)
    assert pushed.ours(4, "status") == ["discharged"]
    if meanwhile == "changed here" and when != "after it":
        update(pushed.record, 4, status="on_hold")
    if meanwhile == "changed there":
        url = f"{pushed.system}#status"
        pushed.edit(4, extension=[{"url": url, "valueCode": "moved_away"}])
    done = pushed.apply(number)
    here = column(pushed.record, "status")
    assert [here[n] for n in (1, 2, 3)] == ["discharged"] * 3
    assert [pushed.ours(n, "status") for n in (1, 2, 3)] == [["discharged"]] * 3
    if meanwhile == "nothing" or (meanwhile == "changed there" and when == "after it"):
        assert (here[4], done.conflicts) == ("discharged", 0)
    elif meanwhile == "changed here":
        assert (here[4], pushed.ours(4, "status")) == ("on_hold", ["active"])
        assert outcomes(pushed.record, number)[4] == "changed_since"
    else:
        assert (here[4], pushed.ours(4, "status")) == ("active", ["moved_away"])
        assert outcomes(pushed.record, number)[4] == "differs_outside"
    assert {"pushing", "pushed"}.isdisjoint(pushed.states(number).values())


def test_a_transfer_takes_facility_and_provider_along_and_back(pushed: Pushed) -> None:
    """ALC-21: and who was merged there into somebody else is left as they are on both sides."""
    number = pushed.ask("facility", to="F2", provider="default")
    pushed.edit(4, link=[{"other": {"reference": "Patient/gone"}, "type": "replaced-by"}])
    assert pushed.apply(number).applied == 3
    for n in (1, 2, 3):
        assert (pushed.ours(n, "facility"), pushed.providers(n)) == (["F2"], ["P3"])
    assert (pushed.ours(4, "facility"), pushed.providers(4)) == ([], [])
    assert outcomes(pushed.record, number)[4] == "differs_outside"
    assert column(pushed.record, "facility_id") == {1: 2, 2: 2, 3: 2, 4: 1}
    back = undo_of(pushed.record, pushed.clock, number)
    approved(pushed.record, pushed.clock, back)
    assert pushed.apply(back).applied == 3
    assert [(pushed.ours(n, "facility"), pushed.providers(n)) for n in (1, 2, 3)] == [
        (["F1"], ["P1"])
    ] * 3
    assert set(column(pushed.record, "facility_id").values()) == {1}


@pytest.mark.parametrize(
    ("fault", "at"),
    # Patients, what they are, the first chunk, the second; a status is judged alike everywhere
    [*((fault, at) for fault in ("cut", "lost") for at in (1, 2, 3, 4)), ("503", 3), ("429", 4)],
)
def test_no_answer_changes_nothing_here_and_goes_on_later(
    pushed_here: Pushed, fault: str, at: int
) -> None:
    """Whether it was changed there is not known: it is looked at again, and then changed here too."""
    pushed = pushed_here
    number = pushed.ask("status", to="discharged")
    with faults_before(pushed.server.port, *["pass"] * (at - 1), fault) as faults:
        pushed.url = faults.url
        try:
            pushed.apply(number)
        except GatewayBusy:
            before = column(pushed.record, "status")
            assert "active" in before.values()
        pushed.url = pushed.server.url
        pushed.apply(number)
    assert get_operation(pushed.record, number).state == "done"
    assert set(column(pushed.record, "status").values()) == {"discharged"}
    for n in range(1, COUNT + 1):
        assert pushed.ours(n, "status") == ["discharged"]


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("comes_back", [True, False])
def test_who_stood_still_past_an_operation_and_its_undo_writes_nothing_undone(
    pushed_here: Pushed, at: int, comes_back: bool
) -> None:
    """At any of its requests: another process does all of it meanwhile, and an undo after it."""
    pushed, asked = pushed_here, []
    number = pushed.ask("status", to="discharged")
    direct = pushed.server.url

    def stands_still(request: bytes) -> bytes:
        asked.append(request)
        if len(asked) == at:
            proxy, pushed.url = pushed.url, direct
            pushed.apply(number)
            if comes_back:
                back = undo_of(pushed.record, pushed.clock, number)
                approved(pushed.record, pushed.clock, back)
                assert pushed.apply(back).applied == COUNT
            pushed.url = proxy
        return request

    with faults_before(pushed.server.port, request_as=stands_still) as proxy:
        pushed.url = proxy.url
        with contextlib.suppress(NotAllowed):  # the operation does not run any more
            pushed.apply(number)
    assert len(asked) >= at
    status = "active" if comes_back else "discharged"
    assert set(column(pushed.record, "status").values()) == {status}
    assert [pushed.ours(n, "status") for n in range(1, COUNT + 1)] == [[status]] * COUNT
    assert set(pushed.states(number).values()) == {"done"}


def test_nothing_is_asked_where_push_is_off(pushed_here: Pushed) -> None:
    pushed = pushed_here
    number = pushed.ask("status", to="discharged")
    off = Settings(operations=Operations(chunk_size=2))
    begin(pushed.record, pushed.clock, number)
    for chunk in chunks_left(pushed.record, number):
        apply_pushed(pushed.record, pushed.clock, off, number, chunk)
    assert set(column(pushed.record, "status").values()) == {"discharged"}
    assert pushed.ours(1, "status") == []
