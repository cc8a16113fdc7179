"""
The classes of a template: what kind of message it is, and so which rules hold for it besides everybody's.

A template may be of several, a sexual health recall of `recall` and `sensitive`; one of none is general.
They are said of its version (`cohort templates for KEY --class recall`). What the content gate finds in words
has classes of its own (clinic/message/words/classes.py): those are of phrases, these of whole templates.
A campaign's: `audience_of(connection, job.template_version_id).classes` (audience.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from clinic.errors import TemplateRefused

GENERAL: Final = "general"
SENSITIVE: Final = "sensitive"
CLINICAL: Final = "clinical"
RECALL: Final = "recall"
# In the order in which they are kept and shown
CLASSES: Final[dict[str, str]] = {
    SENSITIVE: "others who see the phone must not learn of it",
    CLINICAL: "a result or advice: a clinician approves it, and it expires in hours",
    RECALL: "whoever is not reached must be followed up",
}


def classes_in(names: Iterable[str]) -> tuple[str, ...]:
    """
    These classes, each once and in order; of `general` alone: none.

    Raises:
        TemplateRefused: there is no such class
    """
    wanted = {name.strip().lower() for name in names} - {GENERAL, ""}
    if unknown := wanted - CLASSES.keys():
        known = "; ".join(f"{name}: {says}" for name, says in CLASSES.items())
        raise TemplateRefused(
            "template-class",
            f"there is no class of templates {', '.join(sorted(unknown))!r}; there are: general; {known}",
        )
    return tuple(name for name in CLASSES if name in wanted)
