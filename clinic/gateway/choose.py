"""Which gateway a channel has in this installation: as set; the outbox only where it was asked for."""

from __future__ import annotations

from collections.abc import Callable

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.gateway.processors import require_allowed
from clinic.gateway.protocol import Gateway
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.record.database import Record
from clinic.settings import Receipts, Settings


def gateway_for(
    settings: Settings,
    record: Record,
    channel: str,
    *,
    dry_run: bool = False,
    outbox: bool = False,
    clock: Clock | None = None,
) -> Gateway:
    """
    The gateway of `channel`; the caller closes it. In a dry run nothing is sent (NEW-13).

    outbox: keep the messages in the outbox, whatever is set

    A call to it ends within a third of the lease, so that a batch is never taken over from a worker
    that still sends it.

    Raises:
        SettingsWrong: nothing is set; or what is set cannot work, or would send patients' data in clear, or
            to a country for which nobody said yes
    """
    if dry_run:
        real = gateway_for(
            settings, record, channel, clock=clock, outbox=not has_gateway(settings, channel)
        )
        real.close()
        return RehearsalGateway(channel, batch_limit=real.batch_limit, per_request=real.per_request)
    third = settings.lease_seconds / 3
    if outbox or not has_gateway(settings, channel):
        if not (outbox or settings.outbox):
            raise SettingsWrong("gateway-missing", _missing(channel))
        from clinic.gateway.outbox import Outbox

        return Outbox(record, channel, clock=clock)
    require_allowed(settings, channel)
    if channel == "sms":
        from clinic.gateway.http.sms import HttpSms  # loads aiohttp

        begin = max(1.0, third - settings.sms.timeout_seconds)
        return HttpSms(settings.sms, clock=clock, begin_within=begin)
    from clinic.gateway.smtp.email import Smtp

    # A letter may wait for a connection, and then for its own answers
    begin = max(1.0, third - 3 * settings.email.timeout_seconds)
    name = settings.organisation.name
    return Smtp(
        settings.email, sender_name=name, clock=clock, begin_within=begin,
        unsubscribe_url=unsubscribe_url_of(settings.receipts),
    )  # fmt: skip


def has_gateway(settings: Settings, channel: str) -> bool:
    """Whether the settings name a gateway for this channel."""
    return bool({"sms": settings.sms.url, "email": settings.email.host}.get(channel))


def _missing(channel: str) -> str:
    needed = {
        "sms": "no gateway is set for texts: set sms.url and sms.token",
        "email": "no gateway is set for e-mail: set email.host and email.sender",
    }
    says = needed.get(channel, f"there is no gateway for {channel}")
    return (
        f"{says} in cohort.toml (docs/gateways.md). Nothing was sent. To try without sending: "
        "--dry-run, or --outbox, which keeps the messages in the outbox"
    )


def unsubscribe_url_of(settings: Receipts) -> Callable[[int], str] | None:
    """Where one click unsubscribes from a message's channel (RFC 8058); None: nobody would hear it."""
    from clinic.gateway.incoming.signature import make_token, secret_key

    if not settings.public_url:
        return None
    if not settings.public_url.startswith("https://"):
        raise SettingsWrong(
            "receipts-url", "receipts.public_url must begin with https:// (RFC 8058); correct it"
        )
    key, base = secret_key(settings.secret.get_secret_value()), settings.public_url.rstrip("/")
    return lambda reference: f"{base}/unsubscribe/{make_token(key, reference)}"
