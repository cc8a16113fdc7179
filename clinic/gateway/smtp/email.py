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
from clinic.gateway.smtp.connection import Connection
from clinic.gateway.smtp.envelope import AfterData, Envelope, submit
from clinic.gateway.smtp.login import Tokens
from clinic.gateway.smtp.message import Letterhead, compose, envelope_address
from clinic.gateway.smtp.pool import Pool
from clinic.gateway.smtp.reply import judge, no_connection
from clinic.gateway.smtp.stamp import Stamp
from clinic.gateway.tally import Tally
from clinic.gateway.under_way import UnderWay
from clinic.settings.gateways import SMTP
from clinic.settings.gateways.relay import Relay


@dataclass(frozen=True, kw_only=True)
class Manner:
    """
    What a relay by a name of its own has besides.

    name: the section's; section: of the settings, for sentences
    mechanism, tokens: how it is told the login (`connect`)
    stamp: makes the tokens by which reports find their messages; verp: in the envelope's sender, too
    success: a report is asked for of what arrives, too; html: with a part in HTML
    clear: a login may go to another machine without encryption: the way there is a private one
    """

    name: str = SMTP
    section: str = "email"
    mechanism: str = "password"
    tokens: Tokens | None = None
    clear: bool = False
    stamp: Stamp | None = None
    verp: bool = False
    success: bool = False
    html: bool = False


_OLD = Manner()  # of [email]


@dataclass(frozen=True, slots=True)
class _Letter:
    """An e-mail that may leave; the worker that sends it composes it."""

    message: Outgoing
    envelope: Envelope
    id: str  # of the Message-ID
    fixed: bytes  # the headers it shares with the others of its call


class Smtp:
    """Sends e-mails through a relay. Any number of threads may call `send` at once."""

    channel = "email"
    gateway_class: GatewayClass = "B"
    window: timedelta | None = None
    per_request = 1

    def __init__(
        self,
        settings: Relay,
        *,
        sender_name: str = "",
        clock: Clock | None = None,
        begin_within: float = 60.0,
        trust: ssl.SSLContext | None = None,
        unsubscribe_url: Callable[[int], str] | None = None,
        manner: Manner = _OLD,
    ) -> None:
        """
        Connects at the first `send`.

        Args:
            settings: relay, login, addresses and limits
            sender_name: shown before the From: address
            begin_within: seconds after which a `send` begins no further message
            trust: who may sign the relay's certificate; None: whom the system trusts
            unsubscribe_url: of a message's reference, for List-Unsubscribe
            manner: what a relay by name has besides

        Raises:
            SettingsWrong: an address is none, or a password would travel in clear
        """
        if settings.clear_to_another and settings.user and not manner.clear:
            raise SettingsWrong(
                "gateway-insecure",
                f"{manner.section}.tls is none and {manner.section}.user is set: the password would travel in "
                'clear; use tls = "starttls" or "implicit"',
            )
        self.name = manner.name
        self.batch_limit = settings.batch_limit
        self.unsubscribe_url = unsubscribe_url
        self._settings = settings
        self._manner = manner
        self._letterhead = Letterhead(
            settings.sender, sender_name, unsubscribe_url, f"{manner.section}.sender", manner.html
        )
        self._envelope_sender = settings.bounce_address or settings.sender
        bounces = f"{manner.section}.bounce_address"
        Letterhead(self._envelope_sender, setting=bounces)  # judged by the same rule
        self._clock = clock or SystemClock()
        self._begin_within = begin_within
        self.pool = Pool(
            settings,
            name=self._letterhead.domain,
            trust=trust or ssl.create_default_context(),
            mechanism=manner.mechanism,
            tokens=manner.tokens,
        )
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
            stamp = self._manner.stamp
            own_id = f"{stamp.token(message.reference) if stamp else message.reference}.{key}"
            envelope = self._envelope(message.reference, address, own_id)
            letters.append(_Letter(message, envelope, own_id, fixed))
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

    def _envelope(self, reference: int, address: str, own_id: str) -> Envelope:
        own = self._manner
        if own.stamp is None:
            return Envelope(self._envelope_sender, address, own_id)
        sender = own.stamp.sender(reference) if own.verp else self._envelope_sender
        return Envelope(sender, address, own.stamp.token(reference), own.success)

    def _deliver(self, letter: _Letter, tally: Tally) -> None:
        """One letter over an idle connection, or over a new one if the relay had enough of that."""
        text = compose(
            letter.message,
            letterhead=self._letterhead,
            fixed=letter.fixed,
            address=letter.envelope.recipient,
            message_id=letter.id,
        )
        idle = self.pool.take_idle()
        if idle is not None and self._attempt(idle, letter, text, tally, used=True):
            return
        try:
            connection = self.pool.connect()
        except GatewayRefused as error:
            tally.not_sent([letter.message.reference])
            tally.blame(error.says)
            tally.stop(halt=error.code)
            return
        except OSError as error:
            tally.blame(no_connection(error, self._manner.section))
        else:
            if self._attempt(connection, letter, text, tally):
                return
        tally.not_sent([letter.message.reference])
        tally.stop()
        tally.blame("the relay cut the connection before it had the message")

    def _attempt(
        self,
        connection: Connection,
        letter: _Letter,
        text: bytes,
        tally: Tally,
        *,
        used: bool = False,
    ) -> bool:
        """
        Whether the letter's fate is noted; False: the connection ended before the text left.

        used: a connection that had mails before: the relay may want no more by it (421)
        """
        connection.begin()
        try:
            command, code, says = submit(connection, letter.envelope, text)
        except AfterData:
            connection.close()
            tally.blame("the relay did not say whether it took the message")
            return True  # ambiguous
        except OSError:
            connection.close()
            return False
        if used and code == 421 and command != "text":
            connection.close()
            return False
        judge(letter.message.reference, command, code, says.decode("utf-8", "replace"), tally)
        self.pool.give_back(connection, command, code)
        return True

    def close(self) -> None:
        """Say goodbye on every connection and end the threads."""
        self._workers.shutdown()
        self.pool.close()
