"""
What is asked for of a campaign, each said once.

    ListName, Template, … Pace    fields of the requests: their bounds, and the words of the Prefect form
    Terms                         what is kept of them: fields of the request to open it, and of its row

A request takes the first by their types, the campaign and the request to open it inherit the second, and
so do the manifest that is approved and what is sent again. tests/clinic/message/campaign/test_asked.py
holds the command line's options and the table's columns against them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

MOST_WORKERS: Final = 64  # of a campaign
MOST_FALLBACK_HOURS: Final = 168
Channel = Literal["sms", "email", "voice"]
SaveWhen = Literal["sent", "delivered"]

# What a list is called may say what its patients have: a command takes it in and goes on by its number, so
# that no form has a field for it and Prefect keeps none
ListName = Annotated[
    SkipJsonSchema[str],
    Field(
        title="List name",
        max_length=120,
        description="What to call this list (PAT-6)",
        exclude=True,
    ),
]
Template = Annotated[
    str,
    Field(
        title="Template",
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        description="What is sent: the key of a template, never a text. cohort templates list has them all",
        examples=["flu-invite"],
    ),
]
ByChannel = Annotated[
    Channel,
    Field(
        title="Channel",
        description="By text message, by e-mail, or by a call that reads it (voice)",
    ),
]
DryRun = Annotated[
    bool,
    Field(
        title="Dry run",
        description="The same run, but nothing is sent and nothing reaches the record",
    ),
]
Outbox = Annotated[
    bool,
    Field(
        title="Outbox",
        description="Keep the messages in the outbox: nothing is sent, the record says so",
    ),
]
# Why somebody lets a list pass is their own words, which may be of a patient: typed in the terminal, kept on
# the record with the campaign, and not in Prefect, whose form has no field for it
OverrideGate = Annotated[
    SkipJsonSchema[str | None],
    Field(
        title="Override the checks of the list",
        min_length=3,
        max_length=500,
        description="Why the list is right although its checks stop it. Needs 'Requested by'; it is kept "
        "on the audit trail. Rows that are left out stay left out",
        exclude=True,
    ),
]
Accept = Annotated[
    SkipJsonSchema[dict[str, str]],
    Field(
        title="Accepted findings",
        description="Code of a safety check and why what it finds is right, for example "
        '{"name_differs": "the names are in Arabic"}. Needs \'Requested by\'',
        exclude=True,
    ),
]
RecallBy = Annotated[
    date | None,
    Field(
        title="Recall date",
        description="Makes it a recall: the day by which patients should have answered. Whoever "
        "was not reached, or has not answered by then, is a follow-up of a person",
    ),
]
RecallOwner = Annotated[
    str | None,
    Field(
        title="Owner of the recall",
        max_length=80,
        description="The team or operator of its follow-ups. Empty: as in the settings (recall.owner)",
    ),
]
RecallCodes = Annotated[
    list[str],
    Field(
        title="Answer codes of the recall",
        description="SNOMED CT codes: who has one since it was sent has answered",
        examples=[["822851000000102"]],
    ),
]
Covers = Annotated[
    list[str],
    Field(
        title="Should be on the list",
        description="Whom the list should have: group:, status:, facility:, provider: or code: and its "
        "code, for example group:flu-65. The review says how many are not on it",
        examples=[["group:flu-65"]],
    ),
]
Fallback = Annotated[
    Literal["as set", "off", "sms", "email", "voice"],
    Field(
        title="Fallback",
        description="By which channel whoever the first cannot reach is messaged: at once without a number or "
        "address, later where a message proves undeliverable. As set: channels.CHANNEL.fallback",
    ),
]
FallbackAfter = Annotated[
    int | None,
    Field(
        title="Fallback after",
        ge=1,
        le=MOST_FALLBACK_HOURS,
        description="So many hours after a message that proves undeliverable. Empty: as in the settings "
        "(channels.CHANNEL.fallback_after_hours)",
    ),
]
FallbackTemplate = Annotated[
    str | None,
    Field(
        title="Fallback template",
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        description="What is sent then: the key of a template. Empty: the same template; by e-mail it needs a "
        "subject",
    ),
]
Workers = Annotated[
    int | None,
    Field(
        title="Workers",
        ge=1,
        le=MOST_WORKERS,
        description="So many runs send it together, on whatever machines have a worker; its pace, hours and "
        "limits hold for all of them. Empty: as in the settings (campaign_workers)",
    ),
]
Attachment = Annotated[
    str | None,
    Field(
        title="Attachment",
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of a document that was accepted before (cohort message --attach FILE): the same "
        "one for all patients, who open it by a link and their date of birth",
    ),
]
RequestedBy = Annotated[
    str | None,
    Field(
        title="Requested by",
        description="The requester, an operator; they confirm it where a second approver is needed. Empty: "
        "the operator of the settings",
    ),
]
RequestKey = Annotated[
    str | None,
    Field(
        title="Request key",
        max_length=80,
        description="Empty: this run. The key of an earlier request carries on with its campaign",
    ),
]


class Asked(Protocol):
    """What every request for a campaign says."""

    template: str
    channel: Channel
    dry_run: bool
    outbox: bool
    override_gate: str | None
    accept: dict[str, str]
    requested_by: str | None
    request_key: str | None


@dataclass(frozen=True, kw_only=True)
class Content:
    """How each message is sent and saved: the same when failures are sent again."""

    channel: Channel
    save_to_record: bool = True
    save_when: SaveWhen = "sent"
    snomed_codes: str | None = None  # with a space between two
    pace_second: int | None = None
    pace_hour: int | None = None
    pace_day: int | None = None
    attachment_sha256: str | None = None  # of the document that each message leads to


@dataclass(frozen=True, kw_only=True)
class Terms(Content):
    """And by whom, through what, and when: columns of these names (clinic/record/schema/messages.py)."""

    gateway: str
    batch_size: int
    requested_by: str
    gateways: str | None = None
    gateway_shares: str | None = None
    fallback: Channel | None = None
    fallback_after: int | None = None
    fallback_version_id: int | None = None
    fallback_gateways: str | None = None
    dry_run: bool = False
    start_at: datetime | None = None
    latest_start: datetime | None = None
    stagger_days: int | None = None


def names_in(kind: type[Content]) -> tuple[str, ...]:
    """Their columns."""
    return tuple(each.name for each in fields(kind))


def values_of(terms: Content, kind: type[Content]) -> dict[str, Any]:
    """The columns of `kind`, with what these terms say."""
    return {name: getattr(terms, name) for name in names_in(kind)}
