"""
What would be found in a text that is being written: the same judges that look at it when it is sent.

Judged with sample values, so that what a list's cells or a patient's visit would say is not in it. Nothing is
kept, and nothing is refused: at sending a person answers for what is found (prepare/content.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from clinic.message.template.placeholders import placeholders_in
from clinic.message.template.unlisted import sample_message
from clinic.message.template.variables import setting_of
from clinic.message.words.block import judge_texts
from clinic.message.words.classes import DAY_WORD, OTHERS, PLACEHOLDER
from clinic.message.words.days import day_words
from clinic.message.words.folding import as_array
from clinic.message.words.phrases import word_list
from clinic.message.words.reachable import judge_reachable
from clinic.settings import Settings


def findings_in(
    settings: Settings, now: datetime, body: str, subject: str, *, purpose: str, classes: Collection[str]
) -> list[str]:  # fmt: skip
    """
    A sentence for each thing that would be found, and what to do about it.

    Args:
        classes: the template's own

    Raises:
        TemplateRefused: the text cannot be sent at all (template/template.py has the codes)
    """
    setting = setting_of(settings, now)
    message = sample_message(body, settings.organisation, now)
    if subject.strip():
        message = f"{sample_message(subject, settings.organisation, now)} | {message}"
    fixed = f"{subject} {body}"
    hits = [
        *judge_texts(
            as_array([message]), fixed, settings.content, name=settings.organisation.name,
            purpose=purpose, replies_read=setting.replies_read,
        ),
        *judge_reachable(as_array([message]), classes, settings.content),
    ]  # fmt: skip
    found: dict[str, list[str]] = {}
    for subject_of, phrase in (
        *((hit.phrase.subject, hit.phrase.written) for hit in hits),
        *((PLACEHOLDER, one) for one in placeholders_in(fixed)),
        *((DAY_WORD, one) for one in day_words(fixed)),
    ):
        found.setdefault(subject_of, []).append(phrase)
    return list(_sentences(found, settings))


def _sentences(found: dict[str, list[str]], settings: Settings) -> Iterator[str]:
    about = word_list(settings.content).about
    for subject, phrases in found.items():
        if subject in OTHERS:
            what, todo = OTHERS[subject]
        else:
            what, todo = (
                f"The message seems to be about {about[subject]}",
                "Ask the patient to call",
            )
        named = ", ".join(f"“{one}”" for one in phrases if one)
        yield f"{what}{f' ({named})' if named else ''}. {todo}."
