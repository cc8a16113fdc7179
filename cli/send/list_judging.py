"""
What a campaign would say of a list: a preview of one, by the campaign's own steps, that is taken away again.

A list that is judged by other functions is one day judged otherwise: so `list check` takes the list in,
judges and stages it as a dry run under a preview's key (clinic/message/prepare/preview.py), reads what
came, and deletes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from clinic.cohort.keeping import Kept
    from clinic.message.campaign.said import Said
    from clinic.settings import Settings
    from data_checks.gate.verdict import Check
    from tasks.wiring import Wiring

# What stands in for a template where none is named: it needs nothing of anybody
_ANY_TEXT = "A message of your practice."


@dataclass(frozen=True)
class Judged:
    """
    A list as a campaign judged it.

    outcomes: rows by code, "accepted" those that would be messaged; kept: its columns that would be kept
    """

    outcomes: Mapping[str, int]
    checks: tuple[Check, ...]
    stops: list[str]
    said: tuple[Said, ...]
    kept: Kept | None = None


def judge_as_campaign(
    settings: Settings,
    file: Path,
    *,
    channel: Literal["sms", "email", "voice"],
    template: str | None,
) -> Judged | None:
    """
    Judge a file as a campaign would; None where there is no record to ask.

    Raises:
        MendableError: there is no such template, the channel is off, the list lacks a column
    """
    from cli.message import steps
    from cli.wiring import open_record
    from clinic.errors import NotSetUp
    from tasks.wiring import use, wiring

    try:
        with open_record(settings):
            parts = wiring()
    except NotSetUp:
        if template is not None:
            raise
        return None
    try:
        # The record's own settings count, but for the layout, which may have been named for this list
        scheme = {"id_scheme": settings.organisation.id_scheme}
        own = parts.settings.organisation.model_copy(update=scheme)
        parts.settings = parts.settings.model_copy(update={"organisation": own})
        steps.look_as(parts)
        return _judge(parts, file, channel, template)
    finally:
        use(None)
        parts.close()


def _judge(
    parts: Wiring, file: Path, channel: Literal["sms", "email", "voice"], template: str | None
) -> Judged:
    from cli.message import steps
    from cli.message.options import Manner, What, Who, to_request
    from clinic.errors import CohortRefused
    from clinic.values.purposes import CARE
    from tasks.asking.looking import rehearsed

    subject = "A message" if template is None and channel == "email" else None
    text = _ANY_TEXT if template is None else None
    purpose = CARE if template is None else None
    what = What(file.name, template, text, subject, channel, purpose=purpose)
    with rehearsed(
        parts, lambda key: to_request(parts, Who(file), what, Manner(dry_run=True), key=key)
    ) as campaign_id:
        try:
            steps.prepare(parts, campaign_id, look=True)
        except CohortRefused as refused:
            return _found(parts, campaign_id, refused)
        return _found(parts, campaign_id, None)


def _found(parts: Wiring, campaign_id: int, refused: Exception | None) -> Judged:
    from clinic.cohort.outcomes import AFTER
    from clinic.cohort.rows import get_list
    from clinic.message.campaign.campaign import get_campaign
    from clinic.message.campaign.counting import count_outcomes
    from clinic.message.campaign.said import said_of
    from data_checks.refusal import verdicts_of

    with parts.record.read() as connection:
        counts = count_outcomes(connection, campaign_id)
        verdicts = verdicts_of(connection, campaign_id)
        said = said_of(connection, campaign_id)
        kept = get_list(connection, get_campaign(connection, campaign_id).list_id).kept
    messaged = sum(rows for code, rows in counts.items() if code in AFTER)
    others = {code: rows for code, rows in counts.items() if code not in AFTER}
    stops = [why for verdict in verdicts for why in verdict.stops]
    if refused is not None and not stops:
        stops = [str(refused)]
    accepted = {"accepted": messaged} if messaged else {}
    checks = tuple(check for verdict in verdicts for check in verdict.checks)
    return Judged(accepted | others, checks, stops, said, kept)
