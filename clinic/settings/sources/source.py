"""Where data comes from by itself: `[sources.NAME]`, a section a source (docs/data.md)."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from clinic.settings.sources.formats import ImportKind, SourceFormat

SourceType = Literal["files", "sql", "fhir", "by_hand"]

# Which settings a type of source has besides `type`, and which of them it needs
_HAS: Final[dict[str, str]] = {
    "files": "folder patterns take oldest_hours done",
    "sql": "url url_file queries timeout_seconds full_days overlap_hours",
    "fhir": "url url_file kinds bulk bulk_group page_size wait_seconds export_hours token token_file client_id "
    "key_file key_id token_url scope file_hosts id_system authority_file full_days overlap_hours",
    "by_hand": "",
}
_NEEDS: Final = {
    "files": ("folder", "patterns"),
    "sql": ("url", "queries"),
    "fhir": ("url", "kinds"),
    "by_hand": (),
}


def _is_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(
            "write a source's name in lower-case letters, digits and _, such as warehouse or emis_main"
        )
    return name


SourceName = Annotated[str, AfterValidator(_is_name)]


class SourceSettings(SourceFormat):
    """One source of data: a folder of files, a database or a FHIR server, and how it writes what it exports."""

    type: SourceType = Field(
        description="What it is: files of a folder, a database, a FHIR server; by_hand: files that somebody "
        "imports, cohort import KIND FILE --source NAME"
    )
    # --- files
    folder: str = Field(default="", description="files: the folder that exports are put into")
    patterns: dict[ImportKind, str] = Field(
        default={},
        description='files: the names of each kind: { appointments = "*_Appointment_Slot_*.csv" }',
    )  # fmt: skip
    take: Literal["newest", "numbered"] = Field(
        default="newest",
        description="files: the newest file of a kind; or all of them in the order of the first number in "
        "their names, as the changes of a bulk extract must be",
    )
    oldest_hours: float = Field(
        default=36,
        gt=0,
        description="files: the newest file of a kind is at most so old, else it is refused",
    )
    done: str = Field(
        default="",
        description="files: the folder that a file is moved to when it is imported; empty: done, in the folder "
        "itself. On the same disk",
    )
    # --- sql and fhir
    url: SecretStr = Field(
        default=SecretStr(""),
        description="sql: its SQLAlchemy URL, postgresql://reader@db.example.org/warehouse; fhir: the base "
        "address, https://fhir.example.org/R4",
    )
    url_file: str = Field(
        default="",
        description="A file with the URL, for its owner alone, where that holds a password",
    )
    full_days: int = Field(
        default=7,
        ge=0,
        le=100,
        description="sql, fhir: on so many days all is read once, and on the others what changed since, where "
        "the source can tell: a query that uses :since, resources of patients. Each night all: 0. Always all "
        "of what complete and complete_days are set for: what was deleted is seen by its absence alone",
    )
    overlap_hours: float = Field(
        default=24,
        ge=1,
        le=1_000,
        description="sql, fhir: changes are asked for from so long before the last import on: clocks differ, "
        "and what is begun there may be written later",
    )
    # --- sql
    queries: str = Field(
        default="",
        description="sql: the folder of query files: appointments.sql is the query of that kind, every other "
        "one a cohort's",
    )
    timeout_seconds: float = Field(
        default=300, gt=0, description="sql: the longest that a query may take"
    )
    # --- fhir
    kinds: tuple[ImportKind, ...] = Field(default=(), description="fhir: what is fetched from it")
    bulk: bool = Field(
        default=False, description="fhir: by Bulk Data export ($export), not by search"
    )
    bulk_group: str = Field(
        default="", description="fhir: the id of the Group that is exported; empty: all patients"
    )
    page_size: int = Field(default=200, ge=1, le=1000, description="fhir: resources a page")
    wait_seconds: float = Field(default=60, gt=0, description="fhir: longest wait for an answer")
    export_hours: float = Field(
        default=6, gt=0, description="fhir: longest wait until an export is ready"
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="fhir: a bearer token, where the server has a fixed one"
    )
    token_file: str = Field(
        default="", description="fhir: a file with the token, for its owner alone"
    )
    client_id: str = Field(default="", description="fhir: our client id (SMART Backend Services)")
    key_file: str = Field(
        default="",
        description="fhir: the file of our private key, PEM or JWK, RSA or EC P-384, for its owner alone",
    )
    key_id: str = Field(default="", description="fhir: the key's id (kid), as it is registered")
    token_url: str = Field(
        default="",
        description="fhir: where tokens are asked for; empty: as the server's smart-configuration says, on the "
        "server's own host",
    )
    authority_file: str = Field(
        default="",
        description="fhir: who signed its certificate (PEM), where no public authority did; then no other is "
        "taken",
    )
    id_system: str = Field(
        default="",
        description="fhir: the system of the practice's own ids, as Patient.identifier names it; empty: NHS "
        "numbers alone, and the server's id where there is none",
    )
    file_hosts: tuple[str, ...] = Field(
        default=(),
        description="fhir: other hosts that files of an export may be on; the token never goes there",
    )
    scope: str = Field(default="system/*.read", description="fhir: what is asked for")

    @model_validator(mode="after")
    def _fits_its_type(self) -> SourceSettings:
        foreign = self.model_fields_set - {
            "type",
            *SourceFormat.model_fields,
            *_HAS[self.type].split(),
        }
        if foreign:
            says = (
                f"{', '.join(sorted(foreign))}: not of a source of type {self.type}: leave it out"
            )
            raise ValueError(says)
        if missing := [name for name in _NEEDS[self.type] if not _given(getattr(self, name))]:
            raise ValueError(f"a source of type {self.type} needs {' and '.join(missing)}")
        if self.type == "fhir":
            self._require_web()
        return self

    def _require_web(self) -> None:
        url = self.url.get_secret_value()
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("url: write the server's base address as https://fhir.example.org/R4")
        if self.token_url and not re.fullmatch(r"https?://[^\s/?#@]+/\S*", self.token_url):
            raise ValueError("token_url: write an address as https://login.example.org/token")
        if bool(self.client_id) != bool(self.key_file):
            raise ValueError("client_id and key_file belong together: give both, or neither")
        if self.client_id and self.token.get_secret_value():
            raise ValueError("token, or client_id with key_file: one of them")


def _given(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
