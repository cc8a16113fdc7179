"""Which resources each kind of import is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinic.settings import ImportKind
from clinic.sources.fhir.rows.appointments import APPOINTMENTS
from clinic.sources.fhir.rows.choices import CONSENTS
from clinic.sources.fhir.rows.clinical import ALLERGIES, DIAGNOSES, MEDICATIONS
from clinic.sources.fhir.rows.parts import Reader
from clinic.sources.fhir.rows.patients import PATIENTS
from clinic.sources.fhir.rows.places import FACILITIES, GROUPS, PROVIDERS

READERS: Final[Mapping[ImportKind, Reader]] = {
    "patients": PATIENTS,
    "appointments": APPOINTMENTS,
    "consents": CONSENTS,
    "facilities": FACILITIES,
    "providers": PROVIDERS,
    "groups": GROUPS,
    "diagnoses": DIAGNOSES,
    "medications": MEDICATIONS,
    "allergies": ALLERGIES,
}
