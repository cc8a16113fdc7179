"""Keeps what the receipt server receives: into the inbox, the replies and the decisions of patients."""

from __future__ import annotations

from typing import Final

from clinic.clock import Clock
from clinic.gateway.received import Complaint, Inbound, Receipt, Unread
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.message.incoming.unread import keep_unread
from clinic.message.incoming.unsubscribe import keep_complaints, unsubscribe
from clinic.record.database import Record
from clinic.settings import Phones, Replies

_PROGRAMS: Final = Replies()


class RecordKeeper:
    """The `Keeper` of clinic/gateway/received.py, over a record."""

    def __init__(
        self, record: Record, clock: Clock, phones: Phones, words: Replies = _PROGRAMS
    ) -> None:
        self._record = record
        self._clock = clock
        self._phones = phones
        self._words = words

    def keep_receipts(self, receipts: list[Receipt]) -> int:
        return keep_receipts(self._record, self._clock, receipts)

    def keep_replies(self, replies: list[Inbound]) -> int:
        return keep_replies(self._record, self._clock, replies, self._phones, self._words)

    def keep_unread(self, entries: list[Unread]) -> int:
        return keep_unread(self._record, self._clock, entries)

    def keep_complaints(self, complaints: list[Complaint]) -> int:
        return keep_complaints(self._record, self._clock, complaints, self._phones)

    def unsubscribe(self, reference: int) -> bool:
        return unsubscribe(self._record, self._clock, reference)
