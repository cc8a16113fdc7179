"""What a ledger asks before messages leave: the calendar, the lanes, the cap, the pilot batch, the brake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from clinic.message.timing.pacing import Lane, Limits, Turn, lane_at, lane_of
from clinic.settings import Contact, Halt, Pace, Pacing, Phones, Release, Settings
from clinic.values.calendar import Calendar, calendar_of, in_zone

# Where a channel never opens, somebody may change the settings: look again
_LOOK_AGAIN = timedelta(days=1)


@dataclass(frozen=True)
class Timing:
    """How this installation times its messages. Made without arguments: at any time, pace and number."""

    calendar: Calendar = field(default_factory=Calendar)
    pacing: Pacing = field(default_factory=Pacing)
    contact: Contact = field(default_factory=lambda: Contact(most=0))
    release: Release = field(default_factory=Release)
    halt: Halt | None = None
    phones: Phones = field(
        default_factory=Phones
    )  # which numbers may be texted, of those changed since
    facilities: Mapping[str, Calendar] = field(default_factory=dict)  # in other zones, by code
    rates: Mapping[str, float] = field(default_factory=dict)  # agreed with providers, by gateway

    @property
    def calendars(self) -> list[Calendar]:
        """Every one that somebody's messages go by; zones.py says whose."""
        return [self.calendar, *self.facilities.values()]

    def opening(self, channel: str, now: datetime, *, dry_run: bool = False) -> datetime:
        """
        `now` if the channel is open for anybody, else when it opens for the first.

        A dry run, of which nothing is sent, is free.
        """
        return now if dry_run else min(self.next_of(own, channel, now) for own in self.calendars)

    def next_of(self, calendar: Calendar, channel: str, now: datetime) -> datetime:
        """`now` if this calendar has the channel open, else when it opens."""
        if calendar.may_use(channel, now):
            return now
        return calendar.next_opening(channel, now) or now + _LOOK_AGAIN

    def lanes(self, campaign_id: int, channel: str, own: Limits, gateway: str) -> list[Lane]:
        """The lanes that a campaign's messages go by: its channel, its gateway's provider, and itself."""
        way_out: Pace = getattr(self.pacing, channel)
        return [
            lane_of(f"gateway {channel}", way_out),
            lane_at(f"provider {gateway}", self.rates.get(gateway, 0.0)),
            lane_of(f"campaign {campaign_id}", _slower(own, self.pacing.campaign)),
        ]

    def turn(
        self, connection: Connection, lanes: list[Lane], now: datetime, *, dry_run: bool = False
    ) -> Turn:
        """Our turn at these lanes; see `Turn`."""
        return Turn(connection, [] if dry_run else lanes, now)


def _slower(own: Limits, general: Limits) -> Pace:
    """A campaign's own limits where it has some, else those of every campaign; never faster than these."""

    def least(one: int | None, other: int | None) -> int | None:
        return min((most for most in (one, other) if most is not None), default=None)

    return Pace(
        per_second=least(own.per_second, general.per_second),
        per_hour=least(own.per_hour, general.per_hour),
        per_day=least(own.per_day, general.per_day),
    )


def timing_of(settings: Settings) -> Timing:
    """
    The timing of this installation.

    Raises:
        SettingsWrong: an unknown time zone, country or subdivision
    """
    own = calendar_of(settings)
    zones = settings.organisation.facility_zones
    return Timing(
        calendar=own,
        facilities={code: in_zone(own, zone) for code, zone in zones.items()},
        pacing=settings.pacing,
        contact=settings.contact,
        release=settings.release,
        halt=settings.halt,
        phones=settings.phones,
        rates={name: one.agreed_rate for name, one in settings.gateways.items()},
    )
