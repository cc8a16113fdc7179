"""Other systems that imports read, and how each writes what it exports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from clinic.settings.organisation import TimeZone
from clinic.settings.section import Section

ImportKind = Literal[
    "patients", "facilities", "providers", "appointments", "consents", "groups", "diagnoses",
    "medications", "allergies",
]  # fmt: skip
AppointmentStatus = Literal["booked", "arrived", "started", "finished", "cancelled", "no_show", ""]


class Imports(Section):
    """Imports from other systems."""

    most_gone: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="The share of what the record has from a source that one import may cancel or withdraw "
        "for not being in a file that has all; more is refused, with both counts",
    )


LayoutName = Literal["", "emis-bulk", "systmone-bulk", "synthea", "omop"]


class SourceFormat(Section):
    """How a source writes what it exports. What is not set is as docs/data.md has it."""

    layout: LayoutName = Field(
        default="",
        description="Whose extract it is, with headings and codes of its own (docs/data.md)",
    )
    columns: dict[ImportKind, dict[str, str]] = Field(
        default={},
        description="A kind's columns by name, where a practice chose its own headings: "
        '{ appointments = { status = "State of slot" } }',
    )
    statuses: dict[str, AppointmentStatus] = Field(
        default={},
        description="The source's words for the state of an appointment and ours: booked, arrived, started, "
        "finished, cancelled, no_show; empty: says nothing",
    )
    date_order: Literal["", "day_first", "month_first"] = Field(
        default="",
        description="Of dates such as 03/04/2025; empty: what the whole of a column proves",
    )
    date_format: str = Field(
        default="",
        description="Dates are written so and not otherwise: %d/%m/%Y, %Y%m%d … (strftime); empty: as "
        "docs/data.md has them",
    )
    time_zone: TimeZone | Literal[""] = Field(
        default="", description="Of its times without an offset; empty: the organisation's"
    )
    length_unit: Literal["minutes", "seconds", "hours"] = Field(
        default="minutes", description="Of the length of an appointment"
    )
    owns_columns: bool = Field(
        default=False,
        description="An empty cell takes away what the record has, as a whole extract means it; otherwise it "
        "takes nothing away, as a list means it",
    )

    complete: tuple[Literal["consents"], ...] = Field(
        default=(),
        description="Of these kinds the source has all: an opt-out that it had and has no more is withdrawn",
    )
    complete_days: int | None = Field(
        default=None,
        ge=0,
        le=1_000,
        description="Of appointments the source has all from today on, to so many days after its export: one "
        "that it had and has no more is cancelled; empty: nothing is cancelled for not being there",
    )
    complete_past_days: int = Field(
        default=0,
        ge=0,
        le=1_000,
        description="With complete_days: it has all of so many days before today as well",
    )
    most_gone: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The share of what the record has from it that one import may cancel or withdraw for not "
        "being there; empty: imports.most_gone",
    )

    @field_validator("date_format")
    @classmethod
    def _a_date(cls, text: str) -> str:
        if text and not all(part in text for part in ("%d", "%m", "%Y")) and "%j" not in text:
            raise ValueError("write a format with day, month and four digits of the year: %d/%m/%Y")
        return text
