"""What was typed after `cohort message`: who, what and how; and the request that this makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from cli.keeping import asked_for, reasons_of
from cli.pasting import text_of
from clinic.cohort.as_of import dating_of
from clinic.cohort.files.kinds import is_sheet
from clinic.cohort.import_list import take_in_ids
from clinic.cohort.list_index import PREVIEW
from clinic.cohort.pasted import pasted_ids
from clinic.errors import CohortRefused, ListRefused
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.prepare.preview import add_preview_text
from clinic.message.prepare.review import request_of
from clinic.message.template.catalogue import add_own_text
from clinic.message.template.purpose import typed_purpose
from tasks.wiring import Wiring

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
    as_of: datetime | None = None
    corrects: int | None = None
    keep: tuple[str, ...] = ()
    source: str | None = None
    query: str | None = None


@dataclass(frozen=True)
class What:
    """What they are sent, and what is written to the record."""

    name: str = ""
    template: str | None = None
    text: str | None = None
    subject: str | None = None
    channel: Literal["sms", "email", "voice"] = "sms"
    snomed: list[str] | None = None
    save_when: Literal["as set", "sent", "delivered"] = "as set"
    save: bool = True
    recall_by: datetime | None = None
    owner: str | None = None
    recall_codes: list[str] | None = None
    covers: list[str] | None = None
    purpose: str | None = None
    attach: Path | None = None


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
    outbox: bool = False
    override_gate: str | None = None
    accept: tuple[str, ...] = ()
    synthetic: bool = False  # of the demo: its patients may be shown anywhere
    me: str = ""  # whose name was given
    secret_fd: int | None = None
    proven: str = ""  # who acts, where that was proven before
    per_hour: int | None = None
    workers: int | None = None
    fallback: Literal["as set", "off", "sms", "email", "voice"] = "as set"
    fallback_after: int | None = None
    fallback_template: str | None = None
    sound: Path | None = None

    @property
    def only_look(self) -> bool:
        """Whether to stop at the preview."""
        return bool(self.preview) or self.row is not None or self.sound is not None


# With --resume these are asked again; all else was settled when the campaign was made
_OF_RESUME: Final = frozenset(
    {
        "resume",
        "preview",
        "row",
        "sound",
        "yes",
        "accept_warnings",
        "json",
        "synthetic",
        "me",
        "secret_fd",
        "proven",
    }
)


# Where an option is not called as its field is
TYPED: Final = {
    "file": "a file", "save": "--no-save", "list_id": "--list", "since": "--from", "until": "--to",
    "me": "--operator", "recall_codes": "--recall-code",
}  # fmt: skip


def require_resumable(who: Who, what: What, manner: Manner) -> None:
    """
    Refuse what --resume would ignore: a campaign goes on as it was made, and what was to be sent is sent.

    Raises:
        CohortRefused: which options do not go with it
    """
    given = [
        TYPED.get(field.name, "--" + field.name.replace("_", "-"))
        for part, usual in ((who, Who()), (what, What()), (manner, Manner()))
        for field in fields(part)
        if field.name not in _OF_RESUME
        # No code is no code, as a list or as nothing
        and (getattr(part, field.name) or None) != (getattr(usual, field.name) or None)
    ]
    if given:
        raise CohortRefused(
            "resume-options",
            f"campaign {who.resume} goes on as it was made: {', '.join(given)} would change nothing, and it "
            f"would be sent. Leave that out, or look only: cohort message --resume {who.resume} --preview 3. "
            "Nothing was done",
        )


def to_request(parts: Wiring, who: Who, what: What, manner: Manner, *, key: str) -> MessageRequest:
    """
    The request that these words mean. Pasted ids and free texts are kept under `key`.

    Raises:
        MendableError: what makes no sense
    """
    if who.resume is not None:
        return request_of(parts.record, who.resume)
    if not what.name.strip():
        raise ListRefused(
            "list-name-missing", "give the list a name, for example --name 'Flu 2026'"
        )
    values = {
        "list_name": what.name,
        "cohort": _cohort(parts, who, what, key, yes=manner.yes),
        "template": _template(parts, what, key),
        "channel": what.channel,
        "snomed_codes": what.snomed or [],
        "save_to_record": what.save,
        "save_when": what.save_when,
        "dry_run": manner.dry_run or manner.only_look,
        "outbox": manner.outbox,
        "again": manner.again,
        "override_gate": manner.override_gate,
        "accept": accepted(manner.accept),
        "recall_by": what.recall_by and what.recall_by.date(),
        "recall_owner": what.owner,
        "recall_codes": what.recall_codes or [],
        "covers": what.covers or [],
        "start_at": manner.start,
        "stagger_days": manner.days,
        "per_hour": manner.per_hour,
        "attachment_sha256": _attached(parts, what),
        "workers": manner.workers,
        "fallback": manner.fallback,
        "fallback_after": manner.fallback_after,
        "fallback_template": manner.fallback_template,
        "request_key": None if key.startswith(PREVIEW) else key,
    }
    return valid(MessageRequest, values)


def _attached(parts: Wiring, what: What) -> str | None:
    """The digest of the document that was named, taken in by now."""
    if what.attach is None:
        return None
    from clinic.attach.take_in import take_in  # reads the file in a process apart

    by = parts.settings.operator
    return take_in(parts.record, parts.clock, parts.settings, what.attach, by=by).sha256


def accepted(typed: Sequence[str]) -> dict[str, str]:
    """
    What was typed after --accept, CODE=REASON each: code → reason.

    Raises:
        CohortRefused: it is no such pair
    """
    pairs = reasons_of(
        typed,
        "--accept takes the code of a safety check, = and why what it finds is right: "
        '--accept name_differs="the names are in Arabic"',
    )
    return {code.replace("-", "_"): reason for code, reason in pairs.items()}


def _cohort(parts: Wiring, who: Who, what: What, key: str, *, yes: bool) -> CohortChoice:
    if who.file is None and who.ids_from is not None and is_sheet(who.ids_from):
        who = replace(who, file=who.ids_from, ids_from=None)  # a list, with a heading over its ids
    choice: dict[str, Any] = {
        "file": str(who.file.resolve()) if who.file else None,
        "group": who.group,
        "status": who.status,
        "facility": who.facility,
        "provider": who.provider,
        "registered_from": who.since.date() if who.since else None,
        "registered_to": who.until.date() if who.until else None,
        "list_id": who.list_id,
        "corrects": who.corrects,
        "source": who.source,
        "query": who.query,
    }
    if who.ids_from is not None:
        if any(choice.values()):
            raise CohortRefused(
                "request-invalid", "name one of: a file, --group, --ids-from, a filter"
            )
        choice["list_id"] = _take_in_ids(parts, who, name=what.name, key=key)
    elif who.as_of is not None:
        choice["as_of"] = who.as_of.date()
    if who.query is not None:
        valid(CohortChoice, choice)  # nothing is asked of a source for what makes no sense
        return CohortChoice(list_id=_take_in_query(parts, who, what, key, yes=yes))
    if who.keep:
        choice["keep"] = asked_for(who.keep, yes=yes)
    return valid(CohortChoice, choice)


def _take_in_query(parts: Wiring, who: Who, what: What, key: str, *, yes: bool) -> int:
    from clinic.sources.cohort import take_in_cohort  # no driver where no query is asked

    return take_in_cohort(
        parts.record, parts.clock, parts.settings, source=who.source or "", query=who.query or "",
        request_key=key, name=what.name, taken_by=parts.settings.operator, template=what.template,
        keep=asked_for(who.keep, yes=yes) if who.keep else None,
    )  # fmt: skip


def _take_in_ids(parts: Wiring, who: Who, *, name: str, key: str) -> int:
    source = who.ids_from or Path("-")
    text, by = text_of(source), parts.settings.operator
    dating = dating_of(parts.settings, who.as_of.date() if who.as_of else None)
    as_of = dating.of_file(None if str(source) == "-" else source, parts.clock.now())
    return take_in_ids(
        parts.record, parts.clock, pasted_ids(text), request_key=key, name=name, taken_by=by,
        as_of=as_of,
    )  # fmt: skip


def _template(parts: Wiring, what: What, key: str) -> str:
    if (what.template is None) == (what.text is None):
        raise CohortRefused(
            "request-invalid", "name a --template, or write a free text (--text): one of them"
        )
    if what.template is not None:
        if what.purpose is not None:
            raise CohortRefused(
                "request-invalid",
                f"{what.template} says itself what it is for: leave --purpose out, or change it with: cohort "
                f"templates add {what.template} --purpose {what.purpose}",
            )
        return what.template
    purpose = typed_purpose(what.purpose, "the free text")
    text, by = what.text or "", parts.settings.operator
    if key.startswith(PREVIEW):
        return add_preview_text(
            parts.record, parts.clock, text, key=key, by=by, purpose=purpose,
            subject=what.subject,
        )  # fmt: skip
    return add_own_text(
        parts.record, parts.clock, text, by=by, purpose=purpose, subject=what.subject
    )


def valid(model: type[_Model], values: dict[str, Any]) -> _Model:
    """
    The request of these values.

    Raises:
        CohortRefused: what does not go together
    """
    try:
        return model(**values)
    except ValidationError as error:
        says = "; ".join(
            ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
            for fault in error.errors(include_input=False)
        )
        raise CohortRefused("request-invalid", says) from None
