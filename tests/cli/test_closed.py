"""Files that commands write are for one account, and a script's log holds no patient."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.cli.conftest import Type
from tests.ledgers import add_patients


def test_a_script_s_log_holds_no_patient_and_no_message(typed: Type, installed: Record) -> None:
    add_patients(installed, 3)
    words = (
        "message",
        "--status",
        "active",
        "--name",
        "A",
        "--purpose",
        "care",
        "--text",
        "Dear {{ patient.given_name }}",
    )
    for asked in ((*words, "--dry-run", "--yes"), (*words, "--dry-run")):
        told = typed(*asked)
        assert "3 rows in the list" in told.err, told.err
        assert ("Dear " in told.err) is ("--yes" not in asked)


@pytest.mark.parametrize(
    "words",
    [("report", "--csv"), ("report", "--excel"), ("list", "check", "LIST", "--html")],
)  # fmt: skip
def test_a_file_that_was_open_to_others_is_closed(
    typed: Type, installed: Record, tmp_path: Path, words: tuple[str, ...]
) -> None:
    patients = tmp_path / "list.csv"
    patients.write_text("local_id\n4711\n", encoding="utf-8")
    path = tmp_path / "written"
    path.write_text("before", encoding="utf-8")
    path.chmod(0o644)
    typed(*(str(patients) if word == "LIST" else word for word in words), str(path))
    assert path.read_bytes()[:6] != b"before"
    assert path.stat().st_mode & 0o777 == 0o600
