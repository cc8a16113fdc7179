"""
Looks at what is outside of the record: the disks, and whether each gateway can be talked to.

A gateway is only greeted: over TLS for its certificate, over HTTP for its clock (the Date of its answer to
HEAD, without login). Nothing is sent, nothing is asked for.
"""

from __future__ import annotations

import base64
import http.client
import shutil
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from clinic.clock import Clock
from clinic.errors import GatewayRefused, SettingsWrong
from clinic.gateway.smtp.login import connect, trust_of
from clinic.health.facts import Disk, GatewayFacts
from clinic.settings import HttpGateway, NamedGateway, Settings
from clinic.settings.gateways.relay import Relay
from clinic.settings.gateways.smtp import SmtpGateway

if TYPE_CHECKING:
    from clinic.gateway.http.line import Where

SECONDS: Final = 10.0  # longest wait for a greeting
_HAS_EXPIRED: Final = 10  # OpenSSL's verify code
Usage = Callable[[Path], tuple[int, int]]  # of a folder's disk: bytes in all, bytes free


class At(NamedTuple):
    """Where a gateway is, and the proxy on the way to it."""

    url: str
    proxy_url: str


def usage(folder: Path) -> tuple[int, int]:
    """Of a folder's disk: bytes in all, and those that this account may still write."""
    found = shutil.disk_usage(folder)
    return found.total, found.free


def look_at_disks(settings: Settings, usage: Usage = usage) -> tuple[Disk, ...]:
    """The disks of the home, of an SQLite record elsewhere, and of the notes; each once."""
    folders = [settings.home, settings.notes_folder]
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        folders.append(Path(url.database).parent)
    disks: dict[int, Disk] = {}
    for folder in folders:
        if folder.exists() and (device := folder.stat().st_dev) not in disks:
            total, free = usage(folder)
            disks[device] = Disk(str(folder.resolve()), free, free / total if total else 0.0)
    return tuple(disks.values())


def look_at_gateways(
    settings: Settings, clock: Clock, trust: ssl.SSLContext | None = None
) -> tuple[GatewayFacts, ...]:
    """Greet each gateway that is set. `trust`: whose certificates are believed; None: as each is set."""
    known = trust or ssl.create_default_context()
    found = []
    if settings.sms.url:
        found.append(_greet("sms", clock, lambda: _http("sms", settings.sms, clock, known)))
    if settings.email.host:
        found.append(_greet("email", clock, lambda: _smtp("email", settings.email, known)))
    found += [look_at_named(settings, name, clock, trust) for name in sorted(settings.gateways)]
    return tuple(found)


def look_at_named(
    settings: Settings, name: str, clock: Clock, trust: ssl.SSLContext | None = None
) -> GatewayFacts:
    """Greet a gateway of [gateways.NAME]: that of HTTP by HEAD, that of SMTP by EHLO, any other not at all."""
    one: NamedGateway = settings.gateways[name]
    if isinstance(one, SmtpGateway):
        own = f"gateways.{name}"
        return _greet(
            name, clock, lambda: _smtp(name, one, trust or trust_of(one.authority_file, own))
        )
    trust = trust or ssl.create_default_context()
    if not isinstance(one, HttpGateway):
        return GatewayFacts(name, asked=False)
    at = At(one.reached, one.proxy_url)
    return _greet(name, clock, lambda: _http(name, at, clock, trust))


def _greet(channel: str, clock: Clock, look: Callable[[], GatewayFacts]) -> GatewayFacts:
    """The same, whatever goes wrong: that is what is looked for."""
    found = GatewayFacts(channel)
    try:
        return look()
    except (GatewayRefused, ssl.SSLError) as error:
        cause = error.__context__ if isinstance(error, GatewayRefused) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code == _HAS_EXPIRED:
                return replace(found, expired=True)
            return replace(found, fault="its certificate is not trusted here")
        return replace(found, fault="it offers no encryption that is trusted here")
    except SettingsWrong as error:
        return replace(found, fault=error.says)
    except socket.gaierror:
        return replace(found, fault="its name is not known here (DNS)")
    except TimeoutError:
        return replace(found, fault=f"it did not answer within {SECONDS:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return replace(found, fault=f"it cannot be reached ({why})")


def _http(label: str, where: Where, clock: Clock, trust: ssl.SSLContext) -> GatewayFacts:
    at, ends_at = urlsplit(where.url), None
    connection, path = _way(where, trust)
    try:
        connection.connect()
        if isinstance(connection.sock, ssl.SSLSocket):
            ends_at = _end_of(connection.sock)
        connection.request("HEAD", path, headers={"Host": at.netloc})
        date = connection.getresponse().headers.get("Date")
        return GatewayFacts(label, ends_at=ends_at, ahead=ahead_of(date, clock.now()))
    finally:
        connection.close()


def _way(where: Where, trust: ssl.SSLContext) -> tuple[http.client.HTTPConnection, str]:
    """A connection to the gateway, through the proxy that is set, and what to ask it for."""
    from clinic.gateway.http.line import proxy_of  # loads aiohttp

    at, proxy = urlsplit(where.url), proxy_of(where)
    host, port = at.hostname or "", at.port
    if proxy is None:
        if at.scheme == "https":
            direct = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=trust)
            return direct, at.path or "/"
        return http.client.HTTPConnection(host, port, timeout=SECONDS), at.path or "/"
    login = f"{proxy.user}:{proxy.password or ''}".encode() if proxy.user else None
    header = {"Proxy-Authorization": "Basic " + base64.b64encode(login).decode()} if login else {}
    to = (proxy.host or "", proxy.port)
    if at.scheme == "https":
        through = http.client.HTTPSConnection(*to, timeout=SECONDS, context=trust)
        through.set_tunnel(host, port or 443, header)
        return through, at.path or "/"
    return http.client.HTTPConnection(*to, timeout=SECONDS), where.url


def _smtp(label: str, relay: Relay, trust: ssl.SSLContext) -> GatewayFacts:
    greeted = relay.model_copy(update={"user": "", "timeout_seconds": SECONDS})
    connection = connect(greeted, name="localhost", trust=trust)
    try:
        ends_at = _end_of(connection.sock) if isinstance(connection.sock, ssl.SSLSocket) else None
        return GatewayFacts(label, ends_at=ends_at)
    finally:
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()


def _end_of(socket: ssl.SSLSocket) -> datetime | None:
    certificate: dict[str, Any] = socket.getpeercert() or {}
    ends = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None


def ahead_of(date: str | None, now: datetime) -> float | None:
    """Seconds that `now` is ahead of an HTTP answer's Date; None: it has none that can be read."""
    if not date:
        return None
    try:
        return (now - parsedate_to_datetime(date).astimezone(UTC)).total_seconds()
    except ValueError:
        return None
