"""Issue 16: a folder that others export to: which file is taken, when it is refused, how it goes away."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clinic.errors import SourceDown, SourceProblem, SourceRefused
from clinic.imports.kinds import open_file
from clinic.settings import SourceSettings
from clinic.sources.files import FilesSource
from clinic.sources.staging import staging
from tests.fakes import FakeClock

NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
SLOTS = "*_Appointment_Slot_*.csv"


def put(folder: Path, name: str, *, hours: float = 1, text: str = "a,b\n1,2\n") -> Path:
    path = folder / name
    path.write_text(text)
    when = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(path, (when, when))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def source(watched: Path, **given: Any) -> FilesSource:
    values = {"type": "files", "folder": str(watched), "patterns": {"appointments": SLOTS}} | given
    return FilesSource("emis", SourceSettings(**values), FakeClock(NOW))


def test_the_newest_file_that_fits_is_copied_for_our_account_alone(
    folder: Path, tmp_path: Path
) -> None:
    put(folder, "1_Appointment_Slot_x.csv", hours=25)
    newest = put(folder, "2_Appointment_Slot_x.csv", hours=2, text="a\nnewest\n")
    put(folder, "3_Admin_Patient_x.csv", hours=1)
    put(folder, ".4_Appointment_Slot_x.csv", hours=1)
    (folder / "5_Appointment_Slot_x.csv").symlink_to(newest)
    with staging(tmp_path / "home", "emis") as into:
        (fetched,) = source(folder).fetch("appointments", into)
        assert fetched.path.read_text() == "a\nnewest\n"
        assert fetched.path.stat().st_mode & 0o777 == 0o600
        assert into.stat().st_mode & 0o777 == 0o700
        assert fetched.sha256 == hashlib.sha256(b"a\nnewest\n").hexdigest()
        assert (fetched.origin, fetched.newest) == (newest.name, NOW - timedelta(hours=2))
        assert fetched.whole
    assert not into.exists()
    assert newest.exists()


def test_changes_are_given_in_the_order_of_the_first_number(folder: Path, tmp_path: Path) -> None:
    """data-in.md §0: the numbers grow in length, and the newest by name is not the newest by number."""
    for number in (291, 1002, 99):
        put(folder, f"{number}_Appointment_Slot_2026.csv", hours=number / 100)
    with staging(tmp_path, "emis") as into:
        given = [
            each.origin for each in source(folder, take="numbered").fetch("appointments", into)
        ]
    assert [name.partition("_")[0] for name in given] == ["99", "291", "1002"]


@pytest.mark.parametrize(
    ("files", "settings", "kind", "code"),
    [
        ({}, {}, SourceRefused, "source-no-file"),
        ({"1_Appointment_Slot_x.csv": 37}, {}, SourceRefused, "source-stale"),
        ({"1_Appointment_Slot_x.csv": 37}, {"take": "numbered"}, SourceRefused, "source-stale"),
        ({"1_Appointment_Slot_x.csv": 0.01}, {}, SourceDown, "source-unfinished"),
        ({"x_Appointment_Slot_x.csv": 1}, {"take": "numbered"}, SourceRefused, "source-no-number"),
        ({}, {"patterns": {"appointments": "../*"}}, SourceRefused, "source-folder"),
        ({}, {"folder": "/nowhere"}, SourceRefused, "source-folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said_and_checked_alike(
    folder: Path, tmp_path: Path, files: Mapping[str, float], settings: Mapping[str, Any],
    kind: type[SourceProblem], code: str,
) -> None:  # fmt: skip
    for name, hours in files.items():
        put(folder, name, hours=hours)
    asked = source(folder, **settings)
    with pytest.raises(kind) as refused:
        list(asked.fetch("appointments", tmp_path))
    assert refused.value.code == code
    assert asked.check("appointments").problem == refused.value.says


def test_a_check_says_what_is_there_and_changes_nothing(folder: Path) -> None:
    text = "NHS Number,Start,Status\n9990000018,2026-03-03 09:00,Booked\n"
    put(folder, "1_Appointment_Slot_x.csv", text=text)
    answer = source(folder).check("appointments")
    assert (answer.origin, answer.newest, answer.problem) == (
        "1_Appointment_Slot_x.csv", NOW - timedelta(hours=1), ""
    )  # fmt: skip
    assert (answer.rows, answer.columns) == (1, ("NHS Number", "Start", "Status"))
    assert [path.name for path in folder.iterdir()] == ["1_Appointment_Slot_x.csv"]


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_other_kinds_of_files_are_taken_as_they_are(
    folder: Path, tmp_path: Path, ending: str
) -> None:
    path = folder / f"slots.{ending}"
    row = {"NHS Number": ["9990000018"], "Start": ["2026-03-03 09:00"], "Status": ["Booked"]}
    frame = pd.DataFrame(row)
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    when = (NOW - timedelta(hours=1)).timestamp()
    os.utime(path, (when, when))
    asked = source(folder, patterns={"appointments": "slots.*"})
    answer = asked.check("appointments")
    assert (answer.rows, answer.columns, answer.problem) == (1, tuple(row), "")
    with staging(tmp_path / "home", "emis") as into:
        (fetched,) = asked.fetch("appointments", into)
        (block,) = open_file("appointments", fetched.path).blocks()
    assert block.frame.iloc[0].tolist() == ["9990000018", "2026-03-03 09:00", "Booked"]


def test_what_is_imported_is_moved_away_once_and_never_over_another(
    folder: Path, tmp_path: Path
) -> None:
    asked = source(folder, patterns={"appointments": "slots.csv"})
    for _ in range(2):
        put(folder, "slots.csv")
        with staging(tmp_path / "home", "emis") as into:
            (fetched,) = asked.fetch("appointments", into)
        asked.done(fetched)
        asked.done(fetched)
        assert not (folder / "slots.csv").exists()
    assert len(list((folder / "done").iterdir())) == 2


def test_a_new_file_of_the_same_name_stays_where_it_is(folder: Path, tmp_path: Path) -> None:
    asked = source(folder, patterns={"appointments": "slots.csv"})
    put(folder, "slots.csv")
    with staging(tmp_path / "home", "emis") as into:
        (fetched,) = asked.fetch("appointments", into)
    put(folder, "slots.csv", text="a\nof tonight\n")
    asked.done(fetched)
    assert (folder / "slots.csv").read_text() == "a\nof tonight\n"
