"""The templates that come with the program. A changed text here becomes a new version at `cohort init`."""

from __future__ import annotations

from typing import Final

from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import Bounds, Coded
from clinic.message.audience.classes import RECALL
from clinic.message.template.catalogue import NewTemplate
from clinic.values import purposes

# Whoever had it this season is not asked again
_FLU: Final = Audience(bounds=Bounds(not_if_coded=(Coded(("flu-vaccination",), "09-01"),)))
# Who is invited: 24 and a half to 64. What a practice says otherwise stays: cohort templates for
_SMEAR: Final = Audience(
    (RECALL,),
    Bounds(sex="female", age_from=24, age_to=64, exclude_codes=(Coded(("end-of-life",), "ever"),)),
)

TEMPLATES: Final = (
    NewTemplate(
        key="flu-invite",
        name="Flu vaccination invitation",
        message_type="invitation",
        purpose=purposes.RECALL,
        body="Dear {{ patient.given_name }}, your flu vaccination is due. "
        "Please call {{ organisation.name }} to book.",
        audience=_FLU,
    ),
    NewTemplate(
        key="flu-gwahoddiad",
        name="Gwahoddiad brechiad ffliw (Welsh)",
        message_type="invitation",
        purpose=purposes.RECALL,
        body="Annwyl {{ patient.given_name }}, mae'n bryd i chi gael eich brechiad ffliw. "
        "Ffoniwch {{ organisation.name }} i drefnu dŵad i'r clinig.",
        audience=_FLU,
    ),
    NewTemplate(
        key="clinic-invite",
        name="Clinic invitation, by the list's own Clinic column",
        message_type="invitation",
        purpose=purposes.CARE,
        body="Dear {{ patient.given_name }}, you are invited to: {{ list.Clinic }}. "
        "{{ organisation.name }}",
    ),
    NewTemplate(
        key="appointment-reminder",
        name="SMS Appointment Reminders",
        message_type="reminder",
        purpose=purposes.ADMINISTRATION,
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
        purpose=purposes.RECALL,
        locked=True,
        body="Dear {{ patient.given_name }}, please contact {{ organisation.name }} "
        "about a routine appointment that is due.",
        audience=_SMEAR,
    ),
    NewTemplate(
        key="annual-review",
        name="Annual review invitation, e-mail",
        message_type="recall",
        purpose=purposes.RECALL,
        subject="Your annual review at {{ organisation.name }}",
        body="Dear {{ patient.given_name }},\n\nyour annual review is due. Please contact us to book "
        "an appointment.\n\n{{ organisation.name }}\n",
        audience=Audience((RECALL,)),
    ),
)
