"""`cohort practice remove` and `move`, as typed on an installation of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.ledgers import add_patients
from tests.ports import free_port

PROGRAM = str(Path(sys.executable).with_name("cohort"))


class Practice:
    """A folder with a settings file and a home, on which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("COHORT_")},
            "TMPDIR": str(folder / "tmp"),
            "XDG_STATE_HOME": str(folder / "state"),
            "NO_COLOR": "1",
        }

    def type(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path / "hill")
    made = practice.type("init", "--yes", "--name", "Hill Surgery")
    assert made.returncode == 0, made.stderr
    settings = practice.folder / "cohort.toml"
    text = settings.read_text().replace("# prefect_port = 4200", f"prefect_port = {free_port()}")
    settings.write_text(text)
    record = Record.open(f"sqlite:///{practice.folder / '.cohort' / 'record.db'}")
    add_patients(record, 300)
    record.close()
    return practice


def test_a_practice_is_removed_by_its_name_and_what_is_elsewhere_is_named(
    practice: Practice,
) -> None:
    wrong = practice.type("practice", "remove", typed="Hill\n")
    assert (wrong.returncode, "practice-name" in wrong.stderr) == (3, True)
    assert "300 patients" in wrong.stderr
    assert practice.type("backup", "kept.tar").returncode == 0

    done = practice.type("practice", "remove", typed="Hill Surgery\n")
    assert done.returncode == 4, done.stderr
    assert "kept.tar" in done.stderr
    assert practice.names() == ["kept.tar", "tmp"]
    left = [path for path in practice.folder.rglob("*") if path.is_file()]
    assert [path.name for path in left if b"+4477009" in path.read_bytes()] == ["kept.tar"]


def test_a_practice_of_which_nothing_is_elsewhere_leaves_nothing(practice: Practice) -> None:
    done = practice.type("practice", "remove", "--confirm", "Hill Surgery")
    assert done.returncode == 0, done.stderr
    assert "Nothing of it was found" in done.stderr
    assert [path for path in practice.folder.rglob("*") if path.is_file()] == []
    assert practice.type("practice", "remove", "--confirm", "The Practice").returncode == 2


def test_a_practice_moves_and_neither_home_sends_before_a_person_allows_it(
    practice: Practice, tmp_path: Path
) -> None:
    file = tmp_path / "moved.tar"
    done = practice.type("practice", "move", str(file))
    assert done.returncode == 0, done.stderr
    assert "moved to another machine" in practice.type("sending", "status").stderr

    new = Practice(tmp_path / "new")
    back = new.type("restore", str(file))
    assert back.returncode == 0, back.stderr
    assert "practice that moved" in back.stderr
    assert "Nothing is sent" in new.type("sending", "status").stderr
    assert new.type("sending", "allow", "--reason", "moved here").returncode == 0
    assert "Sending is allowed" in new.type("sending", "status").stderr
    again = practice.type("practice", "move", str(file))
    assert (again.returncode, "backup-exists" in again.stderr) == (2, True)
