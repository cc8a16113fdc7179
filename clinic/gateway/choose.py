"""Which gateway a channel has in this installation: as set; the outbox only where it was asked for."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.gateway.named import build, opening_of, unsubscribe_url_of
from clinic.gateway.processors import require_allowed
from clinic.gateway.protocol import Gateway
from clinic.gateway.received import Keeper
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP, section_of_gateway


def gateway_for(
    settings: Settings,
    record: Record,
    channel: str,
    *,
    dry_run: bool = False,
    outbox: bool = False,
    clock: Clock | None = None,
    name: str | None = None,
    keeper: Keeper | None = None,
) -> Gateway:
    """
    The gateway of `channel`; the caller closes it. In a dry run nothing is sent (NEW-13).

    outbox: keep the messages in the outbox, whatever is set
    name: the gateway that a campaign was made for; None: the one that the channel has now
    keeper: keeps receipts and replies that come on the gateway's own session (SMPP)

    A call to it ends within a third of the lease, so that a batch is never taken over from a worker
    that still sends it.

    Raises:
        SettingsWrong: nothing is set, or no longer that one; or what is set cannot work, or would send
            patients' data in clear, or to a country for which nobody said yes
    """
    name = name or settings.gateway_name(channel)
    if dry_run:
        real = gateway_for(settings, record, channel, clock=clock, outbox=name is None, name=name)
        real.close()
        return RehearsalGateway(channel, batch_limit=real.batch_limit, per_request=real.per_request)
    if outbox or name is None:
        if not (outbox or settings.outbox):
            raise SettingsWrong("gateway-missing", _missing(channel))
        from clinic.gateway.outbox import Outbox

        return Outbox(record, channel, clock=clock)
    require_set(settings, name)
    require_allowed(settings, name)
    return gateway_by_name(settings, name, channel, clock, keeper)


def batch_limit_of(settings: Settings, record: Record, channel: str, gateway: Gateway) -> int:
    """
    The most messages that a batch of a new campaign may have: what each gateway takes that it is sent through.

    gateway: its first choice; of an outbox or a dry run there is no other

    Raises:
        SettingsWrong: as `gateway_for`, of any of them: found before anything is sent
    """
    limits = [gateway.batch_limit]
    names = settings.gateway_names(channel)
    for name in names[1:] if gateway.name in names[:1] else ():
        other = gateway_for(settings, record, channel, name=name)
        limits.append(other.batch_limit)
        other.close()
    return min(limits)


def gateway_by_name(
    settings: Settings,
    name: str,
    channel: str,
    clock: Clock | None = None,
    keeper: Keeper | None = None,
) -> Gateway:
    """
    A gateway that is set, by its name; the caller closes it.

    Raises:
        SettingsWrong: it cannot work as it is set, or would send patients' data in clear
    """
    if name == HTTP_SMS:
        return _http_sms(settings, clock)
    if name == SMTP:
        return _smtp(settings, clock)
    return build(settings.gateways[name], opening_of(settings, name, channel, clock, keeper))


def _http_sms(settings: Settings, clock: Clock | None) -> Gateway:
    from clinic.gateway.http.sms import HttpSms  # loads aiohttp

    return HttpSms(settings.sms, opening_of(settings, HTTP_SMS, "sms", clock))


def _smtp(settings: Settings, clock: Clock | None) -> Gateway:
    from clinic.gateway.smtp.email import Smtp

    # A letter may wait for a connection, and then for its own answers
    begin = max(1.0, settings.lease_seconds / 3 - 3 * settings.email.timeout_seconds)
    name = settings.organisation.name
    return Smtp(
        settings.email, sender_name=name, clock=clock, begin_within=begin,
        unsubscribe_url=unsubscribe_url_of(settings.receipts),
    )  # fmt: skip


def has_gateway(settings: Settings, channel: str) -> bool:
    """Whether the settings name a gateway for this channel."""
    return settings.gateway_name(channel) is not None


def is_set(settings: Settings, name: str) -> bool:
    """Whether the settings have a gateway of this name."""
    first = {HTTP_SMS: settings.sms.url, SMTP: settings.email.host}
    return bool(first.get(name)) or name in settings.gateways


def require_set(settings: Settings, name: str) -> None:
    """
    Refuse to send through another gateway than the one that a campaign was made, reviewed and begun for.

    Raises:
        SettingsWrong: it is no longer in the settings
    """
    if is_set(settings, name):
        return
    section = section_of_gateway(name)
    raise SettingsWrong(
        "gateway-gone",
        f"there is no gateway {name!r} in the settings any more, and messages wait for it: put [{section}] "
        "back as it was until they are sent, or cancel the campaign (cohort cancel) and message who is left "
        "through another gateway. By itself nothing of it goes elsewhere: that one may have taken some of it",
    )


def _missing(channel: str) -> str:
    needed = {
        "sms": "no gateway is set for texts: set sms.url and sms.token, or [gateways.NAME] and channels.sms",
        "email": "no gateway is set for e-mail: set email.host and email.sender, or [gateways.NAME] and "
        "channels.email",
        "voice": 'no gateway is set for calls: set [gateways.NAME] with type = "twilio_voice" or "sip", and '
        "channels.voice",
    }
    says = needed.get(channel, f"there is no gateway for {channel}")
    return (
        f"{says} in cohort.toml (docs/gateways.md). Nothing was sent. To try without sending: "
        "--dry-run, or --outbox, which keeps the messages in the outbox"
    )
