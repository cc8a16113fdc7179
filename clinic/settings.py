"""
Every setting, in one place: the organisation's profile and how this installation runs.

Read once, from `cohort.toml` (in the working directory or named by COHORT_CONFIG) and from the
environment (COHORT_…, nested with two underscores: COHORT_SMS__URL). The environment wins.
`cohort init` writes a `cohort.toml` with every setting and a comment each.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from clinic.errors import SettingsWrong

Layout = Literal["emis", "emis_wales", "systmone", "generic"]
PhoneType = Literal[
    "mobile", "landline_or_mobile", "landline", "personal", "pager", "voip", "company"
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _window(text: str) -> str:
    begin, end = read_window(text)
    if begin >= end:
        raise ValueError("a window ends after it begins, on the same day")
    return text


def read_window(text: str) -> tuple[int, int]:
    """`"08:00-12:30"` as minutes of the day, the second no longer within."""
    found = re.fullmatch(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", text)
    if found is None or (hours := [int(part) for part in found.groups()])[2:] > [24, 0]:
        raise ValueError("write a window as 08:00-12:30; a day ends at 24:00")
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


Window = Annotated[str, AfterValidator(_window)]


class Organisation(BaseModel):
    """The profile made at installation."""

    name: str = Field(
        default="The Practice", description="Shown to patients as {{ organisation.name }}"
    )
    phone: str = Field(default="", description="Shown to patients as {{ organisation.phone }}")
    time_zone: str = Field(
        default="Europe/London", description="IANA name; working hours are in it"
    )
    facility_zones: dict[str, str] = Field(
        default={},
        description='Facilities in other time zones, by code: { NYC = "America/New_York" }. Their patients '
        "are messaged in the same hours by that clock, and told the times of visits there by it",
    )
    id_scheme: Layout = Field(
        default="generic", description="Whose columns a list must have (ACX-18 to 20)"
    )
    address_from: Literal["list", "record"] = Field(
        default="list", description="Whose number or e-mail address counts where both have one"
    )
    message_unregistered: bool = Field(
        default=False,
        description="Message rows with NHS number, mobile and date of birth that match no patient "
        "(ACX-21). They have no record to be saved to",
    )
    channels: tuple[str, ...] = Field(
        default=("sms", "email"), description="What may be used (PAT-1, ACX-7)"
    )
    campaign_cap: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Most recipients a campaign (PAT-2)"
    )
    plain_typography: bool = Field(
        default=True,
        description="Write curly quotes, dashes and the like in texts as every phone has them: one of "
        "them more than halves what a segment holds. Letters are kept, Welsh ones too",
    )
    most_segments: int = Field(
        default=6, ge=1, le=10, description="Longest text, in segments: 6 is 918 GSM characters"
    )
    save_when: Literal["sent", "delivered"] = Field(
        default="sent", description="When the item is written (PAT-17)"
    )
    statuses: tuple[str, ...] = Field(
        default=("active", "on_hold", "discharged"), description="Patient statuses (ALC-14)"
    )
    messaged_statuses: tuple[str, ...] = Field(
        default=("active", "on_hold"), description="Statuses whose patients may be messaged"
    )


class Phones(BaseModel):
    """Which numbers may be texted."""

    home_region: str = Field(default="GB", description="Region of numbers without a country code")
    regions: tuple[str, ...] = Field(
        default=("GB", "JE", "GG", "IM"), description="Regions allowed"
    )
    types: tuple[PhoneType, ...] = Field(
        default=("mobile", "landline_or_mobile"),
        description="Types allowed. North America has only landline_or_mobile",
    )
    test_range: bool = Field(
        default=False,
        description="Accept Ofcom's drama numbers 07700 900000 to 900999: tests and demo only",
    )


class SmsGateway(BaseModel):
    """The HTTP way out (docs/gateways.md has its contract)."""

    url: str = Field(default="", description="Base address; empty: texts go to the outbox")
    token: SecretStr = Field(default=SecretStr(""), description="Bearer token")
    gateway_class: Literal["I", "R", "B"] = Field(
        default="I", description="What the provider promises"
    )
    window_hours: float = Field(default=24, description="How long it remembers an idempotency key")
    per_request: int = Field(default=100, ge=1, le=1000, description="Most messages a request")
    connections: int = Field(default=50, ge=1, le=500, description="Connections kept open")
    timeout_seconds: float = Field(default=15, gt=0, description="Longest wait for an answer")
    busy_is_refusal: bool = Field(
        default=False, description="The provider promises that after 503 it has taken nothing"
    )
    segment_cost: float = Field(
        default=0.0, ge=0, description="Price of one segment, for the review"
    )


class EmailGateway(BaseModel):
    """The SMTP way out."""

    host: str = Field(default="", description="Relay; empty: e-mails go to the outbox")
    port: int = Field(default=25, description="Its port")
    user: str = Field(default="", description="Login, if it asks for one")
    password: SecretStr = Field(default=SecretStr(""), description="Its password")
    tls: Literal["none", "starttls", "implicit"] = Field(
        default="starttls", description="Encryption"
    )
    sender: str = Field(default="practice@localhost", description="From: address")
    bounce_address: str = Field(default="", description="Envelope sender; empty: the sender")
    batch_limit: int = Field(
        default=50, ge=1, le=1000, description="Messages at risk of `unknown` at a crash"
    )
    connections: int = Field(default=4, ge=1, le=50, description="Connections kept open")
    timeout_seconds: float = Field(default=30, gt=0, description="Longest wait for an answer")


class Gate(BaseModel):
    """When the list as a whole is refused: the largest share (0 to 1) of rows with each kind of fault."""

    errors: float = Field(default=0.5, ge=0, le=1, description="Rows with any error")
    not_found: float = Field(default=0.3, ge=0, le=1, description="Rows that match no patient")
    birth_date_differs: float = Field(
        default=0.1, ge=0, le=1, description="Rows with another's date of birth"
    )
    dead: float = Field(default=0.1, ge=0, le=1, description="Rows of patients who have died")


class Operations(BaseModel):
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
        default=1_000_000, ge=1, le=1_000_000, description="Most patients an operation (ALC-34)"
    )
    chunk_size: int = Field(
        default=20_000, ge=1, le=50_000, description="Patients changed in one transaction (ALC-42)"
    )
    approval_hours: float = Field(
        default=72, gt=0, description="How long a request for approval stays open"
    )


class Visits(BaseModel):
    """When visits are booked, and how many (ALC-31), in the organisation's time zone."""

    opening: dict[str, dict[Day, tuple[Window, ...]]] = Field(
        default={
            "*": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:30", "13:30-17:00"))
        },
        description='Opening hours by facility code, "*" for those that are not named: windows a day. '
        "A day that is not named is closed, as are the holidays and days of [hours]",
    )
    per_day: int = Field(
        default=20, ge=1, le=200, description="Most visits a provider and day, booked ones included"
    )
    per_day_of: dict[str, int] = Field(
        default={}, description="The same for single providers, by their codes"
    )


