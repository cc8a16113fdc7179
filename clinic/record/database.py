"""
Opens the record: one `Record` a process, with short transactions and nothing of a patient in errors.

SQLite (embedded default): WAL where the library is free of the WAL-reset bug, else a rollback
journal; `synchronous=FULL`; every writing transaction is BEGIN IMMEDIATE. PostgreSQL: READ COMMITTED,
row locks and constraints, nothing that depends on a session, so that a transaction pooler may stand between.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.engine import make_url

from clinic.errors import RecordUnsafe, SettingsWrong
from clinic.record.outage import note_file
from clinic.record.server.remote import require_verified
from clinic.record.sqlite import library, wal_is_safe
from clinic.record.statements.compiled import share_compiled

if TYPE_CHECKING:
    import psycopg

# A machine that is cut off in mid-transaction says no goodbye: after half a minute its locks are free, not
# after the two hours of the system's own keepalive; and it learns as soon itself that it is cut off
_KEEPALIVE: Final = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_SESSION = (
    "SET jit = off",
    "SET client_connection_check_interval = '3s'",
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false)",
)


class Record:
    """The record database. `read()` and `write()` give connections in a transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        # One writer at a time in this process: on SQLite a second would only wait inside the library
        self._writing: contextlib.AbstractContextManager[Any] = (
            threading.Lock() if self.dialect == "sqlite" else contextlib.nullcontext()
        )

    @classmethod
    def open(cls, url: str, sqlite: ModuleType | None = None) -> Record:
        """
        Open `url` (`sqlite:///path` or `postgresql+psycopg://…`); does not create tables.

        Args:
            sqlite: the library of a SQLite record, if another than this process's own

        Raises:
            SettingsWrong: the URL names another database, or one on another machine without verified TLS
            RecordUnsafe: the server would lose what it confirmed
        """
        kind = make_url(url).get_backend_name()
        if kind == "sqlite":
            return cls(share_compiled(_sqlite(url, sqlite or library())))
        if kind == "postgresql":
            return cls(share_compiled(_postgresql(url)))
        raise SettingsWrong(
            "record-url", f"the record lives in sqlite or postgresql, not in {kind}"
        )

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Connection]:
        """
        A transaction that writes: committed at the end of the block, undone if it raises.

        keep: not so in a dry run, of which all is undone
        """
        with self._writing, self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection = connection.execution_options(begin_immediate=True)
            with connection.begin() as transaction:
                yield connection
                if not keep:
                    transaction.rollback()

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def _sqlite(url: str, driver: ModuleType) -> Engine:
    note_file(Path(make_url(url).database or ""))
    engine = sa.create_engine(
        url, module=driver, hide_parameters=True, connect_args={"timeout": 60}
    )
    journal = "WAL" if wal_is_safe(driver.sqlite_version_info) else "DELETE"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # SQLAlchemy, not the driver, says BEGIN
        for pragma in (
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # else REPLACE deletes a row past the triggers that refuse it
            "busy_timeout=60000",
            "trusted_schema=OFF",
            "secure_delete=ON",  # what is deleted or overwritten is not legible in the file any more
            "cache_size=-32000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("begin_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    import psycopg  # only here: who lives on SQLite need not load it

    require_verified(url)
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        use_native_hstore=False,  # the record has none: a question less for each process that opens it
        # Behind a transaction pooler a prepared statement may be somebody else's
        connect_args={"prepare_threshold": None, **_KEEPALIVE},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: psycopg.Connection, _: object) -> None:
        _set_session(connection)

    @event.listens_for(engine, "handle_error")
    def _quote_no_values(context: ExceptionContext) -> None:
        error, told = context.original_exception, context.sqlalchemy_exception
        if isinstance(error, psycopg.Error) and told is not None:
            said, says = str(error), _without_values(error)
            error.args = (says,)
            told.args = (str(told.args[0]).replace(said, says),)

    return engine


def _set_session(connection: psycopg.Connection) -> None:
    """
    How the server is to treat our queries. Behind a transaction pooler it may stay with the server's
    connection, where it harms nobody.

    It looks, while a query runs, whether we are still there: for who was killed it would else go on to
    its end, with its locks. (Ctrl-C needs nothing: the driver cancels the query.) And it compiles none:
    that took two seconds for a plan of 6,000 patients that runs in 0.2.
    """
    import psycopg

    for setting in _SESSION:
        try:
            connection.execute(setting)
            connection.commit()
        except psycopg.Error:  # older than 14, or its system cannot tell
            connection.rollback()


def _without_values(error: psycopg.Error) -> str:
    """
    What went wrong and where, without the row: PostgreSQL says "DETAIL: Key (nhs_number)=(…)", and of
    a value that it cannot read even in the first line. So does the driver, of one that Python cannot hold.
    """
    import psycopg

    told = error.diag
    if not isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return told.message_primary or str(error)
    names = (error.sqlstate, told.table_name, told.column_name, told.constraint_name)
    return " ".join([type(error).__name__, *(name for name in names if name)])


def require_durable(record: Record) -> None:
    """
    Refuse a server that confirms what it may lose (reliability: confirmed means on disk).

    Raises:
        RecordUnsafe: fsync, full_page_writes or synchronous_commit is off
    """
    if record.dialect != "postgresql":
        return
    with record.read() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            if connection.execute(sa.text(f"SHOW {name}")).scalar() == "off":
                raise RecordUnsafe(
                    "record-not-durable", f"PostgreSQL runs with {name}=off; turn it on"
                )


_KEY: Final = "cohort_audit_key"  # the option of an engine


def use_key(record: Record, key: bytes | None) -> None:
    """From now on this record's transactions seal and verify with `key`."""
    record.engine.update_execution_options(**{_KEY: key})


def key_of(connection: Connection) -> bytes | None:
    """The key this transaction seals with, if one was set up."""
    key: bytes | None = connection.get_execution_options().get(_KEY)
    return key
