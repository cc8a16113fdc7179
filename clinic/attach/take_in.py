"""Takes a document in: scanned, cleaned, kept in the record under its own digest (ACX-4, ACX-10)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.attach.apart import clean_apart
from clinic.attach.limits import LARGEST, NAMED, Unfit
from clinic.attach.scan import scan
from clinic.clock import Clock
from clinic.errors import CohortRefused, NotFound
from clinic.record.database import Record
from clinic.record.schema.door.links import attachment
from clinic.settings import Settings

# PAT-26, ACX-11, ACX-12, ACX-16
NOTICE: Final = (
    "The document must be generic: every patient on the list gets the same one, so it must hold no private "
    "information. Files of the same name may be in several folders: look at it before it is sent. Your "
    "organisation, as the controller of the data, is responsible for what is in it."
)


@dataclass(frozen=True)
class Attachment:
    """A document of the record, without what is in it."""

    sha256: str
    name: str
    kind: str
    pages: int
    size: int

    @property
    def says(self) -> str:
        """Its name and what it is: Flu leaflet.pdf (PDF, 2 pages, 48 kB)."""
        pages = f"{self.pages} page{'s' * (self.pages != 1)}, " if self.kind == "pdf" else ""
        return f"{self.name} ({self.kind.upper()}, {pages}{max(1, self.size // 1000):,} kB)"


def take_in(record: Record, clock: Clock, settings: Settings, path: Path, *, by: str) -> Attachment:
    """
    Take a file in. The same again: what was kept before.

    Raises:
        CohortRefused: it is not fit to be sent, cannot be read, or was not scanned
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _refused(path.name, error.strerror or "it cannot be read") from None
    try:
        if len(content) > LARGEST:
            raise Unfit(f"it is larger than {LARGEST // 1024**2} MB")
        if settings.attachments.clamd:
            own = settings.attachments
            scan(content, own.clamd, clock.now(), days=own.signature_days)
        made = clean_apart(content)
        if len(made.content) > LARGEST:
            raise Unfit(f"cleaned it is larger than {LARGEST // 1024**2} MB")
    except Unfit as unfit:
        raise _refused(path.name, str(unfit)) from None
    new = Attachment(
        sha256=hashlib.sha256(made.content).hexdigest(),
        name=_named(path.name, made.kind),
        kind=made.kind,
        pages=made.pages,
        size=len(made.content),
    )
    with record.write() as connection:
        if (known := _find(connection, new.sha256)) is not None:
            return known
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        values = {**vars(new), "content": made.content, "taken_at": clock.now(), "taken_by": by}
        connection.execute(insert(attachment).values(values).on_conflict_do_nothing())
    return new


def read_attachment(connection: Connection, sha256: str) -> Attachment:
    """
    A document by its digest.

    Raises:
        NotFound: there is none
    """
    found = _find(connection, sha256)
    if found is None:
        raise NotFound(
            "attachment-unknown",
            "there is no document of that SHA-256: take it in with cohort message --attach FILE",
        )
    return found


def content_of(connection: Connection, sha256: str) -> bytes:
    """What is in a document."""
    query = sa.select(attachment.c.content).where(attachment.c.sha256 == sha256)
    return bytes(connection.execute(query).scalar_one())


def _find(connection: Connection, sha256: str) -> Attachment | None:
    c = attachment.c
    row = connection.execute(
        sa.select(c.sha256, c.name, c.kind, c.pages, c.size).where(c.sha256 == sha256)
    ).one_or_none()
    return None if row is None else Attachment(*row)


def _named(name: str, kind: str) -> str:
    """A file's name as patients see it: letters, digits and a few marks, with the ending of what it is."""
    stem = re.sub(r"[^\w .,()&+-]", "", Path(name).stem).strip(" .") or "document"
    return stem[:100] + NAMED[kind][1]


def _refused(name: str, why: str) -> CohortRefused:
    return CohortRefused(
        "attachment-refused", f"{name!r} was not accepted: {why}. Nothing was sent"
    )
