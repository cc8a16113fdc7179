"""One set-back from beginning to end, judged by the gateway's own book."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.doubt import Left
from clinic.record.schema.messages import message
from tests.restore.campaign_states import LOST, STATES
from tests.restore.kinds import keep, put_back
from tests.restore.world import World

# I?: a class I gateway where a person says that all may be sent again with the same keys, and it may
# B!: a blind one where a person lets this machine's notes say it, and nobody knows where they cannot
CLASSES = ("I", "I?", "R", "B", "B!", "L")
_SAYS: Final[dict[str, Left]] = {"I?": "repeat", "B!": "noted"}
# After these a new campaign follows, whose references must be new to the gateway
_FOLLOWED = ("requested", "sending")
_NAMED = {states.UNKNOWN, states.REJECTED, states.SUPPRESSED, states.CANCELLED, states.EXHAUSTED}


@dataclass(frozen=True)
class Fate:
    """
    What became of everybody.

    leaked: texts that left before a person said what had left, if anything had
    strange: texts at the gateway of which the record that was put back knows nothing, since their campaign
        was made after the backup
    """

    leaked: int
    twice: int
    lost: int
    falsely_sent: int
    stuck: int
    unknown: int
    strange: int

    @property
    def is_clean(self) -> bool:
        """Nothing by itself; nobody twice; nobody lost without being named; nothing left to do."""
        return not (self.leaked or self.twice or self.lost or self.falsely_sent or self.stuck)


def run(
    url: str,
    folder: Path,
    *,
    kind: str,
    state: str,
    promise: str,
    hours: int = 1,
    left: Left | None = None,
) -> Fate:
    """
    Set a practice back while its campaign is in this state.

    Args:
        hours: between the backup and the moment it is put back
        left: what people say of each campaign, if they must; None: what is right
    """
    world = World(url, folder, promise[0])
    STATES[state](world)
    kept, known = keep(world, kind), world.provider.texts.total()
    world.provider.refuse = 0 if promise == "I?" else 2
    LOST.get(state, World.live)(world)
    world.clock.sleep(3600 * hours)
    put_back(world, kind, kept)
    before = world.provider.texts.total()
    _try_everything(world)
    leaked = world.provider.texts.total() - before if before > known else 0
    _people_decide(world, state, left or _SAYS.get(promise, "unknown"))
    fate = _judge(world, leaked)
    world.record.close()
    return fate


def _try_everything(world: World) -> None:
    """What goes on by itself: runs, evenings, and somebody who begins a campaign."""
    for _ in range(3):
        world.work()
        world.remind()
    with suppress(NotAllowed):
        world.practice.begin(world.list_of("new.csv"), template="meanwhile", request_key="new")
        world.work()


def _people_decide(world: World, state: str, left: Left) -> None:
    """A manager allows sending, somebody resumes each campaign, and a new one follows."""
    world.running = None
    world.ask()
    world.allow(reminded_days=2 if state == "reminded" else 0)
    world.remind()
    world.live(8, left=left)
    if state in _FOLLOWED:
        world.practice.begin(world.list_of("after.csv"), template="afterwards", request_key="after")
        world.live(2, left=left)


def _judge(world: World, leaked: int) -> Fate:
    with world.record.read() as connection:
        columns = (message.c.state, message.c.address, message.c.body)
        rows = connection.execute(sa.select(*columns)).all()
    has, known = world.provider.texts, {(row.address, row.body) for row in rows}
    left = [row for row in rows if row.state in states.LEFT]
    return Fate(
        leaked=leaked,
        twice=has.total() - len(has),
        lost=sum(
            not has[row.address, row.body] and row.state not in _NAMED | states.LEFT for row in rows
        ),
        falsely_sent=sum(not has[row.address, row.body] for row in left),
        stuck=sum(row.state == states.PENDING for row in rows),
        unknown=sum(row.state == states.UNKNOWN for row in rows),
        strange=sum(text not in known for text in has),
    )
