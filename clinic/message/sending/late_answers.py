"""
What a gateway answered is never thrown away because the record cannot be written.

    answer ──► record            tried again for as long as the batch is ours
          └──► a file            when the lease has run out: under the home, for this account alone
                 └──► inbox      the next process on this home takes it in, as evidence (receipts.py)

A blind gateway's answer cannot be asked for again: thrown away, each of its messages would be `unknown` for
ever. A file holds references, codes and what the provider said, cleaned: no number, no name, no text.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.gateway.protocol import Answer, Taken, Turned
from clinic.message.incoming.receipts import keep_late_answer
from clinic.record.database import Record
from clinic.record.private import close_folder, open_private

T = TypeVar("T")
_PAUSE: Final = timedelta(seconds=1)


class LateAnswers:
    """A folder of answers that could not be written into the record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, gateway: str, submission_id: str, answer: Answer) -> bool:
        """Write what was said of single messages; whether there was anything. Again: the same file."""
        if not answer.results:
            return False
        close_folder(self._folder)
        said = {str(key): _as_json(one) for key, one in answer.results.items()}
        draft = self._folder / f"{submission_id}.part"
        with open_private(draft, encoding="utf-8") as file:
            file.write(orjson.dumps({"gateway": gateway, "said": said}).decode())
            file.flush()
            os.fsync(file.fileno())  # whole after a power cut, or not there
        draft.replace(self._folder / f"{submission_id}.json")
        return True

    def take_in(self, record: Record, clock: Clock) -> int:
        """Give what was kept to the record's inbox, a file at a time; how many answers were new."""
        count = 0
        for path in sorted(self._folder.glob("*.json")):
            try:
                kept = orjson.loads(path.read_bytes())
            except FileNotFoundError:
                continue  # another process that begins now has taken it in
            said = {int(key): _from_json(one) for key, one in kept["said"].items()}
            count += keep_late_answer(record, clock, kept["gateway"], path.stem, said)
            # Killed before this: taken in once more, which inserts nothing
            path.unlink(missing_ok=True)
        return count


def patiently(
    clock: Clock,
    patience: timedelta,
    write: Callable[[], T],
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> T:
    """
    What `write` gives; tried again while the database is away, for as long as `patience` lasts and the
    process is not `stopping`.

    Raises:
        sqlalchemy.exc.DBAPIError: it is still away after that
    """
    until = clock.elapsed() + patience.total_seconds()
    while True:
        try:
            return write()
        except sa.exc.DBAPIError as error:
            if not is_away(error) or stopping() or clock.elapsed() + _PAUSE.total_seconds() > until:
                raise
            clock.sleep(_PAUSE.total_seconds())


def is_away(error: sa.exc.DBAPIError) -> bool:
    """Whether the database could not be reached or written at all, rather than refused one statement."""
    return error.connection_invalidated or isinstance(
        error, (sa.exc.OperationalError, sa.exc.InterfaceError)
    )


def _as_json(one: Taken | Turned) -> list[Any]:
    if isinstance(one, Taken):
        return ["taken", one.gateway_ref, one.delivered, *one.parts]
    return ["turned", one.code, one.says]


def _from_json(one: list[Any]) -> Taken | Turned:
    kind, first, second, *parts = one
    if kind == "taken":
        return Taken(str(first), bool(second), tuple(str(part) for part in parts))
    return Turned(str(first), str(second))
