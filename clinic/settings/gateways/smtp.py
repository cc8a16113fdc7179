"""`type = "smtp"`: a relay for e-mail by a name of its own, and the mailbox to which bounces come."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.named import NamedGateway
from clinic.settings.gateways.relay import Relay, Tls


class SmtpGateway(NamedGateway, Relay):
    """A relay for e-mail (docs/gateways.md has what each of its answers means)."""

    serves: ClassVar[frozenset[str]] = frozenset({"email"})
    confirms: ClassVar[bool] = False  # mail tells of failures alone

    type: Literal["smtp"]
    host: str = Field(min_length=1, description="The relay's host")
    port: int = Field(default=587, ge=1, le=65535, description="Its port; implicit TLS: often 465")
    tls: Tls = Field(
        default="starttls",
        description="Encryption, and its certificate verified. none: only on this machine or inside a network "
        "of your own, with clear_network = true",
    )
    clear_network: bool = Field(
        default=False,
        description="The way to the relay is a private one (VPN, leased line), on which addresses, texts and "
        "the password may travel in clear",
    )
    authority_file: str = Field(
        default="",
        description="A file with the certificate of who signs the relay's; empty: whom the system trusts",
    )
    auth: Literal["password", "plain", "login", "xoauth2"] = Field(
        default="password",
        description="How it is told the login. password: PLAIN or LOGIN, whichever it offers; xoauth2: an "
        "access token instead of a password (Exchange Online, Gmail)",
    )
    access_token_file: str = Field(
        default="",
        description="For xoauth2: a file with the access token, for its owner alone, which something else "
        "keeps fresh; it is read at each login",
    )
    token_url: str = Field(
        default="",
        description="For xoauth2: where access tokens are asked for with client_id and client_secret: "
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
    )
    client_id: str = Field(default="", description="Our application's id there")
    client_secret: SecretStr = Field(default=SecretStr(""), description="Its secret")
    client_secret_file: str = Field(
        default="", description="A file with that secret, for its owner alone, instead of it here"
    )
    scope: str = Field(
        default="https://outlook.office365.com/.default",
        description="What the token is asked for; empty: nothing is named",
    )
    sender: str = Field(description="From: address")

    @field_validator("token_url")
    @classmethod
    def _secret_there(cls, url: str) -> str:
        here = re.fullmatch(r"http://(127\.0\.0\.1|localhost)(:\d+)?/\S*", url)
        if url and not here and not re.fullmatch(r"https://[^\s/]+/\S*", url):
            raise ValueError("write it as https://…: the secret is sent there")
        return url

    @model_validator(mode="after")
    def _complete(self) -> SmtpGateway:
        if self.clear_to_another and not self.clear_network:
            raise ValueError(
                'tls = "none" to another machine: addresses, texts and the password would travel in clear. Set '
                'tls = "starttls" or "implicit", or clear_network = true where the way is a private one (VPN, '
                "leased line)"
            )
        if self.auth == "xoauth2":
            self._has_tokens()
        elif self.user and not self.password.get_secret_value():
            raise ValueError("user is set: password or password_file is missing")
        return self

    def _has_tokens(self) -> None:
        by_url = bool(self.token_url and self.client_id and self.client_secret.get_secret_value())
        if not self.user or by_url == bool(self.access_token_file):
            raise ValueError(
                'auth = "xoauth2" needs user, and either access_token_file, or token_url with client_id and '
                "client_secret (or client_secret_file)"
            )

    @property
    def reached(self) -> str:
        """Where it is, without anything that is secret."""
        return f"{'smtps' if self.tls == 'implicit' else 'smtp'}://{self.host}:{self.port}"

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The account, and whom mails come from."""
        return self.user, self.sender

    def tells(self, public_url: str) -> bool:
        """Nobody reads its reports."""
        del public_url
        return False
