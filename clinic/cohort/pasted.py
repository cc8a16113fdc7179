"""Ids pasted into a form: one patient each, in the order given (ALC-12)."""

from __future__ import annotations

import re

from stdnum.gb import nhs

from clinic.errors import ListRefused

MOST_IDS = 1_000_000
# The first alternative: an NHS number as it is printed, 3-3-4, is one id and not three
_ID = re.compile(r"(?<![^\s,;])\d{3}[ \xa0]\d{3}[ \xa0]\d{4}(?![^\s,;])|[^\s,;]+")


def pasted_ids(text: str) -> list[str]:
    """
    The ids in a text, separated by commas, semicolons, spaces or new lines.

    The order is kept, and so are repeated ids: each gets an outcome of its own. "943 476 5919" is
    one id when its check digit is right for an NHS number.

    Raises:
        ListRefused: none at all, or more than 1,000,000
    """
    ids: list[str] = []
    place = 0
    while found := _ID.search(text, place):
        one = found.group()
        if len(one) > 3 and one[3] in " \xa0" and not nhs.is_valid(one.replace("\xa0", " ")):
            one = one[:3]
        place = found.start() + len(one)
        if len(ids) == MOST_IDS:
            raise ListRefused(
                "pasted-too-many",
                f"The pasted text holds more than {MOST_IDS:,} ids. "
                "Split it, or put the ids in a file with the heading 'NHS Number'.",
            )
        ids.append(one)
    if not ids:
        raise ListRefused(
            "pasted-empty",
            "The pasted text holds no ids. Paste NHS numbers or local ids, "
            "separated by commas, spaces or new lines.",
        )
    return ids
