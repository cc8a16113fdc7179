"""
Opens a database to read from: by which driver, read-only by which of its ways, with which time-out.

    postgresql   psycopg            SET TRANSACTION READ ONLY, statement_timeout; TLS to another machine
    sqlite       Python's own       mode=ro
    duckdb       duckdb-engine      read_only
    mysql        PyMySQL            SET SESSION TRANSACTION READ ONLY, and a time-out; TLS; tried on MariaDB
    mssql        pymssql            no way of its own: queries that say to write are refused (query.py), and its
                                    login must be one that may read alone; encrypted; not tried on a server
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from clinic.errors import SourceDown, SourceRefused
from clinic.record.server.remote import fault_of, is_here

_DRIVERS: Final = {
    "postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pymssql",
}  # fmt: skip
_EXTRAS: Final = {"duckdb": "duckdb", "mysql": "mysql", "mariadb": "mysql", "mssql": "mssql"}
_CONNECT: Final = 15  # seconds
# Numbers of MySQL and SQL Server: the login is refused; there is no such database
_LOGIN: Final = (1045, 1698, 18456)
_UNKNOWN: Final = (1044, 1049, 4060)
# Databases in whose transactions nothing can be written, whatever a query says
READS_ALONE: Final = ("postgresql", "sqlite", "duckdb", "mysql", "mariadb")


@contextmanager
def reading(source: str, url: str, seconds: float) -> Iterator[sa.Connection]:
    """
    A connection in a transaction that reads alone and is rolled back; after `seconds` its query is ended.

    Raises:
        SourceDown: no answer, or not in time
        SourceRefused: the URL, the driver or the login is wrong
    """
    made = _made(source, url)
    engine = _engine(source, made, seconds)
    try:
        with _connected(source, engine) as connection, _ended_in_time(connection, seconds):
            try:
                _read_only(connection, made.get_backend_name(), seconds)
            except sa.exc.DBAPIError as error:
                problem = type(error.orig).__name__
                raise SourceDown(
                    "source-down",
                    f"source {source}: the database cannot be read without changing it ({problem})",
                ) from None
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _made(source: str, url: str) -> URL:
    try:
        made = make_url(url)
    except sa.exc.ArgumentError:
        raise SourceRefused(
            "source-url",
            f"source {source}: url is no SQLAlchemy URL: write it as postgresql://USER@HOST/DATABASE, "
            "sqlite:////FOLDER/FILE.db, duckdb:////FOLDER/FILE.duckdb, mysql://… or mssql://…",
        ) from None
    backend = made.get_backend_name()
    if made.drivername == backend and backend in _DRIVERS:
        made = made.set(drivername=f"{backend}+{_DRIVERS[backend]}")
    if how := _without_tls(made, url):
        raise SourceRefused(
            "source-tls",
            f"source {source}: its database is on another machine and is reached without TLS that proves whose "
            f"it is. Add to url: {how}",
        )
    return made


def _without_tls(made: URL, url: str) -> str:
    """What to add to a URL that leads to another machine without proof of whose it is; "": nothing."""
    backend = made.get_backend_name()
    if backend == "postgresql" and fault_of(url):
        return "?sslmode=verify-full&sslrootcert=/path/to/its-ca.crt (or =system)"
    if backend in ("mysql", "mariadb") and not (is_here(url) or "unix_socket" in made.query):
        checks = made.query.get("ssl_check_hostname", "true")
        if "ssl_ca" not in made.query or checks != "true":
            return "?ssl_ca=/path/to/its-ca.crt, without ssl_check_hostname"
    return ""


def _engine(source: str, url: URL, seconds: float) -> sa.Engine:
    backend = url.get_backend_name()
    try:
        if backend == "sqlite":
            path = Path(url.database or "")
            if not path.is_file():
                raise SourceRefused("source-url", f"source {source}: there is no file {path}")
            return sa.create_engine("sqlite://", creator=_sqlite(path), poolclass=NullPool)
        return sa.create_engine(
            url, connect_args=_arguments(backend, seconds), poolclass=NullPool, hide_parameters=True
        )
    except (sa.exc.NoSuchModuleError, ImportError):
        extra = _EXTRAS.get(backend)
        says = f"install it: pip install 'cohort[{extra}]'" if extra else "its name is not known"
        raise SourceRefused(
            "source-driver", f"source {source}: there is no driver for {backend} here: {says}"
        ) from None
    except (sa.exc.ArgumentError, ValueError, TypeError):
        raise SourceRefused(
            "source-url", f"source {source}: its driver does not understand the url"
        ) from None


def _sqlite(path: Path) -> Callable[[], sqlite3.Connection]:
    # A URI of its own: SQLAlchemy's URL would make a file that is not there
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    return lambda: sqlite3.connect(uri, uri=True, timeout=_CONNECT, check_same_thread=False)


def _arguments(backend: str, seconds: float) -> dict[str, Any]:
    whole = max(1, int(seconds))
    if backend == "postgresql":
        return {"connect_timeout": _CONNECT, "application_name": "cohort"}
    if backend == "duckdb":
        return {"read_only": True}
    if backend in ("mysql", "mariadb"):
        return {"connect_timeout": _CONNECT, "read_timeout": whole + 10, "charset": "utf8mb4"}
    if backend == "mssql":
        # read_only: to a secondary server where there is one; it forbids nothing
        return {
            "login_timeout": _CONNECT, "timeout": whole, "charset": "UTF-8", "appname": "cohort",
            "encryption": "require", "read_only": True,
        }  # fmt: skip
    return {}


@contextmanager
def _connected(source: str, engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        connection = engine.connect()
    except sa.exc.DBAPIError as error:
        # Its words may hold the URL; of SQLSTATE the class alone: 28 is a login that is refused
        state = str(getattr(error.orig, "sqlstate", None) or "")
        said, number = str(error.orig), number_of(error)
        if state.startswith("28") or number in _LOGIN or "password authentication failed" in said:
            raise SourceRefused(
                "source-login", f"source {source}: the database refuses this user or password"
            ) from None
        if number in _UNKNOWN or (state == "3D000" or '" does not exist' in said):
            raise SourceRefused(
                "source-url",
                f"source {source}: the server has no database of the name in url, or none for this user",
            ) from None
        raise SourceDown(
            "source-down",
            f"source {source}: the database does not answer ({type(error.orig).__name__})",
        ) from None
    try:
        yield connection
    finally:
        connection.close()


def _read_only(connection: sa.Connection, backend: str, seconds: float) -> None:
    milliseconds = max(1, int(seconds * 1000))
    run = connection.exec_driver_sql
    if backend == "postgresql":
        run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        run(f"SET LOCAL statement_timeout = {milliseconds}")
    elif backend in ("mysql", "mariadb"):
        # Which of the two it is, the server says, whatever the URL is called
        if getattr(connection.dialect, "is_mariadb", False):
            run(f"SET SESSION max_statement_time = {seconds}")
        else:
            run(f"SET SESSION max_execution_time = {milliseconds}")
        # Of the session: CREATE and the like end a transaction that was begun, and are then let through
        run("SET SESSION TRANSACTION READ ONLY")
        run("START TRANSACTION READ ONLY")


def number_of(error: sa.exc.DBAPIError) -> object:
    """The number of a driver's error, as MySQL's and SQL Server's have one."""
    first = next(iter(getattr(error.orig, "args", ())), None)
    return first[0] if isinstance(first, tuple) and first else first


@contextmanager
def _ended_in_time(connection: sa.Connection, seconds: float) -> Iterator[None]:
    """Interrupt what an embedded database does for too long: it has no time-out of its own."""
    driver: Any = connection.connection.driver_connection
    timer = threading.Timer(seconds, getattr(driver, "interrupt", lambda: None))
    if isinstance(driver, sqlite3.Connection):
        end = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > end, 100_000)
    elif hasattr(driver, "interrupt"):
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
