"""
The states that a campaign may be in when it is backed up, and what the machine that is lost does afterwards.

Each function brings the world to its state; afterwards everything goes on by itself and by people until it
ends, unless `LOST` has something of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from clinic.gateway.received import Receipt
from clinic.message import states
from clinic.message.campaign.circuit_breaker import halt
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.prepare.approve import ask, release_campaign
from clinic.message.prepare.control import pause
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.message.timing.timing import Timing
from clinic.record.schema.people import appointment
from tests.restore.world import PEOPLE, World


class _PowerCut(Exception):
    """The sender dies at this point."""


def requested(world: World) -> None:
    """Nothing yet: the campaign is made and sent by the machine that is lost."""


def checking(world: World) -> None:
    world.practice.begin(world.list_of("one.csv"))


def awaiting(world: World) -> None:
    world.approval_above = 0
    world.practice.settings = world.settings
    checking(world)
    world.practice.check(1)
    world.practice.stage(1)
    assert ask(world.record, world.clock, world.settings, 1, flow_run_id=None)


def _released(world: World, **values: object) -> None:
    world.practice.begin(world.list_of("one.csv"), **values)
    world.practice.check(1)
    world.practice.stage(1)
    release_campaign(world.record, world.clock, world.settings, 1, Timing())


def scheduled(world: World) -> None:
    _released(world, start_at=world.clock.now() + timedelta(hours=2))
    assert world.campaigns()[1] == states.SCHEDULED


def sending(world: World) -> None:
    _released(world)
    world.running = world.process()
    assert world.running
    world.send(world.running, 1, last=1)


def mid_request(world: World) -> None:
    """The second batch is at the gateway, and its answer is not in the record."""
    sending(world)
    assert world.running

    def cut(point: str) -> None:
        if point == "send.returned":
            raise _PowerCut

    world.running.reached = cut
    with suppress(_PowerCut):
        world.send(world.running, 1, last=2)
    world.running.worker.close()
    world.running = world.process()


def halted(world: World) -> None:
    sending(world)
    with world.record.write() as connection:
        halt(connection, 1, "halted-failures", world.clock.now())


def paused(world: World) -> None:
    sending(world)
    pause(world.record, world.clock, 1, by="nia", reason="a look")


def reconciling(world: World) -> None:
    """All was tried; of a blind gateway's the second batch is unknown."""
    mid_request(world)
    world.live(1)
    world.running = None


def receipts(world: World) -> None:
    """All is sent, and no receipt has come."""
    _released(world)
    world.live(1)


def reminded(world: World) -> None:
    """Tomorrow's patients are reminded; those of the day after will be by the machine that is lost."""
    world.reminds = True
    seed_catalogue(world.record, world.clock, TEMPLATES)
    with world.record.write() as connection:
        for n in range(1, PEOPLE + 1):
            at = world.clock.now() + timedelta(days=1 + n % 3)
            values = {"patient_id": n, "starts_at": at, "place": f"Room {n}", "status": "booked"}
            connection.execute(sa.insert(appointment).values(values))
    world.remind()


def _send_another(world: World) -> None:
    world.practice.begin(world.list_of("two.csv"), template="lost", request_key="two")
    world.live(3)


def _receipts_come(world: World) -> None:
    said = [
        Receipt("fake", f"e{key}", key, "delivered", happened_at=at)
        for key, at in world.provider.taken
    ]
    keep_receipts(world.record, world.clock, said)
    apply_receipts(world.record, world.clock)


def _next_evening(world: World) -> None:
    world.clock.sleep(24 * 3600)
    world.remind()
    world.clock.sleep(3600)


STATES: Final[dict[str, Callable[[World], None]]] = {
    "requested": requested, "checking": checking, "awaiting approval": awaiting,
    "scheduled": scheduled, "sending": sending, "mid-request": mid_request, "halted": halted,
    "paused": paused, "reconciling": reconciling, "receipts": receipts, "reminded": reminded,
}  # fmt: skip
LOST: Final[dict[str, Callable[[World], None]]] = {
    "requested": _send_another,
    "receipts": _receipts_come,
    "reminded": _next_evening,
}
