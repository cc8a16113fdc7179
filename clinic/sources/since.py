"""
From when on the next night asks a source for changes alone; None: it asks for all.

    all ─► changes since that night ─► changes since … ─► all again after `full_days`

A change is never lost. The mark is the beginning of the last import that was ended, which is noted when its
rows are in the record: a night that fails, is killed or is stopped by a check moves nothing, and each asks from
`overlap_hours` before. All is asked for where changes alone would not do:

    the source owns the kind (`complete`, `complete_days`)      what it has no more is seen by its absence alone
    its settings, its query or this program are others          rows are read in another way
    they were others in between                                 some rows are in the record as those read them
    rows were of patients whom the record had not, and ids are others since
    rows lay ahead (an opt-out from Monday on), and that day has come
    the clock was set back                                      the mark is in the future

    an import of the kind was put back (`cohort imports undo`), a file of the source was imported by hand, a
    consent from elsewhere lifted an opt-out: there the mark is forgotten, as it happens (`forget_marks`)
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
from clinic.record.systems.sync_runs import IMPORTED, SyncRun, fetched_before
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
    runs = fetched_before(connection, source, kind)
    imported = [run for run in runs if run.state == IMPORTED]
    full = next((run for run in imported if run.whole and run.asked == asked), None)
    if full is None or any(run.asked != asked for run in runs if run.id > full.id):
        return None
    after = [run for run in imported if run.id >= full.id]
    if full.begun_at < now - timedelta(days=how.full_days) + _EARLY or after[0].begun_at > now:
        return None
    if any(run.again_at is not None and run.again_at <= now for run in after):
        return None
    if _may_be_known_now(connection, after):
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


def digest_of_ids(connection: Connection) -> int:
    """By which it is seen that somebody was added, or that an id was added, corrected or taken away."""
    digest = hashlib.blake2b(digest_size=8)
    query = sa.select(patient.c.id, patient.c.nhs_number, patient.c.local_id).order_by(patient.c.id)
    for rows in connection.execute(query, execution_options={"yield_per": 10_000}).partitions():
        digest.update(repr(list(map(tuple, rows))).encode())
    return int.from_bytes(digest.digest(), "little", signed=True)


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


def _may_be_known_now(connection: Connection, runs: list[SyncRun]) -> bool:
    left = {run.patients_to for run in runs if run.pending}
    return bool(left) and left != {digest_of_ids(connection)}
