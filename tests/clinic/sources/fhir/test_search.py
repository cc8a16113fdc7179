"""Issue 16: FHIR by search: each resource once, none lost in silence, and no other host asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import SourceDown, SourceProblem, SourceRefused
from tests.clinic.sources.fhir.asking import APPOINTMENT, PATIENT, bundle, fetched, fhir
from tests.fakes import FakeClock
from tests.servers.certificates import server_context
from tests.servers.stand_in import Asked, Said, standing_in

ELSEWHERE = "http://elsewhere.example/fhir/Appointment"
PAGES = [[f"a{n}" for n in range(3)], [f"a{n}" for n in range(2, 5)], []]


def server(
    *, total: int | None = 5, link: Callable[[int], str | None] = lambda page: f"Appointment?page={page}"
) -> Callable[[Asked], Said | None]:  # fmt: skip
    """Three pages of appointments: a2 comes twice, and the last page is empty."""

    def answer(asked: Asked) -> Said | None:
        if asked.path == "/fhir/Patient":
            return Said(bundle(PATIENT))
        if asked.path != "/fhir/Appointment":
            return None
        if "_summary" in asked.query:
            return Said(bundle() | ({} if total is None else {"total": total}))
        page = int(asked.query.get("page", ["0"])[0])
        following = link(page + 1) if page + 1 < len(PAGES) else None
        links = [{"relation": "next", "url": following}] if following else []
        found = [APPOINTMENT | {"id": key} for key in PAGES[page]]
        return Said(bundle(*found, link=links))

    return answer


def test_what_comes_twice_is_taken_once_and_an_empty_last_page_ends_it(tmp_path: Path) -> None:
    """Trap 19."""
    with standing_in(server()) as there:
        found, rows = fetched(fhir(there.url, page_size=3), "appointments", tmp_path)
    assert [row["Appointment ID"] for row in rows] == ["a0", "a1", "a2", "a3", "a4"]
    assert {row["NHS Number"] for row in rows} == {"9990000018"}
    assert (found.rows, found.whole, found.origin) == (5, True, "Appointment")
    assert [each.query["_id"] for each in there.asked if each.path == "/fhir/Patient"] == [["p1"]]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (server(link=lambda page: None), SourceDown, "source-incomplete"),
        (server(total=None, link=lambda page: None), SourceDown, "source-incomplete"),
        (server(total=6), SourceDown, "source-incomplete"),
        (server(link=lambda page: f"{ELSEWHERE}?page=1"), SourceRefused, "source-elsewhere"),
        (server(link=lambda page: "Appointment?page=0"), SourceRefused, "source-refused"),
        (lambda asked: Said({}, 302, {"Location": ELSEWHERE}), SourceRefused, "source-elsewhere"),
        (lambda asked: Said({}, 401), SourceRefused, "source-login"),
        (lambda asked: Said({}, 404), SourceRefused, "source-refused"),
        (lambda asked: Said({}, 500), SourceDown, "source-down"),
        (lambda asked: Said({}, 503), SourceDown, "source-down"),
        (lambda asked: Said("<html>"), SourceRefused, "source-refused"),
        (lambda asked: Said({}, cut=True), SourceDown, "source-down"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused(
    tmp_path: Path, answer: Callable[[Asked], Said | None], kind: type[SourceProblem], code: str
) -> None:
    with standing_in(answer) as there, pytest.raises(kind) as refused:
        fetched(fhir(there.url, page_size=3), "appointments", tmp_path)
    assert refused.value.code == code
    assert not list((tmp_path / "sources" / "record").glob("[0-9]*"))


def test_an_outcome_of_an_error_among_the_entries_is_no_result(tmp_path: Path) -> None:
    fault = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    with (
        standing_in(lambda asked: Said(bundle(APPOINTMENT, fault))) as there,
        pytest.raises(SourceRefused) as refused,
    ):
        fetched(fhir(there.url), "appointments", tmp_path)
    assert refused.value.code == "source-refused"


@pytest.mark.parametrize(
    ("header", "waits"), [("7", 7), ("Mon, 02 Mar 2026 10:00:30 GMT", 30), (None, 5), ("x", 5)]
)
def test_a_busy_server_is_asked_again_when_it_says(
    tmp_path: Path, header: str | None, waits: float
) -> None:
    """Seconds, or a date."""
    busy = iter([Said({}, 503, {"Retry-After": header} if header else {})])
    clock = FakeClock()
    inner = server()
    with standing_in(lambda asked: next(busy, None) or inner(asked)) as there:
        found, _ = fetched(fhir(there.url, clock, page_size=3), "appointments", tmp_path)
    assert (found.rows, clock.slept) == (5, waits)


def test_only_what_changed_is_asked_for_where_somebody_says_since_when(tmp_path: Path) -> None:
    with standing_in(server()) as there:
        source = fhir(there.url, page_size=3)
        (found,) = source.fetch("appointments", tmp_path, since=datetime(2026, 3, 1, tzinfo=UTC))
    assert not found.whole
    assert there.asked[0].query["_lastUpdated"] == ["ge2026-03-01T00:00:00Z"]


def test_a_server_that_does_not_know_since_when_is_asked_for_all(tmp_path: Path) -> None:
    def refuses(asked: Asked) -> Said | None:
        return Said({}, 400) if "_lastUpdated" in asked.query else server()(asked)

    with standing_in(refuses) as there:
        source = fhir(there.url, page_size=3)
        (found,) = source.fetch("appointments", tmp_path, since=datetime(2026, 3, 1, tzinfo=UTC))
    assert (found.whole, found.rows) == (True, 5)


def test_what_a_live_server_answers_is_of_when_it_is_asked(tmp_path: Path) -> None:
    """Nobody books on a Sunday: the newest change says nothing of how fresh the answer is."""
    clock = FakeClock()
    with standing_in(server()) as there:
        found, _ = fetched(fhir(there.url, clock, page_size=3), "appointments", tmp_path)
    assert found.newest == clock.now()


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (Said({}, 401), "token_file.*401"),
        (Said({}, 403), "scope.*403"),
        (Said({}, 404), "404.*base address"),
        (
            Said({}, 302, {"Location": "https://login.example.org/"}),
            "another address.*login.example.org",
        ),
        (Said("<html>log in</html>"), "no Bundle.*login"),
        (Said({}, 500), "500: try later"),
        (Said({}, 503, {"Retry-After": "Mon, 02 Mar 2026 10:00:30 GMT"}), "503"),
    ],
    ids=["401", "403", "404", "redirect", "html", "500", "503"],
)
def test_what_a_server_says_instead_is_told_with_what_to_do(
    tmp_path: Path, said: Said, says: str
) -> None:
    clock = FakeClock()
    with standing_in(lambda _: said) as there, pytest.raises(SourceProblem, match=says):
        list(fhir(there.url, clock).fetch("appointments", tmp_path))
    assert clock.slept < 120


def test_a_certificate_of_an_unknown_authority_is_told_and_taken_where_it_is_named(
    tmp_path: Path,
) -> None:
    serving, _ = server_context(tmp_path)
    with standing_in(server(), tls=serving) as there:
        with pytest.raises(SourceDown, match="certificate is not trusted: self-signed"):
            list(fhir(there.url, page_size=3).fetch("appointments", tmp_path))
        own = fhir(there.url, page_size=3, authority_file=str(tmp_path / "server.pem"))
        (found,) = own.fetch("appointments", tmp_path)
    assert found.rows == 5


def test_whom_the_server_does_not_know_is_counted(tmp_path: Path) -> None:
    """Trap 2: an appointment of an unknown patient is no row, and no silence."""
    strange: dict[str, Any] = APPOINTMENT | {
        "participant": [{"actor": {"reference": "Patient/p9"}}]
    }

    def answer(asked: Asked) -> Said:
        return Said(bundle() if asked.path == "/fhir/Patient" else bundle(strange))

    with standing_in(answer) as there:
        found, rows = fetched(fhir(there.url), "appointments", tmp_path)
    assert (rows, found.left_out) == ([], {"patient is not known there": 1})


def test_no_address_is_logged_since_ids_of_patients_stand_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """NEW-14: whatever a library would say of its requests."""
    caplog.set_level("DEBUG")
    with standing_in(server()) as there:
        fetched(fhir(there.url, page_size=3), "appointments", tmp_path)
    assert any(each.query.get("_id") == ["p1"] for each in there.asked)
    assert caplog.text == ""


def test_another_machine_is_asked_by_tls_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as refused:
        fetched(fhir("http://fhir.example.org/R4"), "appointments", tmp_path)
    assert refused.value.code == "source-tls"
