"""What a nightly reminder is asked for: which appointments, which template. Keys and settings only."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from clinic.message.campaign.asked import (
    Accept,
    ByChannel,
    Covers,
    DryRun,
    ListName,
    Outbox,
    OverrideGate,
    RequestedBy,
    RequestKey,
    Template,
)
from clinic.message.intake.form import Form

LONGEST_DAYS = 28  # COM-15


class ReminderRequest(Form, BaseModel):
    """One night's reminders. All that is given must match (COM-5, COM-15)."""

    model_config = ConfigDict(extra="forbid")
    RARE: ClassVar = (
        "first_date", "last_date", "place", "visit_type", "mode", "session_type", "booking_requirement",
        "speciality", "minimum_age", "covers", "outbox", "requested_by",
        "request_key",
    )  # fmt: skip

    days: int = Field(
        default=2, title="Days ahead", ge=0, le=LONGEST_DAYS,
        description="Appointments from now to the end of the day so many days ahead",
    )  # fmt: skip
    first_date: date | None = Field(
        default=None, title="First date", description="Empty: from now on"
    )
    last_date: date | None = Field(
        default=None, title="Last date", description="Empty: as many days ahead as given"
    )
    place: str | None = Field(
        default=None,
        title="Appointment place",
        description="As the appointment has it",
        examples=["Room 4"],
    )
    provider: str | None = Field(
        default=None,
        title="Provider",
        description="Appointments with this one alone, by its code: cohort places list",
        examples=["P01"],
    )
    facility: str | None = Field(
        default=None,
        title="Facility",
        description="Appointments at this one alone, by its code: cohort places list",
        examples=["F1"],
    )
    visit_type: str | None = Field(
        default=None, title="Appointment type", description="As the appointment has it"
    )
    mode: str | None = Field(
        default=None, title="Mode", description="in_person, telephone or video"
    )
    session_type: str | None = Field(
        default=None, title="Session type", description="As the appointment has it"
    )
    booking_requirement: str | None = Field(
        default=None, title="Booking requirement", description="As the appointment has it"
    )
    speciality: str | None = Field(
        default=None,
        title="Speciality of the provider",
        description="Appointments with providers of this speciality",
    )
    minimum_age: int | None = Field(
        default=None, title="Minimum age", ge=0, le=130, description="Patients of this age or older"
    )
    template: Template = "appointment-reminder"
    channel: ByChannel = "sms"
    list_name: ListName = "Appointment reminders"
    dry_run: DryRun = False
    outbox: Outbox = False
    override_gate: OverrideGate = None
    accept: Accept = {}
    covers: Covers = []
    requested_by: RequestedBy = None
    request_key: RequestKey = None

    @model_validator(mode="after")
    def _in_order(self) -> ReminderRequest:
        if self.first_date and self.last_date and self.first_date > self.last_date:
            raise PydanticCustomError(
                "first_date_after_last_date", "the first date is after the last"
            )
        return self

    def criteria(self) -> dict[str, str]:
        """What was asked for, for the list's own record."""
        found = self.model_dump(
            mode="json",
            exclude_none=True,
            exclude={
                "template",
                "channel",
                "list_name",
                "dry_run",
                "outbox",
                "override_gate",
                "accept",
                "covers",
                "requested_by",
                "request_key",
            },
        )
        return {name: str(value) for name, value in found.items()}
