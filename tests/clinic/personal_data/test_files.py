"""NEW-35: each file of a home that was worked in has an entry in the catalogue."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.program import app
from clinic.personal_data.entries.files import FILES
from tests.cli.office import SECRET, descriptor


def without_entry(home: Path) -> list[str]:
    """Files below a home that no pattern of the catalogue is of."""
    patterns = [file.pattern for file in FILES if file.folder == "home"]
    found = (str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(fnmatch(path, one) for one in patterns))


def test_every_file_of_a_home_that_was_worked_in_has_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NEW-35: set up, patients imported, people added and signed in, their data asked for, backed up."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    where = {"COHORT_HOME": str(home), "COHORT_CONFIG": str(tmp_path / "cohort.toml")}

    def typed(*words: str, proven: bool = False, new: bool = False) -> None:
        asked = [("--password-fd", proven), ("--new-password-fd", new)]
        more = [one for name, is_so in asked if is_so for one in (name, str(descriptor(SECRET)))]
        done = CliRunner().invoke(app, [*words, *more], env=where)
        assert done.exit_code == 0, done.output

    rows = (
        "NHS Number,EMIS Number,Given Name,Family Name,Mobile\n9990000018,E1,Ann,Lee,07700900123\n"
    )
    (tmp_path / "patients.csv").write_text(rows)
    typed("init", "--name", "Elm Surgery", "--phone", "01134960000")
    typed("patients", "import", "patients.csv")
    typed("operators", "add", "root", "--role", "admin", new=True)
    typed(
        "operators", "add", "mia", "--role", "manager", "--operator", "root", proven=True, new=True
    )
    typed("sign-in", "mia", proven=True)
    typed("subject-access", "9990000018", "--reason", "asked", "--to", "answers")
    typed("backup", "backup.tar")
    assert {"record.db", "audit.key"} <= {path.name for path in home.iterdir()}
    assert any(path.name.startswith("signed-in-") for path in home.iterdir())
    assert without_entry(home) == []
    (home / "notes of somebody.txt").write_text("new")
    assert without_entry(home) == ["notes of somebody.txt"]
