"""What an e-mail must have before anything starts: a subject, and a way onto the record."""

from __future__ import annotations

from clinic.errors import NotAllowed, TemplateRefused
from clinic.record.database import Record
from clinic.record.schema.lists import template_version
from clinic.record.template_versions import select_version
from clinic.settings import Settings


def require_receipts(settings: Settings, save_when: str) -> None:
    """
    Whether e-mails that are to be on the record when they are delivered would ever get there.

    Raises:
        NotAllowed: nobody tells of their delivery
    """
    if save_when == "delivered" and "email" not in settings.receipts.channels:
        raise NotAllowed(
            "email-never-delivered",
            "nothing was sent: a mail relay sends no delivery receipts, so e-mails that are saved when "
            "delivered would never be on the record; use --save-when sent, or for all campaigns "
            'organisation.save_when = "sent"',
        )


def require_subject(record: Record, key: str, version: int | None = None) -> None:
    """
    Whether the template that would be sent has a subject. One that there is not is told of elsewhere.

    Raises:
        TemplateRefused: it has none
    """
    query = select_version(key, version, template_version.c.subject)
    with record.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is not None and not (row.subject or "").strip():
        own = key.startswith("own-")
        how = (
            "--subject"
            if own
            else f'cohort templates add {key} --subject "…", or your own beside it'
        )
        raise TemplateRefused(
            "template-subject",
            f"nothing was sent: {'your text' if own else key} has no subject, and an e-mail needs one: {how}",
        )
