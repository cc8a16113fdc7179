"""By which other channel a campaign reaches whoever its own cannot, as it was asked for or is set."""

from __future__ import annotations

from typing import Final, Literal, Protocol, TypedDict

from clinic.errors import CohortRefused, NotFound, SettingsWrong, TemplateRefused
from clinic.message import states
from clinic.message.template.emails import require_receipts, require_subject
from clinic.message.template.purpose import SAID
from clinic.record.database import Record
from clinic.record.schema.lists import template_purpose, template_version
from clinic.record.template_versions import select_version
from clinic.settings import Settings

Channel = Literal["sms", "email", "voice"]


class Asks(Protocol):
    """What a request says of it."""

    @property
    def template(self) -> str: ...
    @property
    def template_version(self) -> int | None: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def save_to_record(self) -> bool: ...
    @property
    def dry_run(self) -> bool: ...
    @property
    def fallback(self) -> Literal["as set", "off", "sms", "email", "voice"]: ...
    @property
    def fallback_after(self) -> int | None: ...
    @property
    def fallback_template(self) -> str | None: ...


class FallbackColumns(TypedDict):
    """What a campaign's row has of it; empty where it has none."""

    fallback: Channel | None
    fallback_after: int | None
    fallback_version_id: int | None
    fallback_gateways: str | None


NONE: Final = FallbackColumns(
    fallback=None, fallback_after=None, fallback_version_id=None, fallback_gateways=None
)
SAYS: Final = {"sms": "SMS", "email": "e-mail", "voice": "calls"}


def fallback_asked(
    record: Record,
    settings: Settings,
    request: Asks,
    *,
    corrects: bool,
    save_when: str,
    gateway: str,
) -> FallbackColumns:
    """
    The terms of a request's fallback.

    corrects: whether it corrects another campaign; gateway: its own, by which it is seen that nothing is sent

    Raises:
        CohortRefused, NotFound, SettingsWrong, TemplateRefused, NotAllowed: the other channel cannot be used so
    """
    route = getattr(settings.channels, request.channel)
    asked = request.fallback
    channel = route.fallback if asked == "as set" else asked
    if channel == "off" or (corrects and asked == "as set"):
        _require_whole(request)
        return NONE
    if channel == request.channel or corrects:
        raise CohortRefused(
            "fallback-channel",
            "a correction goes to the address that had the error: leave --fallback out"
            if channel != request.channel
            else f"fallback is another channel than {channel}, by which the messages are sent first",
        )
    key = request.fallback_template or request.template
    version = None if request.fallback_template else request.template_version
    if channel == "email":
        if request.save_to_record and not request.dry_run:
            require_receipts(settings, save_when)
        require_subject(record, key, version)
    return FallbackColumns(
        fallback=channel,
        fallback_after=request.fallback_after or route.fallback_after_hours,
        fallback_version_id=_version(record, request, key, version),
        fallback_gateways=gateways_for(
            settings, channel, outbox=gateway == states.OUTBOX, dry_run=request.dry_run
        ),
    )


def _require_whole(request: Asks) -> None:
    if request.fallback_after is not None or request.fallback_template is not None:
        raise CohortRefused(
            "fallback-channel",
            "--fallback-after and --fallback-template say nothing without the channel: name it with "
            "--fallback, or leave them out",
        )


def gateways_for(settings: Settings, channel: str, *, outbox: bool, dry_run: bool = False) -> str:
    """
    The gateways by which the other channel sends, with a space between two.

    Raises:
        SettingsWrong: it has none
    """
    names = settings.gateway_names(channel)
    if outbox or (dry_run and not names):
        return states.OUTBOX
    if not names:
        raise SettingsWrong(
            "fallback-gateway",
            f"no gateway is set for {channel}, by which whoever is not reached would be messaged: set one, or "
            "leave it out with --fallback off",
        )
    return " ".join(names)


def _version(record: Record, request: Asks, key: str, version: int | None) -> int:
    """The other template's version; who objected to what the first is for may not have objected to another."""
    with record.read() as connection:
        rows = [
            connection.execute(
                select_version(one, number, template_version.c.id, SAID.label("purpose")).outerjoin(
                    template_purpose,
                    template_purpose.c.template_version_id == template_version.c.id,
                )
            ).one_or_none()
            for one, number in ((request.template, request.template_version), (key, version))
        ]
    own, other = rows
    if own is None or other is None:
        raise NotFound(
            "template-unknown",
            f"there is no template {request.template if own is None else key}; see: cohort templates list",
        )
    if own.purpose != other.purpose:
        raise TemplateRefused(
            "fallback-purpose",
            f"{request.template} is for {own.purpose}, {key} for {other.purpose}: who objected to the one may "
            "not have objected to the other. Choose another --fallback-template",
        )
    return int(other.id)
