"""What notices say unless somebody writes another text: numbers and codes, and nothing of a patient."""

from __future__ import annotations

import hashlib
from typing import Final

from clinic.clock import Clock
from clinic.errors import TemplateRefused
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.message.template.template import compile_template
from clinic.message.template.variables import list_variable
from clinic.record.database import Record

# What a notice's text may speak of, as {{ list.Name }}
COLUMNS: Final = ("Code", "Name", "Email", "Patients", "Operation", "What", "State")
SUBJECT: Final = "{{ list.What }}: operation {{ list.Operation }}"
TEXTS: Final = {
    "facility": "To {{ list.Name }}\n\n{{ list.What }} (operation {{ list.Operation }}) concerned "
    "{{ list.Patients }} patients of your facility. Which they are is in the record.",
    "provider": "To {{ list.Name }}\n\n{{ list.What }} (operation {{ list.Operation }}) concerned "
    "{{ list.Patients }} of your patients. Please look at them in the record.",
    "internal": "{{ list.What }} (operation {{ list.Operation }}) is {{ list.State }}; patients: "
    "{{ list.Patients }}.\n\ncohort operations show {{ list.Operation }}",
}


def keep_text(
    record: Record, clock: Clock, body: str, *, subject: str, purpose: str, by: str
) -> str:
    """
    Keep a notice's text; the key it can be sent by. The same text is the same key.

    Raises:
        TemplateRefused: it speaks of a patient, an appointment, or a column that notices do not have
    """
    allowed = frozenset(map(list_variable, COLUMNS)) | {"organisation.name", "organisation.phone"}
    for text in (body, subject):
        if set(compile_template(text, allowed=allowed).variables) - allowed:
            raise TemplateRefused("notice-variable", "a notice speaks of no patient")
    digest = hashlib.sha256(f"{purpose}\0{subject}\0{body}".encode()).hexdigest()
    key = f"notice-{digest[:16]}"
    new = NewTemplate(key, "Notice to staff", "own text", body, subject, purpose)
    add_template(record, clock, new, by=by)
    return key
