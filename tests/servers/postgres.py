"""A real PostgreSQL for tests, also as root: started once, on loopback, without durability."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

NOBODY = 65534
MEMORY_WANTED = 2 * 1024**3


def binaries() -> Path | None:
    """Where initdb and pg_ctl are, newest version first; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _run(*command: str) -> None:
    # PostgreSQL refuses to run as root; a numeric uid needs no account
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **who)  # type: ignore[call-overload]


def quick_folder() -> str | None:
    """Memory, where there is plenty: a database is made in 15 ms there, on a busy disk in 600."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_WANTED
    return str(memory) if roomy and os.access(memory, os.W_OK) else None


@dataclass(frozen=True)
class Server:
    """A server, by the URL of its database `postgres`."""

    url: str
    control: Callable[[str], None]  # "restart", "stop", "start"

    def restart(self) -> None:
        """As an administrator does it: every connection is ended, what was committed stays."""
        self.control("restart")


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of the `postgres` database of a server that lives as long as the block."""
    with running_server() as server:
        yield server.url


@contextlib.contextmanager
def running_server(*, durable: bool = False, in_memory: bool = True) -> Iterator[Server]:
    """
    A server that lives as long as the block, and can be restarted in it.

    durable: as the programs themselves ask of theirs, and slower
    in_memory: where there is plenty of it; not what is larger than that
    """
    where = binaries()
    if where is None:
        raise RuntimeError("PostgreSQL's initdb was not found: install Debian's `postgresql`")
    folder = Path(tempfile.mkdtemp(prefix="cohort-pg-", dir=quick_folder() if in_memory else None))
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    port = free_port()
    data = str(folder / "data")
    _run(
        str(where / "initdb"), "-D", data, "-U", "postgres", "-A", "trust",
        "--no-sync", "-E", "UTF8", "--locale=C.UTF-8",
    )  # fmt: skip
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -k {folder} -c max_connections=200 "
        "-c max_wal_size=256MB -c autovacuum=off"
    )
    if not durable:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"

    def control(word: str) -> None:
        how = ["-m", "fast"] if word != "start" else []
        _run(
            str(where / "pg_ctl"), "-D", data, "-w", "-t", "120", *how,
            "-l", str(folder / "log"), "-o", options, word,
        )  # fmt: skip

    try:
        control("start")
        yield Server(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", control)
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            _run(str(where / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
