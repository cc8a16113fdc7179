"""
The matrix of set-backs: `make restore-matrix`.

    5 kinds × 11 states × class I, R, B, and one that can be asked × SQLite, PostgreSQL × put back after an
    hour, or after the gateway has forgotten

One alone: `python -m tests.restore.matrix sqlite restore sending R 48`; any of these words may be left out. A
line for each that is not as it should be, and a table of sums; exits with 1 if anything left before a person
said what had left, or if anybody was messaged twice, lost without being named, or called sent and was not.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clinic.record.database import Record
from clinic.record.migrate import migrate
from tests.restore.campaign_states import STATES
from tests.restore.judge import CLASSES, Fate, run
from tests.restore.kinds import KINDS, run_on
from tests.servers.postgres import quick_folder, running_postgres

DATABASES = ("sqlite", "postgresql")
HOURS = ("1", "48")  # the gateway remembers for 24


@contextmanager
def fresh(database: str, server: str, template: Path) -> Iterator[tuple[str, Path]]:
    """An empty, migrated record, and a folder."""
    folder = Path(tempfile.mkdtemp(prefix="cohort-restore-", dir=quick_folder()))
    url = f"sqlite:///{folder / 'record.db'}"
    if database == "sqlite":
        shutil.copy(template, folder / "record.db")
    else:
        url = f"{server.rpartition('/')[0]}/restore_{time.monotonic_ns()}"
        run_on(server, f"CREATE DATABASE {url.rpartition('/')[2]} TEMPLATE migrated")
    try:
        yield url, folder
    finally:
        shutil.rmtree(folder)


def prepare(server: str) -> Path:
    """A migrated record of each database, to be copied."""
    path = Path(tempfile.mkdtemp()) / "record.db"
    urls = [f"sqlite:///{path}"]
    if server:
        run_on(server, "CREATE DATABASE migrated")
        urls.append(f"{server.rpartition('/')[0]}/migrated")
    for url in urls:
        record = Record.open(url)
        migrate(record)
        record.close()
    return path


def main(*words: str) -> int:
    """Run all of it, or what the words name; the exit code."""
    axes = (DATABASES, KINDS, tuple(STATES), CLASSES, HOURS)
    if strange := set(words) - {word for axis in axes for word in axis}:
        raise SystemExit(f"not known: {', '.join(sorted(strange))}")
    chosen = [[one for one in axis if one in words] or axis for axis in axes]
    console = Console(width=None if sys.stdout.isatty() else 120)
    sums: dict[tuple[str, str], Counter[str]] = {}
    with running_postgres() if "postgresql" in chosen[0] else nullcontext("") as server:
        template = prepare(server)
        for database, kind, state, promise, hours in itertools.product(*chosen):
            with fresh(database, server, template) as (url, folder):
                fate = run(url, folder, kind=kind, state=state, promise=promise, hours=int(hours))
            _note(sums.setdefault((kind, promise), Counter()), fate)
            if not fate.is_clean:
                console.print(f"FAULT {database} {kind} {state} {promise} {hours} h: {fate}")
    _show(console, sums)
    return int(any(total["faults"] for total in sums.values()))


def _note(total: Counter[str], fate: Fate) -> None:
    total.update(runs=1, faults=not fate.is_clean)
    total.update(vars(fate))


def _show(console: Console, sums: dict[tuple[str, str], Counter[str]]) -> None:
    names = ("runs", "faults", *Fate.__dataclass_fields__)
    table = Table("set-back", "class", *names)
    for key, total in sums.items():
        table.add_row(*key, *(f"{total[name]:,}" for name in names))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
