"""What `cohort templates add` makes of what was typed: what is left out stays as the newest version has it."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.errors import NotFound, TemplateRefused
from clinic.message.template.catalogue import NewTemplate, TemplateText, get_versions
from clinic.record.database import Record


@dataclass(frozen=True)
class Typed:
    """What was given; None where nothing was."""

    text: str | None = None
    subject: str | None = None
    name: str | None = None
    message_type: str | None = None
    purpose: str | None = None


def next_template(record: Record, key: str, typed: Typed) -> NewTemplate:
    """
    The template to be added, or its next version.

    Raises:
        TemplateRefused: no text for a new one; or something else than text and subject is to be changed
    """
    try:
        last = get_versions(record, key)[0]
    except NotFound:
        return _first(key, typed)
    _refuse_fixed(last, typed)
    return NewTemplate(
        key,
        last.name,
        last.message_type,
        last.body if typed.text is None else typed.text,
        last.subject if typed.subject is None else typed.subject or None,
        last.purpose,
    )


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
        typed.purpose or "any",
    )


def _refuse_fixed(last: TemplateText, typed: Typed) -> None:
    for option, old, new in (
        ("--name", last.name, typed.name),
        ("--type", last.message_type, typed.message_type),
        ("--purpose", last.purpose, typed.purpose),
    ):
        if new is not None and new != old:
            raise TemplateRefused(
                "template-fixed",
                f"{last.key} has been here with {option} {old!r}, which a new version does not change: "
                "leave it out, or add a template with another key",
            )
