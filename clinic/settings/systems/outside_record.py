"""The practice's clinical record on a system of its own, which what is sent is saved to."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

from pydantic import Field, SecretStr, model_validator

from clinic.settings.section import Section

NHS_NUMBER_SYSTEM: Final = "https://fhir.nhs.uk/Id/nhs-number"
_LOOPBACK: Final = r"(127\.0\.0\.1|localhost|\[::1\])"


class OutsideRecord(Section):
    """The clinical record that messages are saved to, by FHIR R4 (docs/outside-record.md)."""

    fhir_url: str = Field(
        default="",
        description="Base address of the FHIR R4 server, https://fhir.example.org/R4; empty: nothing is saved "
        "outside this program's own record",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token, if the server asks for one"
    )
    token_file: str = Field(
        default="",
        description="A file with the token, for its owner alone, instead of the token here",
    )
    client_id: str = Field(
        default="",
        description="Our client id, where the server gives tokens for a signed assertion (SMART Backend "
        "Services) instead of a fixed one",
    )
    key_file: str = Field(
        default="",
        description="The file of our private key, PEM or JWK, RSA or EC P-384, for its owner alone",
    )
    key_id: str = Field(default="", description="The key's id (kid), as it is registered there")
    token_url: str = Field(
        default="",
        description="Where tokens are asked for; empty: as the server's smart-configuration says, on the "
        "server's own host",
    )
    scope: str = Field(
        default="system/Patient.* system/Communication.* system/Consent.* system/AuditEvent.*",
        description="What is asked for with a token",
    )
    save_from: date | None = Field(
        default=None,
        description="What was sent before this day is not saved there. To be set with fhir_url",
    )
    patient_key: Literal["nhs_number", "local_id"] = Field(
        default="nhs_number", description="By what a patient is found there"
    )
    patient_system: str = Field(
        default=NHS_NUMBER_SYSTEM, description="The system of that identifier, as the server has it"
    )
    consents: bool = Field(
        default=True,
        description="Save patients' decisions too (opt-outs and consents that were made here), as Consent",
    )
    audit: bool = Field(default=False, description="Save the audit trail's acts too, as AuditEvent")
    push: bool = Field(
        default=False,
        description="Operations on the record (status, provider, tags, facility) change the Patient there too; "
        "who cannot be changed there is not changed here",
    )
    inactive_statuses: tuple[str, ...] = Field(
        default=("discharged",), description="Statuses in which a Patient there is not active"
    )
    per_request: int = Field(default=100, ge=1, le=500, description="Most resources in one Bundle")
    timeout_seconds: float = Field(default=30, gt=0, description="Longest wait for an answer")
    run_seconds: float = Field(
        default=120,
        gt=0,
        description="The scheduled run saves for so long, every five minutes; the rest waits for the next",
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> OutsideRecord:
        if not self.fhir_url:
            return self
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", self.fhir_url):
            raise ValueError(
                "fhir_url: write the server's base address as https://fhir.example.org/R4"
            )
        if not re.match(rf"https://|http://{_LOOPBACK}(:|/|$)", self.fhir_url):
            raise ValueError(
                "fhir_url is http:// to another machine, which would carry patients' data in clear: "
                "use https://"
            )
        if bool(self.client_id) != bool(self.key_file):
            raise ValueError("client_id and key_file belong together: give both, or neither")
        if self.client_id and self.token.get_secret_value():
            raise ValueError("token, or client_id with key_file: one of them")
        if self.token_url and not re.fullmatch(r"https?://[^\s/?#@]+/\S*", self.token_url):
            raise ValueError("token_url: write an address as https://login.example.org/token")
        if self.save_from is None:
            raise ValueError(
                "save_from is not set: write save_from = 2026-11-30 beside fhir_url, the first day "
                "whose messages are saved there"
            )
        return self
