"""What all web pages need: where they listen, how they are reached, and which proxies are believed."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from clinic.settings.section import Section

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Pages(Section):
    """Where web pages are served."""

    host: str = Field(default="127.0.0.1", description="The address it listens at")
    port: int = Field(default=4300, ge=1, le=65535, description="The port it listens at")
    address: str = Field(
        default="",
        description="Where it is reached, as https://desk.example.org, through a proxy that ends TLS. "
        "Empty: on this machine alone",
    )
    proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses of the proxies before it, whose word on who calls is believed",
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
