"""
The questionnaires of this installation: each has versions that are never changed (PAT-11).

What was sent names one version, so that answers are held against what was asked. A retired one is no longer
sent; its versions stay. Who added and who retired it is on the audit trail, and each version is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.ask.fhir import Questionnaire
from clinic.ask.file import digest_of, read_questionnaire, write_questionnaire
from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.lists import questionnaire_version

_VENDOR: Final = "vendor"
_T: Final = questionnaire_version.c


@dataclass(frozen=True)
class Version:
    """One version, without what it asks; `retired_at`: None while it can be sent."""

    id: int
    key: str
    version: int
    title: str
    sha256: str
    created_at: datetime
    created_by: str
    retired_at: datetime | None
    retired_by: str | None


_COLUMNS: Final = tuple(_T[name] for name in Version.__dataclass_fields__)


def add_questionnaire(record: Record, clock: Clock, new: Questionnaire, *, by: str) -> int:
    """
    Add a questionnaire, or the next version of one; its version. The same again is the same version.

    One that was retired can be sent again once it is added.

    Raises:
        NotAllowed: its id is that of one that came with the program, and it says something else
    """
    with record.write() as connection:
        hold(connection, "questionnaires")
        known = _versions(connection, new.id)
        same = bool(known) and known[0].sha256 == digest_of(new)
        if same and known[0].retired_at is None:
            return known[0].version
        if not same and any(each.created_by == _VENDOR for each in known):
            raise NotAllowed(
                "questionnaire-locked",
                f"{new.id} came with the program and stays as it is; give yours another id",
            )
        return _add(connection, clock, new, known, by)


def seed_questionnaires(record: Record, clock: Clock, shipped: Iterable[Questionnaire]) -> None:
    """Put the program's own in, or their new versions; not what was retired here. Again: nothing."""
    with record.write() as connection:
        hold(connection, "questionnaires")
        for new in shipped:
            known = _versions(connection, new.id)
            ours = not known or any(each.created_by == _VENDOR for each in known)
            retired = bool(known) and known[0].retired_at is not None
            if ours and not retired and (not known or known[0].sha256 != digest_of(new)):
                _add(connection, clock, new, known, _VENDOR)


def retire_questionnaire(record: Record, clock: Clock, key: str, *, by: str) -> bool:
    """
    From now on it is not sent; whether it was until now.

    Raises:
        NotFound: there is none with this key
    """
    with record.write() as connection:
        hold(connection, "questionnaires")
        known = _versions(connection, key)
        if not known:
            raise _unknown(key)
        open_ids = [each.id for each in known if each.retired_at is None]
        if not open_ids:
            return False
        connection.execute(
            sa.update(questionnaire_version)
            .where(_T.id.in_(open_ids))
            .values(retired_at=clock.now(), retired_by=by)
        )
        act = Act(
            operator=by, operation_type="questionnaire.retired", subject="questionnaire",
            subject_id=known[0].id, new_values={"key": key, "version": known[0].version},
        )  # fmt: skip
        record_act(connection, clock, act, rows={questionnaire_version: open_ids})
        return True


def list_questionnaires(record: Record, *, search: str = "") -> list[Version]:
    """
    The newest version of each, by key.

    search: only those with these characters in key or title (PAT-11)
    """
    later = questionnaire_version.alias()
    query = sa.select(*_COLUMNS).where(
        ~sa.exists().where(later.c.key == _T.key, later.c.version > _T.version)
    )
    if search:
        words = sa.func.lower(_T.key + " " + _T.title)
        query = query.where(words.contains(search.lower(), autoescape=True))
    with record.read() as connection:
        return [_version(row) for row in connection.execute(query.order_by(_T.key)).mappings()]


def versions_of(record: Record, key: str) -> list[Version]:
    """
    Every version of one, newest first.

    Raises:
        NotFound: there is none with this key
    """
    with record.read() as connection:
        found = _versions(connection, key)
    if not found:
        raise _unknown(key)
    return found


def load_questionnaire(
    record: Record, key: str, version: int | None = None
) -> tuple[Version, Questionnaire]:
    """
    One version as it is asked; without a number the newest.

    Raises:
        NotFound: there is no such version
    """
    query = sa.select(*_COLUMNS, _T.resource).where(_T.key == key).order_by(_T.version.desc())
    if version is not None:
        query = query.where(_T.version == version)
    with record.read() as connection:
        row = connection.execute(query.limit(1)).mappings().one_or_none()
    if row is None:
        raise _unknown(key if version is None else f"{key}, version {version}")
    values = dict(row)
    questionnaire = read_questionnaire(values.pop("resource").encode())
    return Version(**values), questionnaire


def _add(
    connection: Connection, clock: Clock, new: Questionnaire, known: list[Version], by: str
) -> int:
    version, digest = (known[0].version + 1 if known else 1), digest_of(new)
    key = connection.execute(
        sa.insert(questionnaire_version)
        .values(
            key=new.id,
            version=version,
            title=new.title,
            resource=write_questionnaire(new).decode(),
            sha256=digest,
            created_at=clock.now(),
            created_by=by,
        )
        .returning(_T.id)
    ).scalar_one()
    act = Act(
        operator=by, operation_type="questionnaire.added", subject="questionnaire", subject_id=key,
        new_values={"key": new.id, "version": version, "sha256": digest},
    )  # fmt: skip
    record_act(connection, clock, act, rows={questionnaire_version: [key]})
    return version


def _versions(connection: Connection, key: str) -> list[Version]:
    query = sa.select(*_COLUMNS).where(_T.key == key).order_by(_T.version.desc())
    return [_version(row) for row in connection.execute(query).mappings()]


def _version(row: sa.RowMapping) -> Version:
    values: dict[str, Any] = dict(row)
    return Version(**values)


def _unknown(key: str) -> NotFound:
    return NotFound(
        "questionnaire-unknown",
        f"there is no questionnaire {key}; see: cohort questionnaires list",
    )
