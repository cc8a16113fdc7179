"""A real Prefect server for tests, and a search through everything that Prefect keeps."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import certifi

from clinic.settings import Settings
from tasks.processes.environment import GUARDS, api_url, prefect_home
from tasks.processes.login import ensure_login
from tasks.processes.server import ensure_server, stop_server
from tests.ports import free_port

T = TypeVar("T")

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")


@contextlib.contextmanager
def running_prefect(home: Path) -> Iterator[Settings]:
    """
    The settings of an installation whose Prefect server lives as long as the block.

    Prefect has been imported long before, so this process is pointed at the server by Prefect's
    own means instead of `apply_environment`; the server, and workers, are started as in real life.
    """
    from prefect.logging.configuration import setup_logging
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        PREFECT_LOCAL_STORAGE_PATH,
        PREFECT_LOGGING_CONFIG_PATH,
        PREFECT_LOGGING_TO_API_BATCH_INTERVAL,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
        temporary_settings,
    )

    settings = Settings(home=home, prefect_port=free_port())
    ensure_server(settings)
    here = {
        PREFECT_API_URL: api_url(settings),
        PREFECT_API_AUTH_STRING: ensure_login(prefect_home(settings)),
        PREFECT_API_SSL_CERT_FILE: str(_one_certificate(home)),
        PREFECT_HOME: str(prefect_home(settings)),
        PREFECT_LOCAL_STORAGE_PATH: str(prefect_home(settings) / "storage"),
        PREFECT_LOGGING_CONFIG_PATH: GUARDS["PREFECT_LOGGING_CONFIG_PATH"],
        PREFECT_LOGGING_TO_API_BATCH_INTERVAL: 0.1,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
        # At its end a run waits up to a second for the thread that sends heartbeats
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    try:
        with temporary_settings(here):
            setup_logging(incremental=False)
            yield settings
    finally:
        stop_server(settings)


def _one_certificate(home: Path) -> Path:
    """Every client reads all authorities first, for 20 ms, though this server speaks no TLS: one will do."""
    end = "-----END CERTIFICATE-----\n"
    path = home / "authority.pem"
    path.write_text(Path(certifi.where()).read_text(encoding="utf-8").split(end)[0] + end)
    return path


def wait_for(
    what: str, look: Callable[[], T | None], *, seconds: float = 180, every: float = 0.1
) -> T:
    """
    The first true value that `look` returns; Prefect's records come a moment after the fact.

    seconds: so long that a machine that is busy with other work gets there
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s there was still no {what}")
        time.sleep(every)
    return found


def find_in_prefect(home: Path, words: Iterable[str]) -> list[str]:
    """
    Where any of the words is, as `table.column: word` or `file: word`, in all that Prefect keeps:
    every column of every table, logs and result files, also inside JSON escapes and base64.
    """
    sought = list(words)
    found: set[str] = set()
    for path in sorted(home.rglob("*")):
        if path.is_file():
            found |= {f"{path.relative_to(home)}: {w}" for w in _within(path.read_bytes(), sought)}
    for database in home.rglob("*.db"):
        for place, values in _columns(database):
            found |= {f"{place}: {w}" for w in _within(values, sought)}
    return sorted(found)


def _columns(database: Path) -> Iterator[tuple[str, bytes]]:
    """Each column with all its values, one after the other: a hundred thousand cells are looked at at once."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own catalogue
            names = [column[0] for column in rows.description]
            for name, values in zip(names, zip(*rows, strict=True), strict=False):
                yield f"{table}.{name}", b"\0".join(_raw(v) for v in values if v is not None)


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _within(raw: bytes, words: list[str]) -> set[str]:
    # Result files hold pickles in base64, cut into lines, inside JSON
    unbroken = raw.replace(b"\\n", b"").replace(b"\n", b"")
    layers = [raw, b"\0".join(_decoded(match[0]) for match in _BASE64.finditer(unbroken))]
    return {
        word
        for word in words
        for spelling in (word, json.dumps(word)[1:-1])
        if any(spelling.encode() in layer for layer in layers)
    }


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""
