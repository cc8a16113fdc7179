"""
The sender's own file beside the outcomes (NEW-39): its columns are not kept here, and need not be.

A row is the file's row of that number, and the file is the one that was imported: by its SHA-256. So a download
has all columns that were handed in (ACX-27, NEW-6), and nobody has to keep them twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.cohort.files import ListFile, open_list
from clinic.errors import ListRefused
from clinic.message.campaign.campaign import get_campaign
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.settings import Layout

_FILE: Final = "file"


class Original:
    """A list's own file, read forward beside its rows."""

    def __init__(self, file: ListFile) -> None:
        self.columns: list[str] = list(file.columns)
        self._rows = _rows(file)

    def cells(self, row_number: int) -> list[str]:
        """The file's cells of that row. Rows are asked for in their order, each once."""
        for number, cells in self._rows:
            if number == row_number:
                return cells
        raise ListRefused("list-changed", f"the file has no row {row_number}: it is another one")


def _rows(file: ListFile) -> Iterator[tuple[int, list[str]]]:
    for block in file.blocks():
        cells = block.frame.to_numpy(dtype=object).tolist()
        yield from zip(block.frame.index.tolist(), cells, strict=True)


def original_of(record: Record, campaign_id: int, path: Path, *, scheme: Layout) -> Original:
    """
    The file of a campaign's list; of what was sent again, the file of the first campaign.

    Raises:
        NotFound: there is no such campaign
        ListRefused: it is another file, or the list came from none
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        while own.resend_of is not None:
            own = get_campaign(connection, own.resend_of)
        source, digest = connection.execute(
            sa.select(cohort_list.c.source, cohort_list.c.sha256).where(
                cohort_list.c.id == own.list_id
            )
        ).one()
    if source != _FILE:
        raise ListRefused(
            "list-no-file",
            f"the list of campaign {campaign_id} came from no file ({source}): there is nothing to join",
        )
    file = open_list(path, scheme=scheme)
    if file.sha256 != digest:
        raise ListRefused(
            "list-another-file",
            f"{file.file_name} is not the file that this list was imported from, or was changed since: its "
            f"SHA-256 is {file.sha256[:12]}…, that of the list {digest[:12]}…",
        )
    return Original(file)
