"""ACX-32, ACX-33, NEW-11: what was sent is on the record outside too, once, whatever happens between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.fhir.client import Answer, NoAnswer
from clinic.fhir.codes import CATEGORY, MEDIUM, NOT_DONE, SNOMED
from clinic.gateway.received import Receipt
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_receipts
from clinic.outside_record.standing import ask_again, standing
from clinic.record.schema.people import clinical_item, consent
from clinic.record.schema.systems.outside_record import outside_item
from tests.clinic.outside_record.allowed import ALLOWED
from tests.clinic.outside_record.conftest import THERE, TOKEN, Outside
from tests.main_job import nhs
from tests.servers.fhir import faults_before
from tests.servers.scripted import reply, scripted_http

pytestmark = pytest.mark.xdist_group("fhir")
OutsideOf = Callable[..., Outside]


def told(outside: Outside, *fates: str) -> None:
    """The network tells what became of the first messages."""
    practice = outside.practice
    ids = sorted(item.id for item in practice.items())
    receipts = [
        Receipt("fake", f"{key}-{fate}", key, fate, "absent_subscriber" if fate == "undelivered" else None)  # type: ignore[arg-type]
        for key, fate in zip(ids, fates, strict=False)
    ]  # fmt: skip
    keep_receipts(practice.record, practice.clock, receipts)
    assert apply_receipts(practice.record, practice.clock).applied == len(fates)


def codes(concept: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["system"], one["code"]) for one in concept["coding"]]


def test_a_message_is_there_with_its_patient_text_codes_and_number(outside_of: OutsideOf) -> None:
    """ACX-32: SNOMED CT codes, category, status, the Bulk Outreach ID; every code is one that FHIR has."""
    outside = outside_of(2, snomed_codes=["699237001"])
    assert outside.save().saved == 2
    found = sorted(outside.there(), key=lambda one: one["subject"]["reference"])
    one, key = found[0], outside.practice.items()[0].id
    assert one["subject"] == {"reference": "Patient/p1"}
    assert one["payload"] == [{"contentString": "Hello, your review is due."}]
    assert one["sent"] == "2026-03-02T10:00:00+00:00"
    assert [i["value"] for i in one["identifier"]] == [f"message-{key}", "outreach-1"]
    assert codes(one["reasonCode"][0]) == [(SNOMED, "699237001")]
    assert one["status"] in ALLOWED["Communication.status"]
    for concept in (*one["category"], *one["medium"]):
        for system, code in codes(concept):
            assert code in ALLOWED[system]
    assert {CATEGORY, MEDIUM} == {codes(c)[0][0] for c in (one["category"][0], one["medium"][0])}


def test_saving_again_makes_no_second_one(outside_of: OutsideOf) -> None:
    outside = outside_of(3)
    assert [outside.save().saved for _ in range(3)] == [3, 0, 0]
    assert len(outside.there()) == 3


def test_the_status_follows_the_receipts(outside_of: OutsideOf) -> None:
    """COM-6: in-progress until it is confirmed; completed, or not-done with a reason."""
    outside = outside_of(3)
    outside.save()
    assert Counter(one["status"] for one in outside.there()) == {"in-progress": 3}
    told(outside, "delivered", "undelivered")
    assert outside.save().saved == 2
    by_patient = {one["subject"]["reference"]: one for one in outside.there()}
    assert by_patient["Patient/p1"]["status"] == "completed"
    assert by_patient["Patient/p1"]["received"] == "2026-03-02T10:00:00+00:00"
    assert by_patient["Patient/p2"]["status"] == "not-done"
    assert codes(by_patient["Patient/p2"]["statusReason"]) == [(NOT_DONE, "recipient-unavailable")]
    assert by_patient["Patient/p3"]["status"] == "in-progress"
    assert {one["meta"]["versionId"] for one in outside.there()} == {"1", "2"}


def test_a_receipt_after_all_was_over_is_saved_too(outside_of: OutsideOf) -> None:
    """A batch that awaits nothing is not looked through again, until something of it changes after all."""
    outside = outside_of(2)
    outside.practice.clock.sleep(80 * 3600)
    end_waiting(outside.practice.record, outside.practice.clock, outside.practice.settings.receipts)
    end_waiting(outside.practice.record, outside.practice.clock, outside.practice.settings.receipts)
    outside.save()
    assert Counter(one["status"] for one in outside.there()) == {"not-done": 2}
    told(outside, "delivered")
    outside.save()
    assert Counter(one["status"] for one in outside.there()) == {"not-done": 1, "completed": 1}


def test_what_somebody_wrote_there_meanwhile_stays(outside_here: OutsideOf) -> None:
    """412: it is read, and our status alone is written to the version that was read."""
    outside = outside_here(1)
    outside.save()
    theirs = outside.there()[0]
    noted = {**theirs, "note": [{"text": "rang her as well"}]}
    outside.server.tell("PUT", f"Communication/{theirs['id']}", noted)
    told(outside, "delivered")
    assert outside.save().saved == 1
    now = outside.there()[0]
    assert (now["status"], now["note"], now["meta"]["versionId"]) == (
        "completed", [{"text": "rang her as well"}], "3",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "at"),
    [(fault, 1) for fault in ("cut", "lost", "429", "503", "500", "409", "412", "400")]
    + [("412", 3), ("cut", 3), ("lost", 3)],  # among the changes of a status
)
def test_whatever_happens_between_each_is_there_once(
    outside_of: OutsideOf, fault: str, at: int
) -> None:
    """NEW-11: no answer is not known, and is asked again; nothing is lost, nothing is there twice."""
    outside = outside_of(4)
    outside.settings = {"per_request": 2}
    with faults_before(outside.server.port, *["pass"] * (at - 1), fault) as faults:
        for _ in range(4):
            outside.save(faults.url)
            outside.practice.clock.sleep(3600)
        told(outside, "delivered", "delivered", "delivered", "delivered")
        outside.save(faults.url)
    found = outside.there()
    assert sorted(one["subject"]["reference"] for one in found) == [
        f"Patient/p{n}" for n in (1, 2, 3, 4)
    ]
    assert {one["status"] for one in found} == {"completed"}
    assert {item.state for item in outside.items()} == {"saved"}


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    plan=st.lists(st.sampled_from(["pass", "cut", "lost", "429", "503", "409", "412"]), max_size=9)
)
def test_any_order_of_faults_ends_in_each_once(outside_once: Outside, plan: list[str]) -> None:
    """The status goes to and fro by other means, so that there is always something to save."""
    outside, practice = outside_once, outside_once.practice
    with practice.record.write() as connection:
        now = sa.select(clinical_item.c.status).limit(1).scalar_subquery()
        other = sa.case((now == "pending", "sent"), (now == "sent", "failed"), else_="pending")
        connection.execute(sa.update(clinical_item).values(status=other))
    with faults_before(outside.server.port, *plan) as faults:
        for _ in range(len(plan) + 2):
            outside.save(faults.url)
            practice.clock.sleep(24 * 3600)
    assert len(outside.there()) == 3
    wanted = {"pending": "in-progress", "sent": "completed", "failed": "not-done"}
    assert {one["status"] for one in outside.there()} == {wanted[practice.items()[0].status]}


@pytest.fixture
def outside_once(outside_here: OutsideOf) -> Outside:
    """Three messages, with three statuses to go through."""
    outside = outside_here(3)
    outside.settings = {"per_request": 2}
    return outside


class Killed(BaseException):
    """This process ends here."""


class DiesAfter:
    """A client whose process is killed right after its n-th answer, before anything is noted."""

    def __init__(self, client: Any, requests: int) -> None:
        self._client, self._left = client, requests
        self.base_url = client.base_url

    def send(self, *words: Any, **more: Any) -> Any:
        answer = self._client.send(*words, **more)
        self._left -= 1
        if self._left == 0:
            raise Killed
        return answer


@pytest.mark.parametrize("requests", [1, 2, 3, 4])
def test_killed_between_the_answer_and_its_note_the_next_one_finds_it(
    outside_of: OutsideOf, requests: int
) -> None:
    """NEW-11: who takes over waits until what was asked cannot be under way any more, and asks anew."""
    outside = outside_of(4)
    outside.settings = {"per_request": 2}
    client = outside.saver()._client
    with pytest.raises(Killed):
        outside.saver(client=DiesAfter(client, requests), owner="dead").run()
    assert outside.saver(owner="next").run().saved == 0, "the dead one's lease holds"
    outside.practice.clock.sleep(60)
    outside.saver(owner="next").run()
    assert len(outside.there()) == 4
    assert {item.state for item in outside.items()} == {"saved"}


class Sleeps:
    """A client whose machine stands still before its first Bundle leaves, until another has saved all."""

    def __init__(self, outside: Outside) -> None:
        self._outside, self._client = outside, outside.saver()._client
        self.base_url = self._client.base_url
        self.slept = False

    def send(self, method: str, path: str, body: bytes = b"", **more: Any) -> Any:
        if self.slept or path:
            return self._client.send(method, path, body, **more)
        self.slept = True
        self._outside.practice.clock.sleep(3600)
        self._outside.saver(owner="another").run()
        refused = {
            "response": {"status": "422"}
        }  # as it stands there now, what is asked makes no sense
        kind = orjson.loads(body)["type"] + "-response"
        entries = [refused for _ in orjson.loads(body)["entry"]]
        return Answer(200, None, {"resourceType": "Bundle", "type": kind, "entry": entries})


@pytest.mark.parametrize("news", [False, True], ids=["created", "rewritten"])
def test_what_a_machine_that_stood_still_hears_changes_nothing_that_another_noted(
    outside_of: OutsideOf, news: bool
) -> None:
    """NEW-11: its lease ran out meanwhile; what it asked for is refused, and is there all the same."""
    outside = outside_of(3)
    if news:
        outside.save()
        told(outside, "delivered")
    done = outside.saver(client=Sleeps(outside), owner="slept").run()
    assert (done.saved, done.refused) == (0, 0)
    assert [item.state for item in outside.items()] == ["saved"] * 3
    assert len(outside.there()) == 3
    if not news:
        told(outside, "delivered", "undelivered")
        assert outside.save().saved == 2, "and its status is kept up"


def test_what_is_refused_is_listed_with_its_reason_and_asked_again_alone(
    outside_of: OutsideOf,
) -> None:
    """A patient who is not there; everybody else's is saved meanwhile."""
    stranger = THERE + 1
    outside = outside_of(stranger)
    record, clock = outside.practice.record, outside.practice.clock
    done = outside.save()
    assert (done.saved, done.refused) == (THERE, 1)
    found = standing(record)
    assert found.counts["message"] == {"saved": THERE, "refused": 1}
    (problem,) = found.problems
    assert (problem.code, problem.campaign_id, problem.row_number) == (
        "patient-not-there",
        1,
        stranger + 1,
    )
    assert outside.save().saved == 0, "nothing is asked again by itself"
    outside.server.patients({stranger: nhs(stranger)})
    try:
        assert ask_again(record, clock, numbers=[], campaign_id=1, by="nia") == 1
        assert outside.save().saved == 1
        assert len(outside.there()) == stranger
    finally:
        for one in outside.there():
            if one["subject"]["reference"] == f"Patient/p{stranger}":
                outside.server.remove(f"Communication/{one['id']}")
        outside.server.remove(f"Patient/p{stranger}")


