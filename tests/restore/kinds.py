"""
The set-backs: what is kept at one moment (`keep`), and what the practice works with after it (`put_back`).

    restore     cohort backup, and cohort restore on another machine
    file        the record alone is put back; the home goes on
    home        the whole home is put back, with its own notes
    init        a new home is made over the record that was put back: cohort init --restored
    failover    a replica that lags takes over while a sender runs
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.backup.read import unpacked
from clinic.backup.restore import restore
from clinic.backup.write import write_backup
from clinic.message.sending.restore_guard import Home, hold_as_restored
from tests.restore.world import World

KINDS: Final = ("restore", "file", "home", "init", "failover")
_numbers = itertools.count(1)


@dataclass
class Kept:
    """What was kept: a copy of the record, of the home, and a backup."""

    record: str
    home: Path
    backup: Path | None


def copy_database(url: str, folder: Path) -> str:
    """A copy of the record that nobody works with at this moment; its URL."""
    name = f"copy_{next(_numbers)}"
    if url.startswith("sqlite"):
        target = folder / f"{name}.db"
        shutil.copy(url.removeprefix("sqlite:///"), target)
        return f"sqlite:///{target}"
    server, _, source = url.rpartition("/")
    run_on(url, f"CREATE DATABASE {name} TEMPLATE {source}")
    return f"{server}/{name}"


def empty_database(url: str, folder: Path) -> str:
    """Where nothing is, of the same kind."""
    name = f"empty_{next(_numbers)}"
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / name / 'record.db'}"
    server = url.rpartition("/")[0]
    run_on(url, f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def run_on(server: str, statement: str) -> None:
    """On a server, by the URL of any of its databases."""
    engine = sa.create_engine(f"{server.rpartition('/')[0]}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def keep(world: World, kind: str) -> Kept:
    """What a backup of this moment has."""
    backup = None
    if kind == "restore":
        backup = write_backup(world.settings, world.clock, world.folder / "backup.tar", None)
    world.record.close()
    kept = Kept(copy_database(world.url, world.folder), world.folder / "home-kept", backup)
    shutil.copytree(world.home.path, kept.home)
    world.open()
    if world.running is not None:
        world.running.record = world.record
    return kept


def put_back(world: World, kind: str, kept: Kept) -> None:
    """The practice finds itself there."""
    world.record.close()
    ways: dict[str, Callable[[World, Kept], None]] = {
        "restore": _restore, "file": _file, "home": _home, "init": _init, "failover": _file,
    }  # fmt: skip
    ways[kind](world, kept)
    if kind != "failover":
        world.running = None
    elif world.running is not None:
        world.running.record = world.record


def _file(world: World, kept: Kept) -> None:
    world.url = copy_database(kept.record, world.folder)
    world.open()


def _home(world: World, kept: Kept) -> None:
    shutil.rmtree(world.home.path)
    shutil.copytree(kept.home, world.home.path)
    _file(world, kept)


def _elsewhere(world: World) -> Home:
    return Home(world.folder / "new", world.folder / "outside of new", machine="two")


def _init(world: World, kept: Kept) -> None:
    world.url = copy_database(kept.record, world.folder)
    key = world.home.path / "audit.key"
    world.home = _elsewhere(world)
    world.home.path.mkdir(mode=0o700)
    if key.exists():
        shutil.copy(key, world.home.path)
    world.open()
    # It refuses, until somebody says how that is; unless nothing is there that may have been sent
    assert world.process() is None or not world.campaigns()
    hold_as_restored(world.record, world.clock, world.home)


def _restore(world: World, kept: Kept) -> None:
    assert kept.backup
    world.url = empty_database(world.url, world.folder)
    world.home = _elsewhere(world)
    with unpacked(kept.backup, world.folder) as (parts, manifest):
        restore(world.settings, world.clock, parts, manifest)
    world.open()
