"""
What `cohort templates add` and `for` make of what was typed: what is left out stays as the newest version has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from clinic.errors import NotFound, TemplateRefused
from clinic.message.audience.audience import ANYBODY, Audience
from clinic.message.audience.bounds import read_age, read_coded, read_group, read_sex
from clinic.message.audience.classes import classes_in
from clinic.message.audience.spared import with_spared
from clinic.message.template.catalogue import NewTemplate, TemplateText, get_versions
from clinic.message.template.purpose import typed_purpose
from clinic.record.database import Record
from clinic.values.purposes import purpose_in


@dataclass(frozen=True)
class Typed:
    """What was given; None where nothing was."""

    text: str | None = None
    subject: str | None = None
    name: str | None = None
    message_type: str | None = None
    purpose: str | None = None


@dataclass(frozen=True)
class ForWhom:
    """What was said of whom it is for; None and () where nothing was; `none` takes away what was before."""

    classes: Sequence[str] = ()
    sex: str | None = None
    age: str | None = None
    not_if_coded: Sequence[str] = ()
    exclude_codes: Sequence[str] = ()
    exclude_groups: Sequence[str] = ()


_NONE: Final = "none"
_Read = TypeVar("_Read")


def next_template(record: Record, key: str, typed: Typed) -> NewTemplate:
    """
    The template to be added, or its next version.

    Raises:
        TemplateRefused: no text for a new one; or its name or type is to be changed
    """
    try:
        last = get_versions(record, key)[0]
    except NotFound:
        return _first(key, typed)
    _refuse_fixed(last, typed)
    body = last.body if typed.text is None else typed.text
    subject = last.subject if typed.subject is None else typed.subject or None
    before, now = (
        _words(key, last.name, *texts) for texts in ((last.body, last.subject), (body, subject))
    )
    audience = with_spared(last.audience, now, before=before)
    purpose = last.purpose if typed.purpose is None else purpose_in(typed.purpose)
    return NewTemplate(key, last.name, last.message_type, body, subject, purpose, audience=audience)


def _words(*texts: str | None) -> str:
    return " ".join(filter(None, texts))


def next_audience(record: Record, key: str, said: ForWhom) -> NewTemplate:
    """
    The same text, for whom it is said to be.

    Raises:
        NotFound: there is no such template
        TemplateRefused: a class, a range of ages, a code or a group that is none
    """
    last = get_versions(record, key)[0]
    old = last.audience.bounds
    first, final = (old.age_from, old.age_to) if said.age is None else read_age(said.age)
    bounds = replace(
        old,
        sex=old.sex if said.sex is None else read_sex(said.sex),
        age_from=first,
        age_to=final,
        not_if_coded=_several(said.not_if_coded, read_coded, old.not_if_coded),
        exclude_codes=_several(said.exclude_codes, read_coded, old.exclude_codes),
        exclude_groups=_several(said.exclude_groups, read_group, old.exclude_groups),
    )
    classes = classes_in(said.classes) if said.classes else last.audience.classes
    return NewTemplate(
        key,
        last.name,
        last.message_type,
        last.body,
        last.subject,
        last.purpose,
        audience=Audience(classes, bounds),
    )


def _several(
    typed: Sequence[str], read: Callable[[str], _Read], old: tuple[_Read, ...]
) -> tuple[_Read, ...]:
    if not typed:
        return old
    return tuple(dict.fromkeys(read(one) for one in typed if one.strip().lower() != _NONE))


def _first(key: str, typed: Typed) -> NewTemplate:
    if typed.text is None:
        raise TemplateRefused(
            "template-empty",
            f'there is no template {key} yet, so it needs a text: --text "Dear …" or --file',
        )
    return NewTemplate(
        key,
        typed.name or key,
        typed.message_type or "invitation",
        typed.text,
        typed.subject,
        typed_purpose(typed.purpose, "the template"),
        audience=with_spared(ANYBODY, _words(key, typed.name, typed.text, typed.subject)),
    )


def _refuse_fixed(last: TemplateText, typed: Typed) -> None:
    for option, old, new in (
        ("--name", last.name, typed.name),
        ("--type", last.message_type, typed.message_type),
    ):
        if new is not None and new != old:
            raise TemplateRefused(
                "template-fixed",
                f"{last.key} has been here with {option} {old!r}, which a new version does not change: "
                "leave it out, or add a template with another key",
            )
