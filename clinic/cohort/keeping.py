"""
Which columns of a list are kept (NEW-39): what says who is meant, how to reach them and what the checks read,
what the text prints, and what a person asks for with a reason.

Of every other column no cell is kept but one that says not to message its row ("do not text", "deceased"): its
heading and how many cells had something are. Row numbers and the
file's SHA-256 stay, so that the sender's own file can be joined again (clinic/message/outcomes/joined.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import orjson
import pandas as pd

from clinic.cohort.columns import heading_key
from clinic.errors import ListRefused

# Of our fields (columns.py): what matching, checks and greetings read; the rest serves nothing here
NEEDED: Final = frozenset(
    {
        "nhs_number", "local_id", "any_id", "birth_date", "mobile", "email", "given_name", "family_name",
        "full_name", "title", "organisation_code",
    }
)  # fmt: skip
_CLINICAL: Final = re.compile(
    r"hba1c|diagnos|medic|drug|dose|result|\btest|condition|problem|hiv|smear|cytolog|pregnan|allerg|blood|"
    r"\bbp\b|\bbmi\b|weight|smok|alcohol|snomed|read ?code|icd|screen|vaccin|immunis|mental|disab|ethnic|"
    r"religio|sexual|frail|cancer|diabet|asthma|copd|register\b|next of kin|carer|safeguard"
)
_FREE_TEXT: Final = re.compile(
    r"note|comment|remark|free ?text|history|reason|detail|descri|letter|message"
)


Speaks: TypeAlias = "Callable[[pd.Series], np.ndarray[tuple[int], np.dtype[np.bool_]]]"


@dataclass(frozen=True)
class Kept:
    """
    What is kept of a list that came as a file.

    places: of its columns, those whose cells are kept
    reasons: heading → why a person asked for it; never on the trail
    left: place → cells that had something, of the columns that are not kept; known once the list is in
    said: places of those of them of which cells are kept all the same; known then too
    speaks: which cells these are, as long as the list is imported
    """

    places: tuple[int, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[int, int] = field(default_factory=dict)
    said: tuple[int, ...] = ()
    speaks: Speaks | None = field(default=None, compare=False, repr=False)

    def as_json(self) -> str:
        """As it stands beside the list."""
        left = {str(place): count for place, count in self.left.items()}
        return orjson.dumps(
            {
                "places": self.places,
                "reasons": dict(self.reasons),
                "left": left,
                "said": self.said,
            }
        ).decode()


Keeping = Callable[[Sequence[str], Mapping[str, str]], Kept]


def read_kept(text: str | None) -> Kept | None:
    """What is kept of a list; None: all of it, as it is of what the record itself made."""
    if text is None:
        return None
    found = orjson.loads(text)
    left = {int(place): count for place, count in found["left"].items()}
    said = tuple(found.get("said", ()))
    return Kept(tuple(found["places"]), found["reasons"], left, said)


def choose(
    columns: Sequence[str],
    fields: Mapping[str, str],
    *,
    read: Callable[[str], bool],
    printed: Sequence[int],
    asked: Mapping[str, str],
    speaks: Speaks | None = None,
) -> Kept:
    """
    The columns to keep.

    Args:
        fields: our field name → heading
        read: whether the checks read a column of this heading
        printed: places of the columns that the text names
        asked: heading → why a person wants it
        speaks: which cells of the others say not to message their rows

    Raises:
        ListRefused: a column that is asked for is not in the list
    """
    needed = {heading for name, heading in fields.items() if name in NEEDED}
    named = {heading_key(heading): reason for heading, reason in asked.items()}
    keys = [heading_key(heading) for heading in columns]
    if strange := [heading for heading in asked if heading_key(heading) not in keys]:
        raise ListRefused(
            "list-column-unknown",
            f"there is no column {', '.join(map(repr, strange))} to keep; see: cohort list check",
        )
    places = [
        place
        for place, heading in enumerate(columns)
        if heading in needed or read(heading) or place in printed or keys[place] in named
    ]
    reasons = {columns[place]: named[keys[place]] for place in places if keys[place] in named}
    return Kept(tuple(places), reasons, speaks=speaks)


def without_others(
    frame: pd.DataFrame, kept: Kept, used: Collection[int] = ()
) -> tuple[pd.DataFrame, dict[int, int], set[int]]:
    """
    A file's rows with the cells of the kept columns alone, how many cells of each other one were full, and of
    which of those some are there because they say not to message their rows.

    Args:
        used: places of our own fields, whose cells say nothing of the kind: names, an address
    """
    others = sorted(set(range(frame.shape[1])).difference(kept.places))
    left, said, thin = {}, set(), frame.copy() if others else frame
    for place in others:
        cells = frame.iloc[:, place]
        left[place] = int(cells.str.strip().ne("").sum())
        may_say = kept.speaks is not None and place not in used and left[place] > 0
        which = kept.speaks(cells) if may_say and kept.speaks else None
        if which is None or not which.any():
            thin.isetitem(place, "")
        else:
            said.add(place)
            thin.isetitem(place, cells.where(which, "").array)
    return thin, left, said


def looks_delicate(heading: str) -> str:
    """What a person should think twice about before it is kept: "clinical", "free text", or nothing."""
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", heading.casefold()).split())
    if _CLINICAL.search(words):
        return "clinical"
    return "free text" if _FREE_TEXT.search(words) else ""
