"""All settings together."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from clinic.settings.campaigns import (
    Contact,
    Content,
    Freshness,
    Halt,
    Needs,
    Pacing,
    Recall,
    Release,
    Replies,
    Sharing,
)
from clinic.settings.gateways import (
    HTTP_SMS,
    SMTP,
    Channels,
    EmailGateway,
    GatewayName,
    GatewaySettings,
    Receipts,
    Route,
    SmsGateway,
)
from clinic.settings.health import Health
from clinic.settings.hours import Hours
from clinic.settings.operations import (
    Access,
    Notices,
    Operations,
    People,
    Retention,
    Silence,
    Visits,
)
from clinic.settings.organisation import Gate, Organisation, Phones, Purposes
from clinic.settings.questionnaires import Questionnaires
from clinic.settings.section import Section
from clinic.settings.sources import Imports, SourceName, SourceSettings
from clinic.settings.sync import Reminders, Sync
from clinic.settings.systems.desk import Desk
from clinic.settings.systems.door import Attachments, Door
from clinic.settings.systems.mesh import Mesh
from clinic.settings.systems.outside_record import OutsideRecord
from clinic.settings.systems.runs import Runs


def account_name() -> str:
    """Who runs this program, as the system knows them: USER is whatever one writes there."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"account-{os.getuid()}"


