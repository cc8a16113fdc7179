"""
An access token by a signed assertion (OAuth 2, RFC 7523), as the NHS API platform gives it for some minutes.

A token is used until a minute before its end. One that is refused in mid-run is thrown away: what it was
refused for was not sent, and goes with the next one.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import jwt
import orjson
from yarl import URL

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.gateway.http.line import Line
from clinic.gateway.http.sender import LoginRefused

_MARGIN: Final = 60.0
_ELSEWHERE: Final = (200, 404, 405, 410)  # of a page that gives no tokens
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_HOW: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Access:
    """Asks for tokens, one at a time; belongs to one event loop."""

    def __init__(
        self, url: URL, *, client: str, key_file: str, key_id: str, clock: Clock, section: str
    ) -> None:
        """
        Raises:
            SettingsWrong: there is no such key
        """
        try:
            self._key = Path(key_file).read_text(encoding="ascii")
            jwt.encode({}, self._key, algorithm="RS512")
        except (OSError, ValueError, TypeError, jwt.PyJWTError):
            raise SettingsWrong(
                "gateway-key", f"{section}.key_file: {key_file} is no RSA private key in PEM"
            ) from None
        self._url, self._client, self._key_id, self._clock = url, client, key_id, clock
        self._section = section
        self._token, self._until = "", 0.0
        self._good, self._gone = "", tuple[str, ...]()
        self._asking: asyncio.Lock | None = None

    async def token(self, line: Line) -> str:
        """
        A token that is good for a while yet.

        Raises:
            LoginRefused: there is none
            aiohttp.ClientError, TimeoutError, OSError: nobody answers
        """
        self._asking = self._asking or asyncio.Lock()
        async with self._asking:
            if not self._token or self._clock.elapsed() >= self._until:
                await self._ask(line)
            return self._token

    def is_good(self, token: str | None) -> None:
        """A request with this one was taken."""
        self._good = token or self._good

    def ran_out(self, token: str | None) -> bool:
        """Whether this one, refused now, had been good: then the next request asks for another one."""
        if not token or token not in (self._good, *self._gone):
            return False
        self._gone = (token,)
        if self._token == token:
            self._token = ""
        return True

    async def _ask(self, line: Line) -> None:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self._client, "sub": self._client, "aud": str(self._url), "jti": str(uuid.uuid4()),
            "exp": now + 290,
        }  # fmt: skip
        assertion = jwt.encode(claims, self._key, algorithm="RS512", headers={"kid": self._key_id})
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _HOW,
            "client_assertion": assertion,
        }
        reply = await line.post(self._url, urlencode(form).encode(), _FORM)
        try:
            given = orjson.loads(reply.body) if reply.status == 200 else {}
            token, seconds = given["access_token"], float(given.get("expires_in") or 0)
            if not isinstance(token, str) or not token:
                raise ValueError("no token")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._refused(reply.status) from None
        self._token, self._until = token, self._clock.elapsed() + max(1.0, seconds - _MARGIN)

    def _refused(self, status: int) -> LoginRefused:
        """By what it answers: passing; or whether the address or the login is wrong."""
        halt, settings = (
            "gateway-credentials",
            "api_key, key_file, key_id; the clock must be right, too",
        )
        if status in _ELSEWHERE or 300 <= status < 400:
            halt, settings = "gateway-refused", "token_url: tokens are not asked for there"
        passing = status >= 500 or status == 429
        return LoginRefused(
            None if passing else halt,
            f"the provider gives no access token: it answers {status} ({self._section}.{settings})",
        )
