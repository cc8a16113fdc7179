"""
Submits one part of a message at its turn, until the SMSC takes or refuses it, or there is no time left.

    turn ─► session ─► submit_sm ─► taken: its id │ refused: the status
      └──────── wait: after a pause ◄────┘   └────► not bound: at once, on another session
"""

from __future__ import annotations

import asyncio
from typing import Final

from clinic.gateway.smpp import pdu
from clinic.gateway.smpp.alphabet import Piece
from clinic.gateway.smpp.ids import canonical
from clinic.gateway.smpp.link import Link, NoSession
from clinic.gateway.smpp.manner import manner_of
from clinic.gateway.smpp.pace import Pace
from clinic.gateway.smpp.pdu import Address
from clinic.gateway.smpp.session import NotBegun, Session, Unanswered
from clinic.gateway.smpp.status import Status, status_of
from clinic.gateway.tally import Tally
from clinic.settings.gateways.smpp import SmppGateway

_GRACE: Final = 2  # answers' times that parts of a message may still begin in after its first


class NoTime(Exception):
    """
    Its turn would come too late: nothing was written.

    wait: seconds until there may be one
    """

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


class Submitter:
    """All that goes out over one link. Belongs to one event loop."""

    def __init__(self, link: Link, settings: SmppGateway) -> None:
        self.link = link
        self.pace = Pace(settings.per_second)
        self._manner = manner_of(settings)
        self._settings = settings

    async def submit(
        self, to: Address, piece: Piece, reference: int, *, until: float, first: Tally | None
    ) -> str | Status:
        """
        Submit a part: the SMSC's id of it, or why it was not taken.

        While the SMSC asks us to wait or to bind again, and there is time, the same again: a refusal proves
        that it was not taken. Of a message that is half sent, so is every error that may pass.

        Args:
            until: the loop's time after which no message is begun
            first: of a message of which nothing was submitted yet: it is not begun once this call has stopped

        Raises:
            NoSession, NoTime, NotBegun: nothing was written
            Unanswered: nobody knows
        """
        clock = asyncio.get_running_loop().time
        if first is None:
            until += _GRACE * self._settings.timeout_seconds
        refused: Status | None = None
        while True:
            if wait := await self.pace.turn(until):
                raise NoTime(wait)
            if first is not None and first.stopped:
                raise NotBegun
            try:
                session = await self.link.session(until)
            except NoSession as error:
                if refused is None or error.halt:
                    raise
                return refused  # which says more than that there is none
            if clock() > until:
                raise NoTime(0.0)
            status = await self._once(session, to, piece, reference)
            if isinstance(status, str):
                return status
            if not self._again(session, status, until, half_sent=first is None):
                return status
            refused = status

    async def _once(
        self, session: Session, to: Address, piece: Piece, reference: int
    ) -> str | Status:
        answer = await session.ask(
            lambda number: pdu.submit(self._manner, to, piece, reference & 0xFFFF, number)
        )
        if answer.command not in (pdu.SUBMIT_RESP, pdu.GENERIC_NACK):
            raise Unanswered
        status = status_of(answer.status, self._settings.statuses)
        if status.does != "taken":
            return status
        if answer.command == pdu.GENERIC_NACK:
            raise Unanswered
        self.link.works()
        self.pace.goes_well()
        return canonical(pdu.message_id_of(answer))

    def _again(self, session: Session, status: Status, until: float, *, half_sent: bool) -> bool:
        """Whether the same is submitted once more."""
        now = asyncio.get_running_loop().time()
        if status.does == "rebind":
            session.leave()
            return now <= until
        if status.does == "wait" or (half_sent and status.does == "temporary"):
            return now + self.pace.slow_down() <= until
        return False
