"""NEW-11: what an answer to a Bundle proves of each entry; anything else proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.fhir.bundle import EntryReply, replies_of


def outcome(severity: str) -> dict[str, Any]:
    issue = {"severity": severity, "code": "invalid", "expression": ["Communication.subject"]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


CREATED = {"status": "201 Created", "location": "Communication/7/_history/1", "etag": 'W/"1"'}
SAYS = "invalid Communication.subject"


@pytest.mark.parametrize(
    ("entry", "reply"),
    [
        ({"response": CREATED}, EntryReply(201, "7", "1")),
        ({"response": {**CREATED, "location": "https://a/b/Communication/7"}}, EntryReply(201, "7", "1")),
        ({"response": CREATED | {"outcome": outcome("warning")}}, EntryReply(201, "7", "1", SAYS)),
        ({"response": {"status": "200"}, "resource": {"resourceType": "Communication", "id": "8"}},
         EntryReply(200, "8")),
        ({"response": {"status": "412", "outcome": outcome("error")}}, EntryReply(412, says=SAYS)),
        # A success that says that it is none
        ({"response": {"status": "200 OK", "outcome": outcome("error")}}, EntryReply(422, says=SAYS)),
        ({"response": {"status": "201"}, "resource": outcome("fatal")}, EntryReply(422, says=SAYS)),
    ],
)  # fmt: skip
def test_an_entry_says_what_became_of_it(entry: dict[str, Any], reply: EntryReply) -> None:
    assert replies_of({"resourceType": "Bundle", "entry": [entry]}, 1) == [reply]


@pytest.mark.parametrize(
    "body",
    [
        {},
        outcome("error"),
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": []},
        {"resourceType": "Bundle", "entry": [{"response": CREATED}] * 3},
        {"resourceType": "Bundle", "entry": [{"response": CREATED}, {"response": {}}]},
        {"resourceType": "Bundle", "entry": [{"response": CREATED}, None]},
        {
            "resourceType": "Bundle",
            "entry": [{"response": CREATED}, {"response": {"status": "fine"}}],
        },
    ],
)
def test_what_is_no_answer_to_each_of_two_proves_nothing(body: dict[str, Any]) -> None:
    assert replies_of(body, 2) is None
