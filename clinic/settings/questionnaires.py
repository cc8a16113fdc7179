"""Questionnaires: from where on an answer signals danger."""

from __future__ import annotations

from pydantic import Field

from clinic.settings.section import Section


class Questionnaires(Section):
    """From where on a reading is flagged (docs/questionnaires.md). A clinician of the practice says."""

    systolic_danger: float = Field(
        default=180,
        ge=130,
        le=200,
        description="A home blood pressure reading with this upper number (mmHg) or more is flagged at once",
    )
    diastolic_danger: float = Field(
        default=120, ge=80, le=130, description="So is one with this lower number or more"
    )
