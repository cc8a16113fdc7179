"""Which way out a channel has in this installation: as set, else the outbox."""

from __future__ import annotations

from collections.abc import Callable

from clinic.clock import Clock
from clinic.errors import SettingsWrong
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
    clock: Clock | None = None,
) -> Gateway:
    """
    The gateway of `channel`; the caller closes it. In a rehearsal nothing leaves (NEW-13).

    A call to it ends within a third of the lease, so that a batch is never taken over from a worker
    that still sends it.

    Raises:
        SettingsWrong: what is set cannot work, or would send patients' data in clear
    """
    if dry_run:
        real = gateway_for(settings, record, channel, clock=clock)
        real.close()
        return RehearsalGateway(channel, batch_limit=real.batch_limit, per_request=real.per_request)
    third = settings.lease_seconds / 3
    if channel == "sms" and settings.sms.url:
        from clinic.gateway.http_sms import HttpSms  # loads aiohttp

        begin = max(1.0, third - settings.sms.timeout_seconds)
        return HttpSms(settings.sms, clock=clock, begin_within=begin)
    if channel == "email" and settings.email.host:
        from clinic.gateway.smtp import Smtp

        # A letter may wait for a connection, and then for its own answers
        begin = max(1.0, third - 3 * settings.email.timeout_seconds)
        name = settings.organisation.name
        return Smtp(
            settings.email, sender_name=name, clock=clock, begin_within=begin,
            unsubscribe_url=_unsubscribe_url(settings.receipts),
        )  # fmt: skip
    from clinic.gateway.outbox import Outbox

    return Outbox(record, channel, clock=clock)


def _unsubscribe_url(settings: Receipts) -> Callable[[int], str] | None:
    """Where one click unsubscribes from a message's channel (RFC 8058); None: nobody would hear it."""
    from clinic.gateway.signature import make_token, secret_key

    if not settings.public_url:
        return None
    if not settings.public_url.startswith("https://"):
        raise SettingsWrong(
            "receipts-url", "receipts.public_url must begin with https:// (RFC 8058); correct it"
        )
    key, base = secret_key(settings.secret.get_secret_value()), settings.public_url.rstrip("/")
    return lambda reference: f"{base}/unsubscribe/{make_token(key, reference)}"
