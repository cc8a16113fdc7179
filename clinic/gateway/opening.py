"""What a gateway of [gateways.NAME] is built with besides its section."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from clinic.clock import Clock
from clinic.gateway.received import Keeper


@dataclass(frozen=True, kw_only=True)
class Opening:
    """
    What a gateway is built with besides its section.

    Args:
        name: the section's
        channel: by which it is to send; one gateway may have several
        sender_name: the organisation's, shown beside the address that e-mails come from
        clock: None: the system's
        call_seconds: a `send` begins nothing that could not end within so long: a third of the lease
        unsubscribe_url: where one click unsubscribes from a message's channel; None: nobody would hear it
        public_url: how `cohort receipts serve` is reached from outside; empty: not at all
        trust: who may sign its certificate; None: whom the system trusts
        secret: receipts.secret, by which what comes back is known to be ours; empty: there is none
        keeper: keeps what comes back on a session of the gateway's own (SMPP); None: it takes nothing
    """

    name: str
    channel: str
    sender_name: str = ""
    clock: Clock | None = None
    call_seconds: float = 60.0
    unsubscribe_url: Callable[[int], str] | None = None
    public_url: str = ""
    trust: ssl.SSLContext | None = None
    keeper: Keeper | None = None
    secret: str = field(default="", repr=False)
