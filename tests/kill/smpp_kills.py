"""
The main job over SMPP, killed: an SMSC that is not our client's library keeps the book that judges.

SMPP is blind: what was in flight at a kill is unknown, and never sent again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.kill.harness import Fate, finish, judge, kill_at, kill_within, prepare
from tests.kill.job import Job
from tests.servers.smsc import Smsc, running_smsc

FAULTS = {"drop_share": 0.003, "refuse_share": 0.05, "silent_share": 0.002}


def taken_by(smsc: Smsc, url: str) -> dict[int, int]:
    """How often the SMSC has each message: its book knows the last 16 bits of our numbers."""
    has = Counter(int(entry["mark"]) for entry in smsc.book)
    record = Record.open(url)
    with record.read() as connection:
        ids = connection.scalars(sa.select(message.c.id)).all()
    record.close()
    assert has.keys() <= {key & 0xFFFF for key in ids}
    return {key: has[key & 0xFFFF] for key in ids if has[key & 0xFFFF]}


def kill_over_smpp(
    url: str, folder: Path, *, people: int, seed: int, point: str = "", hit: int = 2, tries: int = 3
) -> Fate:
    """Kill the job at a point, or (no point) at random instants beside other faults; then run it to its end."""
    file = prepare(url, folder, people)
    with running_smsc(seed=seed + 1, **({} if point else FAULTS)) as smsc:
        job = Job(
            url=url, home=str(folder), file=str(file), gateway=f"smpp://127.0.0.1:{smsc.port}",
            gateway_class="B", batch_size=50, point=point, hit=hit,
        )  # fmt: skip
        rng = random.Random(seed)
        if point:
            kills = kill_at(job)
        else:
            kills = sum(kill_within(job, rng, seconds=1.5) for _ in range(tries))
            # Until something was hit: a slow machine is killed before it sends, and no fault is met
            for more in range(10):
                if kills and smsc.counts["faults"]:
                    break
                kills += kill_within(job, rng, seconds=3.0 + more)
            assert smsc.counts["faults"], "nothing went wrong on the way: nothing is proven"
        smsc.set(drop_share=0, refuse_share=0, silent_share=0)
        finish(replace(job, point=""))
        return judge(url, taken_by(smsc, url), people=people, kills=kills)
