"""
Whom a text spares without being told to: one about pregnancy or babies, who has lost a child (safety 25).

What is written in a hurry says nothing of for whom it is. So such a text leaves out who has a code of the loss
of a baby in the last year, from its first version on; it stands in what `cohort templates show` says, and a
person may say otherwise (`cohort templates for KEY --exclude-code …`), which then stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import Coded
from clinic.message.audience.topics import speaks_of

LOSS: Final = Coded(("loss-of-a-baby",), "1y")
_MATERNITY: Final = "maternity"


def with_spared(audience: Audience, text: str, *, before: str = "") -> Audience:
    """
    The audience of a new text, with whom it spares.

    Args:
        text: all of its words, with its key and name
        before: those of the version before: where they spoke of the same, a person has seen what was spared
    """
    if audience.bounds.exclude_codes or not speaks_of(text, _MATERNITY):
        return audience
    if before and speaks_of(before, _MATERNITY):
        return audience
    return replace(audience, bounds=replace(audience.bounds, exclude_codes=(LOSS,)))
