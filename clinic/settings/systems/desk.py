"""The staff desk: its pages, and how long somebody stays signed in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.systems.pages import LOOPBACK, Pages


class Desk(Pages):
    """Where the staff's web pages are served (docs/desk.md)."""

    idle_minutes: int = Field(
        default=30, ge=5, le=120, description="Who does nothing for so long is signed out"
    )
    hours: int = Field(
        default=12, ge=1, le=24, description="Who is signed in signs in again after so long"
    )

    codes: dict[str, str] = Field(
        default={
            "86198006": "Influenza vaccination",
            "171149006": "Screening for malignant neoplasm of cervix",
        },
        description="SNOMED CT codes that staff find by a word when they compose a message, and what each "
        "means. A clinician of the practice says which",
    )

    @field_validator("codes")
    @classmethod
    def _are_codes(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [code for code in value if not re.fullmatch(r"[1-9][0-9]{5,17}", code)]:
            raise ValueError(f"{', '.join(wrong)}: a SNOMED CT code is 6 to 18 digits")
        return value

    oidc_issuer: str = Field(
        default="",
        description="The address of the OpenID provider (NHS Care Identity, Entra), for signing in with it; "
        "empty: by name and password alone",
    )
    oidc_client: str = Field(default="", description="Our id there")
    oidc_secret: SecretStr = Field(default=SecretStr(""), description="Our secret there")
    oidc_secret_file: str = Field(
        default="", description="A file with that secret, for its owner alone, instead of it here"
    )
    oidc_key_file: str = Field(
        default="",
        description="Our private key (PEM) where the provider wants private_key_jwt instead of a secret",
    )
    oidc_key_id: str = Field(default="", description="The id of that key there")
    oidc_level: str = Field(
        default="",
        description="The acr that the provider must state, such as AAL2_OR_AAL3_ANY; empty: whatever it states",
    )
    oidc_says: str = Field(
        default="Care Identity", description="What the provider is called on the page"
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _a_provider(cls, value: str) -> str:
        found = urlsplit(value)
        local = found.scheme == "http" and found.hostname in LOOPBACK
        if value and found.scheme != "https" and not local:
            raise ValueError("an address that begins with https://")
        return value

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Desk:
        proofs = [self.oidc_secret.get_secret_value(), self.oidc_key_file]
        if self.oidc_issuer and (not self.oidc_client or sum(map(bool, proofs)) != 1):
            raise ValueError(
                "oidc_issuer needs oidc_client, and either oidc_secret or oidc_key_file"
            )
        return self
