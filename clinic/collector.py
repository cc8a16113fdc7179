"""Python's collector of cycles, for work on blocks of rows."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """
    Let it look seldom, and never at what is imported by now.

    Blocks of rows come and go by the hundred thousand and hold no cycles: looking for some takes a fifth of
    an import and a third of a campaign.
    """
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()