@pytest.mark.parametrize(
    ("answer", "says", "wait"),
    [
        (reply(401), "login", 15),
        (reply(403), "does not let us", 15),
        (reply(404), "no FHIR server", 15),
        (reply(302, b"", "Location: http://127.0.0.1:9/elsewhere"), "302", 15),
        (reply(503, b"", "Retry-After: 120"), "busy", 120),
        (reply(429, b"", "Retry-After: 600"), "too often", 600),
        (reply(200, b"<html>Welcome</html>"), "200", 15),
        (reply(200, b'{"resourceType": "Bundle", "entry": 7}'), "", 15),
        (
            reply(200, b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}'),
            "200",
            15,
        ),
    ],
)
def test_who_takes_nothing_refuses_nothing(
    outside_here: OutsideOf, answer: Any, says: str, wait: int
) -> None:
    """Only what the other side says of one message is a refusal; after trouble it is left alone for a while."""
    outside = outside_here(2)
    with scripted_http(answer) as server:
        outside.save(server.url)
        asked = len(server.requests)
        outside.save(server.url)
        assert len(server.requests) == asked, "it was asked again at once"
        found = standing(outside.practice.record)
        assert says in found.side.trouble
        now = outside.practice.clock.now()
        assert found.side.not_before is not None
        assert found.side.not_before - now >= timedelta(seconds=wait - 1)
        outside.practice.clock.sleep(wait + 1)
        outside.save(server.url)
        assert len(server.requests) > asked
    assert {item.state for item in outside.items()} == {"waiting"}
    outside.practice.clock.sleep(7200)
    outside.save()
    assert len(outside.there()) == 2


