"""Writes half an export in a process of its own, to be killed (test_export.py)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from clinic.change.export.file import ExportFile


def main(folder: str, format_: str) -> None:
    """Say when half of it is written, then wait to be killed."""
    with ExportFile(Path(folder), "export-1", format_, ZoneInfo("UTC")) as file:
        file.add_table("Patients", ["Name"]).write([("half",)] * 10_000)
        sys.stdout.write("half\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
