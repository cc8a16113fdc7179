"""Whose installation it is: the profile, what messages are for, which numbers and lists it takes."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from clinic.settings.gateways import Channel
from clinic.settings.section import Section, nearest

Layout = Literal["emis", "emis_wales", "systmone", "generic"]
PhoneType = Literal[
    "mobile", "landline_or_mobile", "landline", "personal", "pager", "voip", "company"
]

PurposeName = Literal["care", "administration", "recall", "feedback", "research", "marketing"]


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        meant = nearest(name, sorted(available_timezones()))
        raise ValueError(
            f"write a time zone as the IANA does, such as {meant or 'Europe/London'}"
        ) from None
    return name


def _region(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", code) or code == "UK":
        meant = "GB" if code.upper() in ("UK", "ENG", "WLS", "SCT") else code.upper()[:2] or "GB"
        raise ValueError(f"write a region as the two letters of ISO 3166, such as {meant}")
    return code


TimeZone = Annotated[str, AfterValidator(_zone)]
Region = Annotated[str, AfterValidator(_region)]


class Organisation(Section):
    """The profile made at installation."""

    name: str = Field(
        default="The Practice", description="Shown to patients as {{ organisation.name }}"
    )
    phone: str = Field(default="", description="Shown to patients as {{ organisation.phone }}")
    time_zone: TimeZone = Field(
        default="Europe/London", description="IANA name; working hours are in it"
    )
    facility_zones: dict[str, TimeZone] = Field(
        default={},
        description='Facilities in other time zones, by code: { NYC = "America/New_York" }. Their patients '
        "are messaged in the same hours in that time zone, and told the times of visits there by it",
    )
    id_scheme: Layout = Field(
        default="generic", description="Whose columns a list must have (ACX-18 to 20)"
    )
    codes: tuple[str, ...] = Field(
        default=(),
        description='Codes (ODS) of the organisations that this installation may hold: ["W97000"]. A '
        "row of an import or a list with another one is refused; empty: nobody asks",
    )
    address_from: Literal["list", "record"] = Field(
        default="record",
        description="Whose number or e-mail address counts where both have one. With the list's, a number "
        "that the record does not know is used unseen",
    )
    message_unregistered: bool = Field(
        default=False,
        description="Message rows with NHS number, mobile and date of birth that match no patient "
        "(ACX-21). They have no record to be saved to",
    )
    channels: tuple[Channel, ...] = Field(
        default=("sms", "email"), description="What may be used (PAT-1, ACX-7)"
    )
    campaign_cap: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Most recipients per campaign (PAT-2)"
    )
    plain_typography: bool = Field(
        default=True,
        description="Write curly quotes, dashes and the like in texts as every phone has them: one of "
        "them more than halves what a segment holds. Letters are kept, Welsh ones too",
    )
    longest_value: int = Field(
        default=200,
        ge=20,
        le=2_000,
        description="Longest value that a template may print, in characters. A longer one is an error of its "
        "row: nothing is ever cut",
    )
    most_segments: int = Field(
        default=6, ge=1, le=10, description="Longest text, in segments: 6 is 918 GSM characters"
    )
    save_when: Literal["sent", "delivered"] = Field(
        default="sent", description="When the item is written (PAT-17)"
    )
    statuses: tuple[str, ...] = Field(
        default=("active", "on_hold", "discharged"), description="Patient statuses (ALC-14)"
    )
    messaged_statuses: tuple[str, ...] = Field(
        default=("active", "on_hold"), description="Statuses whose patients may be messaged"
    )

    @model_validator(mode="after")
    def _known_statuses(self) -> Organisation:
        chosen = set(self.messaged_statuses) if "messaged_statuses" in self.model_fields_set else ()
        if unknown := sorted(set(chosen) - set(self.statuses)):
            raise ValueError(
                f"messaged_statuses names {', '.join(unknown)}: not one of statuses "
                f"({', '.join(self.statuses)})"
            )
        return self


class Phones(Section):
    """Which numbers may be texted, and which called."""

    home_region: Region = Field(
        default="GB", description="Region of numbers without a country code"
    )
    regions: tuple[Region, ...] = Field(
        default=("GB", "JE", "GG", "IM"), description="Regions allowed"
    )
    types: tuple[PhoneType, ...] = Field(
        default=("mobile", "landline_or_mobile"),
        description="Types allowed. North America has only landline_or_mobile",
    )
    call_types: tuple[PhoneType, ...] = Field(
        default=("mobile", "landline", "landline_or_mobile", "voip"),
        description="Types that are called (--channel voice): numbers of people, none that is dear to call",
    )
    test_range: bool = Field(
        default=False,
        description="Accept Ofcom's drama numbers 07700 900000 to 900999: tests and demo only",
    )


class Gate(Section):
    """When the list as a whole is stopped: the largest share (0 to 1) of rows with each kind of error."""

    errors: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Rows with any error: more is a warning, and stops nothing",
    )
    unidentified: float = Field(
        default=0.5, ge=0, le=1, description="Rows that do not say for certain whose they are"
    )
    dummies: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Rows with a placeholder for an address, or one that ten patients share",
    )
    not_found: float = Field(default=0.3, ge=0, le=1, description="Rows that match no patient")
    birth_date_differs: float = Field(
        default=0.1, ge=0, le=1, description="Rows with another's date of birth"
    )
    number_of_another: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Rows with a number or address that is another patient's on the record; one row alone "
        "stops no list",
    )
    name_differs: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Rows whose names are unlike the patient's on the record; one row alone stops no list",
    )
    had_this_lately: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Rows of patients who had the same template or text within contact.same_days; one row "
        "alone stops no list",
    )
    outside_template: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Rows of patients whom the template is not for: sex, age, coded since, left out by group "
        "or code; one row alone stops no list",
    )
    dead: float = Field(default=0.1, ge=0, le=1, description="Rows of deceased patients")


class OnePurpose(Section):
    """Who answers for messages of this purpose, until when, and where patients read of it."""

    owner: str = Field(
        default="", max_length=80, description="Who answers for it: a role or a name"
    )
    review_by: date | None = Field(
        default=None,
        description="When its owner looks at it next, such as 2027-03-31; cohort doctor says when it is over",
    )
    notice: str = Field(
        default="", description="Address of the privacy notice that tells patients of it, https://…"
    )

    @field_validator("notice")
    @classmethod
    def _an_address(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/]\S*", url):
            raise ValueError("write an address as https://practice.example.org/privacy")
        return url


class Purposes(Section):
    """What messages are for: who owns each purpose, and when it is reviewed (NEW-40)."""

    care: OnePurpose = OnePurpose()
    administration: OnePurpose = OnePurpose()
    recall: OnePurpose = OnePurpose()
    feedback: OnePurpose = OnePurpose()
    research: OnePurpose = OnePurpose()
    marketing: OnePurpose = OnePurpose()

    def of(self, name: str) -> OnePurpose:
        """What is said of one of the list."""
        found: OnePurpose = getattr(self, name)
        return found