class Notices(BaseModel):
    """Who of the practice is told of operations, and reminded of what waits for approval (ALC-32, ALC-45)."""

    internal: tuple[str, ...] = Field(default=(), description="E-mail addresses of the team")
    chase_hours: float = Field(
        default=24, gt=0, description="A request for approval older than this is chased"
    )


class Hours(BaseModel):
    """When messages may leave, in the organisation's time zone (ARC-15, NEW-4). Nothing set: always."""

    text: dict[Day, tuple[Window, ...]] = Field(
        default={},
        description='Texts and e-mails: windows a day, { mon = ["08:00-12:30", "14:00-18:00"], … }. '
        "A day that is not named is closed; none named: every hour is open",
    )
    voice: dict[Day, tuple[Window, ...]] = Field(default={}, description="Calls, likewise")
    country: str = Field(
        default="", description="Closed on this country's public holidays: GB, US; empty: on none"
    )
    subdivision: str = Field(default="", description="Part of the country: ENG, WLS, SCT, NIR, CA")
    closed: tuple[date, ...] = Field(default=(), description="Closed on these days too")


class Pace(BaseModel):
    """Most messages in any second, hour and day. Empty: no limit."""

    per_second: int | None = Field(default=None, ge=1, description="In any second")
    per_hour: int | None = Field(default=None, ge=1, description="In any hour")
    per_day: int | None = Field(default=None, ge=1, description="In any 24 hours")


class Pacing(BaseModel):
    """How fast messages may leave, over all processes (NEW-7): of each way out, and of each campaign."""

    sms: Pace = Pace()
    email: Pace = Pace()
    voice: Pace = Pace()
    campaign: Pace = Pace()


class Contact(BaseModel):
    """How often a patient may be messaged, over all campaigns (NEW-8), and numbers that do not work."""

    most: int = Field(
        default=0, ge=0, description="Most messages a patient in the period; 0: no limit"
    )
    days: float = Field(default=7, gt=0, description="The period")
    exempt_purposes: tuple[str, ...] = Field(
        default=(), description="Purposes of templates that the limit does not hold back"
    )
    hold_failed: bool = Field(
        default=False,
        description="Leave out numbers and addresses whose last message failed for good",
    )


