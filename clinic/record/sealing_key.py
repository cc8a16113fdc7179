"""The key that this process seals with, as its record's connections carry it (clinic/govern/audit/key.py)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from clinic.record.database import Record

_OPTION: Final = "cohort_audit_key"


def use_key(record: Record, key: bytes | None) -> None:
    """From now on this record's transactions seal and verify with `key`."""
    record.engine.update_execution_options(**{_OPTION: key})


def key_of(connection: Connection) -> bytes | None:
    """The key this transaction seals with, if one was set up."""
    key: bytes | None = connection.get_execution_options().get(_OPTION)
    return key
