"""A file is read block by block, and what was done with a block is gone before the next one is read."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from clinic.cohort.files import open_list


class _Cycle:
    """As a statement of the database is one: of few objects, holding a block's worth of ids."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_block_left_in_cycles_is_gone_before_the_next_whatever_the_collector_waits_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("NHS Number,Mobile\n" + "9434765919,07700900001\n" * 50)
    made: list[weakref.ref[_Cycle]] = []
    still_there = []
    usual = gc.get_threshold()
    gc.set_threshold(1_000_000, 1_000, 1_000)
    try:
        for _ in open_list(path, scheme="generic").blocks(rows=10):
            still_there.append(sum(one() is not None for one in made))
            made.append(weakref.ref(_Cycle()))
    finally:
        gc.set_threshold(*usual)
    assert still_there == [0, 0, 0, 0, 0]
