"""
Access tokens for XOAUTH2: out of a file that something else keeps fresh, or asked for with our credentials.

A token that was asked for is used until a minute before its end (RFC 6749 §4.4, client credentials). One that
is refused in mid-run is thrown away, and the next one tried once: nothing was sent by then.
"""

from __future__ import annotations

import asyncio
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from clinic.clock import Clock
from clinic.errors import GatewayRefused
from clinic.settings.gateways.smtp import SmtpGateway

if TYPE_CHECKING:
    import ssl

_MARGIN: Final = 60.0
_LONGEST: Final = 100_000  # bytes of an answer


class NoToken(ConnectionError):
    """There is no access token for the moment: the server that gives them does not answer."""


class FileTokens:
    """The token that stands in a file now."""

    def __init__(self, path: str, section: str) -> None:
        self._path, self._section = Path(path), section

    def token(self) -> str:
        """
        Raises:
            GatewayRefused: there is none, or others can read it
        """
        name = f"{self._section}.access_token_file"
        try:
            if stat.S_IMODE(self._path.stat().st_mode) & 0o077:
                raise GatewayRefused(
                    "gateway-credentials", f"{name} can be read by others: chmod 600"
                )
            found = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
        if not found or any(c.isspace() for c in found):
            raise GatewayRefused("gateway-credentials", f"{name} holds no token alone, on one line")
        return found

    def is_refused(self, token: str) -> bool:
        """Whether another one has been put there meanwhile."""
        return self.token() != token


class AskedTokens:
    """Asks for tokens, one at a time, for any number of threads."""

    def __init__(
        self, settings: SmtpGateway, *, section: str, clock: Clock, trust: ssl.SSLContext | None
    ) -> None:
        self._settings, self._section, self._clock, self._trust = settings, section, clock, trust
        self._asking = threading.Lock()
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """
        Raises:
            GatewayRefused: it gives none to us: a person must look
            NoToken: it does not answer, or not now
        """
        with self._asking:
            if not self._token or self._clock.elapsed() >= self._until:
                self._token, seconds = self._ask()
                self._until = self._clock.elapsed() + max(1.0, seconds - _MARGIN)
            return self._token

    def is_refused(self, token: str) -> bool:
        """Throw it away: another one can be asked for."""
        with self._asking:
            if self._token == token:
                self._token = ""
            return True

    def _ask(self) -> tuple[str, float]:
        status, body = asyncio.run(self._post())
        try:
            given = orjson.loads(body) if status == 200 else {}
            return str(given["access_token"]), float(given.get("expires_in") or 0)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        if status >= 500 or status == 429:
            raise NoToken
        raise GatewayRefused(
            "gateway-credentials",
            f"there is no access token: {self._section}.token_url answers {status} (client_id, client_secret, "
            "scope)",
        )

    async def _post(self) -> tuple[int, bytes]:
        import aiohttp

        from clinic.gateway.http.line import read_answer

        own = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": own.client_id,
            "client_secret": own.client_secret.get_secret_value(),
        } | ({"scope": own.scope} if own.scope else {})
        limit = aiohttp.ClientTimeout(total=own.timeout_seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(
                    own.token_url, data=form, allow_redirects=False, ssl=self._trust or True
                ) as response,
            ):
                return response.status, await read_answer(response, _LONGEST)
        except (aiohttp.ClientError, TimeoutError):
            raise NoToken from None


def tokens_of(
    settings: SmtpGateway, *, section: str, clock: Clock, trust: ssl.SSLContext | None = None
) -> FileTokens | AskedTokens | None:
    """Who gives this gateway its tokens; None: its login is a password, or it has none."""
    if settings.auth != "xoauth2":
        return None
    if settings.access_token_file:
        return FileTokens(settings.access_token_file, section)
    return AskedTokens(settings, section=section, clock=clock, trust=trust)
