"""What settings of gateways have in common: an address, a proxy, and who processes what they are given."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from clinic.settings.section import Section

Channel = Literal["sms", "email", "voice"]


def web_address(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s/]\S*", url):
        raise ValueError("write an address as https://sms.example.org")
    return url


class Processor(Section):
    """Who processes for the practice what this gateway is given, and where (UK GDPR 28)."""

    company: str = Field(default="", max_length=120, description="The company the contract is with")
    country: str = Field(
        default="",
        description="Where it processes: two letters of ISO 3166, GB; of several the one with the least "
        "protection",
    )
    contract: str = Field(
        default="", max_length=120, description="The contract: its number, or where it is"
    )
    keeps: str = Field(
        default="", max_length=200, description="What it keeps and for how long: texts, 7 days"
    )
    risk_owner: str = Field(
        default="",
        max_length=120,
        description="Who said yes, and when, to a country outside the United Kingdom, the EEA and those with "
        "an adequacy decision. Without it nothing is sent there",
    )

    @field_validator("country")
    @classmethod
    def _a_country(cls, code: str) -> str:
        if code and (not re.fullmatch(r"[A-Z]{2}", code) or code in ("UK", "EU")):
            raise ValueError("write a country as the two letters of ISO 3166, such as GB or IE")
        return code


def _proxy(url: str) -> str:
    if url and not re.fullmatch(r"https?://([^\s/@]+@)?[^\s/@:]+:\d{1,5}/?", url):
        raise ValueError(
            "write the proxy with its port, as http://proxy.example.org:3128, or with its login as "
            "http://USER:PASSWORD@proxy.example.org:3128; no other kind (socks, PAC) is known"
        )
    return url


def _one_line(secret: SecretStr) -> SecretStr:
    if re.search(r"[\x00-\x1f\x7f]", secret.get_secret_value()):
        raise ValueError("write it on one line, without control characters: it goes into a header")
    return secret


HeaderSecret = Annotated[SecretStr, AfterValidator(_one_line)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Proxy = Annotated[str, AfterValidator(_proxy)]
