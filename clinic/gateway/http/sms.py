"""
The HTTP gateway for texts: JSON over pooled connections (contract: docs/gateways.md).

A submission is cut into parts; a few workers, as many as there are connections, each take the next
part. No retry, no redirect, no cookie happens behind our back: one part is one request.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from clinic.clock import Clock, SystemClock
from clinic.errors import SettingsWrong
from clinic.gateway.http.line import LOOPBACK, Line
from clinic.gateway.http.part import Part, cut
from clinic.gateway.http.reply import judge
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing
from clinic.gateway.tally import Tally
from clinic.settings import SmsGateway

BLIND_BATCH = 50  # class B: the most messages that one crash may leave unknown


class HttpSms:
    """Sends texts to an HTTP provider. Any number of threads may call `send` at once."""

    name = "http-sms"
    channel = "sms"

    def __init__(
        self,
        settings: SmsGateway,
        *,
        clock: Clock | None = None,
        begin_within: float = 60.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """
        Connects at the first `send`.

        Args:
            settings: address, token, class and limits
            begin_within: seconds after which a `send` begins no further request
            trust: who may sign the provider's certificate; None: whom the system trusts

        Raises:
            SettingsWrong: the address is no address, or would carry patients' data in clear
        """
        self.gateway_class: GatewayClass = settings.gateway_class
        blind = self.gateway_class == "B"
        self.window: timedelta | None = timedelta(hours=settings.window_hours)
        self.batch_limit = BLIND_BATCH if blind else 1000
        self.per_request = min(settings.per_request, self.batch_limit)
        self._url = _messages_url(settings.url)
        self._settings = settings
        self._clock = clock or SystemClock()
        self._begin_within = begin_within
        self._trust = trust
        self._opening = threading.Lock()
        self._line: Line | None = None
        self._proven = False  # whether it took the last request that got through

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Send the parts with an open message; see the Protocol."""
        with self._opening:
            line = self._line = self._line or Line(self._settings, self._trust)
        tally = Tally(only)
        parts = cut(key, messages, per_request=per_request, only=only)
        count = -(-len(messages) // per_request)
        line.thread.run(self._send_parts(line, parts, tally, count))
        return tally.answer()

    async def _send_parts(
        self, line: Line, parts: Iterator[Part], tally: Tally, count: int
    ) -> None:
        until = asyncio.get_running_loop().time() + self._begin_within
        if not self._proven:
            # Alone, so that wrong credentials cost one request and not one a connection
            for part in parts:
                await self._send_part(line, part, tally)
                break
        line.sends += 1
        # A fair share of the connections: more workers would only queue for them
        workers = min(-(-self._settings.connections // line.sends), count)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(line, parts, tally, until))
        finally:
            line.sends -= 1

    async def _work(self, line: Line, parts: Iterator[Part], tally: Tally, until: float) -> None:
        """Send the next part until none is left; all workers share one iterator."""
        clock = asyncio.get_running_loop().time
        for part in parts:
            async with line.slots:
                if not tally.stopped and clock() < until:
                    await self._send_part(line, part, tally)
                    continue
            tally.not_sent(part.references.values())
            tally.stop(retry_after=None if tally.stopped else 0.0)

    async def _send_part(self, line: Line, part: Part, tally: Tally) -> None:
        """One request, and what its answer or its failure proves."""
        try:
            reply = await line.post(self._url, part)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
        ) as error:
            tally.not_sent(part.references.values())
            halt, trouble = _unreachable(error)
            tally.stop(halt=halt)
            tally.blame(trouble)
            self._proven = False
        except TimeoutError:
            tally.stop()  # ambiguous; who does not answer is not asked for more
            tally.blame("the provider did not answer in time (sms.timeout_seconds)")
        except (aiohttp.ClientError, OSError):
            # Ambiguous: cut off, or not HTTP
            tally.blame("the provider cut the connection before its answer was whole")
        else:
            refuses_503 = self._settings.busy_is_refusal
            judge(reply, part, tally, now=self._clock.now, busy_is_refusal=refuses_503)
            self._proven = reply.status < 300 or (self._proven and reply.status >= 500)

    def close(self) -> None:
        """Give back connections and the thread; a later `send` opens new ones."""
        with self._opening:
            line, self._line = self._line, None
        if line is not None:
            line.close()


def _unreachable(error: aiohttp.ClientError) -> tuple[str | None, str]:
    """Nothing was written to the provider: whether a person must look, and what is wrong."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        passing = error.status >= 500 or error.status == 429
        says = f"the proxy of sms.proxy_url lets nothing through: it answers {error.status}"
        return None if passing else "gateway-proxy", says
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return None, "the proxy cannot be reached: no connection to the host of sms.proxy_url"
    untrusted = isinstance(error, aiohttp.ClientConnectorCertificateError)
    says = "the provider cannot be reached: no connection to the host of sms.url"
    return "gateway-tls" if untrusted else None, says


def _messages_url(base: str) -> URL:
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise SettingsWrong(
            "gateway-url", "sms.url must look like https://sms.example.org/v1; correct cohort.toml"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsWrong(
            "gateway-insecure",
            "sms.url is http:// to another machine, which would carry numbers and texts in clear; "
            "use https://",
        )
    return URL(base.rstrip("/") + "/messages")
