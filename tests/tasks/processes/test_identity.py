"""Which installation this is on a shared Prefect server: names that differ, and that Prefect takes."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from prefect.client.schemas.actions import DeploymentCreate, WorkPoolCreate

from clinic.clock import SystemClock
from clinic.errors import NotAllowed, NotSetUp
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import Settings
from tasks.processes import identity
from tasks.processes.identity import VARIABLE, Installation
from tasks.wiring import use, wiring

OAKFIELD = Installation("3f2a9c1b-7d10-4a5e-9c1e-0123456789ab", "Oakfield Surgery")


def test_two_of_the_same_name_share_nothing() -> None:
    other = Installation("8c01d2e3-7d10-4a5e-9c1e-0123456789ab", "Oakfield Surgery")
    for shown in ("pool", "tag", "label", "key"):
        assert getattr(OAKFIELD, shown) != getattr(other, shown)
    assert (OAKFIELD.pool, OAKFIELD.label) == ("cohort-3f2a9c1b", "Oakfield Surgery, 3f2a9c1b")


@pytest.mark.parametrize(
    ("practice", "label"),
    [
        ("Smith & Sons / Branch <2> 50%", "Smith Sons Branch 2 50, 3f2a9c1b"),
        ("Meddygfa'r Dŵr", "Meddygfa'r Dŵr, 3f2a9c1b"),
        ("St. Mary’s (North) {{ $HOME }}", "St. Mary’s North HOME, 3f2a9c1b"),
        ("  \n ", "3f2a9c1b"),
        ("x" * 200, "x" * 60 + ", 3f2a9c1b"),
    ],
)
def test_whatever_the_practice_is_called_prefect_takes_it(practice: str, label: str) -> None:
    who = Installation(OAKFIELD.install_id, practice)
    assert who.label == label
    DeploymentCreate(name=f"message ({who.label})", flow_id=uuid.uuid4())
    WorkPoolCreate(name=who.pool, type="process", description=who.label)


@pytest.mark.parametrize(
    ("tags", "owns"),
    [
        (["messages", "installation-3f2a9c1b"], True),
        (["messages"], False),
        (["installation-8c01d2e3"], False),
        (["installation-3f2a9c1b", "installation-8c01d2e3"], False),
        ([], False),
    ],
)
def test_a_run_is_ours_by_our_tag_and_no_others(tags: list[str], owns: bool) -> None:
    assert OAKFIELD.owns(tags) == owns


@pytest.fixture
def home(sqlite_record_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with a record, which this process finds by its environment."""
    monkeypatch.setenv("COHORT_HOME", str(tmp_path))
    return Settings(home=tmp_path)


def test_it_is_the_records_own_and_is_remembered_while_the_record_is_away(home: Settings) -> None:
    name = identity.read(home).install_id  # it had none yet
    assert identity.read(home).install_id == name
    note = home.home / "prefect" / identity.NOTE
    note.parent.mkdir()
    note.write_text(name)
    (home.home / "record.db").unlink()
    with pytest.raises(NotSetUp, match="cohort init"):
        identity.read(home)
    found = identity.known(home)
    assert found is not None
    assert found.install_id == name
    assert not (home.home / "record.db").exists()


def test_a_run_does_nothing_in_another_record_than_that_of_who_asked(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that lead a running worker to another record do not lead its runs there."""
    monkeypatch.setenv(VARIABLE, OAKFIELD.install_id)
    with pytest.raises(NotAllowed, match="run-not-ours"):
        wiring()
    record = Record.open(home.database_url)
    monkeypatch.setenv(VARIABLE, install(record, SystemClock()))
    record.close()
    made = wiring()
    assert made.installation.install_id == identity.read(home).install_id
    use(None)
    made.close()
