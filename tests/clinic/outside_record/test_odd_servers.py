"""ACX-33, NEW-11: servers that do not keep what R4 says, and records that people work on meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.outside_record.standing import ask_again, standing
from clinic.record.schema import people
from tests.clinic.outside_record.conftest import Outside
from tests.clinic.outside_record.test_save import DiesAfter, Killed, told
from tests.main_job import nhs
from tests.servers.fhir import FhirServer, faults_before

pytestmark = pytest.mark.xdist_group("fhir")
OutsideHere = Callable[..., Outside]
NUMBER_SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"


def unconditional(request: bytes) -> bytes:
    """What a server reads that knows no If-None-Exist."""
    return request.replace(b'"ifNoneExist"', b'"xfNoneExist"')


@pytest.mark.parametrize("ends", ["lost", "killed"])
def test_a_server_that_ignores_if_none_exist_has_each_once_all_the_same(
    outside_here: OutsideHere, ends: str
) -> None:
    """What an earlier try may have made is looked for by our identifier before it is made again."""
    outside = outside_here(3)
    outside.practice.decides(1, "opt_out")
    plan = ["pass", "lost"] if ends == "lost" else []
    with faults_before(outside.server.port, *plan, request_as=unconditional) as faults:
        saver = outside.saver(faults.url, owner="dead")
        if ends == "killed":
            saver._client = DiesAfter(saver._client, 2)  # type: ignore[assignment]
        with suppress(Killed):
            saver.run()
        assert len(outside.there()) == 3
        outside.practice.clock.sleep(3600)
        assert outside.saver(faults.url, owner="next").run().trouble == ""
    assert len(outside.there()) == 3
    assert len(outside.there("Consent")) == 1
    assert {item.state for item in outside.items()} == {"saved"}


def test_an_answer_to_some_of_a_bundle_is_none(outside_here: OutsideHere) -> None:
    """Of which of them it is an answer nobody can say."""
    outside = outside_here(3)

    def without_the_last(body: bytes) -> bytes:
        found = json.loads(body)
        if found.get("type") == "transaction-response":
            found["entry"].pop()
        return json.dumps(found).encode()

    with faults_before(outside.server.port, answer_as=without_the_last) as faults:
        assert outside.save(faults.url).trouble == "what it answers is no answer to what was sent"
    assert {item.state for item in outside.items()} == {"waiting"}
    outside.practice.clock.sleep(60)
    outside.save()
    assert len(outside.there()) == 3


@pytest.mark.parametrize("has", ["noted", "not noted"])
def test_what_was_deleted_there_is_told_and_made_again_only_when_somebody_says_so(
    outside_here: OutsideHere, has: str
) -> None:
    outside = outside_here(2)
    outside.save()
    gone = next(one for one in outside.there() if one["subject"]["reference"] == "Patient/p1")
    outside.server.remove(f"Communication/{gone['id']}")
    told(outside, "delivered", "delivered")
    plan = () if has == "noted" else ("pass", "pass", "lost")
    with faults_before(outside.server.port, *plan) as faults:
        for _ in range(3):
            outside.save(faults.url)
            outside.practice.clock.sleep(3600)
    record, clock = outside.practice.record, outside.practice.clock
    (problem,) = standing(record).problems
    assert (problem.state, problem.code, problem.row_number) == ("refused", "taken-away-there", 2)
    assert len(outside.there()) == 1
    assert ask_again(record, clock, numbers=[problem.number], campaign_id=None, by="nia") == 1
    outside.save()
    assert [one["status"] for one in outside.there()] == ["completed"] * 2


def patient(server: FhirServer, key: str, *, number: str = "", into: str = "") -> None:
    """A patient there, merged into another or not."""
    made: dict[str, Any] = {"resourceType": "Patient", "id": key, "active": not into}
    if number:
        made["identifier"] = [{"system": NUMBER_SYSTEM, "value": number}]
    if into:
        made["link"] = [{"other": {"reference": f"Patient/{into}"}, "type": "replaced-by"}]
    server.tell("PUT", f"Patient/{key}", made)


MERGED = 60  # a patient of these tests alone


def test_a_merged_patient_is_the_one_they_were_merged_into(outside_here: OutsideHere) -> None:
    """The number may be the old one's still; a merge of today is seen tomorrow."""
    outside, number = outside_here(1), nhs(MERGED)
    _renumber(outside, number)
    patient(outside.server, "m1", number=number)
    outside.save()
    assert outside.there()[0]["subject"]["reference"] == "Patient/m1"
    patient(outside.server, "m2", number=number, into="m3")
    patient(outside.server, "m1", number=number, into="m2")
    patient(outside.server, "m3")
    outside.practice.decides(1, "opt_out")
    outside.practice.clock.sleep(25 * 3600)
    outside.save()
    (found,) = outside.there("Consent")
    assert found["patient"]["reference"] == "Patient/m3"
    patient(outside.server, "m4", number=number)
    outside.practice.clock.sleep(25 * 3600)
    outside.practice.decides(1, "opt_in")
    outside.save()
    assert {one["patient"]["reference"] for one in outside.there("Consent")} == {
        "Patient/m3", "Patient/m4",
    }  # fmt: skip


def _renumber(outside: Outside, number: str) -> None:
    with outside.practice.record.write() as connection:
        own = sa.update(people.patient).where(people.patient.c.id == 1)
        connection.execute(own.values(nhs_number=number))
