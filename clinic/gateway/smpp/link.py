"""
The way to an SMSC: connects, binds, and begins again after a while when a session is over.

One session at a time; who needs it waits while it is made. After each failure the next try waits twice as
long, up to half a minute; an answer to anything that was asked makes the next wait short again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Final

from clinic.gateway.smpp import pdu
from clinic.gateway.smpp.pdu import Login
from clinic.gateway.smpp.session import Heed, NotBegun, Session, Unanswered
from clinic.gateway.smpp.status import status_of
from clinic.settings.gateways.smpp import Does

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
CONNECT_SECONDS: Final = 5.0


class NoSession(Exception):
    """
    There is none, and nothing was sent. `halt`: a code, when a person must look first.

    trouble: why, in a sentence without patient data
    """

    def __init__(self, trouble: str, *, halt: str | None = None) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.halt = halt


@dataclass(frozen=True)
class Where:
    """An SMSC, and how one speaks with it. `trust`: who may sign its certificate; None: no TLS."""

    host: str
    port: int
    login: Login
    trust: ssl.SSLContext | None
    timeout: float
    enquire_every: float
    own_statuses: dict[str, Does]


class Link:
    """Holds a session of one kind (transceiver, transmitter, receiver). Belongs to one event loop."""

    def __init__(self, where: Where, kind: str, heed: Heed | None = None) -> None:
        self._where = where
        self._kind = kind
        self._heed = heed
        self._session: Session | None = None
        self._making = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._refused = 0  # how often there was none, and what the last said
        self._says = ""
        self._halt: str | None = None

    async def session(self, until: float) -> Session:
        """
        The session, made if there is none.

        Args:
            until: the loop's time after which nobody waits for one

        Raises:
            NoSession: none could be had
        """
        if (found := self._usable()) is not None:
            return found
        refused = self._refused
        async with self._making:
            if (found := self._usable()) is None:
                if self._refused != refused:  # while we waited: one wrong password is one bind
                    raise NoSession(self._says, halt=self._halt)
                await self._wait(until)
                if self._session is not None:
                    await self._session.ended()  # many an SMSC has one session for an account
                self._session = found = await self._make()
            return found

    def _usable(self) -> Session | None:
        found = self._session
        return None if found is None or found.over or found.left else found

    def works(self) -> None:
        """It answered what was asked: the next failure is the first."""
        self._failures = 0

    async def close(self) -> None:
        """Say goodbye."""
        if self._session is not None:
            await self._session.close()

    async def _wait(self, until: float) -> None:
        now = asyncio.get_running_loop().time()
        if self._not_before > until:
            raise NoSession("the SMSC had no session for us; the next try is in some seconds")
        await asyncio.sleep(max(0.0, self._not_before - now))

    async def _make(self) -> Session:
        # Counted before it is tried: a session that lets us bind and then ends at once is a failure too
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT) if self._failures else 0.0
        self._failures = min(self._failures + 1, 16)
        loop = asyncio.get_running_loop()
        try:
            session = await self._connect()
            await self._bind(session)
        except NoSession as error:
            self._not_before = loop.time() + max(wait, FIRST_WAIT)
            self._refused, self._says, self._halt = self._refused + 1, error.trouble, error.halt
            raise
        self._not_before = loop.time() + wait
        return session

    async def _connect(self) -> Session:
        where = self._where
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS, where.timeout)):
                _, session = await asyncio.get_running_loop().create_connection(
                    lambda: Session(
                        timeout=where.timeout, enquire_every=where.enquire_every, heed=self._heed
                    ),
                    where.host,
                    where.port,
                    ssl=where.trust,
                )
        except ssl.SSLCertVerificationError:
            says = "the SMSC's certificate is not valid for its host, or nobody whom we trust signed it"
            raise NoSession(says, halt="gateway-tls") from None
        except ssl.SSLError:
            raise NoSession("no TLS with the SMSC: it speaks another version, or none") from None
        except OSError:  # a TimeoutError too
            raise NoSession(
                "the SMSC cannot be reached: no connection to its host and port"
            ) from None
        return session

    async def _bind(self, session: Session) -> None:
        login = self._where.login
        try:
            answer = await session.ask(lambda number: login.bind(self._kind, number))
        except (NotBegun, Unanswered):
            session.abort()
            raise NoSession("the SMSC did not answer to our bind, or hung up") from None
        status = status_of(answer.status, self._where.own_statuses)
        bound = answer.command == pdu.BINDS[self._kind] | pdu.RESPONSE and answer.status == pdu.OK
        if not bound:
            with contextlib.suppress(NotBegun, Unanswered):
                await session.close()
            says = f"the SMSC refuses to bind us: {status.name}, {status.says}"
            raise NoSession(says, halt=status.code if status.does == "halt" else None)
