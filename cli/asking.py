"""Turns what was typed after `cohort message` into a request, asks, and sends."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from cli import console, sending
from cli.show.review import show_previews, show_review, show_time
from cli.show.summary import show_summary
from cli.wiring import LocalTime, get_settings, open_record
from clinic.clock import SystemClock
from clinic.cohort.pasted import pasted_ids
from clinic.cohort.take_in import take_in_ids
from clinic.errors import CohortRefused, Incomplete, ListRefused, MendableError, NotAllowed
from clinic.message.campaign import refuse
from clinic.message.catalogue import add_own_text
from clinic.message.estimate import estimate
from clinic.message.request import CohortChoice, MessageRequest
from clinic.message.review import Review, read_previews, request_of, review_campaign
from clinic.message.summary import summarize
from clinic.settings import Settings
from tasks.wiring import Wiring, use, wiring

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Who:
    """Where the patients come from: one of them."""

    file: Path | None = None
    group: str | None = None
    status: str | None = None
    facility: str | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids_from: Path | None = None
    list_id: int | None = None
    resume: int | None = None


@dataclass(frozen=True)
class What:
    """What they are sent, and what is written to the record."""

    name: str = ""
    template: str | None = None
    text: str | None = None
    subject: str | None = None
    channel: Literal["sms", "email"] = "sms"
    snomed: list[str] | None = None
    save_when: Literal["as set", "sent", "delivered"] = "as set"
    save: bool = True


@dataclass(frozen=True)
class Manner:
    """How it is gone about."""

    dry_run: bool = False
    preview: int = 0
    row: int | None = None
    again: bool = False
    yes: bool = False
    accept_warnings: bool = False
    json: bool = False
    start: datetime | None = None
    days: int | None = None

    @property
    def only_look(self) -> bool:
        """Whether to stop at the preview."""
        return bool(self.preview) or self.row is not None


def message_cohort(
    who: Who,
    what: What,
    manner: Manner,
    *,
    use_server: Callable[[Settings], None] = sending.use_server,
) -> list[str]:
    """
    Review, ask, send, tell; what one would type next.

    Raises:
        MendableError: what to mend; nothing was sent
        Incomplete: work is left, or somebody's fate is unknown
    """
    settings = get_settings()
    with open_record(settings):  # says what to do where there is no record yet
        parts = wiring()
    try:
        request = _request(parts, who, what, manner)
        campaign_id = sending.begin(parts, request)
        if not sending.is_released(parts, campaign_id):
            _prepare(parts, campaign_id)
            if manner.only_look:
                return _look(parts, campaign_id, manner)
            _review(parts, campaign_id, manner)
        if sending.waits_for_approval(parts, campaign_id):
            console.say(f"Campaign {campaign_id} waits for another person: nothing has left.")
            return ["cohort approvals", f"cohort message --resume {campaign_id}"]
        use_server(settings)
        return _send(parts, request, campaign_id, json=manner.json)
    finally:
        use(None)
        parts.close()


def _request(parts: Wiring, who: Who, what: What, manner: Manner) -> MessageRequest:
    if who.resume is not None:
        return request_of(parts.record, who.resume)
    if not what.name.strip():
        raise ListRefused(
            "list-name-missing", "give the list a name, for example --name 'Flu 2026'"
        )
    # A preview is a rehearsal: it keeps nobody from sending the same list afterwards
    key = f"cli-{uuid.uuid4()}"
    values = {
        "list_name": what.name,
        "cohort": _cohort(parts, who, what, key),
        "template": _template(parts, what),
        "channel": what.channel,
        "snomed_codes": what.snomed or [],
        "save_to_record": what.save,
        "save_when": what.save_when,
        "dry_run": manner.dry_run or manner.only_look,
        "again": manner.again,
        "start_at": manner.start,
        "stagger_days": manner.days,
        "request_key": key,
    }
    return _valid(MessageRequest, values)


def _cohort(parts: Wiring, who: Who, what: What, key: str) -> CohortChoice:
    choice: dict[str, Any] = {
        "file": str(who.file.resolve()) if who.file else None,
        "group": who.group,
        "status": who.status,
        "facility": who.facility,
        "provider": who.provider,
        "registered_from": who.since.date() if who.since else None,
        "registered_to": who.until.date() if who.until else None,
        "list_id": who.list_id,
    }
    if who.ids_from is not None:
        if any(choice.values()):
            raise CohortRefused(
                "request-invalid", "name one of: a file, --group, --ids-from, a filter"
            )
        choice["list_id"] = _take_in_ids(parts, who.ids_from, name=what.name, key=key)
    return _valid(CohortChoice, choice)


def _take_in_ids(parts: Wiring, source: Path, *, name: str, key: str) -> int:
    text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8-sig")
    by = parts.settings.operator
    return take_in_ids(
        parts.record, parts.clock, pasted_ids(text), request_key=key, name=name, taken_by=by
    )


def _template(parts: Wiring, what: What) -> str:
    if (what.template is None) == (what.text is None):
        raise CohortRefused(
            "request-invalid", "name a --template, or write your own --text: one of them"
        )
    if what.template is not None:
        return what.template
    return add_own_text(
        parts.record,
        SystemClock(),
        what.text or "",
        by=parts.settings.operator,
        subject=what.subject,
    )


def _valid(model: type[_Model], values: dict[str, Any]) -> _Model:
    try:
        return model(**values)
    except ValidationError as error:
        says = "; ".join(
            ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
            for fault in error.errors(include_input=False)
        )
        raise CohortRefused("request-invalid", says) from None


def _prepare(parts: Wiring, campaign_id: int) -> None:
    try:
        sending.prepare(parts, campaign_id)
    except CohortRefused:
        path = sending.write_not_accepted(parts, campaign_id)
        console.say(f"Every row and what is wrong with it: {path}")
        console.next_commands(f"cohort show {campaign_id} --errors-only")
        raise
    except MendableError as error:
        # Nothing of it may stay behind and bar the way to a second try
        refuse(parts.record, campaign_id, error.code)
        raise


def _review(parts: Wiring, campaign_id: int, manner: Manner) -> None:
    cost = parts.settings.sms.segment_cost
    review = review_campaign(parts.record, campaign_id, segment_cost=cost)
    not_accepted = sending.write_not_accepted(parts, campaign_id)
    show_review(review, read_previews(parts.record, campaign_id), not_accepted=not_accepted)
    said = estimate(parts.record, campaign_id, parts.timing, parts.clock.now())
    show_time(said, LocalTime(parts.settings))
    _confirm(parts, review, manner)


def _look(parts: Wiring, campaign_id: int, manner: Manner) -> list[str]:
    try:
        previews = read_previews(
            parts.record, campaign_id, limit=manner.preview or 1, row=manner.row
        )
    finally:
        refuse(parts.record, campaign_id, "previewed")
    if manner.json:
        console.show_json([asdict(preview) for preview in previews])
        return []
    show_previews(previews)
    return ["cohort message … without --preview or --row: the review, then the sending"]


def _confirm(parts: Wiring, review: Review, manner: Manner) -> None:
    """
    Let a person decide (ARC-6, COM-4); a no refuses the campaign, and the same list may be tried again.

    Raises:
        NotAllowed: nobody said yes, or the warnings were not accepted
    """
    if not review.accepted:
        refuse(parts.record, review.campaign_id, "nobody-accepted")
        raise CohortRefused(
            "nobody-accepted",
            f"no row of this list can be messaged; see: cohort show {review.campaign_id} --errors-only",
        )
    refused = None
    if review.warnings and not (
        manner.accept_warnings or _asked("Send it although it looks sensitive?")
    ):
        refused = NotAllowed(
            "warning-not-accepted",
            "the text looks sensitive: change it, or accept the warning with --accept-warnings",
        )
    elif not (manner.yes or _asked(_question(review))):
        refused = NotAllowed(
            "not-confirmed", "nothing was sent; to send without being asked: --yes"
        )
    if refused:
        refuse(parts.record, review.campaign_id, refused.code)
        raise refused


def _question(review: Review) -> str:
    verb = "Rehearse" if review.dry_run else "Send"
    return f"{verb} {review.accepted:,} messages?"


def _asked(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question, default=False, err=True)


def _send(parts: Wiring, request: MessageRequest, campaign_id: int, *, json: bool) -> list[str]:
    try:
        sending.send(parts, request, campaign_id)
    except Incomplete:
        console.next_commands(*_tell(parts, campaign_id, json=json))
        raise
    except KeyboardInterrupt:
        console.say("\nInterrupted. What was sent is noted, and nobody is messaged twice.")
        console.next_commands(f"cohort message --resume {campaign_id}")
        raise
    return _tell(parts, campaign_id, json=json)


def _tell(parts: Wiring, campaign_id: int, *, json: bool) -> list[str]:
    """Show the result; what one would type next."""
    summary = summarize(parts.record, parts.clock, campaign_id, parts.timing)
    not_accepted = sending.write_not_accepted(parts, campaign_id)
    if json:
        console.show_json(
            {**asdict(summary), "verdict": summary.verdict, "not_accepted_file": str(not_accepted)}
        )
        return []
    show_summary(summary, not_accepted=not_accepted)
    if summary.waits_until:
        at = LocalTime(parts.settings).show(summary.waits_until)
        console.say(
            f"{summary.waiting:,} messages wait until {at}: a scheduled run sends them then."
        )
    if summary.waiting:
        return [f"cohort message --resume {campaign_id}"]
    return [
        f"cohort show {campaign_id} --errors-only",
        f"cohort outcomes {campaign_id} --csv outcomes-{campaign_id}.csv",
        "cohort campaigns",
    ]
