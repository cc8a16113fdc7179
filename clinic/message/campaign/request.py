"""
What somebody asks for when they message a cohort: settings and the names of things, no patient's data.

The same model is the flow's parameter, the form in the Prefect UI and what the program `cohort` fills in.
A list's file and its name are the program's alone: it takes the list in and hands on its number. The form has
no such fields, and what Prefect keeps of a request leaves them out.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from clinic.cohort.filters import PatientFilter
from clinic.cohort.list_index import PREVIEW
from clinic.message.campaign.asked import (
    Accept,
    Attachment,
    ByChannel,
    Covers,
    DryRun,
    Fallback,
    FallbackAfter,
    FallbackTemplate,
    ListName,
    Outbox,
    OverrideGate,
    RecallBy,
    RecallCodes,
    RecallOwner,
    RequestedBy,
    RequestKey,
    Template,
    Workers,
)
from clinic.message.intake.form import Form
from clinic.values.moments import read_day, read_time

# A name, so that no query can be given itself
QUERY_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$"


class CohortChoice(BaseModel):
    """
    Who: exactly one of a file, a list imported before, a group, a query, those who got a campaign, or a filter.

    file, as_of: of a list that is yet to be imported; never in Prefect
    """

    model_config = ConfigDict(extra="forbid")

    file: SkipJsonSchema[str | None] = Field(
        default=None, title="File", description="Path of a list, to be imported", exclude=True
    )
    list_id: int | None = Field(
        default=None,
        title="List",
        description="Number of a list that was imported: cohort list add prints it, cohort list ls has all",
        examples=[7],
    )
    group: str | None = Field(
        default=None,
        title="Group",
        description="Code of a patient group: cohort groups list",
        examples=["flu-65"],
    )
    corrects: int | None = Field(
        default=None,
        title="Correction of",
        description="Number of a campaign: a correction goes to exactly those who got it, by the same channel",
        examples=[12],
    )
    source: str | None = Field(
        default=None,
        title="Source",
        description="Of a query: its source, [sources.NAME] of the settings",
        examples=["warehouse"],
    )
    query: str | None = Field(
        default=None,
        title="Query",
        pattern=QUERY_NAME,
        description="Name of a query file of that source, without .sql; never the query itself",
        examples=["flu-due"],
    )
    status: str | None = Field(
        default=None,
        title="Status",
        description="Filter: patients of this status (organisation.statuses)",
        examples=["active"],
    )
    facility: str | None = Field(
        default=None,
        title="Facility",
        description="Filter: patients of this facility, by its code: cohort places list",
        examples=["F1"],
    )
    provider: str | None = Field(
        default=None,
        title="Provider",
        description="Filter: patients of this provider, by its code: cohort places list",
        examples=["P01"],
    )
    registered_from: date | None = Field(
        default=None, title="Registered from", description="Filter: this day or later"
    )
    registered_to: date | None = Field(
        default=None, title="Registered to", description="Filter: this day or earlier"
    )
    as_of: SkipJsonSchema[date | None] = Field(
        default=None,
        title="As of",
        description="Of what day the file is. Empty: what a column, its name or its own date says (NEW-29)",
        exclude=True,
    )

    keep: SkipJsonSchema[dict[str, str]] = Field(
        default={},
        title="Keep",
        description="Further columns of the file that are kept, and why (NEW-39)",
        exclude=True,
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> CohortChoice:
        sources = [
            self.file, self.list_id, self.group, self.query, self.corrects, self.filter()
        ]  # fmt: skip
        if sum(source is not None for source in sources) != 1:
            raise PydanticCustomError(  # where a run is refused, the code alone is shown
                "exactly_one_of_list_group_filter",
                "name exactly one of: a file, a list, a group, a query, or a filter",
            )
        if (self.source is None) != (self.query is None):
            raise PydanticCustomError(
                "query_of_a_source", "name a query together with the source that it is of"
            )
        if self.as_of is not None and self.file is None:
            raise PydanticCustomError(
                "as_of_without_file", "as_of says of what day a file is: name it with a file alone"
            )
        if self.keep and self.file is None:
            raise PydanticCustomError(
                "keep_without_file",
                "what is kept is chosen when a file is imported: name it with a file alone",
            )
        return self

    def filter(self) -> PatientFilter | None:
        """The filter, if any part of one is given."""
        wanted = PatientFilter(
            self.status, self.facility, self.provider, self.registered_from, self.registered_to
        )
        return None if wanted == PatientFilter() else wanted


class MessageRequest(Form, BaseModel):
    """One campaign: who, what, by which way, and what is written to the record."""

    model_config = ConfigDict(extra="forbid")
    RARE: ClassVar = (
        "save_to_record", "save_when", "snomed_codes", "stagger_days", "per_second", "per_hour", "per_day",
        "recall_by", "recall_owner", "recall_codes", "covers", "again", "outbox",
        "fallback", "fallback_after", "fallback_template", "attachment_sha256",
        "template_version", "workers", "requested_by", "request_key",
    )  # fmt: skip

    list_name: ListName = ""
    cohort: CohortChoice = Field(
        title="Cohort",
        description="Who is to be messaged: fill in a list, a group, a query with its source, a campaign to be "
        "corrected, or one or more filters; leave the others empty",
    )
    template: Template
    template_version: int | None = Field(
        default=None, title="Template version", ge=1, description="Empty: the newest version"
    )
    channel: ByChannel = "sms"
    snomed_codes: list[str] = Field(
        default=[],
        title="SNOMED CT codes",
        description="Saved on the record with each message",
        examples=[["699237001"]],
    )
    save_to_record: bool = Field(
        default=True,
        title="Save to record",
        description="Each message is an item of the patient's record",
    )
    save_when: Literal["as set", "sent", "delivered"] = Field(
        default="as set",
        title="Save when",
        description="As set: as in the settings (organisation.save_when)",
    )
    dry_run: DryRun = False
    outbox: Outbox = False
    again: bool = Field(
        default=False,
        title="Send again",
        description="Send it although this list had this template before",
    )
    override_gate: OverrideGate = None
    accept: Accept = {}
    recall_by: RecallBy = None
    recall_owner: RecallOwner = None
    recall_codes: RecallCodes = []
    covers: Covers = []
    start_at: datetime | None = Field(
        default=None,
        title="Start",
        description="Empty: at once, within working hours. Without a time zone it is in the organisation's",
        examples=["2026-12-05 09:00"],
    )
    stagger_days: int | None = Field(
        default=None,
        ge=1,
        le=60,
        title="Days",
        description="Spread over so many days, some patients each day",
    )
    per_second: int | None = Field(
        default=None, ge=1, title="Per second", description="At most so many messages a second"
    )
    per_hour: int | None = Field(
        default=None,
        ge=1,
        title="Per hour",
        description="At most so many messages an hour, for those who call then",
    )
    per_day: int | None = Field(
        default=None, ge=1, title="Per day", description="At most so many messages in 24 hours"
    )
    fallback: Fallback = "as set"
    fallback_after: FallbackAfter = None
    fallback_template: FallbackTemplate = None
    attachment_sha256: Attachment = None
    workers: Workers = None
    requested_by: RequestedBy = None
    request_key: RequestKey = None

    @field_validator("start_at", mode="before")
    @classmethod
    def _as_people_type_it(cls, value: object) -> object:
        """Also 05/12/2026 09:00, as on the command line."""
        try:
            return read_time(value) if isinstance(value, str) else value
        except ValueError:
            return value  # ISO 8601 with a zone, or nothing that is a time

    @field_validator("recall_by", mode="before")
    @classmethod
    def _as_a_day(cls, value: object) -> object:
        """Also 31/01/2027."""
        try:
            return read_day(value).date() if isinstance(value, str) else value
        except ValueError:
            return value

    @field_validator("request_key")
    @classmethod
    def _is_no_preview(cls, key: str | None) -> str | None:
        if key is not None and key.startswith(PREVIEW):
            raise PydanticCustomError(
                "key_of_a_preview", f"{PREVIEW}… marks what is deleted after a look: choose another"
            )
        return key
