"""Issue 16: Bulk Data export: waited for as the server says, whole or not at all, no token elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import SourceDown, SourceProblem, SourceRefused
from clinic.sources.staging import staging
from tests.clinic.sources.fhir.asking import APPOINTMENT, PATIENT, bundle, fetched, fhir
from tests.fakes import FakeClock
from tests.servers.stand_in import Asked, Said, standing_in

A0, A1, A2, A9 = (json.dumps(APPOINTMENT | {"id": f"a{n}"}) for n in (0, 1, 2, 9))
ISSUE = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
FILES = {
    "/files/p.ndjson": json.dumps(PATIENT) + "\n",
    "/files/a1.ndjson": f"{A0}\n{A1}\n{A2}\n",
    "/files/a2.ndjson": f"{A2}\n\n{A9}",
    "/files/gone.ndjson": json.dumps({"resourceType": "Bundle", "entry": [
        {"request": {"method": "DELETE", "url": "Appointment/a77"}},
        {"request": {"method": "DELETE", "url": "Condition/c1"}},
    ]}),
    "/files/remarks.ndjson": json.dumps(ISSUE),
    "/files/errors.ndjson": json.dumps(ISSUE).replace("warning", "error"),
    "/files/broken.ndjson": '{"resourceType": "Appointm',
}  # fmt: skip

OF = {"type": "Appointment"}


def exporter(
    *waits: Mapping[str, str], manifest: Mapping[str, Any] | None = None, files: str = ""
) -> Callable[[Asked], Said | None]:
    """An export that is ready after these answers of 202; `files`: another host that has them."""
    left = list(waits)

    def answer(asked: Asked) -> Said | None:
        base = f"http://{asked.headers['Host']}"
        if asked.path.endswith("$export"):
            return Said({}, 202, {"Content-Location": f"{base}/fhir/job/1"})
        if asked.path == "/fhir/job/1" and asked.method == "GET":
            if left:
                return Said({}, 202, left.pop(0))
            place = files or base
            output = [
                {"type": "Patient", "url": f"{place}/files/p.ndjson"},
                {"type": "Appointment", "url": f"{place}/files/a1.ndjson", "count": 3},
                {"type": "Appointment", "url": f"{place}/files/a2.ndjson"},
            ]
            said: dict[str, Any] = {"transactionTime": "2026-03-02T01:00:00Z", "output": output}
            for name, value in (manifest or {}).items():
                said[name] = [each | {"url": base + each["url"]} for each in value]
            return Said(said)
        if asked.path in FILES:
            return Said(FILES[asked.path])
        return Said({}, 202) if asked.method == "DELETE" else None

    return answer


def test_every_file_of_an_export_is_read_each_resource_once(tmp_path: Path) -> None:
    clock = FakeClock()
    waits = ({"Retry-After": "20"}, {"Retry-After": "Mon, 02 Mar 2026 10:01:00 GMT"}, {})
    gone = {"deleted": [{"type": "Bundle", "url": "/files/gone.ndjson"}],
            "error": [{"type": "OperationOutcome", "url": "/files/remarks.ndjson"}]}  # fmt: skip
    with standing_in(exporter(*waits, manifest=gone)) as there:
        source = fhir(there.url, clock, bulk=True, bulk_group="g1", token="t0ken")
        found, rows = fetched(source, "appointments", tmp_path)
    assert [row["Appointment ID"] for row in rows] == ["a0", "a1", "a2", "a9", "a77"]
    assert [row["Status"] for row in rows][-2:] == ["booked", "cancelled"]
    assert [row["NHS Number"] for row in rows] == ["9990000018"] * 4 + [""]
    assert (found.rows, str(found.newest)) == (5, "2026-03-02 01:00:00+00:00")
    assert clock.slept == 20 + 40 + 10
    begun = there.asked[0]
    assert begun.path == "/fhir/Group/g1/$export"
    assert begun.query["_type"] == ["Patient,Appointment"]
    assert begun.headers["Prefer"] == "respond-async"
    assert (there.asked[-1].method, there.asked[-1].path) == ("DELETE", "/fhir/job/1")
    assert {each.headers.get("Authorization") for each in there.asked} == {"Bearer t0ken"}


@pytest.mark.parametrize(
    ("manifest", "kind", "code"),
    [
        ({"error": [{"url": "/files/errors.ndjson"}]}, SourceRefused, "source-refused"),
        ({"output": [OF | {"url": "/files/a1.ndjson", "count": 4}]}, SourceDown, "source-incomplete"),
        ({"output": [OF | {"url": "/files/broken.ndjson"}]}, SourceRefused, "source-refused"),
        ({"output": [OF | {"url": "/files/none.ndjson"}]}, SourceRefused, "source-refused"),
        ({"output": [{"url": "/files/a1.ndjson"}]}, SourceRefused, "source-refused"),
    ],
)  # fmt: skip
def test_an_export_that_is_not_whole_is_not_used(
    tmp_path: Path, manifest: Mapping[str, Any], kind: type[SourceProblem], code: str
) -> None:
    """data-in.md §2: files of errors come with status 200."""
    with standing_in(exporter(manifest=manifest)) as there, pytest.raises(kind) as refused:
        fetched(fhir(there.url, bulk=True), "appointments", tmp_path)
    assert refused.value.code == code


def test_a_list_of_files_that_is_none_is_no_empty_export(tmp_path: Path) -> None:
    """Else all that the record has would be gone from the source."""

    def answer(asked: Asked) -> Said | None:
        return Said({}) if asked.path == "/fhir/job/1" else exporter()(asked)

    with standing_in(answer) as there, pytest.raises(SourceRefused, match="list of files"):
        fetched(fhir(there.url, bulk=True), "appointments", tmp_path)


@pytest.mark.parametrize(("searched", "whole"), [(True, False), (False, True)])
def test_changes_are_exported_where_it_can_be_said_whose_they_are(
    tmp_path: Path, searched: bool, whole: bool
) -> None:
    """An export of changes has no patients that are as they were: who cannot be looked up is not lost."""

    def answer(asked: Asked) -> Said | None:
        if asked.path == "/fhir/Patient":
            return Said(bundle(PATIENT)) if searched else Said({}, 404)
        if asked.path == "/files/p.ndjson" and since:
            return Said("")
        if asked.path.endswith("$export"):
            since[:] = asked.query.get("_since", [])
        return exporter()(asked)

    since: list[str] = []
    with standing_in(answer) as there, staging(tmp_path, "record") as into:
        source = fhir(there.url, bulk=True)
        (found,) = source.fetch("appointments", into, since=datetime(2026, 3, 1, tzinfo=UTC))
    assert (found.whole, found.rows, found.left_out) == (whole, 4, {})


def test_an_export_that_is_never_ready_is_given_up_and_told_so(tmp_path: Path) -> None:
    clock = FakeClock()
    waits = [{"Retry-After": "600"}] * 20
    with standing_in(exporter(*waits)) as there, pytest.raises(SourceDown) as refused:
        fetched(fhir(there.url, clock, bulk=True, export_hours=1), "appointments", tmp_path)
    assert (refused.value.code, clock.slept) == ("source-slow", 3600)
    assert there.asked[-1].method == "DELETE"


@pytest.mark.parametrize(("named", "code"), [((), "source-elsewhere"), (("localhost",), "")])
def test_files_on_another_host_are_fetched_where_it_is_named_and_without_the_token(
    tmp_path: Path, named: tuple[str, ...], code: str
) -> None:
    """127.0.0.1 and localhost are two hosts to us; Cerner's files redirect in this way."""
    with standing_in(lambda asked: Said(FILES[asked.path])) as store:
        host = f"http://localhost:{store.port}"
        with standing_in(exporter(files=host)) as there:
            source = fhir(there.url, bulk=True, token="t0ken", file_hosts=named)
            if code:
                with pytest.raises(SourceRefused) as refused:
                    fetched(source, "appointments", tmp_path)
                assert (refused.value.code, store.asked) == (code, [])
                return
            found, _ = fetched(source, "appointments", tmp_path)
    assert found.rows == 4
    assert store.asked
    assert not any("Authorization" in each.headers for each in store.asked)
