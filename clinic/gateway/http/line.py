"""Pooled connections to one provider, with deadlines and a limit on what is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp
from yarl import URL

from clinic.gateway.http.reply import Reply
from clinic.gateway.loop import LoopThread

LONGEST_ANSWER = 10_000_000  # bytes; what goes on is not an answer
CONNECT_SECONDS = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Line:
    """
    The connections, on a loop of their own.

    slots: how many requests may be under way; sends: how many calls share them now
    """

    def __init__(
        self,
        settings: LineSettings,
        headers: Mapping[str, str],
        trust: ssl.SSLContext | None,
        name: str,
    ) -> None:
        """`headers`: of every request."""
        self.thread = LoopThread(name)
        self.sends = 0
        self.slots = asyncio.Semaphore(settings.connections)
        self._proxy = proxy_of(settings)
        self.session = self.thread.run(_open(settings, headers, trust))

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Reply:
        """
        One request, and its whole answer. Runs on `thread`.

        Raises:
            aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError: nothing was written
            aiohttp.ClientHttpProxyError: nothing was written, the proxy let nothing through
            TimeoutError, aiohttp.ClientError, OSError: it may have been carried out
        """
        async with self.session.post(
            url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            return await _whole(response)

    async def get(self, url: URL, headers: Mapping[str, str]) -> Reply:
        """The same of a look, which changes nothing there."""
        async with self.session.get(
            url, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            return await _whole(response)

    def close(self) -> None:
        """Close the connections and end the thread."""
        self.thread.run(self.session.close())
        self.thread.close()


async def _whole(response: aiohttp.ClientResponse) -> Reply:
    body = await read_answer(response)
    return Reply(response.status, response.headers.get("Retry-After"), body)


class Where(Protocol):
    """Where a gateway is, and the proxy on the way to it."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def proxy_url(self) -> str:
        """The proxy; empty: none."""


class LineSettings(Where, Protocol):
    """The same, with what bounds the conversation."""

    @property
    def connections(self) -> int:
        """Most of them."""

    @property
    def timeout_seconds(self) -> float:
        """Longest wait for a whole answer."""


def proxy_of(settings: Where) -> URL | None:
    """
    The proxy on the way to the gateway, as it is set; the environment's variables do not count.

    What is on this machine is never reached through one.
    """
    if not settings.proxy_url or URL(settings.url).host in LOOPBACK:
        return None
    return URL(settings.proxy_url)


async def _open(
    settings: LineSettings, headers: Mapping[str, str], trust: ssl.SSLContext | None
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,  # `slots` counts: waiting for a turn must not use up a request's time
        ssl=trust or True,
        # Shorter than any server's: one that hangs up just as we write leaves messages in doubt
        keepalive_timeout=4,
    )
    seconds = settings.timeout_seconds
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=seconds, connect=min(CONNECT_SECONDS, seconds / 2)),
        headers={"Accept-Encoding": "identity", **headers},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def read_answer(response: aiohttp.ClientResponse, longest: int = LONGEST_ANSWER) -> bytes:
    """
    The body, if it ends.

    Raises:
        aiohttp.ClientPayloadError: it is longer than any answer
    """
    if response.content_length is not None and response.content_length <= longest:
        return await response.read()
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > longest:
            response.close()
            raise aiohttp.ClientPayloadError("answer too long")
    return bytes(body)
