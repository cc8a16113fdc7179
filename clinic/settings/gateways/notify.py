"""`type = "govuk_notify"` and `type = "nhs_notify"`: the two services of the public sector."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from clinic.settings.gateways.named import CallsBack, Promise
from clinic.settings.gateways.parts import WebAddress

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class GovukNotify(CallsBack):
    """GOV.UK Notify: texts and e-mails through one template of its own that takes ours whole."""

    serves: ClassVar[frozenset[str]] = frozenset({"sms", "email"})

    type: Literal["govuk_notify"]
    url: WebAddress = Field(
        default="https://api.notifications.service.gov.uk", description="Its base address"
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="The API key, as its page shows it: NAME-UUID-UUID"
    )
    api_key_file: str = Field(
        default="", description="A file with the API key, for its owner alone, instead of it here"
    )
    sms_template: str = Field(
        default="", description="Id of its text message template, whose content is ((body)) alone"
    )
    email_template: str = Field(
        default="",
        description="Id of its e-mail template: subject ((subject)), content ((body)) alone",
    )
    sms_sender_id: str = Field(
        default="", description="Id of a text message sender; empty: its default"
    )
    email_reply_to_id: str = Field(
        default="", description="Id of a reply-to address; empty: its default"
    )

    @field_validator("sms_template", "email_template", "sms_sender_id", "email_reply_to_id")
    @classmethod
    def _an_id(cls, given: str) -> str:
        if given and not re.fullmatch(_UUID, given.lower()):
            raise ValueError(
                "write an id as its page shows it: f33517ff-2a88-4f6e-b855-c550268ce08a"
            )
        return given.lower()

    @field_validator("api_key")
    @classmethod
    def _a_key(cls, key: SecretStr) -> SecretStr:
        if not re.search(rf"{_UUID}-{_UUID}$", key.get_secret_value().strip().lower()):
            raise ValueError("write the whole API key, as its page showed it once: NAME-UUID-UUID")
        return SecretStr(key.get_secret_value().strip())

    @model_validator(mode="after")
    def _complete(self) -> GovukNotify:
        if not self.api_key.get_secret_value():
            raise ValueError("a gateway of type govuk_notify needs api_key or api_key_file")
        if not (self.sms_template or self.email_template):
            raise ValueError(
                "set sms_template or email_template: without a template it sends nothing"
            )
        return self

    @property
    def first_channel(self) -> str:
        """That for which it has a template."""
        return "sms" if self.sms_template else "email"

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The service: the key's first UUID, which is no secret."""
        return (self.api_key.get_secret_value()[-73:-37].lower(),)


class NhsNotify(CallsBack):
    """NHS Notify: batches of messages through a routing plan that was agreed with it."""

    serves: ClassVar[frozenset[str]] = frozenset({"sms", "email"})

    type: Literal["nhs_notify"]
    url: WebAddress = Field(
        default="https://api.service.nhs.uk/comms", description="Its base address"
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="The API key of our application (API platform)"
    )
    api_key_file: str = Field(
        default="", description="A file with the API key, for its owner alone, instead of it here"
    )
    key_file: str = Field(
        default="",
        description="Our private key (RSA, PEM) that signs for an access token, for its owner alone; empty: "
        "none is asked for, as on its sandbox",
    )
    key_id: str = Field(default="", description="The key's id (kid), as it is registered")
    token_url: WebAddress = Field(
        default="",
        description="Where access tokens are asked for; empty: /oauth2/token on its own host",
    )
    sms_plan: str = Field(
        default="00000000-0000-0000-0000-000000000003",
        description="Routing plan of texts; its global one for free text, unless a plan was agreed",
    )
    email_plan: str = Field(
        default="00000000-0000-0000-0000-000000000002", description="Routing plan of e-mails"
    )
    sms_field: str = Field(default="sms_body", description="Personalisation that is the text")
    email_field: str = Field(default="email_body", description="Personalisation that is the e-mail")
    subject_field: str = Field(
        default="email_subject", description="Personalisation that is an e-mail's subject"
    )
    recipients: Literal["both", "nhs_number", "contact_details"] = Field(
        default="both",
        description="Whom it is told. both: the NHS number, and the number or address that we use, which its "
        "onboarding team must allow; nhs_number: it looks the number up by itself, so that a text may go to "
        "another one than the review showed; contact_details: no NHS number, by agreement",
    )
    ods_code: str = Field(
        default="", description="ODS code of the originator; empty: the account's own"
    )
    per_batch: int = Field(
        default=500,
        ge=1,
        le=1000,
        description="Messages a request. 1: each by itself, which it knows by its reference (class R); more: a "
        "batch, which it knows by the batch's key (class I)",
    )  # fmt: skip
    window_hours: float = Field(
        default=2160,
        gt=0,
        le=6480,
        description="How long it remembers a reference: it says up to nine months; less is safer",
    )
    application_id: str = Field(
        default="",
        description="Our application's id: with callback_secret the proof of its callbacks",
    )

    @field_validator("sms_plan", "email_plan")
    @classmethod
    def _a_plan(cls, given: str) -> str:
        if given and not re.fullmatch(_UUID, given.lower()):
            raise ValueError("write a routing plan's id as a UUID")
        return given.lower()

    @model_validator(mode="after")
    def _complete(self) -> NhsNotify:
        if self.key_file and not (self.key_id and self.api_key.get_secret_value()):
            raise ValueError(
                "key_file needs key_id and api_key: together they ask for an access token"
            )
        if self.callback_secret.get_secret_value() and not self.application_id:
            raise ValueError(
                "callback_secret needs application_id: both make the proof of a callback"
            )
        return self

    @property
    def promise(self) -> Promise:
        """A batch is known by its key, a message that is sent by itself by its reference."""
        return "R" if self.per_batch == 1 else "I", self.window_hours

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """For whom it sends, and by which plans."""
        return self.ods_code, self.sms_plan, self.email_plan
