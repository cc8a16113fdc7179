"""The record goes away while a campaign is sent: said once and at once, in a sentence, with what carries on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from cli.message.steps import carrying_on
from cli.show.progress import WAITS, watching
from clinic.errors import MendableError, RecordUnsafe


class Away:
    """A record whose server has stopped; `asked` once it was looked at three times."""

    def __init__(self) -> None:
        self.times = 0
        self.asked = threading.Event()

    @contextmanager
    def read(self) -> Iterator[Any]:
        self.times += 1
        if self.times == 3:
            self.asked.set()
        raise sa.exc.OperationalError("SELECT 1", None, psycopg.OperationalError("gone"))
        yield


def test_the_progress_says_once_that_the_record_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    """2.6: it was a hundred lines of the driver's."""
    record = Away()
    with watching(record, 1):  # type: ignore[arg-type]
        assert record.asked.wait(60)
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("the record database does not answer") == 1
    assert said.count(WAITS) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RecordUnsafe("disk-full", "no room is left on the disk of /srv/record.db"), True),
        (sa.exc.OperationalError("SELECT 1", None, psycopg.OperationalError("gone")), True),
        (MendableError("list-empty", "the list is empty"), False),
    ],
)
def test_what_carries_on_is_printed_where_the_record_failed_and_only_there(
    error: Exception, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command again would make a second campaign of the list."""
    with pytest.raises(RecordUnsafe if told else MendableError), carrying_on(7):
        raise error
    assert ("cohort message --resume 7" in capsys.readouterr().err) is told
