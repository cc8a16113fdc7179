"""
From when on the next night asks a source for changes alone; None: it asks for all.

    all ─► changes since that night ─► changes since … ─► all again after `full_days`

A change is never lost. The mark is the beginning of the last import that was ended, which is noted when its
rows are in the record: a night that fails, is killed or is stopped by a check moves nothing, and each asks from
`overlap_hours` before. All is asked for where changes alone would not do:

    the source owns the kind (`complete`, `complete_days`)      what it has no more is seen by its absence alone
    its settings, its query or this program are others          rows are read in another way
    rows were of patients whom the record had not, and there are new patients since
    an import from it was put back (`cohort imports undo`)
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from clinic.record.schema.people import patient
from clinic.record.schema.systems.imports import import_run
from clinic.record.systems.sync_runs import SyncRun, fetched_alike
from clinic.settings import ImportKind, Settings, SourceSettings

_EARLY: Final = timedelta(hours=12)  # a night that begins some minutes before the one a week ago
_SECRET: Final = {"url", "url_file", "token", "token_file", "client_id", "key_file", "key_id"}


def since_of(
    connection: Connection, settings: Settings, source: str, kind: ImportKind, asked: str, now: datetime
) -> datetime | None:  # fmt: skip
    """From when on changes of a kind are asked for; None: all is. `asked`: `asked_of` of today."""
    how = settings.sources[source]
    if not asked or not how.full_days or _owns(how, kind):
        return None
    runs = fetched_alike(connection, source, kind, asked)
    full = next((run for run in runs if run.whole), None)
    if full is None or now - full.begun_at > timedelta(days=how.full_days) - _EARLY:
        return None
    after = [run for run in runs if run.id >= full.id]
    if _was_undone(connection, source, kind, full) or _may_be_known_now(connection, after):
        return None
    return after[0].begun_at - timedelta(hours=how.overlap_hours)


def asked_of(settings: Settings, source: str, kind: ImportKind) -> str:
    """The digest of how a source is asked for a kind and how its rows are read; "": never by changes alone."""
    how = settings.sources[source]
    if how.type not in ("sql", "fhir"):
        return ""
    own = settings.organisation
    said = {
        "how": how.model_dump(mode="json", exclude=_SECRET),
        "where": _without_secret(how),
        "query": _query(how, kind),
        "organisation": [own.time_zone, own.id_scheme, sorted(own.codes), sorted(own.statuses)],
        "program": version("cohort"),
    }
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def newest_patient(connection: Connection) -> int:
    """The newest patient of the record: numbers are never used twice."""
    return int(connection.scalar(sa.select(sa.func.max(patient.c.id))) or 0)


def _owns(how: SourceSettings, kind: ImportKind) -> bool:
    return kind in how.complete or (kind == "appointments" and how.complete_days is not None)


def _without_secret(how: SourceSettings) -> str:
    url = how.url.get_secret_value()
    if how.type == "fhir":
        return url
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return ""


def _query(how: SourceSettings, kind: ImportKind) -> str:
    path = Path(how.queries) / f"{kind}.sql"
    return path.read_text("utf-8", "replace") if how.type == "sql" and path.is_file() else ""


def _was_undone(connection: Connection, source: str, kind: str, full: SyncRun) -> bool:
    own = import_run.c
    undone = sa.select(own.id).where(
        own.source == source, own.kind == kind, own.undone_at >= full.begun_at
    )
    return connection.scalar(undone.limit(1)) is not None


def _may_be_known_now(connection: Connection, runs: list[SyncRun]) -> bool:
    left = [run.patients_to or 0 for run in runs if run.pending]
    return bool(left) and newest_patient(connection) > min(left)
