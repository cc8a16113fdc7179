"""A file to keep: a table as CSV, sent as it is read and never whole in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from starlette.responses import Response, StreamingResponse

_CHUNK: Final = 64 * 1024


def csv_file(name: str, lines: Iterable[Sequence[int | str]]) -> Response:
    """
    The answer that a browser saves under this name.

    lines: made safe for spreadsheets (clinic/values/formula.py); that they are shown was written down before
    """
    return StreamingResponse(
        _chunks(lines),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _chunks(lines: Iterable[Sequence[int | str]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for line in lines:
        writer.writerow(line)
        if buffer.tell() >= _CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
