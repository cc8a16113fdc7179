"""What to tell a person about a list: one row a remark, the same for terminal, page and script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinic.cohort.files.listfile import ListFile


@dataclass(frozen=True)
class ReportRow:
    """A remark on a list. `rows`: the first row numbers, none if it is about the file as a whole."""

    code: str
    count: int
    rows: tuple[int, ...]
    column: str  # the heading concerned; empty if none in particular
    says: str


def report_rows(list_file: ListFile) -> Iterator[ReportRow]:
    """
    The remarks on a list that was accepted, without any patient's value.

    Other checks of a list (data quality, eligibility) give rows of the same kind, to be shown below these.
    """
    for notice in list_file.notices:
        yield ReportRow(
            code=notice.code,
            count=notice.count,
            rows=tuple(notice.rows),
            column=notice.column,
            says=notice.says,
        )
