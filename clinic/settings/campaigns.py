"""How fast and how often messages leave, what must be before, and when a campaign stops itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clinic.settings.organisation import PurposeName
from clinic.settings.section import Phrases, Section


class Pace(Section):
    """Most messages in any second, hour and day. Empty: no limit."""

    per_second: int | None = Field(default=None, ge=1, description="In any second")
    per_hour: int | None = Field(default=None, ge=1, description="In any hour")
    per_day: int | None = Field(default=None, ge=1, description="In any 24 hours")


class Pacing(Section):
    """How fast messages may be sent, over all processes (NEW-7): of each gateway, and of each campaign."""

    sms: Pace = Pace()
    email: Pace = Pace()
    voice: Pace = Pace()
    campaign: Pace = Pace()


class Contact(Section):
    """How often a patient may be messaged, over all campaigns (NEW-8), and numbers that do not work."""

    most: int = Field(
        default=3, ge=0, description="Most messages per patient in the period; 0: no limit"
    )
    days: float = Field(default=7, gt=0, description="The period")
    exempt_purposes: tuple[PurposeName, ...] = Field(
        default=(), description="Purposes of templates that the limit does not hold back"
    )
    exempt_types: tuple[str, ...] = Field(
        default=("reminder", "recall"),
        description="Types of templates that it neither holds back nor counts; reminders of appointments and "
        "notices to staff are never counted",
    )
    same_days: float = Field(
        default=14,
        ge=0,
        description="Nobody has the same template or text twice within so many days, unless the sender asks "
        "for that; reminders and what is sent again after a failure apart. 0: never looked at",
    )
    hold_failed: bool = Field(
        default=False,
        description="Leave out numbers and addresses whose last message failed for good",
    )
    restricted_tags: tuple[str, ...] = Field(
        default=(),
        description="Codes of tags whose patients are sent nothing by any channel, as for No Contact",
    )


class Release(Section):
    """What a campaign needs before it is sent: a second approver, a pilot batch, its time."""

    approval_above: int | None = Field(
        default=None,
        ge=0,
        description="Campaigns with more messages than this need a second approver (NEW-1). "
        "0: all of them; empty: none",
    )
    unusual_times: float = Field(
        default=5,
        ge=0,
        description="A campaign with more than so many times the messages that are usual for its template or "
        "else for its sender (the median of the last five) needs its number typed, a reason and a second "
        "approver. 0: never",
    )
    unusual_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="And so does one to more than this share of the practice's patients. 1: never",
    )
    unusual_least: int = Field(
        default=100,
        ge=1,
        description="No campaign with fewer messages than this is of unusual size",
    )
    unusual_patients: int = Field(
        default=1000,
        ge=0,
        description="The share is not asked of practices with so many patients or fewer",
    )
    approval_hours: float = Field(
        default=72, gt=0, description="How long a request for approval stays open"
    )
    clinical_hours: float = Field(
        default=24,
        gt=0,
        description="A campaign of the class clinical is approved and sent within so many hours of being asked "
        "for; what was not sent by then expires",
    )
    canary: int = Field(
        default=0, ge=0, le=1000, description="Messages that go first, alone; 0: none do"
    )
    canary_minutes: float = Field(
        default=10, ge=0, description="How long the rest waits for their receipts"
    )
    canary_failures: float = Field(
        default=0.02, ge=0, le=1, description="The rest stays if a larger share of them failed"
    )
    late_hours: float = Field(
        default=24, gt=0, description="A campaign that starts later than this is missed"
    )
    farthest_days: float = Field(
        default=366,
        gt=0,
        description="A campaign that is to start later than so many days ahead is refused",
    )
    accepted_errors: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="A campaign is OK although this share of its list's rows has errors that somebody "
        "could fix",
    )


class Recall(Section):
    """Who looks after patients whom a recall did not reach, and how soon (NEW-31)."""

    owner: str = Field(
        default="reception",
        min_length=1,
        max_length=80,
        description="Whose follow-ups they are where a recall names nobody: a team (managers, reception, "
        "scheduling) or an operator",
    )
    days: int = Field(
        default=42,
        ge=1,
        le=366,
        description="How many days after its start the recall date is, where the template is of the class "
        "recall and no date is named",
    )
    follow_up_days: int = Field(
        default=7,
        ge=0,
        le=366,
        description="How many days after the recall date whoever did not answer must be followed up",
    )


class Needs(Section):
    """Languages, formats and channels that patients need (NEW-32)."""

    language: str = Field(
        default="en",
        min_length=2,
        max_length=20,
        description="The language of templates that are no other's translation, by its code (en, cy)",
    )
    formats_met: tuple[str, ...] = Field(
        default=(),
        description="Formats that any message meets here, as a telephone shows a text in large print: "
        '["large_print"]. All others need a template of that format, or a person',
    )
    obey_channel: bool = Field(
        default=True,
        description="Leave out of a campaign by one channel who prefers another: a person sees to them, or a "
        "campaign by that channel does",
    )


class Halt(Section):
    """When a running campaign pauses itself (NEW-12)."""

    failures: float = Field(
        default=0.1, ge=0, le=1, description="Share of the last messages that failed; 1: never"
    )
    batches: int = Field(default=3, ge=1, description="Counted over so many attempts")
    least: int = Field(default=100, ge=1, description="And over no fewer messages than this")
    ambiguous: int = Field(default=3, ge=1, description="Attempts in a row with unknown outcome")


class Freshness(Section):
    """How old what a list says of its patients may be when its messages leave (NEW-29)."""

    days: int = Field(
        default=14,
        ge=0,
        description="A list, or a group, that is older stops until a named person accepts it (stale_list); "
        "0: of any age",
    )
    columns: tuple[str, ...] = Field(
        default=(),
        description="Headings of columns that say of what day a list is, besides Extracted on, As at and "
        "their like",
    )


class Content(Section):
    """What messages should not say unless a named person accepts it, besides the program's own word list."""

    add: dict[str, Phrases] = Field(
        default={},
        description="Phrases of this practice, by class: bad_news, end_of_life, sexual_reproductive, "
        "mental_health, substance_use, safeguarding, results, urgency, shorthand, identity, secret. "
        'A * at the end of a word is any ending, # a number: results = ["bp # #"]',
    )
    harmless: Phrases = Field(
        default=[],
        description="Wordings that mean nothing here, as a clinician has decided: they are never asked about",
    )
    two_persons: tuple[str, ...] | None = Field(
        default=None,
        description="Classes that need a second approver. "
        "Empty: those of the word list (bad_news, end_of_life, safeguarding)",
    )
    domains: tuple[str, ...] = Field(
        default=(
            "nhs.uk", "nhs.net", "gov.uk", "nhs.wales", "gov.wales", "llyw.cymru", "nhs.scot", "gov.scot",
            "hscni.net",
        ),
        description="Domains that links in messages may lead to, with all below them. Another one must be "
        "accepted; one that hides where it leads (bit.ly) is refused unless it is named here",
    )  # fmt: skip
    name_shown: Literal["sender", "text"] = Field(
        default="sender",
        description="Where patients see whose message it is. sender: the gateway's sender name shows it; "
        "text: a message without the practice's name, or one of content.short_names, must be accepted",
    )
    short_names: tuple[str, ...] = Field(
        default=(),
        description="Names that patients know the practice by, besides organisation.name",
    )
    hours_for: tuple[str, ...] = Field(
        default=("clinical",),
        description="Classes of templates (sensitive, clinical, recall) whose messages say when the practice "
        "can be reached; one that does not must be accepted",
    )
    urgent_help_for: tuple[str, ...] = Field(
        default=("clinical",),
        description="Classes whose messages say to call 111 when it is closed and 999 in an emergency",
    )
    calls_an_hour: int = Field(
        default=60,
        ge=0,
        description="Calls that the practice's lines can answer in an hour: a text that asks to call and "
        "would be sent faster is warned of, and must be accepted above those of eight hours. 0: never",
    )
    neutral_reminder: str = Field(
        default="You have an appointment on {{ appointment.when }} at {{ appointment.time }}. "
        "{{ organisation.name }}",
        description="What a reminder says where the visit's place or type is a sensitive one. "
        "Nothing: no reminder of it",
    )


