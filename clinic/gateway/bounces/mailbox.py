"""
Reads the mailbox to which reports come, by IMAP, from where the last reading ended.

The cursor is UIDVALIDITY and the last UID (RFC 9051 §2.3.1.1), marked where every e-mail up to it was kept:
only then may they be deleted. Nothing is marked in the mailbox: who opens it takes nothing from us, and what is
read twice is kept once. Encrypted and verified before the login, or not at all.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from clinic.clock import Clock
from clinic.errors import GatewayBusy, GatewayRefused
from clinic.gateway.bounces.kind import KEPT
from clinic.gateway.bounces.report import read_mail
from clinic.gateway.incoming.parse import Incoming
from clinic.gateway.smtp.login import Tokens, bearer, trust_of
from clinic.gateway.smtp.stamp import Stamp
from clinic.settings.gateways.smtp import SmtpGateway

PAGE: Final = 100  # e-mails
_UID: Final = re.compile(rb"\bUID (\d+)\b")
_CURSOR: Final = re.compile(r"(\d{1,10}):(\d{1,10})(:kept)?")
_LATELY: Final = timedelta(days=14)  # no relay tries for longer
_MONTHS: Final = (
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
)  # in no language but IMAP's
_WHOLE: Final = 4  # a session may take so many time-outs


class MailReader:
    """Of one gateway's mailbox."""

    def __init__(
        self,
        settings: SmtpGateway,
        *,
        name: str,
        stamps: Mapping[str, Stamp],
        tokens: Tokens | None,
        clock: Clock,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`stamps`: of the gateways whose reports may be there; `trust`: None: whom authority_file names."""
        self._clock, self._trust = clock, trust
        self._own, self._seconds = settings.mailbox, settings.timeout_seconds
        self._name, self._stamps, self._tokens = name, stamps, tokens
        self._authority = settings.authority_file

    def fetch_page(self, after: str | None) -> Incoming:
        """
        What came after a cursor; its `next` is the same as `after` when there is no more.

        Raises:
            GatewayBusy: it did not answer, or not now
            GatewayRefused: certificate, login or folder: a person must look
            SettingsWrong: no certificate is in authority_file
        """
        with self._opened() as mailbox:
            (validity, _), keep_all = self._select(mailbox), self._own.delete
            known = _CURSOR.fullmatch(after or "")
            last = int(known[2]) if known and int(known[1]) == validity else 0
            if keep_all and not (known and known[3]):
                last = 0  # read, if at all, when somebody's e-mails were left where they are: read again
            if last and keep_all:
                _delete(mailbox, last)
            found, uids = Incoming(), self._new(mailbox, last)[:PAGE]
            for uid, raw in _fetch(mailbox, uids):
                _add(found, read_mail(raw, self._stamps, gateway=self._name, keep_all=keep_all))
                last = max(last, uid)
            # Of one that vanished while we read nothing came, and nothing will
            found.next = f"{validity}:{max([last, *uids])}{':kept' if keep_all else ''}"
            return found

    def _new(self, mailbox: imaplib.IMAP4, last: int) -> list[int]:
        """At the first look what came lately: nothing older can be of ours. All, if it is to be deleted."""
        if last or self._own.delete:
            return _after(mailbox, last)
        since = self._clock.now() - _LATELY
        return _search(mailbox, "SINCE", f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}")

    def look(self) -> int:
        """
        How many e-mails are in the folder; none is read.

        Raises:
            GatewayBusy, GatewayRefused, SettingsWrong: as `fetch_page`
        """
        with self._opened() as mailbox:
            return self._select(mailbox)[1]

    @contextlib.contextmanager
    def _opened(self) -> Iterator[imaplib.IMAP4]:
        where = f"gateways.{self._name}.mailbox"
        trust = self._trust or trust_of(self._authority, f"gateways.{self._name}")
        try:
            with _bounded(self._connect(trust), _WHOLE * self._seconds) as mailbox:
                if self._own.tls == "starttls":
                    mailbox.starttls(ssl_context=trust)
                self._log_in(mailbox)
                yield mailbox
        except ssl.SSLCertVerificationError:
            raise GatewayRefused(
                "receipts-refused", f"the certificate of {where}.host is not valid: it got no login"
            ) from None
        except (OSError, imaplib.IMAP4.abort):
            raise GatewayBusy(
                "receipts-unreachable", f"the mailbox of {where} cannot be read now"
            ) from None
        # A ValueError: a name that is none, a folder's that is not ASCII, an answer that is none
        except (imaplib.IMAP4.error, ValueError):
            raise GatewayRefused(
                "receipts-refused",
                f"{where}: no encryption, login or folder (its name in ASCII, as the server has it), or an "
                f"answer that is none: see cohort gateways check {self._name}",
            ) from None

    def _connect(self, trust: ssl.SSLContext) -> imaplib.IMAP4:
        own = self._own
        if own.tls == "implicit":
            return imaplib.IMAP4_SSL(own.host, own.port, ssl_context=trust, timeout=self._seconds)
        return imaplib.IMAP4(own.host, own.port, timeout=self._seconds)

    def _log_in(self, mailbox: imaplib.IMAP4) -> None:
        user, tokens = self._own.user, self._tokens
        if tokens is not None:
            said = [bearer(user, tokens.token()).encode()]
            mailbox.authenticate("XOAUTH2", lambda _: said.pop() if said else b"")
            return
        secret = self._own.password.get_secret_value()
        if "AUTH=PLAIN" in mailbox.capabilities:
            mailbox.authenticate("PLAIN", lambda _: f"\0{user}\0{secret}".encode())
        elif (user + secret).isascii():
            mailbox.login(user, secret)
        else:
            raise imaplib.IMAP4.error

    def _select(self, mailbox: imaplib.IMAP4) -> tuple[int, int]:
        """UIDVALIDITY, and how many e-mails are there."""
        quoted = self._own.folder.replace("\\", "\\\\").replace('"', '\\"')
        status, count = mailbox.select(f'"{quoted}"', readonly=not self._own.delete)
        if status != "OK":
            raise imaplib.IMAP4.error
        _, given = mailbox.response("UIDVALIDITY")
        return int(given[0]) if given and given[0] else 0, int(count[0] or 0)


@contextlib.contextmanager
def _bounded(mailbox: imaplib.IMAP4, seconds: float) -> Iterator[imaplib.IMAP4]:
    """
    A session that ends in time and is closed at its end.

    The library's time-out is for each read, so that a server that drips would hold us for ever; and it leaves
    the socket open where the server hangs up at goodbye.
    """

    def end() -> None:
        with contextlib.suppress(OSError):
            mailbox.socket().shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield mailbox
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            mailbox.logout()
    finally:
        timer.cancel()
        with contextlib.suppress(OSError):
            mailbox.shutdown()


def _after(mailbox: imaplib.IMAP4, last: int) -> list[int]:
    """`n:*` names the last one at least, also where that is before n (RFC 9051 §6.4.8)."""
    return [uid for uid in _search(mailbox, "UID", f"{last + 1}:*") if uid > last]


def _search(mailbox: imaplib.IMAP4, *what: str) -> list[int]:
    status, given = mailbox.uid("SEARCH", *what)
    if status != "OK":
        raise imaplib.IMAP4.error
    return sorted(int(uid) for line in given for uid in (line or b"").split())


def _fetch(mailbox: imaplib.IMAP4, uids: list[int]) -> Iterator[tuple[int, bytes]]:
    """Each e-mail's beginning; what machines write stands there."""
    if not uids:
        return
    listed = ",".join(map(str, uids))
    status, given = mailbox.uid("FETCH", listed, f"(UID BODY.PEEK[]<0.{KEPT}>)")
    if status != "OK":
        raise imaplib.IMAP4.error
    for one, after in zip(given, [*given[1:], b""], strict=True):
        if isinstance(one, tuple):
            # Some servers write the UID behind the text
            number = _UID.search(one[0]) or (
                _UID.search(after) if isinstance(after, bytes) else None
            )
            if number is not None:
                yield int(number[1]), one[1]


def _delete(mailbox: imaplib.IMAP4, last: int) -> None:
    """What was kept at an earlier look: the cursor moved after it."""
    mailbox.uid("STORE", f"1:{last}", "+FLAGS.SILENT", r"(\Deleted)")
    if "UIDPLUS" in mailbox.capabilities:
        mailbox.uid("EXPUNGE", f"1:{last}")
    else:
        mailbox.expunge()


def _add(found: Incoming, more: Incoming) -> None:
    found.receipts += more.receipts
    found.unread += more.unread
    found.complaints += more.complaints
