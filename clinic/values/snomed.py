"""
SNOMED CT codes to be saved with a message.

An SCTID, read from the right: a check digit (Verhoeff), two partition digits that say what it
identifies (00 and 10 a concept; 01 and 11 a description; 02 and 12 a relationship), with 10 to 12
seven digits of a namespace, then the item. Source: SNOMED CT Release File Specification, "SCTID".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stdnum import verhoeff

from clinic.errors import MendableError

_OTHER_THINGS = {
    "01": "description",
    "11": "description",
    "02": "relationship",
    "12": "relationship",
}
_SHORTEST_OF_NAMESPACE = 11


def is_concept(code: str) -> bool:
    """Whether a text is the id of a SNOMED CT concept: its length, check digit and partition are right."""
    return _fault(code) == ""


def check_snomed_codes(codes: Sequence[str]) -> tuple[str, ...]:
    """
    The codes, spaces around them gone, each once, in the order given.

    Raises:
        MendableError: `snomed-code`; which of them is no concept id, and why
    """
    clean = [code.strip() for code in codes]
    for position, code in enumerate(clean, start=1):
        fault = _fault(code)
        if fault:
            raise MendableError(
                "snomed-code",
                f"SNOMED CT code {position} of {len(clean)} {fault}. Look it up in a SNOMED CT "
                "browser and copy its concept id.",
            )
    return tuple(dict.fromkeys(clean))


def _fault(code: str) -> str:
    """What is wrong with a code; "" if nothing is."""
    if not re.fullmatch(r"[1-9][0-9]{5,17}", code):
        return "is not 6 to 18 digits"
    if not verhoeff.is_valid(code):
        return "has a wrong check digit"
    partition = code[-3:-1]
    if partition in _OTHER_THINGS:
        return f"is a {_OTHER_THINGS[partition]}, not a concept"
    if partition == "00" or (partition == "10" and len(code) >= _SHORTEST_OF_NAMESPACE):
        return ""
    return "has a partition that no SNOMED CT code has"
