"""A writer of the trail that is killed at any instant leaves whole chunks, each sealed, and nothing else."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from clinic.govern.audit.key import unlock
from clinic.govern.audit.trail import verify
from clinic.record.database import Record
from clinic.record.schema.govern import audit_block

# Writes chunk after chunk, in the order that stands in the record, until it is killed
WRITER = """
import sys
from pathlib import Path
import sqlalchemy as sa
from clinic.clock import SystemClock
from clinic.govern.audit.key import unlock
from clinic.record.database import Record
from clinic.record.schema.govern import audit_block
from tests.clinic.govern.trail import change

record = unlock(Record.open(sys.argv[1]), Path(sys.argv[2]))


def write():
    with record.write() as connection:
        done = connection.execute(sa.select(sa.func.count()).select_from(audit_block)).scalar_one()
        patients = range(done * 100, done * 100 + 100)
        change(connection, SystemClock(), 1, done + 1, patients)


write()
print("begun", flush=True)
while True:
    write()
"""


def test_a_writer_killed_at_any_instant_leaves_a_trail_that_holds(
    record: Record, record_url: str, home: Path
) -> None:
    unlock(record, home)
    chance = random.Random(20260302)
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, record_url, str(home)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        time.sleep(chance.uniform(0.01, 0.3))
        writer.kill()
        writer.communicate()
        result = verify(record, None)
        assert (result.first_fault, result.rows) == (None, result.blocks * 100)
    with record.read() as connection:
        chunks = connection.execute(sa.select(sa.func.max(audit_block.c.chunk))).scalar_one()
    assert chunks == result.blocks >= 4
