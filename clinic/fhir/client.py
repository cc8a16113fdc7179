"""
One FHIR server over HTTP: a request, its whole answer, and nothing behind our back.

No redirect is followed, no cookie kept, no proxy of the environment used: no host is asked but the one that is
set. The token is asked for at each request, so that it may be renewed, and stands in no message; where the
server does not take it any more, the request, which was not carried out, is made once more with another.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import aiohttp
import orjson

from clinic.gateway.http.line import read_answer
from clinic.gateway.http.reply import seconds_to_wait
from clinic.gateway.loop import LoopThread

LONGEST_ANSWER: Final = 50_000_000
_CONNECT_SECONDS: Final = 5.0
JSON: Final = "application/fhir+json"
FORM: Final = "application/x-www-form-urlencoded"


class NoAnswer(Exception):
    """It did not answer, or not to the end: whether the request was carried out is not known."""


class NoToken(NoAnswer):
    """It was not asked, since we have no token. may_pass: there may be one later without anybody's doing."""

    def __init__(self, says: str, *, may_pass: bool = False) -> None:
        super().__init__(says)
        self.says, self.may_pass = says, may_pass


class Token(Protocol):
    """Gives the bearer token of each request."""

    def get(self) -> str:
        """
        The token of the next request; empty: none is sent.

        Raises:
            NoToken: none is to be had
        """

    def refused(self, token: str) -> bool:
        """The server does not take this one; whether `get` may give another."""


@dataclass(frozen=True)
class FixedToken:
    """Always the same."""

    token: str = field(default="", repr=False)

    def get(self) -> str:
        """The token."""
        return self.token

    def refused(self, token: str) -> bool:
        """There is no other."""
        return False


@dataclass(frozen=True)
class Answer:
    """What the server said. body: its JSON object; empty, if it gave none that can be read."""

    status: int
    retry_after: float | None
    body: Mapping[str, Any]


class FhirClient:
    """Connections to one server; `close` gives them back. Connects at the first request."""

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        timeout_seconds: float,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """
        A client of the server at this address.

        Args:
            token: gives the bearer token of each request
            trust: who may sign the server's certificate; None: whom the system trusts
        """
        self.base_url = base_url.rstrip("/")
        self._token = token
        self._timeout = timeout_seconds
        self._trust = trust
        self._thread: LoopThread | None = None
        self._session: aiohttp.ClientSession | None = None

    def send(self, method: str, path: str, body: bytes = b"", *, content: str = JSON) -> Answer:
        """
        One request below the base address, and its answer.

        Raises:
            NoAnswer: there was none, or it broke off; NoToken: it was not asked
        """
        if self._thread is None:
            self._thread = LoopThread("fhir")
        token = self._token.get()
        answer = self._thread.run(self._send(method, path, body, content, token))
        if answer.status == 401 and self._token.refused(token):
            token = self._token.get()
            answer = self._thread.run(self._send(method, path, body, content, token))
        return answer

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._thread is not None:
            if self._session is not None:
                self._thread.run(self._session.close())
            self._thread.close()
        self._thread = self._session = None

    async def _send(self, method: str, path: str, body: bytes, content: str, token: str) -> Answer:
        headers = {"Accept": JSON, "Content-Type": content}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.base_url}/{path}" if path else self.base_url
        try:
            async with self._open().request(
                method, url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                said = await read_answer(response, LONGEST_ANSWER)
                wait = seconds_to_wait(response.headers.get("Retry-After"), datetime.now(UTC))
                return Answer(response.status, wait, _object(said))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            problem = _kind(error)
        raise NoAnswer(problem)  # outside, so that nothing of the request hangs on it

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connect = min(_CONNECT_SECONDS, self._timeout / 2)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trust or True, keepalive_timeout=4),
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=connect),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _kind(error: Exception) -> str:
    """What went wrong, in a sentence of ours: the library's own may quote the request."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not one that this machine trusts"
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return "it cannot be reached"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return "it cut the connection before its answer was whole"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
