"""
From a section of the settings to a connection that is encrypted and logged in, or to none at all.

Nothing secret leaves before the relay has proven by its certificate that it is the host that was named,
unless the settings say that the way is a private one.
"""

from __future__ import annotations

import base64
import smtplib
import ssl
from typing import Final, Protocol

from clinic.errors import GatewayRefused, SettingsWrong
from clinic.gateway.smtp.connection import Connection, Injected
from clinic.settings.gateways.relay import Relay

_TLS: Final = "the relay offers no encryption, or its certificate is not valid"
_LOGIN: Final = "the relay refuses the login"
_BY_PASSWORD: Final = ("PLAIN", "LOGIN", "CRAM-MD5")


class Tokens(Protocol):
    """Who gives access tokens (OAuth 2)."""

    def token(self) -> str:
        """One that is good for a while yet; GatewayRefused or OSError: there is none."""

    def is_refused(self, token: str) -> bool:
        """Whether to try once more, with another one, after this one was refused."""


def connect(
    settings: Relay,
    *,
    name: str,
    trust: ssl.SSLContext,
    mechanism: str = "password",
    tokens: Tokens | None = None,
) -> Connection:
    """
    A connection, encrypted and logged in as the settings say.

    Args:
        mechanism: password (whichever is offered and taken), plain, login
        tokens: whose token is the login instead of a password

    Raises:
        GatewayRefused: certificate, encryption or login: a person must look
        OSError: anything else; nothing was sent
    """
    wrap = trust if settings.tls == "implicit" else None
    try:
        connection = Connection(
            settings.host, settings.port, name=name, seconds=settings.timeout_seconds, wrap=wrap
        )
    except ssl.SSLCertVerificationError:
        raise GatewayRefused("gateway-tls", _TLS) from None
    try:
        _encrypt(connection, settings, trust)
        if settings.user:
            _log_in(connection, settings, mechanism, tokens)
    except BaseException:
        connection.close()
        raise
    return connection


def trust_of(authority_file: str, section: str) -> ssl.SSLContext:
    """
    Who may sign the certificate of a server of this section; empty: whom the system trusts.

    Raises:
        SettingsWrong: there is no certificate in that file
    """
    try:
        return ssl.create_default_context(cafile=authority_file or None)
    except OSError:  # an SSLError is one
        raise SettingsWrong(
            "gateway-tls",
            f"{section}.authority_file is no file with a certificate (PEM) that can be read",
        ) from None


def _encrypt(connection: Connection, settings: Relay, trust: ssl.SSLContext) -> None:
    connection.ehlo_or_helo_if_needed()
    if settings.tls != "starttls":
        return
    try:
        connection.starttls(context=trust)
    except (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError, Injected):
        raise GatewayRefused("gateway-tls", _TLS) from None
    except smtplib.SMTPResponseException as error:
        if 400 <= error.smtp_code < 500:  # for the moment
            raise
        raise GatewayRefused("gateway-tls", _TLS) from None
    connection.ehlo_or_helo_if_needed()


def _log_in(connection: Connection, settings: Relay, mechanism: str, tokens: Tokens | None) -> None:
    offered = connection.esmtp_features.get("auth", "").upper().split()
    if tokens is not None:
        return _log_in_by_token(connection, settings.user, tokens, offered)
    wanted = _BY_PASSWORD if mechanism == "password" else (mechanism.upper(),)
    usable = [one for one in wanted if one in offered]
    if not usable:
        raise GatewayRefused("gateway-credentials", f"{_LOGIN}: it offers no {' or '.join(wanted)}")
    code, says = 0, b""
    for one in usable:  # some relays offer what they do not take, and take the next
        try:
            code, says = _try(connection, one, settings.user, settings.password.get_secret_value())
        except OSError:
            if not code:
                raise
            break  # it had refused us, and hung up
        if not 500 <= code < 600 or code == 503:
            break
    _judge(code, says)


def _try(connection: Connection, mechanism: str, user: str, secret: str) -> tuple[int, bytes]:
    if mechanism == "CRAM-MD5":
        return _exchange_digest(connection, user, secret)
    each = (f"\0{user}\0{secret}",) if mechanism == "PLAIN" else (user, secret)
    return _exchange(connection, mechanism, *each)


def _exchange_digest(connection: Connection, user: str, secret: str) -> tuple[int, bytes]:
    connection.user, connection.password = user, secret
    try:
        return connection.auth("CRAM-MD5", connection.auth_cram_md5, initial_response_ok=False)
    except smtplib.SMTPAuthenticationError as error:
        return error.smtp_code, b""


def _log_in_by_token(connection: Connection, user: str, tokens: Tokens, offered: list[str]) -> None:
    if "XOAUTH2" not in offered:
        raise GatewayRefused("gateway-credentials", f"{_LOGIN}: it offers no XOAUTH2")
    for _ in range(2):
        token = tokens.token()
        code, says = _exchange(connection, "XOAUTH2", bearer(user, token), "")
        if code != 535 or not tokens.is_refused(token):
            break
    _judge(code, says)


def bearer(user: str, token: str) -> str:
    """What XOAUTH2 is answered with, for SMTP and IMAP alike."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _exchange(connection: Connection, mechanism: str, *says: str) -> tuple[int, bytes]:
    """The relay's last word. The first answer goes with PLAIN and XOAUTH2, for LOGIN it is asked for."""
    given = [base64.b64encode(one.encode()).decode() for one in says]
    first = [] if mechanism == "LOGIN" else [given.pop(0)]
    code, text = connection.docmd("AUTH", " ".join([mechanism, *first]))
    while code == 334 and given:
        code, text = connection.docmd(given.pop(0))
    return code, text


def _judge(code: int, says: bytes) -> None:
    if code in (235, 503):  # 503: it knows us already
        return
    if 500 <= code < 600 or code == 334:
        raise GatewayRefused("gateway-credentials", _LOGIN)
    raise smtplib.SMTPAuthenticationError(code, says)  # for the moment