class Settings(Section):
    """All of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(
        default=Path(".cohort"),
        description="Where this installation keeps its files; relative to the folder of this file",
    )
    notes_folder: Path = Field(
        default_factory=lambda: (
            Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "cohort"
        ),
        description="Where each process notes its last submission besides the home, so that a home "
        "that was restored as a whole is noticed: on another disk, or at least in another backup",
    )
    record_url: str = Field(
        default="", description="The record database; empty: SQLite in the home"
    )
    record_url_file: str = Field(
        default="",
        description="A file with record_url, for its owner alone, where that holds a password",
    )
    extends: str = Field(
        default="",
        description="A settings file below this one, whose settings count where this one says nothing: "
        "what many practices share. Relative to the folder of this file",
    )
    prefect_api_url: str = Field(
        default="", description="The Prefect server; empty: a local one is started"
    )
    prefect_login: SecretStr = Field(
        default=SecretStr(""),
        description="The login of the server that prefect_api_url names, as user:password: shown by whoever "
        "asks it, asked for by the server itself",
    )
    prefect_login_file: str = Field(
        default="", description="A file with that login, for its owner alone, instead of it here"
    )
    prefect_port: int = Field(
        default=4200, ge=1, le=65535, description="Port of the local Prefect server"
    )
    prefect_starts_at_once: int = Field(
        default=3,
        ge=1,
        le=100,
        description="So many runs a worker starts at the same time; the others wait their turn. How many run "
        "together is not limited by it",
    )
    prefect_keep_days: int = Field(
        default=14,
        ge=1,
        description="Prefect shows a finished run for so long; the record keeps what it did",
    )
    prefect_keep_settle_hours: float = Field(
        default=1,
        ge=0.5,
        description="The same of a run of `settle` that came to its end: there are 288 a day. Those that "
        "failed stay as long as others",
    )
    operator: str = Field(
        default_factory=account_name,
        description="Who works here: written to campaigns and to the audit trail",
    )
    outbox: bool = Field(
        default=False,
        description="Keep messages in the outbox where no gateway is set, and send nothing: for trials",
    )
    batch_size: int = Field(
        default=1000, ge=1, le=1000, description="Most messages per batch (ARC-14)"
    )
    campaign_workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="So many runs send one campaign together, on whatever machines have a worker, where nobody "
        "says otherwise (`--workers`). Never more than it has batches",
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
    sources: dict[SourceName, SourceSettings] = Field(
        default={},
        description="Where data is fetched from every night, a section [sources.NAME] each (docs/data.md)",
    )
    gateways: dict[GatewayName, GatewaySettings] = Field(
        default={},
        description="Gateways by name, a section [gateways.NAME] each (docs/gateways.md); which of them sends "
        "is said by channels",
    )
    sync: Sync = Sync()
    imports: Imports = Imports()
    organisation: Organisation = Organisation()
    phones: Phones = Phones()
    sms: SmsGateway = SmsGateway()
    email: EmailGateway = EmailGateway()
    channels: Channels = Channels()
    gate: Gate = Gate()
    operations: Operations = Operations()
    silence: Silence = Silence()
    people: People = People()
    visits: Visits = Visits()
    notices: Notices = Notices()
    hours: Hours = Hours()
    pacing: Pacing = Pacing()
    contact: Contact = Contact()
    freshness: Freshness = Freshness()
    content: Content = Content()
    replies: Replies = Replies()
    recall: Recall = Recall()
    reminders: Reminders = Reminders()
    sharing: Sharing = Sharing()
    needs: Needs = Needs()
    release: Release = Release()
    halt: Halt = Halt()
    receipts: Receipts = Receipts()
    purposes: Purposes = Purposes()
    retention: Retention = Retention()
    health: Health = Health()
    access: Access = Access()
    outside_record: OutsideRecord = OutsideRecord()
    mesh: Mesh = Mesh()
    runs: Runs = Runs()
    desk: Desk = Desk()
    questionnaires: Questionnaires = Questionnaires()
    door: Door = Door()
    attachments: Attachments = Attachments()

    @field_validator("record_url")
    @classmethod
    def _a_database(cls, url: str) -> str:
        if url and not re.match(r"(sqlite:///|postgresql(\+psycopg)?://)\S", url):
            raise ValueError(
                "write it as postgresql://USER@HOST/DATABASE or sqlite:////FOLDER/record.db, or leave it "
                "empty for SQLite in the home"
            )
        return url

    @model_validator(mode="after")
    def _known_statuses(self) -> Settings:
        if "transitions" not in self.operations.model_fields_set:
            return self
        named = set(self.operations.transitions).union(*self.operations.transitions.values())
        if unknown := sorted(named - set(self.organisation.statuses)):
            raise ValueError(
                f"operations.transitions names {', '.join(unknown)}: not one of organisation.statuses"
            )
        return self

    @model_validator(mode="after")
    def _known_gateways(self) -> Settings:
        for channel in Channels.model_fields:
            for name in getattr(self.channels, channel).gateways:
                if name not in self.gateways:
                    there = ", ".join(sorted(self.gateways)) or "none is set"
                    raise ValueError(
                        f"channels.{channel}.gateways names {name!r}, and there is no [gateways.{name}]; "
                        f"there: {there}"
                    )
                if channel not in self.gateways[name].serves:
                    kind = self.gateways[name].type
                    raise ValueError(
                        f"channels.{channel}.gateways names {name!r}: a gateway of type {kind} does not send "
                        f"by {channel}"
                    )
        return self

    def gateway_name(self, channel: str) -> str | None:
        """The gateway that a channel leaves by now, of several the first choice; None: none is set."""
        return next(iter(self.gateway_names(channel)), None)

    def gateway_names(self, channel: str) -> tuple[str, ...]:
        """Every gateway that a channel is sent through now, the first choice first; empty: none is set."""
        route = getattr(self.channels, channel, None)
        if isinstance(route, Route) and route.gateways:
            return route.in_use
        first = {"sms": (self.sms.url, HTTP_SMS), "email": (self.email.host, SMTP)}.get(channel)
        return (first[1],) if first and first[0] else ()

    def silent_gateways(self) -> frozenset[str]:
        """Those by name of which a missing receipt says nothing: they tell of no message, or not of each."""
        public = self.receipts.public_url
        return frozenset(
            name for name, one in self.gateways.items() if not (one.confirms and one.tells(public))
        )

    @property
    def database_url(self) -> str:
        """Where the record is: as set, or SQLite in the home."""
        if not self.record_url:
            return f"sqlite:///{self.home.resolve() / 'record.db'}"
        # The driver that is installed; the library would look for another one
        return re.sub(r"^postgresql://", "postgresql+psycopg://", self.record_url)
