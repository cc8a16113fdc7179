"""Ctrl-C while a campaign is sent: what is in flight is still sent, nothing more is begun, and this is said."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli import console

if TYPE_CHECKING:
    from tasks.wiring import Wiring


@contextlib.contextmanager
def stopping_when_asked(parts: Wiring, campaign_id: int) -> Iterator[None]:
    """
    While the block runs a first Ctrl-C stops the sending after the part in flight; a second ends at once.

    Raises:
        KeyboardInterrupt: at the second
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return

    def asked(*_: Any) -> None:
        if parts.interrupted:
            raise KeyboardInterrupt
        parts.interrupted = True
        parts.stop.set()
        # Not here: the thread that was interrupted may hold the record's lock
        threading.Thread(target=_say, args=(parts, campaign_id), daemon=True).start()

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _say(parts: Wiring, campaign_id: int) -> None:
    from clinic.message.campaign.counting import in_flight
    from clinic.values.text import counted

    with parts.record.read() as connection:
        count = len(in_flight(connection, campaign_id))
    what = f"{counted(count, 'message')} in flight still sent" if count else "nothing is in flight"
    console.say(f"\nStopping: {what}, and nothing more after that. Ctrl-C again ends at once.")