def test_decisions_made_here_go_there_and_those_from_there_do_not_come_back(
    outside_of: OutsideOf,
) -> None:
    """NEW-15: an opt-out as a Consent with its day; what an import brought is the other system's own."""
    outside = outside_of(2)
    outside.practice.decides(1, "opt_out")
    outside.practice.decides(2, "opt_in", channel="email")
    with outside.practice.record.write() as connection:
        connection.execute(
            sa.update(consent).where(consent.c.patient_id == 2).values(source="import")
        )
    outside.save()
    outside.save()
    (found,) = outside.there("Consent")
    assert found["patient"] == {"reference": "Patient/p1"}
    (rule,) = found["provision"]["provision"]
    assert rule["type"] == "deny"
    assert "type" not in found["provision"], "R4: not permitted in the root rule"
    assert found["status"] in ALLOWED["Consent.status"]
    assert found["dateTime"] == "2026-03-02T10:00:00+00:00"
    assert codes(rule["code"][0]) == [(SNOMED, "513631000000106")]


def test_acts_of_the_trail_go_there_once_without_reasons(outside_of: OutsideOf) -> None:
    outside = outside_of(1)
    outside.settings = {"audit": True}
    before = outside.server.count("AuditEvent")
    outside.save()
    acts = [item for item in outside.items() if item.kind == "act"]
    assert acts
    with outside.practice.record.write() as connection:  # as if no answer had come
        connection.execute(
            sa.update(outside_item)
            .where(outside_item.c.kind == "act")
            .values(state="waiting", remote_id=None)
        )
    outside.save()
    assert outside.server.count("AuditEvent") == before + len(acts)


def test_what_was_sent_before_the_day_is_not_saved(outside_here: OutsideOf) -> None:
    outside = outside_here(2)
    saver = outside.saver()
    saver._settings = saver._settings.model_copy(update={"save_from": date(2026, 3, 3)})
    assert saver.run().saved == 0
    assert outside.there() == []


def test_nothing_of_a_patient_or_the_token_is_in_what_it_says(outside_here: OutsideOf) -> None:
    """IG: an error of the library would quote the request: none is raised with it."""
    outside = outside_here(1)
    client = outside.saver("http://127.0.0.1:9/fhir")._client
    with pytest.raises(NoAnswer) as raised:
        client.send("POST", "", b"Given1 9990000018")
    told = f"{raised.value!r} {raised.value.__cause__} {raised.value.__context__}"
    assert "Given1" not in told
    assert TOKEN not in told
