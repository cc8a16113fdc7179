"""Files of the home with something of a person: exports, and rows that got no message. They go whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.personal_data.erase.whom import Whom
from clinic.record.schema.change import operation_item
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, recipient

_COPIES = "before-upgrade"


def files_of(connection: Connection, home: Path, whom: Whom) -> list[Path]:
    """Exports that the person is in, and files of campaigns on whose list they stood."""
    keys = whom.subject.keys
    exports = sa.select(operation_item.c.operation_id).where(
        operation_item.c.patient_id.in_(keys), operation_item.c.field == "export"
    )
    campaigns = sa.union(
        sa.select(recipient.c.campaign_id).where(recipient.c.patient_id.in_(keys)),
        sa.select(campaign.c.id).where(
            campaign.c.list_id.in_(
                sa.select(list_row.c.list_id).where(list_row.c.patient_id.in_(keys))
            )
        ),
    )
    found = [
        path
        for number in sorted(set(connection.scalars(exports)))
        for path in (home / "exports").glob(f"export-{number}.*")
    ]
    return found + of_campaigns(home, sorted(set(connection.scalars(campaigns))))


def of_campaigns(home: Path, campaigns: Iterable[int]) -> list[Path]:
    """The files of rows that got no message, of these campaigns."""
    return [p for n in campaigns for p in (home / "not-accepted").glob(f"campaign-{n}.*")]


def copies_of(home: Path) -> list[Path]:
    """Copies of the whole record: what was erased since is erased again after a restore."""
    return sorted((home / _COPIES).iterdir()) if (home / _COPIES).is_dir() else []


def remove(paths: list[Path]) -> int:
    """Remove them; how many were there. Again: none."""
    gone = [path for path in paths if path.exists()]
    for path in gone:
        path.unlink()
    return len(gone)
