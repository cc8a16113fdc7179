"""
Ready layouts: the headings that a system's own extract has where docs/data.md does not know them anyway.

A column that an extract lacks is no error (they are added and dropped yearly); "" is one that is not read.
What a source's settings say besides goes before. Sources: EMIS bulk extract specification v8.2, SystmOne's
tables as endeavourhealth transforms them, Synthea's CSV, OMOP CDM 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinic.settings import SourceFormat
from clinic.settings.sources import ImportKind, LayoutName

# Ids of both extracts are unique only within an organisation
_EMIS_ID: Final = {"local_id": "PatientGuid", "organisation_id": "OrganisationGuid"}
_TPP_ID: Final = {"local_id": "IDPatient", "organisation_id": "IDOrganisationVisibleTo"}
_SYNTHEA_ID: Final = {
    "local_id": "PATIENT",
    "onset": "START",
    "ended": "STOP",
    "text": "DESCRIPTION",
}
# Codes of medicines there are RxNorm's
_SYNTHEA_DRUG: Final = {
    "local_id": "PATIENT", "started": "START", "ended": "STOP", "text": "DESCRIPTION", "code": "",
}  # fmt: skip

COLUMNS: Final[Mapping[LayoutName, Mapping[ImportKind, Mapping[str, str]]]] = {
    "": {},
    "emis-bulk": {
        "patients": {
            **_EMIS_ID, "given_name": "GivenName", "house": "HouseNameFlatNumber",
            "street": "NumberAndStreet", "town": "Town", "locality": "Village", "county": "County",
        },
        "appointments": _EMIS_ID,
        "facilities": {"code": "LocationGuid", "name": "LocationName"},
        "providers": {"code": "UserInRoleGuid", "speciality": "JobCategoryName"},
        "diagnoses": {**_EMIS_ID, "onset": "EffectiveDate"},
        "medications": {**_EMIS_ID, "started": "EffectiveDate", "ended": "CancellationDate"},
    },
    "systmone-bulk": {
        "patients": {**_TPP_ID, "local_id": "RowIdentifier"},
        "appointments": {**_TPP_ID, "visit_type": "RotaType"},
        "consents": {**_TPP_ID, "sms_consent": "SmsConsent", "date": "DateEvent"},
        "groups": {**_TPP_ID, "name": "Name"},
        "facilities": {"code": "ID", "name": "BranchName"},
        "providers": {"code": "RowIdentifier", "name": "StaffName"},
        "diagnoses": {**_TPP_ID, "code": "CTV3Code", "onset": "DateEvent"},
        "medications": {**_TPP_ID, "text": "NameOfMedication", "started": "DateMedicationStart"},
        "allergies": {**_TPP_ID, "code": "IDDrugCode", "onset": "DateStarted"},
    },
    "synthea": {
        "patients": {
            "local_id": "Id", "given_name": "FIRST", "family_name": "LAST", "birth_date": "BIRTHDATE",
            "death_date": "DEATHDATE", "postcode": "ZIP", "sex": "GENDER",
        },
        "facilities": {"code": "Id", "name": "NAME", "phone": ""},  # PHONE may hold several
        "providers": {"code": "Id", "facility": "ORGANIZATION"},
        "diagnoses": _SYNTHEA_ID,
        "medications": _SYNTHEA_DRUG,
        "allergies": _SYNTHEA_ID,
    },
    "omop": {
        "patients": {
            "local_id": "person_id", "birth_date": "birth_datetime", "sex": "gender_source_value",
        },
        "facilities": {"code": "care_site_id", "name": "care_site_name"},
        "providers": {
            "code": "provider_id", "name": "provider_name", "speciality": "specialty_source_value",
            "facility": "care_site_id",
        },
        "diagnoses": {
            "local_id": "person_id", "code": "condition_source_value", "onset": "condition_start_date",
            "ended": "condition_end_date",
        },
        "medications": {
            "local_id": "person_id", "text": "drug_source_value", "started": "drug_exposure_start_date",
            "ended": "drug_exposure_end_date",
        },
    },
}  # fmt: skip
# SystmOne's numbers, as OpenSAFELY publishes them; 5, 8 and 9 (requested, visit, waiting) say nothing
_TPP_STATUSES: Final = {
    "0": "booked", "1": "arrived", "3": "arrived", "4": "finished", "2": "no_show", "14": "no_show",
    "16": "no_show", "10": "cancelled", "11": "cancelled", "12": "cancelled", "15": "cancelled",
    "5": "", "6": "", "8": "", "9": "",
}  # fmt: skip
_MORE: Final[Mapping[LayoutName, Mapping[str, object]]] = {
    "emis-bulk": {"owns_columns": True},
    "systmone-bulk": {"owns_columns": True, "statuses": _TPP_STATUSES},
}


def with_layout(how: SourceFormat, layout: LayoutName | None = None) -> SourceFormat:
    """The source's way of writing with what its layout, or this one, says where the settings are silent."""
    said = {name: getattr(how, name) for name in how.model_fields_set}
    name = layout or how.layout
    return SourceFormat.model_validate({**_MORE.get(name, {}), **_plain(said), "layout": name})


def usual_columns(how: SourceFormat, kind: ImportKind) -> Mapping[str, str]:
    """The headings that the layout has for this kind; any may be absent."""
    return COLUMNS[how.layout].get(kind, {})


def _plain(said: Mapping[str, object]) -> dict[str, object]:
    """Of a source, what is of its format."""
    return {name: value for name, value in said.items() if name in SourceFormat.model_fields}
