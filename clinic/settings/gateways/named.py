"""What every gateway of `[gateways.NAME]` has, and what those that speak HTTP have besides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from clinic.settings.gateways.parts import Processor, Proxy, WebAddress
from clinic.settings.section import Section

# Names that campaigns have for gateways without a section of their own
RESERVED: Final = ("outbox", "rehearsal", "smtp", "http_sms")


def _is_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name in RESERVED:
        raise ValueError(
            "write a gateway's name in lower-case letters, digits and _, such as notify or texts_ltd; not "
            f"{', '.join(RESERVED)}"
        )
    return name


def _require_codes(countries: Iterable[str]) -> None:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, country_code_for_region  # 0.1 s

    for country in countries:
        code = country_code_for_region(country)
        if not code:
            raise ValueError(f"no country with a calling code is {country}")
        if (main := COUNTRY_CODE_TO_REGION_CODE[code][0]) != country:
            raise ValueError(
                f"the calling code of {country} is that of {main}, +{code}, and prices are told by it: write "
                f"the price of {main} alone"
            )


Promise = tuple[Literal["I", "R", "B"], float | None]
GatewayName = Annotated[str, AfterValidator(_is_name)]


class NamedGateway(Section):
    """One gateway by a name of the practice's own: it stays with every message that was sent through it."""

    # By which channels it can send; a class of the settings says it
    serves: ClassVar[frozenset[str]] = frozenset({"sms"})
    # Whether it tells of every message in the end; where not, a missing receipt is no failure
    confirms: ClassVar[bool] = True

    type: str

    most_segments: int = Field(
        default=0,
        ge=0,
        le=255,
        description="Most segments of a text that it takes; 0: as organisation.most_segments has it",
    )
    segment_cost: float = Field(
        default=0.0, ge=0, description="Price of one segment, for the review"
    )
    country_costs: dict[str, float] = Field(
        default={},
        description='Price of a segment to other countries, by two letters of ISO 3166: { IE = 0.06 }. A text '
        "to a country that is not named costs segment_cost; one that shares its calling code with a larger one "
        "(JE, IM, CA) costs what that one does",
    )  # fmt: skip
    currency: str = Field(
        default="GBP",
        pattern="^[A-Z]{3}$",
        description="Currency of segment_cost and country_costs, by three letters of ISO 4217",
    )
    processor: Processor = Processor()

    @field_validator("country_costs")
    @classmethod
    def _countries(cls, costs: dict[str, float]) -> dict[str, float]:
        if wrong := [code for code in costs if not re.fullmatch(r"[A-Z]{2}", code)]:
            raise ValueError(
                f"write a country as two letters of ISO 3166, GB or IE; not {wrong[0]}"
            )
        if any(cost < 0 for cost in costs.values()):
            raise ValueError("a price is 0 or more")
        if costs:
            _require_codes(costs)
        return costs

    @property
    def reached(self) -> str:
        """Where it is, without anything that is secret."""
        return ""

    @property
    def keyed_to(self) -> tuple[str, ...]:
        """What else tells that what was sent is known there: account, service, sender; nothing secret."""
        return ()

    @property
    def agreed_rate(self) -> float:
        """Most messages a second that the provider agreed to, over all processes that send; 0: none is set."""
        return 0.0

    @property
    def first_channel(self) -> str:
        """By which it is looked at where no channel leaves by it."""
        return "sms" if "sms" in self.serves else min(self.serves)

    def tells(self, public_url: str) -> bool:
        """Whether it says what became of a message; `public_url`: how it reaches us, if it can at all."""
        del public_url
        return True

    @property
    def promise(self) -> Promise:
        """Its class, and for how many hours it remembers what it was sent; None: for ever."""
        return "B", None


class HttpGateway(NamedGateway):
    """A gateway that is reached by HTTP."""

    connections: int = Field(default=20, ge=1, le=500, description="Connections kept open")
    timeout_seconds: float = Field(default=15, gt=0, description="Longest wait for a whole answer")
    proxy_url: Proxy = Field(
        default="",
        description="HTTP proxy on the way to it, http://proxy.example:3128; empty: none. Variables such as "
        "HTTPS_PROXY do not count",
    )

    # Each kind has its own default
    url: WebAddress = Field(default="", description="Its base address")

    @property
    def reached(self) -> str:
        """Its address, without a query."""
        return self.url.split("?")[0]


class CallsBack(HttpGateway):
    """One that tells by callbacks what became of a message, each with a proof."""

    callback_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What proves a callback of it: the bearer token of GOV.UK Notify's page, NHS Notify's "
        "x-api-key, what callback_proof of json carries. At least 16 characters; empty: it calls nobody back",
    )  # fmt: skip
    callback_secret_file: str = Field(
        default="", description="A file with that secret, for its owner alone"
    )

    def tells(self, public_url: str) -> bool:
        """By callbacks, which need a proof."""
        del public_url
        return bool(self.callback_secret.get_secret_value())
