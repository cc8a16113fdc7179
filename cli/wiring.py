"""Opens what a command needs: the settings, the record, a time people understand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinic.record.database import Record
    from clinic.settings import Settings


def get_settings() -> Settings:
    """
    The settings.

    Raises:
        SettingsWrong: which one, and what is wrong with it
    """
    from clinic.settings import load_settings

    return load_settings()


@contextlib.contextmanager
def open_record(settings: Settings) -> Iterator[Record]:
    """
    The record, for the length of the block.

    Raises:
        NotSetUp: there is none yet
        RecordUnsafe: it cannot be opened, or is of another version; the command that fixes it
    """
    from sqlalchemy.exc import OperationalError

    from clinic.errors import NotSetUp, RecordUnsafe
    from clinic.govern.audit.key import unlock
    from clinic.record.database import Record, require_durable
    from clinic.record.outage import outage
    from clinic.record.private import sweep
    from clinic.record.version import require_current

    close_home(settings)
    sweep(settings.home)
    record = Record.open(settings.database_url)
    try:
        try:
            require_current(record)
            require_durable(record)
            unlock(record, settings.home)
        except OperationalError as error:
            if not settings.record_url and not (settings.home / "record.db").exists():
                raise NotSetUp(
                    "not-set-up",
                    f"there is no record in {settings.home.resolve()} yet, so nothing was done; "
                    "run: cohort init",
                ) from None
            raise outage(error) or RecordUnsafe(
                "record-unreachable",
                "the record database cannot be opened: is the server up, the disk full, the file yours?",
            ) from None
        yield record
    finally:
        record.close()


def governed(record: Record, settings: Settings) -> Settings:
    """The settings that count: what the record governs is not the environment's; what differs is told."""
    from cli import console
    from clinic.govern.rules.governed import in_force

    found = in_force(record, settings)
    for name in found.ignored:
        console.say(
            f"[yellow]{name} is as the record has it, not as file or environment say[/]: cohort settings"
        )
    return found.settings


def close_home(settings: Settings) -> None:
    """
    Close the home to others, if it is there and open to them, and say so.

    Raises:
        SettingsWrong: it is another account's
    """
    from cli import console
    from clinic.errors import SettingsWrong
    from clinic.record.private import close_folder

    home = settings.home
    try:
        was_open = home.exists() and close_folder(home)
    except PermissionError:
        raise SettingsWrong(
            "home-open",
            f"the home {home} can be read by others and belongs to another account: run this as that "
            f"account, or: chmod 700 {home}",
        ) from None
    if was_open:
        console.say(f"[yellow]{home} could be read by others: it is closed to them now[/] (0700).")


class LocalTime:
    """Instants in the organisation's time zone them, and its days as instants."""

    def __init__(self, settings: Settings) -> None:
        from zoneinfo import ZoneInfo

        self.zone = ZoneInfo(settings.organisation.time_zone)

    def show(self, instant: datetime | None) -> str:
        """2 Mar 2026 10:00; nothing for None."""
        return f"{instant.astimezone(self.zone):%-d %b %Y %H:%M}" if instant else ""

    def today(self) -> date:
        """The day that it is there now."""
        return datetime.now(self.zone).date()

    def begin(self, day: date | datetime | None) -> datetime | None:
        """The first instant of that day."""
        from clinic.values.moments import first_of

        return None if day is None else first_of(day, self.zone)

    def end(self, day: date | datetime | None) -> datetime | None:
        """The first instant after that day."""
        from clinic.values.moments import first_after

        return None if day is None else first_after(day, self.zone)
