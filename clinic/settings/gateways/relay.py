"""What every relay for e-mail has, whether it is that of [email] or a gateway by name."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, SecretStr

from clinic.settings.section import Section

Tls = Literal["none", "starttls", "implicit"]
ON_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


class Relay(Section):
    """A server that takes e-mails by SMTP."""

    host: str = Field(default="", description="Relay; empty: there is no gateway for e-mail")
    port: int = Field(default=25, ge=1, le=65535, description="Its port")
    user: str = Field(default="", description="Login, if it asks for one")
    password: SecretStr = Field(default=SecretStr(""), description="Its password")
    password_file: str = Field(
        default="", description="A file with the password, for its owner alone, instead of it here"
    )
    tls: Tls = Field(default="starttls", description="Encryption")
    sender: str = Field(default="practice@localhost", description="From: address")
    bounce_address: str = Field(default="", description="Envelope sender; empty: the sender")
    batch_limit: int = Field(
        default=50, ge=1, le=1000, description="Messages at risk of `unknown` at a crash"
    )
    connections: int = Field(default=4, ge=1, le=50, description="Connections kept open")
    timeout_seconds: float = Field(default=30, gt=0, description="Longest wait for an answer")

    @property
    def clear_to_another(self) -> bool:
        """Whether mail leaves this machine without encryption."""
        return self.tls == "none" and self.host not in ("", *ON_THIS_MACHINE)