class Release(BaseModel):
    """What a campaign needs before it leaves: a second person, a first part, its time."""

    approval_above: int | None = Field(
        default=None,
        ge=0,
        description="Campaigns with more messages than this need a second person (NEW-1). "
        "0: all of them; empty: none",
    )
    approval_hours: float = Field(
        default=72, gt=0, description="How long a request for approval stays open"
    )
    canary: int = Field(
        default=0, ge=0, le=1000, description="Messages that go first, alone; 0: none do"
    )
    canary_minutes: float = Field(
        default=10, ge=0, description="How long the rest waits for their receipts"
    )
    canary_failures: float = Field(
        default=0.02, ge=0, le=1, description="The rest stays if a larger share of them failed"
    )
    late_hours: float = Field(
        default=24, gt=0, description="A campaign that starts later than this is missed"
    )


class Halt(BaseModel):
    """When a running campaign pauses itself (NEW-12)."""

    failures: float = Field(
        default=0.1, ge=0, le=1, description="Share of the last messages that failed; 1: never"
    )
    batches: int = Field(default=3, ge=1, description="Counted over so many attempts")
    least: int = Field(default=100, ge=1, description="And over no fewer messages than this")
    ambiguous: int = Field(
        default=3, ge=1, description="Attempts in a row of which nobody knows what became"
    )


class Receipts(BaseModel):
    """What comes back: receipts, replies and unsubscriptions (docs/gateways.md has the contract)."""

    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Shared with the gateway, which signs what it sends us with it, and with the "
        "addresses of unsubscribe links. At least 16 characters; empty: nothing is taken",
    )
    host: str = Field(default="127.0.0.1", description="Address that `cohort receipts serve` is on")
    port: int = Field(default=8444, ge=0, le=65535, description="Its port")
    public_url: str = Field(
        default="",
        description="How it is reached from outside, https://…; empty: e-mails carry no unsubscribe link",
    )
    pull: bool = Field(
        default=False, description="Fetch receipts and replies from sms.url too, for those lost"
    )
    channels: tuple[str, ...] = Field(
        default=("sms", "voice"), description="Channels whose network confirms every delivery"
    )
    no_receipt_hours: float = Field(
        default=72, gt=0, description="Sent for so long without a receipt: failed (ACX-34)"
    )
    keep_days: float = Field(
        default=400,
        ge=30,
        description="Receipts that were applied are forgotten after so long; the messages and the "
        "patients' records keep what came of them",
    )


class Settings(BaseSettings):
    """All of it."""

    model_config = SettingsConfigDict(
        env_prefix="COHORT_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(
        default=Path(".cohort"), description="Where this installation keeps its files"
    )
    record_url: str = Field(
        default="", description="The record database; empty: SQLite in the home"
    )
    prefect_api_url: str = Field(
        default="", description="The Prefect server; empty: a local one is started"
    )
    prefect_port: int = Field(default=4200, description="Port of the local Prefect server")
    operator: str = Field(
        default_factory=lambda: os.environ.get("USER", "operator"),
        description="Who works here: written to campaigns and to the audit trail",
    )
    batch_size: int = Field(
        default=1000, ge=1, le=1000, description="Most messages a batch (ARC-14)"
    )
    lease_seconds: float = Field(
        default=300,
        gt=0,
        description="How long a worker may hold a batch unseen: three times the longest send at least. "
        "A worker of this host that died is noticed at once",
    )
    max_attempts: int = Field(
        default=8, ge=1, description="Tries of a batch before its rest is exhausted"
    )
    organisation: Organisation = Organisation()
    phones: Phones = Phones()
    sms: SmsGateway = SmsGateway()
    email: EmailGateway = EmailGateway()
    gate: Gate = Gate()
    operations: Operations = Operations()
    visits: Visits = Visits()
    notices: Notices = Notices()
    hours: Hours = Hours()
    pacing: Pacing = Pacing()
    contact: Contact = Contact()
    release: Release = Release()
    halt: Halt = Halt()
    receipts: Receipts = Receipts()

    @property
    def database_url(self) -> str:
        """Where the record is: as set, or SQLite in the home."""
        return self.record_url or f"sqlite:///{self.home.resolve() / 'record.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = Path(os.environ.get("COHORT_CONFIG", "cohort.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)


def load_settings() -> Settings:
    """
    The settings of this process.

    Raises:
        SettingsWrong: which setting, and what is wrong with it
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsWrong("settings", f"check cohort.toml and COHORT_…: {faults}") from None
