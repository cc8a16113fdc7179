"""Python's collector of cycles, for work on blocks of rows."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """
    Let it look seldom, and never at what is imported by now.

    Blocks of rows come and go by the hundred thousand: looking for cycles among them takes a fifth of an import
    and a third of a campaign. Who reads many blocks calls `collect_young` after each.
    """
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()


def collect_young() -> None:
    """
    Let it look at what was made lately, which takes milliseconds.

    It counts objects, not their bytes: a statement that is done with is a cycle of few objects, and holds the
    ids of a whole block. Unlooked for, 1,000,000 rows leave 110 MB of those.
    """
    gc.collect(1)
