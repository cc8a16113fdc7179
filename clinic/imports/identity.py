"""
Ids of a source that are unique only within an organisation: they are known with it, ID@ORGANISATION.

EMIS's GUIDs and SystmOne's RowIdentifier come again in another practice's extract, for another patient or
another slot. A GUID is written without braces and hyphens, and an organisation that is one, or long, by seven
letters that stand for it, since an id of the practice has at most 40 characters.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

import pandas as pd

FIELD: Final = "organisation_id"
_QUALIFIED: Final = ("local_id", "key")
_GUID: Final = re.compile(
    r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?", re.I
)
_OF_PLACES: Final = ("code", "provider", "facility", "default_provider")
_BRACED: Final = re.compile(r"^\{([0-9a-f-]{32,36})\}$", re.I)
_LONGEST: Final = 12  # of an organisation's code that is written as it is
_LETTERS: Final = 7


def with_organisation(frame: pd.DataFrame) -> None:
    """
    Write the ids of these rows with their organisation, in place; of a row that names none, as they are.

    Args:
        frame: our fields as columns, cells stripped; changed are `local_id` and `key`, where `organisation_id`
            is one of its columns
    """
    if FIELD not in frame:
        return
    codes, names = pd.factorize(frame[FIELD])
    organisation = pd.Series(
        pd.Series([short_of(str(name)) for name in names], dtype=object).to_numpy()[codes],
        frame.index,
        dtype="str",
    )
    for name in _QUALIFIED:
        if name in frame:
            ids = frame[name].str.replace(_GUID, _bare, regex=True)
            both = (ids != "") & (organisation != "")
            frame[name] = ids.mask(both, ids + "@" + organisation)


def without_braces(frame: pd.DataFrame) -> None:
    """Write the GUIDs of places and of who works there without the braces of EMIS's extract, in place."""
    for name in _OF_PLACES:
        if name in frame:
            frame[name] = frame[name].str.replace(_BRACED, r"\1", regex=True)


def short_of(organisation: str) -> str:
    """What stands for an organisation behind an id; "" where there is none."""
    name = organisation.strip().upper()
    if len(name) <= _LONGEST and "@" not in name:
        return name
    bare = _GUID.sub(_bare, name)
    digest = hashlib.blake2b(bare.encode(), digest_size=5).digest()
    return base64.b32encode(digest).decode()[:_LETTERS]


def _bare(found: re.Match[str]) -> str:
    return "".join(found.groups()).upper()
