"""The staff desk: its pages, and how long somebody stays signed in."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from clinic.settings.section import Section

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Desk(Section):
    """Where the staff's web pages are served (docs/desk.md)."""

    host: str = Field(default="127.0.0.1", description="The address it listens at")
    port: int = Field(default=4300, ge=1, le=65535, description="The port it listens at")
    address: str = Field(
        default="",
        description="Where staff reach it, as https://desk.example.org, through a proxy that ends TLS. "
        "Empty: on this machine alone",
    )
    proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses of the proxies before it, whose word on who calls is believed",
    )
    idle_minutes: int = Field(
        default=30, ge=5, le=120, description="Who does nothing for so long is signed out"
    )
    hours: int = Field(
        default=12, ge=1, le=24, description="Who is signed in signs in again after so long"
    )

    @field_validator("address")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        found = urlsplit(value)
        if value and (found.scheme != "https" or not found.hostname or found.path.strip("/")):
            raise ValueError("an address that begins with https://, without a path")
        return value.rstrip("/")

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that its own pages have."""
        if self.address:
            return (self.address,)
        names = {self.host, "127.0.0.1", "localhost"}
        return tuple(f"http://{name}:{self.port}" for name in sorted(names))

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return not self.address and self.host in LOOPBACK
