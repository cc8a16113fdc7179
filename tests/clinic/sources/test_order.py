"""Issue 16: patients of every source come before what is theirs, whatever the sources are called."""

from __future__ import annotations

from pathlib import Path

from clinic.record.database import Record
from clinic.settings import Settings
from clinic.sources.syncing import steps_of
from tests.fakes import FakeClock


def test_patients_of_all_sources_come_first(record: Record, tmp_path: Path) -> None:
    """A group of the source "a" is of patients whom the source "b" gives."""
    sources = {
        "a": {"groups": "g.csv", "appointments": "a.csv"},
        "b": {"patients": "p.csv", "facilities": "f.csv"},
    }
    files = {
        name: {"type": "files", "folder": str(tmp_path), "patterns": patterns}
        for name, patterns in sources.items()
    }
    settings = Settings.model_validate({"sources": files})
    steps = steps_of(record, FakeClock(), settings)
    assert [(step.source, step.kind) for step in steps] == [
        ("b", "facilities"), ("b", "patients"), ("a", "groups"), ("a", "appointments"),
    ]  # fmt: skip
