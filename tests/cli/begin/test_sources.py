"""Issue 16: `cohort sources`: what each would give; no host is asked but those of the settings."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.program import app
from tests.clinic.sources.fhir.asking import PATIENT, bundle
from tests.servers.stand_in import Said, standing_in

TOKEN = "s3cret-t0ken"
_CONTACTED: list[Any] = []


def _note(event: str, given: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo"):
        _CONTACTED.append(given[1] if event == "socket.connect" else (given[0], given[1]))


@pytest.fixture(scope="session")
def contacted() -> list[Any]:
    """Whom this process spoke to. Not before it is asked for: what hears of every event slows every test."""
    sys.addaudithook(_note)  # of Python itself: whatever library it is, it is seen
    return _CONTACTED


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    with sqlite3.connect(tmp_path / "w.db") as database:
        database.execute("CREATE TABLE p (nhs TEXT, ward TEXT)")
        database.execute("INSERT INTO p VALUES ('9990000018', 'Elm')")
    database.close()
    (tmp_path / "queries").mkdir()
    query = 'SELECT nhs AS "NHS Number", ward AS "Ward" FROM p'
    (tmp_path / "queries" / "patients.sql").write_text(query)
    (tmp_path / "in").mkdir()
    return tmp_path


def run(folder: Path, url: str, *words: str) -> Result:
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    (folder / "cohort.toml").write_text(
        f"""
home = "home"
[sources.warehouse]
type = "sql"
url = "sqlite:///{folder / "w.db"}"
queries = "queries"
[sources.emis]
type = "files"
folder = "in"
patterns = {{ appointments = "*.csv" }}
[sources.record]
type = "fhir"
url = "{url}"
token_file = "token"
kinds = ["patients"]
"""
    )
    return CliRunner().invoke(app, ["sources", *words])


@pytest.mark.xdist_group("contacted")
def test_each_says_what_it_would_give_and_no_other_host_is_asked(
    practice: Path, contacted: list[Any]
) -> None:
    """ARC-11: no outside host that is not configured, whatever the environment says; no token is shown."""
    with standing_in(lambda asked: Said(bundle(PATIENT, total=1))) as there:
        contacted.clear()
        done = run(practice, there.url, "check", "--json")
        port = there.port
    found = json.loads(done.stdout)
    assert done.exit_code == 2  # one of them gives nothing
    assert [(one["kind"], one["rows"], one["unused"]) for one in found["warehouse"]] == [
        ("patients", 1, ["Ward"])
    ]
    assert found["record"][0]["rows"] == 1
    assert "no file *.csv" in found["emis"][0]["problem"]
    assert set(map(str, contacted)) <= {f"('127.0.0.1', {port})"}
    assert contacted
    assert TOKEN not in done.output
    assert not (practice / "home" / "sources").exists()


@pytest.mark.xdist_group("contacted")
def test_the_list_asks_nobody_and_shows_no_secret(practice: Path, contacted: list[Any]) -> None:
    contacted.clear()
    done = run(practice, f"https://fhir.example.org/{TOKEN}", "list")
    assert done.exit_code == 0, done.output
    assert "fhir.example.org" in done.output
    assert TOKEN not in done.output
    assert contacted == []


def test_a_source_that_is_not_there_is_named(practice: Path) -> None:
    done = run(practice, "http://127.0.0.1:1/fhir", "check", "nowhere")
    assert done.exit_code == 2
    assert "no-such-source" in done.output
    assert "emis, record, warehouse" in done.output
