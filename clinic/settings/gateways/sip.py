"""`type = "sip"`: calls by a SIP trunk, spoken by us."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.voice import VoiceCalls

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SipTrunk(VoiceCalls):
    """A trunk of a telephone company, or one's own exchange."""

    type: Literal["sip"]
    host: str = Field(
        pattern=r"^[A-Za-z0-9.-]+$", description="The trunk's host; with TLS by its name"
    )
    port: int = Field(default=5061, ge=1, le=65535, description="Its port; without TLS often 5060")
    transport: Literal["tls", "tcp", "udp"] = Field(
        default="tls",
        description="tls: signals encrypted and the certificate verified, the sound by SRTP. tcp, udp: only on "
        "this machine or inside a network of your own, with clear_network = true",
    )
    clear_network: bool = Field(
        default=False,
        description="The way to the trunk is a private one (VPN, leased line), on which numbers and what is "
        "spoken may travel in clear",
    )
    authority_file: str = Field(
        default="",
        description="A file with the certificate of who signs the trunk's; empty: whom the system trusts",
    )
    domain: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.-]*$",
        description="The domain after sender in From; empty: host",
    )
    user: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._+-]*$",
        description="Name of the login; empty: the trunk knows us by our address",
    )
    password: SecretStr = Field(default=SecretStr(""), description="Its password")
    password_file: str = Field(
        default="", description="A file with the password, for its owner alone, instead of it here"
    )
    most_calls: int = Field(
        default=2,
        ge=1,
        le=50,
        description="Calls under way at once, in each process that sends: all together no more than the trunk "
        "has lines; and messages at risk of `unknown` at a crash",
    )
    prompt_file: str = Field(
        default="",
        description="A WAV with the first words of every call, by a voice that patients know; empty: none",
    )
    detect_machines: bool = Field(
        default=True,
        description="Listen first who answers, and wait for the end of a machine's greeting. false: who "
        "answered is unknown, unless they press a key",
    )
    timeout_seconds: float = Field(
        default=5, gt=0, le=30, description="Longest wait for a sign of life of the trunk"
    )

    @field_validator("password")
    @classmethod
    def _can_be_said(cls, secret: SecretStr) -> SecretStr:
        if re.search(r'[\x00-\x1f\x7f"\\]', secret.get_secret_value()):
            raise ValueError("a password of a trunk has no quotation mark, backslash or line end")
        return secret

    @model_validator(mode="after")
    def _complete(self) -> SipTrunk:
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("write user and password (or password_file), or neither")
        if self.transport == "tls" and _is_address(self.host):
            raise ValueError("with TLS write the host by its name: a certificate is proven by it")
        if self.transport != "tls" and not self.clear_network and not self.on_this_machine:
            raise ValueError(
                f'transport = "{self.transport}" to another machine: numbers and what is spoken would travel '
                "in clear. Use tls, or set clear_network = true where the way is private (VPN, leased line)"
            )
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether the trunk, or what leads to it, is on this machine."""
        return self.host in _LOOPBACK

    @property
    def reached(self) -> str:
        """Where it is, without anything that is secret."""
        return f"sip:{self.host}:{self.port};transport={self.transport}"

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The account."""
        return self.user, self.sender


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
