"""Pooled connections to one provider, with deadlines and a limit on what is read."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
from yarl import URL

from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply
from clinic.gateway.loop import LoopThread
from clinic.settings import SmsGateway

LONGEST_ANSWER = 10_000_000  # bytes; what goes on is not an answer
CONNECT_SECONDS = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Line:
    """
    The connections, on a loop of their own.

    slots: how many requests may be under way; sends: how many calls share them now
    """

    def __init__(self, settings: SmsGateway, trust: ssl.SSLContext | None) -> None:
        self.thread = LoopThread("http-sms")
        self.sends = 0
        self.slots = asyncio.Semaphore(settings.connections)
        self._proxy = proxy_of(settings)
        self._session = self.thread.run(_open(settings, trust))

    async def post(self, url: URL, part: Part) -> Reply:
        """
        One request, and its whole answer. Runs on `thread`.

        Raises:
            aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError: nothing was written
            aiohttp.ClientHttpProxyError: nothing was written, the proxy let nothing through
            TimeoutError, aiohttp.ClientError, OSError: it may have been carried out
        """
        headers = {"Idempotency-Key": part.key}
        async with self._session.post(
            url, data=part.body, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            body = await read_answer(response)
            return Reply(response.status, response.headers.get("Retry-After"), body)

    def close(self) -> None:
        """Close the connections and end the thread."""
        self.thread.run(self._session.close())
        self.thread.close()


def proxy_of(settings: SmsGateway) -> URL | None:
    """
    The proxy on the way to the gateway, as it is set; the environment's variables do not count.

    What is on this machine is never reached through one.
    """
    if not settings.proxy_url or URL(settings.url).host in LOOPBACK:
        return None
    return URL(settings.proxy_url)


async def _open(settings: SmsGateway, trust: ssl.SSLContext | None) -> aiohttp.ClientSession:
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
        headers={
            "Authorization": f"Bearer {settings.token.get_secret_value()}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        },
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
