"""
A text before there is a list: any column may be spoken of, and synthetic values stand in for a patient's.

For whoever writes a text: what it says, how long it is, and what is wrong with it, at each change.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from clinic.message.template.inert import DATE_FORMATS
from clinic.message.template.template import CompiledTemplate, compile_template
from clinic.message.template.variables import allowed_variables
from clinic.settings import Organisation

# Which columns a list has is known when a campaign starts: until then any may be spoken of
_LIST_VARIABLE: Final = re.compile(r"\blist\.(\w+)")
_DAYS_AHEAD: Final = 14
# Of common length, and in letters that make no text longer
_PATIENT: Final = {
    "patient.title": "Mrs", "patient.given_name": "Margaret", "patient.family_name": "Davies",
    "patient.full_name": "Margaret Davies", "patient.local_id": "12345",
    "provider.name": "Dr A Morgan", "appointment.provider": "Dr A Morgan", "appointment.time": "10:30",
    "appointment.type": "Review", "appointment.minutes": "10",
}  # fmt: skip


def compile_unlisted(text: str) -> CompiledTemplate:
    """
    The text, checked and compiled as for a list that has every column that it speaks of.

    Raises:
        TemplateRefused: as `compile_template`
    """
    # Each once: a name that a text uses twice is not two columns
    columns = list(dict.fromkeys(_LIST_VARIABLE.findall(text)))
    return compile_template(text, allowed=allowed_variables(columns))


def sample_message(text: str, organisation: Organisation, now: datetime) -> str:
    """
    The text as a synthetic patient would read it; a list's column is filled with its own name.

    Raises:
        TemplateRefused: as `compile_template`
    """
    compiled = compile_unlisted(text)
    known = _values(organisation, now)
    filled = {
        name: known.get(name, name.removeprefix("list.").replace("_", " "))
        for name in compiled.variables
    }
    return compiled.render([filled])[0]


def _values(organisation: Organisation, now: datetime) -> dict[str, Any]:
    day = (now + timedelta(days=_DAYS_AHEAD)).date()
    name, phone = organisation.name or None, organisation.phone or None
    return {
        **_PATIENT,
        "organisation.name": name, "organisation.phone": phone, "facility.name": name,
        "facility.phone": phone, "appointment.facility": name, "appointment.place": name,
        "appointment.date": day, "appointment.day": DATE_FORMATS["weekday"](day),
        "appointment.when": DATE_FORMATS["day"](day),
    }  # fmt: skip
