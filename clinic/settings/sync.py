"""When data of other systems is too old, or too unlike the last, to be imported or acted on."""

from __future__ import annotations

from pydantic import Field

from clinic.settings.organisation import TimeZone
from clinic.settings.section import Section
from clinic.settings.sources import SourceName


class SyncChecks(Section):
    """What an import from a source is held against before anything of it is imported. Shares are 0 to 1."""

    oldest_hours: float = Field(
        default=36, ge=0, description="The newest of it is at most so old; 0: of any age"
    )
    fewest_rows: float = Field(
        default=0.5, ge=0, le=1, description="At least this share of the rows of the last imports"
    )
    most_rows: float = Field(
        default=3, ge=1, description="At most so many times the rows of the last imports"
    )
    unknown: float = Field(
        default=0.1, ge=0, le=1, description="Share of rows whose patient is not on the record"
    )
    changed: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of what the record has of it that would be moved, cancelled or corrected",
    )
    no_number: float = Field(
        default=0.5, ge=0, le=1, description="patients: share without a mobile number"
    )

    quiet_days: float = Field(
        default=5,
        ge=0,
        description="appointments of a FHIR server: one of them was made, moved or cancelled there within so "
        "many days, else it may be a copy that nobody brings up to date any more; days on which the practice "
        "was closed do not count; 0: not asked",
    )

    def switched_off(self) -> list[str]:
        """What is not judged, in words with the setting: nobody is to find that out by what was imported."""
        off = [
            (self.oldest_hours == 0, "how old it is (oldest_hours = 0)"),
            (self.fewest_rows == 0, "whether rows are missing (fewest_rows = 0)"),
            (self.unknown == 1, "whether its patients are on the record (unknown = 1)"),
            (self.changed == 1, "how much it changes (changed = 1)"),
            (self.quiet_days == 0, "whether anything is written there still (quiet_days = 0)"),
            (self.no_number == 1, "whether numbers are missing (no_number = 1)"),
        ]
        return [says for is_off, says in off if is_off]


class Sync(SyncChecks):
    """The nightly import from the sources, and how old what it brings may be when reminders are sent."""

    reminder_hours: float = Field(
        default=24,
        ge=0,
        description="Reminders are not sent on appointments, opt-outs or patients of a source that are older; "
        "0: of any age",
    )
    only: dict[SourceName, SyncChecks] = Field(
        default={},
        description="Other limits for one source: { warehouse = { unknown = 0.3 } }; what is not named there "
        "is as above",
    )

    def of(self, source: str) -> SyncChecks:
        """The limits of a source."""
        own = self.only.get(source)
        named = {name: getattr(own, name) for name in own.model_fields_set} if own else {}
        common = {name: getattr(self, name) for name in SyncChecks.model_fields}
        return SyncChecks(**(common | named))


class Reminders(Section):
    """When the evening's reminders are sent (docs/campaigns.md); in force after `cohort server start`."""

    at: str = Field(
        default="17:00",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Each day at this time, 24 hours: 17:00",
    )
    time_zone: TimeZone | None = Field(
        default=None, description="IANA name; not set: the organisation's (organisation.time_zone)"
    )
