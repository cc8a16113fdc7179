"""Operations on the record: steps, visits, and who is told; which looks at patients are odd."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from clinic.settings.hours import Day, Window
from clinic.settings.section import Phrases, Section


class Operations(Section):
    """Operations on the record: what they may do, and in what steps."""

    transitions: dict[str, tuple[str, ...]] = Field(
        default={
            "active": ("on_hold", "discharged"),
            "on_hold": ("active", "discharged"),
            "discharged": ("active",),
        },
        description="From each status, those a status change may lead to (ALC-14)",
    )
    cap: int = Field(
        default=1_000_000, ge=1, le=1_000_000, description="Most patients per operation (ALC-34)"
    )
    chunk_size: int = Field(
        default=20_000, ge=1, le=50_000, description="Patients changed in one transaction (ALC-42)"
    )
    approval_hours: float = Field(
        default=72, gt=0, description="How long a request for approval stays open"
    )


class Silence(Section):
    """Which reasons of a discharge say only that somebody did not answer, besides the program's own words."""

    add: dict[
        Literal["silence", "more", "text", "email", "letter", "call", "visit", "app"], Phrases
    ] = Field(
        default={},
        description="Phrases of this practice: silence (nobody answered), more (the reason tells more than "
        "that), and by channel how they were asked: text, email, letter, call, visit, app. Written as in "
        'content.add: silence = ["dna x #"]',
    )


class People(Section):
    """Who works here: when somebody is dormant, and who signs in with a code as well (docs/governance.md)."""

    dormant_days: int = Field(
        default=90,
        ge=0,
        le=3650,
        description="Days without signing in or working after which a person is disabled; 0: never",
    )
    mfa: Literal["enrolled", "required"] = Field(
        default="enrolled",
        description="A code besides the password: of who has enrolled (cohort operators mfa), or required of "
        "every manager and admin",
    )
    privacy_deciders: tuple[str, ...] = Field(
        default=(),
        description="Managers who alone decide erasures, restrictions and ends of records, two at least. "
        "Empty: each manager",
    )

    @field_validator("privacy_deciders")
    @classmethod
    def _two_at_least(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len({name.strip().lower() for name in names}) == 1:
            raise ValueError("name two people at least: a requester does not decide")
        return tuple(name.strip().lower() for name in names)


class Visits(Section):
    """When visits are booked, and how many (ALC-31), in the organisation's time zone."""

    opening: dict[str, dict[Day, tuple[Window, ...]]] = Field(
        default={
            "*": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:30", "13:30-17:00"))
        },
        description='Opening hours by facility code, "*" for those that are not named: windows a day. '
        "A day that is not named is closed, as are the holidays and days of [hours]",
    )
    per_day: int = Field(
        default=20,
        ge=1,
        le=200,
        description="Most visits per provider and day, booked ones included",
    )
    per_day_of: dict[str, int] = Field(
        default={}, description="The same for single providers, by their codes"
    )


class Notices(Section):
    """Who of the practice is told of operations, and reminded of what waits for approval (ALC-32, ALC-45)."""

    internal: tuple[str, ...] = Field(default=(), description="E-mail addresses of the team")
    chase_hours: float = Field(
        default=24, gt=0, description="A request for approval older than this is chased"
    )


class Access(Section):
    """Which looks at patients the weekly report calls odd (docs/governance.md)."""

    patients_an_hour: int = Field(
        default=30, ge=1, description="More single patients than this, looked at in an hour"
    )
    hours: dict[Day, tuple[Window, ...]] = Field(
        default={
            **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:00-20:00",)),
            "sat": ("07:00-14:00",),
        },
        description="When people work here, in the organisation's time zone: windows a day. A look at another "
        "time is odd; none named: none is",
    )


class Retention(Section):
    """
    How long each class is kept. Copies then go by themselves, every night; records only when two people
    decided it (`cohort retention`). What is under a legal hold stays.
    """

    outbox_days: float = Field(
        default=30,
        ge=1,
        le=365,
        description="Messages that the outbox keeps, of trials and demonstrations",
    )
    list_rows_days: float = Field(
        default=90,
        ge=30,
        le=730,
        description="Cells of a list, and addresses taken from it, after the end of its last campaign",
    )
    unused_list_days: float = Field(
        default=7,
        ge=1,
        le=90,
        description="Cells of a list of which nothing was sent: refused, unconfirmed, wrong, never used",
    )
    files_days: float = Field(
        default=30,
        ge=1,
        le=365,
        description="Files in the home: exports, rows that got no message, lists of what is unknown",
    )
    copies_days: float = Field(
        default=35,
        ge=7,
        le=365,
        description="Copies of the record from before an upgrade, in the home",
    )
    reply_years: int = Field(
        default=8,
        ge=1,
        le=100,
        description="What patients replied, as the health record; of children until they are 25",
    )
    message_years: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Text and address of messages on a patient's record, as the health record; 2 where the "
        "clinical system has a copy of each",
    )
    message_months: int = Field(
        default=24,
        ge=3,
        le=1200,
        description="Text and address of messages that are on no record: not saved, not sent, dry runs",
    )
    before_image_months: int = Field(
        default=24,
        ge=3,
        le=1200,
        description="Old and new values of operations, and the ids that were typed for them",
    )
    import_months: int = Field(
        default=24,
        ge=3,
        le=1200,
        description="Old and new values of imports, by which one is put back",
    )
    trail_years: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Acts of the audit trail, and who looked at whom",
    )
