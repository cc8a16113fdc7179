"""One bulk message: what was asked for, how far it is, and what became of each row of its list (PAT-21)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from clinic.cohort.outcomes import OUTCOMES
from clinic.gateway.voice.spoken import unit_of
from clinic.message import states
from clinic.message.asking.confirming import waiting_request
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import is_kept_back
from clinic.message.incoming.resolve_unknown import may_ask
from clinic.message.outcomes.next_steps import Step, steps
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.report import CampaignDetails
from clinic.message.outcomes.summary import progress
from clinic.message.outcomes.verdict import not_accepted
from clinic.message.sending.beside import says_together
from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import timing_of
from clinic.values.text import counted
from desk.staff.messages.seen import LIVE, controls_of, details_of
from desk.staff.messages.words import CHANNELS, bars_of, comes_next, tags_of
from desk.web.page import Page
from desk.web.visit import Visit
from tasks.story.billed import costs_by_gateway

_PRICED: Final = timedelta(seconds=30)
_LIVELY: Final = frozenset({states.RUNNING, states.SCHEDULED, states.CHECKING})


def standing(visit: Visit, number: int) -> dict[str, Any]:
    """
    How it stands: what the page and each look at its progress show.

    Raises:
        NotFound: there is none of this number
        NotAllowed: it has patients of other facilities
    """
    visit.theirs("campaign", number)
    desk = visit.desk
    found = details_of(desk, number)
    return {
        "details": found,
        "line": found.line,
        "tags": tags_of(found.line),
        "bars": bars_of(found.counts),
        "counts": [(rows, OUTCOMES[code]) for code, rows in found.counts.items()],
        "rows": found.line.rows,
        "left_out": not_accepted(found.counts),
        "why": campaign_says(found.state_reason, found.gateway) or found.trouble or "",
        "lively": found.state in _LIVELY,
        "seconds": int(LIVE.total_seconds()),
        **desk.kept.get(("moves", number), LIVE, lambda: _moves(visit, found)),
        "approval": _approval(visit, found),
        "next": comes_next(found.state, _steps(visit, found), may_act=visit.has("send")),
        "resend": visit.has("send") and "resend" in _steps(visit, found),
        "controls": controls_of(found) if visit.has("send") else (),
    }


def _approval(visit: Visit, found: CampaignDetails) -> int | None:
    """The request that it waits for; None: it waits for none."""
    if found.state != states.AWAITING_APPROVAL:
        return None
    waits = waiting_request(visit.desk.parts.record, found.line.id)
    return waits[0].id if waits else None


def _moves(visit: Visit, found: CampaignDetails) -> dict[str, Any]:
    desk, number = visit.desk, found.line.id
    record, now = desk.parts.record, desk.parts.clock.now()
    return {
        "progress": progress(record, number),
        "starts": starts_at(record, number, timing_of(desk.settings()), now),
        "stopped": is_kept_back(record, number),
        "askable": found.state == states.RECONCILING and may_ask(record, number, now),
    }


def _steps(visit: Visit, found: CampaignDetails) -> list[Step]:
    moves = visit.desk.kept.get(("moves", found.line.id), LIVE, lambda: _moves(visit, found))
    return steps(
        found.state, found.counts, resendable=found.resendable, waits=moves["starts"] is not None,
        stopped=moves["stopped"], askable=moves["askable"],
        approved=found.decision is not None and found.decision.approved,
    )  # fmt: skip


def _one(visit: Visit) -> Response:
    number = visit.path["number"]
    shown = standing(visit, number)
    found: CampaignDetails = shown["details"]
    return visit.show(
        "messages/one.jinja", title=f"Bulk message {number}", number=number, facts=_facts(visit, found),
        may_export=visit.has("export"), **shown,
    )  # fmt: skip


def _part(visit: Visit) -> Response:
    number = visit.path["number"]
    return visit.part("messages/_standing.jinja", number=number, **standing(visit, number))


def _facts(visit: Visit, found: CampaignDetails) -> list[tuple[str, str]]:
    """What was asked for, and by whom: as `cohort show` tells it."""
    line, when = found.line, visit.desk.looks.filters["when"]
    template, decided, override = (
        f"{found.template}, version {found.version}",
        found.decision,
        found.override,
    )
    facts = [
        ("Patient list", f"{line.list_name}, {counted(line.rows, 'row')}"),
        ("As of", found.as_of),
        ("Dry run by" if line.dry_run else "Sent by", f"{line.sender}, {when(line.at)}"),
        ("How", CHANNELS.get(line.channel, line.channel)),
        ("Length", counted(found.segments, unit_of(line.channel)) if found.segments else ""),
        ("Gateway", found.gateway.replace(" ", ", ")),
        ("By gateway", found.by_gateway),
        ("By channel", found.by_channel),
        ("Fallback", found.fallback),
        ("Cost so far", _cost(visit, line.id)),
        ("Template", template),
        ("Saved to the record", f"when {found.save_when}" if found.save_when else "no"),
        ("SNOMED CT codes", found.snomed_codes or ""),
        ("Recall", found.recall.says if found.recall else ""),
        ("Coverage", found.coverage),
        ("Tried again", "" if found.state_reason else when(found.tried_again)),
        ("List let pass by", f"{override.by}: {override.reason}" if override else ""),
        (
            "Follows" if found.follows else "Sends again",
            f"{'those not reached by' if found.follows else 'the failures of'} bulk message {found.resend_of}"
            if found.resend_of
            else "",
        ),
        ("Corrects", f"bulk message {found.corrects}" if found.corrects else ""),
        ("Corrected by", ", ".join(f"bulk message {each}" for each in found.corrected_by)),
        ("Ended", when(found.finished_at)),
        ("Together", says_together(visit.desk.parts.record, line.id)),
    ]  # fmt: skip
    if decided is not None:
        said = "Approved by" if decided.approved else "Rejected by"
        facts += [(said, f"{decided.by}, {when(decided.at)}"), ("Note", decided.note or "")]
    return [(name, value) for name, value in facts if value]


def _cost(visit: Visit, number: int) -> str:
    """Of each gateway, at the prices of the settings; empty where none has one."""
    desk = visit.desk

    def count() -> str:
        with desk.parts.record.read() as connection:
            job = get_campaign(connection, number)
            costs = costs_by_gateway(connection, desk.settings(), job)
        unit = unit_of(job.channel)
        told = {
            name: f"{cost.money:,.2f} for {counted(cost.segments, unit)}"
            for name, cost in costs.items()
        }
        return "; ".join(f"{name} {says}" if len(told) > 1 else says for name, says in told.items())

    return desk.kept.get(("cost", number), _PRICED, count)


PAGES: Final = (
    Page("/messages/{number:int}", "message", show=_one, right="view"),
    Page("/messages/{number:int}/standing", "message standing", show=_part, right="view"),
)
