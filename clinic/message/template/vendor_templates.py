"""The templates that come with the program. A changed text here becomes a new version at `cohort init`."""

from __future__ import annotations

from typing import Final

from clinic.message.template.catalogue import NewTemplate

TEMPLATES: Final = (
    NewTemplate(
        key="flu-invite",
        name="Flu vaccination invitation",
        message_type="invitation",
        body="Dear {{ patient.given_name }}, your flu vaccination is due. "
        "Please call {{ organisation.name }} to book.",
    ),
    NewTemplate(
        key="flu-gwahoddiad",
        name="Gwahoddiad brechiad ffliw (Welsh)",
        message_type="invitation",
        body="Annwyl {{ patient.given_name }}, mae'n bryd i chi gael eich brechiad ffliw. "
        "Ffoniwch {{ organisation.name }} i drefnu dŵad i'r clinig.",
    ),
    NewTemplate(
        key="clinic-invite",
        name="Clinic invitation, by the list's own Clinic column",
        message_type="invitation",
        body="Dear {{ patient.given_name }}, you are invited to: {{ list.Clinic }}. "
        "{{ organisation.name }}",
    ),
    NewTemplate(
        key="appointment-reminder",
        name="SMS Appointment Reminders",
        message_type="reminder",
        subject="Your appointment with {{ organisation.name }}",
        locked=True,
        body="Reminder for {{ patient.given_name }}: you have an appointment on "
        "{{ appointment.when }} at {{ appointment.time }}, {{ appointment.place }}. "
        "If you cannot come, please call {{ organisation.name }}.",
    ),
    NewTemplate(
        key="smear-recall",
        name="Cervical screening recall",
        message_type="recall",
        locked=True,
        body="Dear {{ patient.given_name }}, please contact {{ organisation.name }} "
        "about a routine appointment that is due.",
    ),
    NewTemplate(
        key="annual-review",
        name="Annual review invitation, e-mail",
        message_type="recall",
        subject="Your annual review at {{ organisation.name }}",
        body="Dear {{ patient.given_name }},\n\nyour annual review is due. Please contact us to book "
        "an appointment.\n\n{{ organisation.name }}\n",
    ),
)
