"""
The calendar: may a channel be used at an instant, and if not, when next? (ARC-15, NEW-4)

An instant is open when the wall clock of the zone then shows a time inside one of the day's windows, and
the day is neither a public holiday nor closed by the settings. So a window in the hour that a change
of the clocks leaves out has no open instant, and one in the hour that comes twice is open twice.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinic.errors import SettingsWrong
from clinic.settings import Day, Hours, Settings, read_window

_DAY = timedelta(days=1)
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# How far ahead to look: over every weekday, and over any run of holidays
_FAR = 400

# Windows of a weekday (0: Monday), as minutes of the day
Week = Sequence[Sequence[tuple[int, int]]]
ALWAYS: Week = (((0, 24 * 60),),) * 7


class Calendar:
    """When each channel may be used, in one time zone. Texts and e-mails share hours; calls have their own."""

    def __init__(
        self,
        zone: str = "UTC",
        *,
        text: Week = ALWAYS,
        voice: Week = ALWAYS,
        closed: Sequence[Container[date]] = (),
    ) -> None:
        """
        Args:
            zone: IANA name
            closed: collections of days on which nothing is open, such as a country's holidays
        """
        self.zone = ZoneInfo(zone)
        self._weeks: Mapping[str, Week] = {"sms": text, "email": text, "voice": voice}
        self._closed = closed

    def in_zone(self, zone: str) -> Calendar:
        """The same hours and holidays by another clock: for patients of a facility in another zone."""
        weeks = self._weeks
        return Calendar(zone, text=weeks["sms"], voice=weeks["voice"], closed=self._closed)

    def may_use(self, channel: str, at: datetime) -> bool:
        """Whether `channel` may be used at this instant."""
        local = at.astimezone(self.zone)
        seconds = (local.hour * 60 + local.minute) * 60 + local.second
        return any(
            begin * 60 <= seconds < end * 60 for begin, end in self._windows(channel, local.date())
        )

    def next_opening(self, channel: str, at: datetime) -> datetime | None:
        """`at` itself if the channel is open then, else when it opens; None: not in the next year."""
        opening = next(self.open_spans(channel, at), None)
        return None if opening is None else opening[0]

    def open_seconds_between(self, channel: str, start: datetime, end: datetime) -> float:
        """How long the channel is open from `start` to `end`."""
        total = 0.0
        for opens, closes in self.open_spans(channel, start, days=(end - start).days + 2):
            if opens >= end:
                break
            total += (min(closes, end) - opens).total_seconds()
        return total

    def after_open_seconds(self, channel: str, start: datetime, seconds: float) -> datetime | None:
        """When the channel will have been open for `seconds` since `start`; None: not in the next year."""
        left = timedelta(seconds=seconds)
        for opens, closes in self.open_spans(channel, start):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return None

    def _windows(self, channel: str, day: date) -> Sequence[tuple[int, int]]:
        if any(day in days for days in self._closed):
            return ()
        return self._weeks[channel][day.weekday()]

    def open_spans(
        self, channel: str, start: datetime, *, days: int = _FAR
    ) -> Iterator[tuple[datetime, datetime]]:
        """Open spans from `start` on, in UTC and in order; a span may end where the next begins."""
        start = start.astimezone(UTC)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(days):
            for begin, end in self._steady(midnight + number * _DAY):
                for opens, closes in self._open_within(channel, begin, end):
                    if closes > start:
                        yield max(opens, start), closes

    def _steady(self, begin: datetime) -> list[tuple[datetime, datetime]]:
        """The UTC day from `begin` on, cut where the zone's clocks change (never twice a day)."""
        end = begin + _DAY
        before, after = self._offset(begin), self._offset(end)
        if before == after:
            return [(begin, end)]
        low, high = 0, 24 * 60 * 60
        while high - low > 1:
            middle = (low + high) // 2
            steady = self._offset(begin + timedelta(seconds=middle)) == before
            low, high = (middle, high) if steady else (low, middle)
        change = begin + timedelta(seconds=high)
        return [(begin, change), (change, end)]

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()

    def _open_within(
        self, channel: str, begin: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """Open spans of a stretch of at most a day in which the zone's clocks do not change."""
        ahead = self._offset(begin)
        first, last = (begin + ahead).date(), (end + ahead).date()
        for day in (first,) if first == last else (first, last):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - ahead
            for opens, closes in self._windows(channel, day):
                span = (
                    max(begin, midnight + timedelta(minutes=opens)),
                    min(end, midnight + timedelta(minutes=closes)),
                )
                if span[0] < span[1]:
                    yield span


def calendar_of(settings: Settings) -> Calendar:
    """
    The organisation's calendar, as it was set at installation.

    Raises:
        SettingsWrong: an unknown time zone, country or subdivision
    """
    hours = settings.hours
    try:
        return Calendar(
            settings.organisation.time_zone,
            text=_week(hours.text),
            voice=_week(hours.voice),
            closed=[frozenset(hours.closed), *_christmas(hours), *_holidays(hours)],
        )
    except (KeyError, ValueError) as error:  # zoneinfo's own error is a KeyError
        raise _no_zone("time_zone", settings.organisation.time_zone, error) from None


def in_zone(calendar: Calendar, zone: str) -> Calendar:
    """
    The organisation's calendar in the time zone of a facility.

    Raises:
        SettingsWrong: an unknown time zone
    """
    try:
        return calendar.in_zone(zone)
    except (KeyError, ValueError) as error:
        raise _no_zone("facility_zones", zone, error) from None


def _no_zone(setting: str, zone: str, error: Exception) -> SettingsWrong:
    return SettingsWrong(
        "time-zone", f"organisation.{setting}: there is no zone {zone!r} ({type(error).__name__})"
    )


def _week(days: Mapping[Day, Sequence[str]]) -> Week:
    if not days:
        return ALWAYS
    return tuple(sorted(map(read_window, days.get(name, ()))) for name in _DAYS)


class _ChristmasDays(Container[date]):
    """25 December of every year: no list of holidays is needed to know it."""

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (day.month, day.day) == (12, 25)


def _christmas(hours: Hours) -> list[Container[date]]:
    # Where no hours are set at all, every hour is open, as the settings say
    return [_ChristmasDays()] if (hours.text or hours.voice) and not hours.christmas else []


def _holidays(hours: Hours) -> list[Container[date]]:
    if not hours.country:
        return []
    import holidays  # a tenth of a second, and only where they are set

    try:
        return [holidays.country_holidays(hours.country, subdiv=hours.subdivision or None)]
    except NotImplementedError:
        where = "-".join(filter(None, (hours.country, hours.subdivision)))
        raise SettingsWrong(
            "holidays-unknown",
            f"hours.country, hours.subdivision: no holidays are known of {where!r}",
        ) from None
