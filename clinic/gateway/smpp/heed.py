"""
Keeps what comes on a session, then says so to the SMSC: confirmed means on disk.

What comes together is written together. What cannot be written is answered "later" (ESME_RX_T_APPN), and the
SMSC sends it again; so is what a session loses when it ends before our word is out.
"""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

from clinic.gateway.grouped import Grouped
from clinic.gateway.received import Inbound, Keeper, Receipt, Unread
from clinic.gateway.smpp.incoming import read_incoming
from clinic.gateway.smpp.pdu import Garbage, Packet, read_deliver


class Heeder:
    """Called with each deliver_sm of a gateway's sessions. Belongs to one event loop."""

    def __init__(self, keeper: Keeper, *, gateway: str, zone: ZoneInfo | None) -> None:
        self._gateway = gateway
        self._zone = zone
        self._receipts: Grouped[Receipt] = Grouped(keeper.keep_receipts)
        self._replies: Grouped[Inbound] = Grouped(keeper.keep_replies)
        self._unread: Grouped[Unread] = Grouped(keeper.keep_unread)
        self.kept = 0

    async def __call__(self, packet: Packet) -> bool:
        """Keep it; whether it is on disk."""
        try:
            found = read_incoming(read_deliver(packet), gateway=self._gateway, zone=self._zone)
        except Garbage:
            found = _unreadable(packet, self._gateway)
        try:
            if isinstance(found, Receipt):
                await self._receipts.add([found])
            elif isinstance(found, Inbound):
                await self._replies.add([found])
            else:
                await self._unread.add([found])
        except Exception:  # whatever it is: the SMSC has it still, and sends it again
            return False
        self.kept += 1
        return True


def _unreadable(packet: Packet, gateway: str) -> Unread:
    """Confirmed all the same once it is kept, or it would come for ever."""
    shown = packet.whole[16:].hex()[:4000]
    digest = hashlib.sha256(packet.whole[16:]).hexdigest()
    return Unread(gateway, digest, "a deliver_sm that is not as SMPP has it", shown)
