"""
The SMTP gateway for e-mails: one envelope a recipient, over connections that stay open.

A relay is blind (class B): once the text was begun and no answer came, nobody can say whether it was
taken. Everything before that point is proven not sent, and what the relay answers to a message is
about that message alone (RFC 5321 §4.2.1: 4xx not taken, may be tried again; 5xx never).
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from clinic.clock import Clock, SystemClock
from clinic.errors import GatewayRefused, SettingsWrong
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Turned
from clinic.gateway.smtp.connection import AfterData, Connection, connect
from clinic.gateway.smtp.message import Letterhead, compose, envelope_address
from clinic.gateway.smtp.reply import judge, no_connection
from clinic.gateway.tally import Tally
from clinic.gateway.under_way import UnderWay
from clinic.settings import EmailGateway

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class _Letter:
    """An e-mail that may leave; the worker that sends it composes it."""

    message: Outgoing
    address: str
    envelope_id: str
    fixed: bytes  # the headers it shares with the others of its call


class Smtp:
    """Sends e-mails through a relay. Any number of threads may call `send` at once."""

    name = "smtp"
    channel = "email"
    gateway_class: GatewayClass = "B"
    window: timedelta | None = None
    per_request = 1

    def __init__(
        self,
        settings: EmailGateway,
        *,
        sender_name: str = "",
        clock: Clock | None = None,
        begin_within: float = 60.0,
        trust: ssl.SSLContext | None = None,
        unsubscribe_url: Callable[[int], str] | None = None,
    ) -> None:
        """
        Connects at the first `send`.

        Args:
            settings: relay, login, addresses and limits
            sender_name: shown before the From: address
            begin_within: seconds after which a `send` begins no further message
            trust: who may sign the relay's certificate; None: whom the system trusts
            unsubscribe_url: of a message's reference, for List-Unsubscribe

        Raises:
            SettingsWrong: an address is none, or a password would travel in clear
        """
        if settings.tls == "none" and settings.user and settings.host not in _LOOPBACK:
            raise SettingsWrong(
                "gateway-insecure",
                "email.tls is none and email.user is set: the password would travel in clear; "
                'use tls = "starttls" or "implicit"',
            )
        self.batch_limit = settings.batch_limit
        self.unsubscribe_url = unsubscribe_url
        self._settings = settings
        self._letterhead = Letterhead(settings.sender, sender_name, unsubscribe_url)
        self._envelope_sender = settings.bounce_address or settings.sender
        Letterhead(self._envelope_sender)  # judged by the same rule
        self._clock = clock or SystemClock()
        self._begin_within = begin_within
        self._trust = trust or ssl.create_default_context()
        self._idle: deque[Connection] = deque()
        self.under_way = UnderWay()
        self._workers = ThreadPoolExecutor(settings.connections, thread_name_prefix="smtp")

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Send each open message by itself; see the Protocol. `per_request` is always 1."""
        del per_request
        open_now = [m for m in messages if m.reference in only]
        with self.under_way.call(only) as tally:
            self._send_letters(self._prepare(key, open_now, tally), tally)
        return tally.answer(open_now)

    def _send_letters(self, letters: deque[_Letter], tally: Tally) -> None:
        until = self._clock.elapsed() + self._begin_within
        count = min(self._settings.connections, len(letters))
        jobs = [self._workers.submit(self._work, letters, tally, until) for _ in range(count)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            tally.stop()  # Ctrl-C: the other workers end after the letter in hand
            raise

    def _prepare(self, key: str, messages: Sequence[Outgoing], tally: Tally) -> deque[_Letter]:
        fixed = self._letterhead.fixed_headers(self._clock.now())
        letters: deque[_Letter] = deque()
        for message in messages:
            address = envelope_address(message)
            if isinstance(address, Turned):
                tally.note(message.reference, address)
                continue
            letters.append(_Letter(message, address, f"{message.reference}.{key}", fixed))
        return letters

    def _work(self, letters: deque[_Letter], tally: Tally, until: float) -> None:
        """Send the next letter until none is left; several threads share the queue."""
        while True:
            try:
                letter = letters.popleft()
            except IndexError:
                return
            if tally.stopped or self._clock.elapsed() > until:
                tally.not_sent([letter.message.reference])
                tally.stop(retry_after=None if tally.stopped else 0.0)
            else:
                self._deliver(letter, tally)

    def _deliver(self, letter: _Letter, tally: Tally) -> None:
        """One letter over an idle connection, or over a new one if that was hung up meanwhile."""
        text = compose(
            letter.message,
            letterhead=self._letterhead,
            fixed=letter.fixed,
            address=letter.address,
            envelope_id=letter.envelope_id,
        )
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = None
        if connection is not None and self._attempt(connection, letter, text, tally):
            return
        try:
            connection = connect(self._settings, name=self._letterhead.domain, trust=self._trust)
        except GatewayRefused as error:
            tally.not_sent([letter.message.reference])
            tally.stop(halt=error.code)
            return
        except OSError as error:
            connection = None
            tally.blame(no_connection(error))
        if connection is None or not self._attempt(connection, letter, text, tally):
            tally.not_sent([letter.message.reference])
            tally.stop()
            tally.blame("the relay cut the connection before it had the message")

    def _attempt(self, connection: Connection, letter: _Letter, text: bytes, tally: Tally) -> bool:
        """Whether the letter's fate is noted; False: the connection was lost before the text left."""
        connection.begin()
        try:
            command, code, says = connection.submit(
                self._envelope_sender, letter.address, text, envelope_id=letter.envelope_id
            )
        except AfterData:
            connection.close()
            tally.blame("the relay did not say whether it took the message")
            return True  # ambiguous
        except OSError:
            connection.close()
            return False
        judge(letter.message.reference, command, code, says.decode("utf-8", "replace"), tally)
        self._keep(connection, command, code)
        return True

    def _keep(self, connection: Connection, command: str, code: int) -> None:
        """Give the connection back to the idle ones, its envelope emptied, if it is any use."""
        taken = command == "text" and 200 <= code < 300
        try:
            if code == 421 or code < 200 or (not taken and connection.rset()[0] != 250):
                connection.close()
            else:
                self._idle.append(connection)
        except OSError:
            connection.close()

    def close(self) -> None:
        """Say goodbye on every connection and end the threads."""
        self._workers.shutdown()
        while self._idle:
            connection = self._idle.pop()
            connection.begin()
            try:
                connection.quit()
            except OSError:
                connection.close()
