"""`type = "smtp"`: a relay for e-mail by a name of its own, and the mailbox to which bounces come."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.named import NamedGateway
from clinic.settings.gateways.relay import ON_THIS_MACHINE, Relay, Tls
from clinic.settings.section import Section


class Mailbox(Section):
    """The mailbox to which reports on e-mails come: read by IMAP, a cursor is kept, nothing is marked."""

    host: str = Field(default="", description="IMAP server; empty: no mailbox is read")
    port: int = Field(default=993, ge=1, le=65535, description="Its port; STARTTLS: often 143")
    tls: Tls = Field(
        default="implicit",
        description="Encryption, and its certificate verified; none: only to this machine",
    )
    user: str = Field(default="", description="Login")
    password: SecretStr = Field(
        default=SecretStr(""), description="Its password; empty where auth is xoauth2"
    )
    password_file: str = Field(
        default="", description="A file with the password, for its owner alone, instead of it here"
    )
    folder: str = Field(default="INBOX", min_length=1, description="The folder to read")
    delete: bool = Field(
        default=False,
        description="Delete what was read and kept, at the next look: only in a mailbox that nobody else uses",
    )

    @model_validator(mode="after")
    def _complete(self) -> Mailbox:
        if self.host and not self.user:
            raise ValueError("mailbox.user is missing: whose mailbox it is")
        if self.tls == "none" and self.host not in ("", *ON_THIS_MACHINE):
            raise ValueError(
                'mailbox.tls = "none" to another machine: the login would travel in clear'
            )
        return self


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
    html: bool = Field(
        default=False,
        description="An HTML part beside the text, made of it: the same words, links that can be clicked",
    )
    verp: bool = Field(
        default=False,
        description="The envelope's sender is bounce_address with a token of the message, bounces+TOKEN@…, so "
        "that every report finds its message. Needs bounce_address, receipts.secret, and a relay that lets us",
    )
    success_reports: bool = Field(
        default=False,
        description="Ask for a report of each e-mail that arrives, too (RFC 3461): one more e-mail each",
    )
    mailbox: Mailbox = Mailbox()

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
        local = self.bounce_address.partition("@")[0]
        if self.verp and not 0 < len(local) <= 34:
            raise ValueError("verp needs bounce_address, with at most 34 characters before the @")
        if self.mailbox.host and self.auth != "xoauth2":
            if not self.mailbox.password.get_secret_value():
                raise ValueError("mailbox.password or mailbox.password_file is missing")
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
        """What failed, where reports find their messages."""
        del public_url
        return self.reads_reports

    @property
    def reads_reports(self) -> bool:
        """Whether reports are to find their messages."""
        return self.verp or bool(self.mailbox.host)
