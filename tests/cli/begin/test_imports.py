"""NEW-15, COM-11: `cohort import` and `cohort imports` as they are typed: told next, listed, put back."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.people import appointment, patient
from tests.cli.conftest import Type
from tests.main_job import nhs

PEOPLE = "NHS Number,Given Name,Surname,Date of Birth,Mobile"
SLOTS = "SlotGuid,NHS Number,AppointmentDate,AppointmentStartTime,SlotStatus"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with files of people and of their visits, whose name has to be quoted."""
    folder = tmp_path / "what came"
    folder.mkdir()
    (folder / "people.csv").write_text(f"{PEOPLE}\n{nhs(1)},Ann,Owen,1980-12-31,07700900101\n")
    (folder / "again.csv").write_text(f"{PEOPLE}\n{nhs(1)},Ann,Rees,1980-12-31,07700900102\n")
    (folder / "slots.csv").write_text(f"{SLOTS}\ns1,{nhs(1)},2027-03-04,10:30,Booked\n")
    return folder


def next_of(err: str) -> str:
    """The command that is told under "Next:"."""
    return err.split("Next:")[1].strip().splitlines()[0].strip()


def names(record: Record) -> list[tuple[str, str]]:
    query = sa.select(patient.c.family_name, patient.c.mobile)
    with record.read() as connection:
        return [(row[0], row[1]) for row in connection.execute(query)]


def test_after_a_dry_run_the_same_command_is_told_that_does_it(
    typed: Type, installed: Record, files: Path
) -> None:
    """Every option that was typed stands in it, so that what is done is what was tried."""
    typed("import", "patients", str(files / "people.csv"))
    words = (
        "import", "appointments", str(files / "slots.csv"), "--source", "emis_main", "--layout", "emis-bulk",
        "--complete-from", "2027-03-01", "--complete-to", "2027-03-31", "--most-gone", "0.5",
    )  # fmt: skip
    tried = typed(*words, "--check")
    told = shlex.split(next_of(tried.err))
    assert sorted(told) == sorted(("cohort", *words))
    assert told[:4] == ["cohort", *words[:3]]
    done = typed(*told[1:])
    assert done.code == 0, done.err
    with installed.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(appointment)) == 1


@pytest.mark.usefixtures("installed")
def test_nothing_that_was_read_otherwise_or_left_out_is_silent(typed: Type, files: Path) -> None:
    """Issue 16: columns that are not taken, with their cells; cells that were mended; days that are masks."""
    (files / "odd.csv").write_text(
        f"{PEOPLE},Date of Death,Shoe Size\n{nhs(1)}.0,Ann,Owen,1980-12-31,7700900101,9999-12-31,7\n"
    )
    for words in (("import", "patients"), ("patients", "import")):
        done = typed(*words, str(files / "odd.csv"))
        said = done.out + done.err
        assert "Columns not imported: Shoe Size (1 cells)." in said
        assert "point_zero" in said
        assert "zero_restored" in said
        # A row that says what it said is not read again
        assert ("read as empty: 1." in said) == (words[0] == "import")


def test_an_import_that_changed_nothing_is_not_to_be_put_back(
    typed: Type, installed: Record, files: Path
) -> None:
    first = typed("import", "patients", str(files / "people.csv"))
    assert "cohort imports undo 1" in first.out + first.err
    second = typed("import", "patients", str(files / "people.csv"))
    assert "imports undo" not in second.out + second.err
    listed = typed("imports", "list")
    assert [(row[0], row[-1]) for row in listed.rows()] == [("2", "changed nothing"), ("1", "done")]
    assert next_of(listed.err) == "cohort imports undo 1 --check"


def test_an_import_is_put_back_as_it_is_typed(typed: Type, installed: Record, files: Path) -> None:
    """Listed, tried, asked first, done; and again nothing is left to do."""
    typed("import", "patients", str(files / "people.csv"))
    typed("import", "patients", str(files / "again.csv"))
    assert names(installed) == [("Rees", "07700900102")]
    listed = typed("imports", "list", "--json").json()
    assert [(run["id"], run["kind"], run["began_by"], run["rows"]) for run in listed] == [
        (2, "patients", "nia", 1), (1, "patients", "nia", 1),
    ]  # fmt: skip

    tried = typed("imports", "undo", "2", "--check")
    assert (tried.code, next_of(tried.err)) == (0, "cohort imports undo 2")
    assert "Dry run" in tried.out + tried.err
    asked = typed("imports", "undo", "2")  # nobody is there to say yes
    assert asked.code != 0
    assert "--yes" in asked.err
    wrong_order = typed("imports", "undo", "1", "--yes")
    assert "cohort imports undo 2" in wrong_order.err
    assert names(installed) == [("Rees", "07700900102")]

    done = typed("imports", "undo", "2", "--yes")
    assert (done.code, names(installed)) == (0, [("Owen", "07700900101")])
    assert [row[-1] for row in typed("imports", "list").rows()] == ["put back", "done"]
    again = typed("imports", "undo", "2", "--yes", "--json").json()
    assert set(again["counts"]) <= {"as_before"}
    first = typed("imports", "undo", "1", "--yes")
    assert first.code == 0
    # Their row was written since by the second import and by its undoing alone, which is put back as well
    assert ["1", "Rows that the import added, and that are gone."] in first.rows()
    assert names(installed) == []
    assert typed("imports", "undo", "9", "--yes").code != 0


def test_files_of_a_source_that_has_all_cancel_what_they_lack(
    typed: Type, installed: Record, files: Path, config: Path
) -> None:
    """By its setting, where nothing is fetched from it; a file of another source does not."""
    soon = datetime.now(UTC) + timedelta(days=5)
    lines = [f"s{n},{nhs(1)},{soon:%Y-%m-%d},{8 + n}:30,Booked" for n in (1, 2)]
    (files / "both.csv").write_text("\n".join((SLOTS, *lines, "")))
    (files / "one.csv").write_text("\n".join((SLOTS, lines[0], "")))
    with config.open("a", encoding="utf-8") as settings:
        settings.write(
            '\n[sources.branch]\ntype = "by_hand"\ncomplete_days = 28\nmost_gone = 0.5\n'
        )
    typed("import", "patients", str(files / "people.csv"))
    for source, gone in (("other", None), ("branch", 1)):
        typed("import", "appointments", str(files / "both.csv"), "--source", source)
        words = ("import", "appointments", str(files / "one.csv"), "--source", source, "--json")
        assert typed(*words).json()["also"].get("no_longer_there") == gone
