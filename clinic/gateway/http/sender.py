"""
What gateways that speak HTTP have in common: parts over pooled connections, and what a failure proves.

A submission is cut into parts; a few workers, as many as there are connections, each take the next
part. No retry, no redirect, no cookie happens behind our back: one part is one request.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import aiohttp
from yarl import URL

from clinic.clock import Clock, SystemClock
from clinic.gateway.http.address import unreachable
from clinic.gateway.http.line import Line, LineSettings
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing
from clinic.gateway.tally import Tally
from clinic.gateway.under_way import UnderWay
from clinic.settings.gateways import section_of_gateway

BLIND_BATCH: Final = 50  # class B: the most messages that one crash may leave unknown


class LoginRefused(Exception):
    """The provider gives no access token: nothing of a request was written. `halt`: a person must look."""

    def __init__(self, halt: str | None, says: str) -> None:
        self.halt = halt
        self.says = says


class HttpSender(ABC):
    """Sends parts. A provider says how a part is made, what it carries, and what an answer means."""

    def __init__(
        self,
        settings: LineSettings,
        url: URL,
        opening: Opening,
        *,
        gateway_class: GatewayClass,
        window: timedelta | None = None,
        per_request: int = 1,
        headers: Mapping[str, str] | None = None,
        exchanges: int = 1,
    ) -> None:
        """
        Connects at the first `send`.

        Args:
            window: how long it remembers a key or reference; None: for ever, or not at all (class B)
            headers: of every request
            exchanges: how many a request may need, each as long as the settings' time
        """
        self.name = opening.name
        self.channel = opening.channel
        self.gateway_class: GatewayClass = gateway_class
        self.window = window
        self.batch_limit = BLIND_BATCH if gateway_class == "B" else 1000
        self.per_request = min(per_request, self.batch_limit)
        self.clock: Clock = opening.clock or SystemClock()
        self.section = section_of_gateway(opening.name)  # for whoever must correct it
        self._url = url
        self._settings = settings
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        # What a `send` begins must end while the batch is still ours
        self._begin_within = max(1.0, opening.call_seconds - exchanges * settings.timeout_seconds)
        self._trust = opening.trust
        self._opening = threading.Lock()
        self._line: Line | None = None
        self._proven = False  # whether it took the last request that got through
        self._doubted = False  # whether of the last one nobody knows
        self.under_way = UnderWay()

    @abstractmethod
    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """The parts with an open message; the same members make the same keys and bytes."""

    @abstractmethod
    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """Write what an answer proves of the messages of its part."""

    async def headers(self, line: Line, part: Part) -> Mapping[str, str]:
        """
        What a part's request carries besides: a login that ends, a signature.

        Raises:
            LoginRefused, aiohttp.ClientError, TimeoutError: there is none; the part was not sent
        """
        del line
        return part.headers

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Send the parts with an open message; see the Protocol."""
        line = self.line()
        parts = self.parts(key, messages, per_request=per_request, only=only)
        count = -(-len(messages) // per_request)
        with self.under_way.call(only) as tally:
            line.thread.run(self._send_parts(line, parts, tally, count))
        return tally.answer(messages)

    def line(self) -> Line:
        """The connections, opened once."""
        with self._opening:
            if self._line is None:
                self._line = Line(self._settings, self._headers, self._trust, self.name)
            return self._line

    def ask(self, url: URL, headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
        """
        A look by GET, which changes nothing there.

        Raises:
            aiohttp.ClientError, TimeoutError, OSError: it does not answer
        """
        line = self.line()
        return line.thread.run(line.get(url, headers))

    async def _send_parts(
        self, line: Line, parts: Iterator[Part], tally: Tally, count: int
    ) -> None:
        until = self.clock.elapsed() + self._begin_within
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
        clock = self.clock.elapsed
        for part in parts:
            async with line.slots:
                if not tally.stopped and clock() < until:
                    await self._send_part(line, part, tally)
                    continue
            tally.not_sent(part.references.values())
            if not tally.stopped:
                tally.blame(
                    "the provider was too slow for the rest of the batch to be sent in one go"
                )
            tally.stop(retry_after=None if tally.stopped else 0.0)

    async def _send_part(self, line: Line, part: Part, tally: Tally) -> None:
        """One request, and what its answer or its failure proves."""
        try:
            headers = await self.headers(line, part)
        except (LoginRefused, aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._no_login(error, part, tally)
        try:
            reply = await line.post(self._url, part.body, headers)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientHttpProxyError,
        ) as error:
            tally.not_sent(part.references.values())
            halt, trouble = unreachable(error, self.section)
            tally.stop(halt=halt)
            tally.blame(trouble)
            self._proven = False
        except TimeoutError:
            tally.stop()  # ambiguous; who does not answer is not asked for more
            tally.blame(f"the provider did not answer in time ({self.section}.timeout_seconds)")
        except (aiohttp.ClientError, OSError):
            # Ambiguous: cut off, or not HTTP
            tally.blame("the provider cut the connection before its answer was whole")
        else:
            self.judge(reply, part, tally)
            took = reply.status < 300 and tally.knows(part.references.values())
            self._proven = took or (self._proven and not 300 <= reply.status < 500)
        self._heed_doubt(part, tally)

    def _heed_doubt(self, part: Part, tally: Tally) -> None:
        """
        In class B what is in doubt is never asked about again: after the second in a row nothing more begins.

        The first of a gateway that has taken nothing yet is enough: a login page answers 200, too.
        """
        doubted = not tally.knows(part.references.values())
        if doubted and self.gateway_class == "B" and (self._doubted or not self._proven):
            tally.stop()
            tally.blame("the provider did not say of each message whether it took it")
        self._doubted = doubted

    def _no_login(self, error: Exception, part: Part, tally: Tally) -> None:
        """Nothing of the part was written."""
        tally.not_sent(part.references.values())
        if isinstance(error, LoginRefused):
            tally.stop(halt=error.halt)
            tally.blame(error.says)
        else:
            tally.stop()
            tally.blame(
                f"the provider gives no access token: it does not answer ({self.section}.token_url)"
            )
        self._proven = False

    def close(self) -> None:
        """Give back connections and the thread; a later `send` opens new ones."""
        with self._opening:
            line, self._line = self._line, None
        if line is not None:
            line.close()


def one_each(
    key: str, messages: Sequence[Outgoing], only: frozenset[int]
) -> Iterator[tuple[str, Outgoing]]:
    """Of a provider that takes one message a request: the open ones, and the key of each."""
    for number, message in enumerate(messages):
        if message.reference in only:
            yield f"{key}/{number}", message
