"""Saves outside as it is set in this installation: what the scheduled run does, and `cohort record save`."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime
from zoneinfo import ZoneInfo

from clinic.clock import Clock
from clinic.fhir.client import FhirClient
from clinic.fhir.token import Login, token_of
from clinic.outside_record.mesh.asking import ask_for_ended
from clinic.outside_record.mesh.post import MeshPost
from clinic.outside_record.mesh.reports import send_reports
from clinic.outside_record.save import Saved, Saver
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.settings import OutsideRecord, Settings


def is_set(settings: Settings) -> bool:
    """Whether there is a record outside to save to."""
    return bool(settings.outside_record.fhir_url)


def client_of(settings: OutsideRecord, clock: Clock) -> FhirClient:
    """The client of the server that is set; the caller closes it."""
    own = settings
    login = Login(
        own.fhir_url, own.client_id, own.key_file, own.key_id, own.token_url, own.scope,
        own.timeout_seconds,
    )  # fmt: skip
    token = token_of(own.token.get_secret_value(), login, clock)
    return FhirClient(own.fhir_url, token, timeout_seconds=own.timeout_seconds)


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
    client = client_of(own, clock)
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


def send_by_mesh(record: Record, clock: Clock, settings: Settings) -> int:
    """
    Send the reports that wait, and follow those that were sent; how many were sent. None where MESH is not set.

    A report waits that a person asked for, and that of each campaign that is over.

    Raises:
        SettingsWrong: the extra `mesh` is not installed
    """
    if not settings.mesh.url:
        return 0
    post = MeshPost(settings.mesh)
    since = settings.mesh.send_from
    assert since is not None, "settings ask for it beside url"
    ask_for_ended(record, clock, install_id=install(record, clock), since=since)
    zone = ZoneInfo(settings.organisation.time_zone)

    def show(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%d/%m/%Y %H:%M}" if at else ""

    try:
        return send_reports(record, clock, post, owner=_this_process(), show=show)
    finally:
        post.close()
