"""All settings together, and where they are read from."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from clinic.errors import SettingsWrong
from clinic.settings.campaigns import Contact, Halt, Pacing, Release
from clinic.settings.gateways import EmailGateway, Receipts, SmsGateway
from clinic.settings.hours import Hours
from clinic.settings.operations import Notices, Operations, Visits
from clinic.settings.organisation import Gate, Organisation, Phones


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
