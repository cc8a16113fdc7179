"""
Consent codes that a spreadsheet has rounded, which shows 513631000000106 as 5.13631E+14.

Its last digits are lost, so that nobody can tell whether it was that code. Opt-out wins on doubt: what may have
been a code that declines counts as one; what may have been a consent lifts nothing.
"""

from __future__ import annotations

import re
from typing import Final

from clinic.cohort.consent_codes import CODES

_ROUNDED: Final = re.compile(r"(\d)(?:[.,](\d+))?E\+?(\d+)", re.IGNORECASE | re.ASCII)


def rounded_code(text: str) -> str:
    """The first of the consent codes, those that decline before others, that is shown so; "" where none is."""
    found = _ROUNDED.fullmatch(text)
    if found is None:
        return ""
    behind = found[2] or ""
    shown = f"{found[1]}{'.' if behind else ''}{behind}E+{int(found[3]):02d}"
    declining = sorted(filter(str.isdigit, CODES), key=lambda code: CODES[code][0] != "opt_out")
    alike = (code for code in declining if f"{int(code):.{len(behind)}E}" == shown)
    return next(alike, "")
