"""
Takes reports on e-mails by SMTP, from a relay that brings them: part of `cohort receipts serve`.

Taken is what goes to an address whose token is ours (550 to anything else; it relays and stores nothing
for anybody), and confirmed is what is on disk: 451, "later", where it could not be written. Behind a relay, on
this machine or in a network of its own: it speaks no TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from clinic.errors import SettingsWrong
from clinic.gateway.bounces.report import read_mail
from clinic.gateway.grouped import Grouped
from clinic.gateway.loop import LoopThread
from clinic.gateway.received import Complaint, Keeper, Receipt, Unread
from clinic.gateway.smtp.stamp import Stamp

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST: Final = 5_000_000  # bytes: some send the whole e-mail back
# E-mails about one message, by one process: whoever was sent it has its token, and must not fill the disk
MOST: Final = 50


class _Handler:
    """What aiosmtpd asks, in its own names."""

    def __init__(self, keeper: Keeper, stamps: Mapping[str, Stamp]) -> None:
        self._stamps = stamps
        self._taken: Counter[int] = Counter()  # by message
        self._receipts: Grouped[Receipt] = Grouped(keeper.keep_receipts)
        self._complaints: Grouped[Complaint] = Grouped(keeper.keep_complaints)
        self._unread: Grouped[Unread] = Grouped(keeper.keep_unread)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        named = self._named(address)
        if named is None:
            return "550 5.1.1 no such mailbox"
        if self._taken[named[1]] >= MOST:
            return "550 5.7.1 too many about one message"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        raw = envelope.content
        to = list(envelope.rcpt_tos)
        named = [one for one in map(self._named, to) if one is not None]
        found = read_mail(
            raw if isinstance(raw, bytes) else b"",
            self._stamps,
            gateway=named[0][0],
            recipients=to,
        )
        await self._receipts.add(found.receipts)
        await self._complaints.add(found.complaints)
        await self._unread.add(found.unread)
        self._taken.update({reference for _, reference in named})
        return "250 2.0.0 Ok: kept"

    async def handle_exception(self, error: Exception) -> str:
        """Whatever it is, whoever brings it has it still; of what it was about nothing is said."""
        del error
        return "451 4.3.0 later"

    def _named(self, address: str) -> tuple[str, int] | None:
        """The gateway and the message whose token it carries."""
        for name, stamp in self._stamps.items():
            if (reference := stamp.read_address(address)) is not None:
                return name, reference
        return None


@contextlib.contextmanager
def receiving(
    stamps: Mapping[str, Stamp], keeper: Keeper, *, host: str, port: int
) -> Iterator[None]:
    """
    Take reports at this port for the block; nothing with port 0.

    Raises:
        SettingsWrong: no gateway makes tokens, or the port is taken
    """
    if not port:
        yield
        return
    if not stamps:
        raise SettingsWrong(
            "receipts-smtp",
            "receipts.smtp_port is set, and no gateway of type smtp has tokens by which reports find their "
            "messages: set receipts.secret, and verp and bounce_address of the gateway",
        )
    thread = LoopThread("reports")
    try:
        server = thread.run(_listen(keeper, stamps, host, port))
    except OSError:
        thread.close()
        raise SettingsWrong(
            "receipts-smtp",
            f"reports on e-mails cannot be taken at {host}:{port} (receipts.smtp_port): is another program "
            "there?",
        ) from None
    try:
        yield
    finally:
        thread.run(_close(server))
        thread.close()


async def _listen(
    keeper: Keeper, stamps: Mapping[str, Stamp], host: str, port: int
) -> asyncio.Server:
    from aiosmtpd.smtp import SMTP

    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it would write addresses down
    loop, handler = asyncio.get_running_loop(), _Handler(keeper, stamps)
    return await loop.create_server(
        lambda: SMTP(handler, data_size_limit=LARGEST, hostname="reports", ident="SMTP", loop=loop),
        host,
        port,
    )


async def _close(server: asyncio.Server) -> None:
    server.close()