class Replies(Section):
    """What in patients' replies should be read first, besides the program's own words."""

    add: dict[Literal["danger", "death", "wrong_number", "do_not_text"], Phrases] = Field(
        default={},
        description="Phrases of this practice, by mark: danger, death, wrong_number, do_not_text; death and "
        'wrong_number hold the number until staff decide. Written as in content.add: danger = ["blue lips"]',
    )
    harmless: Phrases = Field(
        default=[],
        description="Wordings that mean none of these here, as a clinician has decided",
    )


class Sharing(Section):
    """Numbers and addresses that several patients have, and numbers of the young (NEW-27)."""

    child_under: int = Field(
        default=16,
        ge=0,
        le=25,
        description="Patients under this age are children: on a number that others have too they get no "
        "sensitive text, and other texts say that they are for the parent or guardian",
    )
    confirm_at: tuple[int, ...] = Field(
        default=(13, 16),
        description="A number that was recorded before one of these birthdays, and not confirmed since, is "
        "unconfirmed: no sensitive text goes to it",
    )
    unknown_until: int = Field(
        default=20,
        ge=0,
        le=120,
        description="Up to this age a number counts as recorded before those birthdays where nobody knows when "
        "it was",
    )
    sensitive: tuple[str, ...] = Field(
        default=(
            "bad_news", "end_of_life", "sexual_reproductive", "mental_health", "substance_use",
            "safeguarding", "results",
        ),
        description="Classes of words by which a text is sensitive (see content.add), besides the templates "
        "of the class sensitive",
    )  # fmt: skip
    not_to_guardians: tuple[str, ...] = Field(
        default=(),
        description="Keys or types of templates that are not for a parent or guardian: no child on a shared "
        "number gets them",
    )
    no_name: str = Field(
        default="patient",
        description="What stands for the name in texts to adults who share a number: Dear patient",
    )
    to_guardian: str = Field(
        default="To the parent or guardian of {{ patient.given_name }}: ",
        description="What texts to children on a shared number begin with. Nothing: they are not sent",
    )
