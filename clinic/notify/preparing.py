"""
A notice made whole by whoever asks for it: on the record, and waiting for its approval, before any run begins.

The run finds each step done and goes on from there (flows/notify_staff.py).
"""

from __future__ import annotations

from clinic.clock import Clock
from clinic.gateway.choose import batch_limit_of, gateway_for
from clinic.message.prepare import approve
from clinic.message.prepare.stage import stage
from clinic.message.template.variables import Setting
from clinic.message.timing.schedule import size_batches
from clinic.message.timing.timing import timing_of
from clinic.notify.notices import name_all, open_notice
from clinic.notify.request import NoticeRequest
from clinic.record.database import Record
from clinic.settings import Settings


def prepare_notice(record: Record, clock: Clock, settings: Settings, request: NoticeRequest) -> int:
    """
    Make the notice, judge its addresses, write its messages and ask for its approval; its campaign.

    Again: only what is missing.

    Raises:
        as `open_notice`
    """
    gateway = gateway_for(settings, record, "email")
    try:
        name, most = gateway.name, batch_limit_of(settings, record, "email", gateway)
    finally:
        gateway.close()
    notice = open_notice(record, clock, settings, request, gateway=name, batch_limit=most)
    name_all(record, clock, notice)
    size_batches(record, notice, timing_of(settings))
    about = settings.organisation
    setting = Setting(about, clock.now())
    stage(record, notice, setting=setting, most_segments=about.most_segments)
    approve.ask(record, clock, settings, notice, flow_run_id=None)
    return notice
