"""What a call tells, as it is kept: its outcome as a receipt, its 9 as a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from clinic.clock import Clock
from clinic.gateway.received import Inbound, Keeper, Receipt
from clinic.gateway.voice.outcomes import Ended, ended
from clinic.gateway.voice.sip.statuses import outcome_of

_STOP: Final = "STOP"  # a keyword in every language (clinic/message/eligibility/keywords.py)
_TRIES: Final = 14  # five minutes in all, while the record is away
_FIRST_WAIT: Final = 1.0


class Teller:
    """Keeps what calls tell; with no keeper (a test of the gateway) it is nobody's."""

    def __init__(self, gateway: str, keeper: Keeper | None, clock: Clock) -> None:
        self._gateway = gateway
        self._keeper = keeper
        self._clock = clock

    async def ended(self, call: str, reference: int, end: Mapping[str, Any]) -> None:
        """A call that rang is over. What could not be kept stays accepted: nobody is called again for it."""
        found = outcome_of_end(end)
        receipt = Receipt(
            self._gateway, f"{call} end", reference, found.says, found.reason or None,
            happened_at=self._clock.now(),
        )  # fmt: skip
        await self._keep(lambda keeper: keeper.keep_receipts([receipt]))

    async def stopped(self, call: str, number: str) -> bool:
        """The key was pressed that stops these calls; whether that is on disk."""
        reply = Inbound(self._gateway, f"{call} 9", "voice", number, _STOP, self._clock.now())
        return await self._keep(lambda keeper: keeper.keep_replies([reply]))

    async def _keep(self, write: Callable[[Keeper], object]) -> bool:
        keeper = self._keeper
        if keeper is None:
            return False
        wait = _FIRST_WAIT
        for _ in range(_TRIES):
            try:
                await asyncio.to_thread(write, keeper)
            except Exception:  # the record is away; each of these may be repeated
                await asyncio.sleep(wait)
                wait = min(2 * wait, 30.0)
            else:
                return True
        return False


def outcome_of_end(end: Mapping[str, Any]) -> Ended:
    """What became of a call that rang."""
    if not end["answered"]:
        return outcome_of(end["status"]) if end["status"] else _known("no-answer", "")
    if end["who"] == "machine":
        return _known("completed", "machine_start")
    # Who hung up before the end of the text has not heard it
    return _known("completed", "human" if end["who"] == "human" and end["heard"] else "")


def _known(status: str, by: str) -> Ended:
    found = ended(status, by, "")
    assert found is not None
    return found
