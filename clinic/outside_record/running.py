"""Saves outside as it is set in this installation: what the scheduled run does, and `cohort record save`."""

from __future__ import annotations

import os
import secrets
import socket

from clinic.clock import Clock
from clinic.fhir.client import FhirClient
from clinic.outside_record.save import Saved, Saver
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import OutsideRecord, Settings


def is_set(settings: Settings) -> bool:
    """Whether there is a record outside to save to."""
    return bool(settings.outside_record.fhir_url)


def client_of(settings: OutsideRecord) -> FhirClient:
    """The client of the server that is set; the caller closes it."""
    return FhirClient(
        settings.fhir_url,
        settings.token.get_secret_value,
        timeout_seconds=settings.timeout_seconds,
    )


def save_outside(
    record: Record, clock: Clock, settings: Settings, *, seconds: float | None = None
) -> Saved:
    """
    Save what waits, for so many seconds; None: until nothing waits any more.

    Nothing is done where no record outside is set, or while another process saves. Run it as often as you
    like: what was saved is not saved again.
    """
    if not is_set(settings):
        return Saved()
    own, begun = settings.outside_record, clock.elapsed()
    client = client_of(own)
    try:
        saver = Saver(
            record, clock, client, own, install_id=install(record, clock), owner=_this_process()
        )
        return saver.run(lambda: seconds is None or clock.elapsed() - begun < seconds)
    finally:
        client.close()


def _this_process() -> str:
    """Unlike that of every other, also of one that has the same number later."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(3)}"
