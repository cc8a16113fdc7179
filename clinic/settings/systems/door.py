"""The door of patients, and how documents are looked through before they are sent."""

from __future__ import annotations

from pydantic import Field

from clinic.settings.section import Section
from clinic.settings.systems.pages import Pages


class Door(Pages):
    """Where patients open what a message leads to (docs/door.md)."""

    port: int = Field(default=4400, ge=1, le=65535, description="The port it listens at")
    address: str = Field(
        default="",
        description="Where patients reach it, as https://msg.example.org, through a proxy that ends TLS: it "
        "stands in their messages. Empty: on this machine alone",
    )
    document_says: str = Field(
        default="Read it at {link} (you need your date of birth).",
        description="The sentence at the end of a message with a document. {link} is the address",
    )

    @property
    def base(self) -> str:
        """What the addresses of its pages begin with."""
        return self.address or f"http://127.0.0.1:{self.port}"


class Attachments(Section):
    """How documents are looked through (docs/door.md)."""

    clamd: str = Field(
        default="",
        description="The socket of a clamd that each document is scanned by, /run/clamav/clamd.ctl. While it "
        "does not answer no document is accepted. Empty: none is scanned",
    )
    signature_days: int = Field(
        default=7, ge=1, le=60, description="Older signatures of that clamd count as no scan at all"
    )
