"""`type = "twilio"` and `type = "sns"`: two of the large companies; what every account at Twilio has."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from clinic.settings.gateways.named import HttpGateway
from clinic.settings.gateways.parts import HeaderSecret, WebAddress


class TwilioAccount(HttpGateway):
    """An account at Twilio."""

    url: WebAddress = Field(default="https://api.twilio.com", description="Its base address")
    account: str = Field(
        pattern=r"^AC[0-9a-f]{32}$", description="Account SID: AC and 32 letters and digits"
    )
    auth_token: SecretStr = Field(
        default=SecretStr(""), description="The account's auth token: it proves callbacks, too"
    )
    auth_token_file: str = Field(
        default="",
        description="A file with the auth token, for its owner alone, instead of it here",
    )
    sender: str
    callback_url: WebAddress = Field(
        default="",
        description="How `cohort receipts serve` is reached from outside, https://…: it is part of what Twilio "
        "signs; empty: receipts.public_url",
    )

    @model_validator(mode="after")
    def _complete(self) -> TwilioAccount:
        if not self.auth_token.get_secret_value():
            raise ValueError(f"a gateway of type {self.type} needs auth_token or auth_token_file")
        return self

    def tells(self, public_url: str) -> bool:
        """Where it knows an address of ours."""
        return bool(self.callback_url or public_url)

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The account."""
        return self.account, self.sender


class Twilio(TwilioAccount):
    """Twilio Programmable Messaging."""

    serves: ClassVar[frozenset[str]] = frozenset({"sms"})

    type: Literal["twilio"]
    sender: str = Field(
        description="The number or name that texts come from, or the SID of a messaging service (MG…)"
    )


class Sns(HttpGateway):
    """AWS SNS: texts to telephone numbers."""

    serves: ClassVar[frozenset[str]] = frozenset({"sms"})

    type: Literal["sns"]
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="Region, such as eu-west-2")
    url: WebAddress = Field(
        default="",
        description="Its endpoint; empty: that of the region, https://sns.REGION.amazonaws.com",
    )
    access_key: str = Field(description="Access key id")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Secret access key")
    secret_key_file: str = Field(
        default="",
        description="A file with the secret key, for its owner alone, instead of it here",
    )
    session_token: HeaderSecret = Field(
        default=SecretStr(""), description="Session token of temporary credentials; empty: none"
    )
    session_token_file: str = Field(
        default="", description="A file with the session token, for its owner alone"
    )
    sender: str = Field(
        default="",
        description="Sender id, 1 to 11 letters and digits; empty: the account's default",
    )
    sms_type: Literal["Transactional", "Promotional"] = Field(
        default="Transactional", description="How it routes texts"
    )

    @model_validator(mode="after")
    def _complete(self) -> Sns:
        if not self.secret_key.get_secret_value():
            raise ValueError("a gateway of type sns needs secret_key or secret_key_file")
        if self.sender and not re.fullmatch(r"[A-Za-z0-9-]{1,11}", self.sender):
            raise ValueError("a sender id has 1 to 11 letters, digits and -")
        return self

    def tells(self, public_url: str) -> bool:
        """CloudWatch, and not us."""
        del public_url
        return False

    @property
    def endpoint(self) -> str:
        """Where it is: as set, or the region's."""
        return self.url or f"https://sns.{self.region}.amazonaws.com"

    @property
    def reached(self) -> str:
        """Its address."""
        return self.endpoint

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """The region; an access key is replaced now and then within one account."""
        return self.region, self.sender
