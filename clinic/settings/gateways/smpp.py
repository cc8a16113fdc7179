"""`type = "smpp"`: an SMSC, or a provider that speaks SMPP 3.4."""

from __future__ import annotations

import re
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.named import NamedGateway

Does = Literal["taken", "wait", "rebind", "temporary", "refused", "halt"]


class SmppGateway(NamedGateway):
    """A session with an SMSC (docs/gateways.md has what each of its answers means)."""

    serves: ClassVar[frozenset[str]] = frozenset({"sms"})

    confirms: ClassVar[bool] = (
        False  # a receipt may be lost, and an answer without an id finds none
    )

    type: Literal["smpp"]
    host: str = Field(min_length=1, description="The SMSC's host")
    port: int = Field(default=2775, ge=1, le=65535, description="Its port; with TLS often 3550")
    tls: bool = Field(
        default=True,
        description="Encrypted, and its certificate verified. false: only on this machine or inside a network "
        "of your own, with clear_network = true",
    )
    clear_network: bool = Field(
        default=False,
        description="The way to the SMSC is a private one (VPN, leased line), on which numbers, texts and the "
        "password may travel in clear",
    )
    authority_file: str = Field(
        default="",
        description="A file with the certificate of who signs the SMSC's; empty: whom the system trusts",
    )
    system_id: str = Field(max_length=15, description="The account")
    password: SecretStr = Field(
        default=SecretStr(""), description="Its password, 8 characters by the standard"
    )
    password_file: str = Field(
        default="", description="A file with the password, for its owner alone, instead of it here"
    )
    system_type: str = Field(
        default="", max_length=12, description="system_type, if the provider names one"
    )
    service_type: str = Field(
        default="", max_length=5, description="service_type, if the provider names one"
    )
    sender: str = Field(
        description="Whom texts come from: a number with its country (+44…), a short code, or a name of at "
        "most 11 letters and digits, to which nobody can answer"
    )
    sender_ton: int = Field(
        default=-1, ge=-1, le=6, description="Type of that number; -1: as its form says"
    )
    sender_npi: int = Field(
        default=-1, ge=-1, le=18, description="Plan of that number; -1: as its form says"
    )
    dest_ton: int = Field(default=1, ge=0, le=6, description="Type of patients' numbers")
    dest_npi: int = Field(default=1, ge=0, le=18, description="Plan of patients' numbers")
    window: int = Field(
        default=10,
        ge=1,
        le=500,
        description="Messages under way at once on one session, as agreed with the provider; each process "
        "that sends has a session",
    )
    per_second: float = Field(
        default=0,
        ge=0,
        description="Most messages a second, as agreed, over all processes; 0: no limit of ours",
    )
    batch_limit: int = Field(
        default=50, ge=1, le=1000, description="Messages at risk of `unknown` at a crash"
    )
    timeout_seconds: float = Field(default=10, gt=0, description="Longest wait for an answer")
    enquire_seconds: float = Field(
        default=30, gt=0, description="After so long a silence we ask whether the SMSC is there"
    )
    receipts: bool = Field(default=True, description="Ask for delivery receipts")
    reference_bits: Literal[8, 16] = Field(
        default=8,
        description="Bits of the reference of a long message's parts. 16 leave one character less in each (152 "
        "and 66), and fewer phones know them",
    )
    reference_tlv: bool = Field(
        default=True,
        description="Send user_message_reference: some SMSCs give it back in receipts. false where optional "
        "parameters are refused",
    )
    validity_hours: int = Field(
        default=0, ge=0, le=720, description="So long the network tries; 0: as the SMSC has it"
    )
    time_zone: str = Field(
        default="",
        description="In which the SMSC writes the times of receipts, Europe/London or UTC; empty: unknown, and "
        "the time when a receipt came counts",
    )
    statuses: dict[str, Does] = Field(
        default={},
        description='What the provider\'s own error numbers mean: { "0x0400" = "halt" }; each one of wait, '
        "rebind, temporary, refused, halt",
    )

    @field_validator("statuses")
    @classmethod
    def _numbers(cls, own: dict[str, Does]) -> dict[str, Does]:
        for number, does in own.items():
            if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}", number) or does == "taken":
                raise ValueError(
                    'write an error number as "0x0400", and what it means as wait, rebind, temporary, refused '
                    "or halt"
                )
        return own

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, name: str) -> str:
        try:
            if name:
                ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("write a time zone as Europe/London or UTC") from None
        return name

    @field_validator("sender")
    @classmethod
    def _a_sender(cls, sender: str) -> str:
        if not re.fullmatch(r"\+?\d{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 .&_-]{1,11}", sender):
            raise ValueError(
                "write a number with its country (+447700900123), a short code, or a name of at most 11 "
                "letters and digits"
            )
        return sender

    @model_validator(mode="after")
    def _complete(self) -> SmppGateway:
        if not self.password.get_secret_value():
            raise ValueError("a gateway of type smpp needs password or password_file")
        if not self.tls and not self.clear_network and not self.on_this_machine:
            raise ValueError(
                "tls = false to another machine: numbers, texts and the password would travel in clear. Set "
                "tls = true, or clear_network = true where the way is a private one (VPN, leased line)"
            )
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether the SMSC, or what leads to it, is on this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1")

    @property
    def reached(self) -> str:
        """Where it is, without anything that is secret."""
        return f"{'smpps' if self.tls else 'smpp'}://{self.host}:{self.port}"

    def tells(self, public_url: str) -> bool:
        """On its own session, where it is asked to."""
        del public_url
        return self.receipts

    @property
    def agreed_rate(self) -> float:
        """`per_second`."""
        return self.per_second

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The account."""
        return self.system_id, self.system_type, self.service_type, self.sender
