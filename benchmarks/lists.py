"""Reading and checking a list, against reading it with the standard reader and nothing else."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

from benchmarks.people import write_list
from clinic.cohort.files import open_list
from clinic.settings import Organisation, Settings
from data_checks.lists.list_quality import check_list

ROWS = 100_000


def prepare(folder: Path) -> Path:
    """The list."""
    return write_list(folder / "list.csv", ROWS)


def check(path: Path) -> float:
    """Rows a CPU second: every line accounted for, every row judged, the list as a whole too."""
    began = time.process_time()
    settings = Settings(organisation=Organisation(id_scheme="emis"))
    file = open_list(path, scheme="emis")
    quality = check_list(file, settings=settings, today=date(2026, 3, 2))
    assert quality.rows == ROWS
    return ROWS / (time.process_time() - began)


def only_read(path: Path) -> float:
    """Rows a CPU second of csv.DictReader, which checks nothing."""
    began = time.process_time()
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == ROWS
    return ROWS / (time.process_time() - began)
