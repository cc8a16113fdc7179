"""
What a draft of the desk waits for is done: its file is read, its campaign made and prepared, and sent.

In a process of the desk's own, since each may take minutes. A step that was killed is done again: the draft's
request key finds what is there. What a person must put right is written to the draft as a code and a sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from clinic.cohort.files import open_list
from clinic.errors import CohortError, CohortRefused, MendableError, RecordUnsafe
from clinic.govern.rules.governed import in_force
from clinic.message import states
from clinic.message.asking.confirming import confirm
from clinic.message.campaign.campaign import get_campaign
from clinic.message.drafts import draft as own_states
from clinic.message.drafts import work
from clinic.message.drafts.asked import request_of
from clinic.message.drafts.draft import Draft
from clinic.message.drafts.uploads import path_of, remove_upload
from clinic.message.template.catalogue import add_own_text
from clinic.message.template.purpose import typed_purpose
from clinic.record.outage import outage
from tasks.asking.campaigns import begin, prepare
from tasks.asking.starting import Started, start_run
from tasks.guard.scrub import where

if TYPE_CHECKING:
    from clinic.record.database import Record
    from clinic.settings import Settings
    from tasks.wiring import Wiring

_LOG: Final = logging.getLogger("cohort.desk.work")
Start = Callable[["Record", "Settings", int], Started]
_INTERNAL: Final = (
    "Something went wrong at our end, and nothing was sent. Try once more; if it comes again, tell whoever "
    "looks after this installation."
)


def do_next(parts: Wiring, *, start: Start = start_run) -> bool:
    """
    Do what is due of the draft that waits longest; whether there was anything.

    start: lets a worker send a campaign that was confirmed

    Raises:
        RecordUnsafe, and what the database raises: the record is away: nothing of it is lost
    """
    own = work.next_due(parts.record)
    if own is None:
        return False
    if not work.note_try(parts.record, own):
        _fail(parts, own, "draft-failed", _INTERNAL)
        return True
    parts.settings = in_force(parts.record, parts.settings).settings
    try:
        if own.state == own_states.SENDING:
            _send(parts, own, start)
        else:
            _STEPS[own.state](parts, own)
    except MendableError as problem:
        _fail(parts, own, problem.code, problem.says)
    except Exception as error:
        if isinstance(error, RecordUnsafe) or outage(error) is not None:
            raise
        if work.is_changed(
            parts.record, own
        ):  # its file was replaced, or its campaign refused, meanwhile
            return True
        code = error.code if isinstance(error, CohortError) else type(error).__name__
        # Its text may hold a patient: say where it was, not what
        _LOG.error("draft %s, %s: %s at %s", own.id, own.state, code, where(error.__traceback__))
        _fail(parts, own, "internal", _INTERNAL)
    return True


def _fail(parts: Wiring, own: Draft, code: str, says: str) -> None:
    """What was released is on its way, whatever failed after that: it is never composed a second time."""
    if own.state == own_states.SENDING and _is_released(parts, own):
        work.note_sent(parts.record, own)
    else:
        work.note_problem(parts.record, own, code, says)


def _is_released(parts: Wiring, own: Draft) -> bool:
    return _state(parts, own.campaign_id or 0) not in (states.CHECKING, states.REFUSED)


def _read(parts: Wiring, own: Draft) -> None:
    """Whether its upload can be read at all, and how many rows it has."""
    path = path_of(parts.settings.home, own.file or "")
    found = open_list(path, scheme=parts.settings.organisation.id_scheme)
    work.note_read(parts.record, own, found.row_count)


def _check(parts: Wiring, own: Draft) -> None:
    # It is there where the helper was killed after it, and where it sends failures again
    campaign_id = own.campaign_id or _make(parts, own)
    made = work.note_made(parts.record, own, campaign_id)
    if made is None:
        return
    remove_upload(parts.settings.home, own.file)
    try:
        prepare(parts, campaign_id, telling=_quiet)
    except MendableError as problem:
        work.note_problem(parts.record, made, problem.code, problem.says)
        return
    work.note_ready(parts.record, made)


def _make(parts: Wiring, own: Draft) -> int:
    """Its campaign; the same key gives the same."""
    asked, file = own.asked, None
    if own.file and own.list_id is None:
        file = str(path_of(parts.settings.home, own.file))
    request = request_of(
        asked, template=asked.template or _own_text(parts, own), request_key=own.request_key,
        file=file, list_id=own.list_id,
    )  # fmt: skip
    return begin(parts, request, by=own.owner)


def _own_text(parts: Wiring, own: Draft) -> str:
    """A written text is kept when it is to be checked, not at each page before that."""
    asked = own.asked
    purpose = typed_purpose(asked.purpose or None, "the text")
    return add_own_text(
        parts.record, parts.clock, asked.text, by=own.owner, purpose=purpose,
        subject=asked.subject or None,
    )  # fmt: skip


def _send(parts: Wiring, own: Draft, start: Start) -> None:
    """Confirm it in its owner's name, then let a worker send it: again, where it was killed between the two."""
    person = work.require_said(parts.record, own)
    settings = _acting(parts.settings, person.name)
    number = own.campaign_id or 0
    if _state(parts, number) == states.CHECKING:
        confirm(parts.record, parts.clock, settings, number, by=person)
    state = _state(parts, number)
    if state == states.REFUSED:
        raise CohortRefused(
            "draft-refused", "it was refused meanwhile, and nothing was sent: check it again"
        )
    says = ""
    if state not in states.ENDED:
        started = start(parts.record, settings, number)
        says = "" if started.worker else started.says
    work.note_sent(parts.record, own, says)


def _state(parts: Wiring, campaign_id: int) -> str:
    with parts.record.read() as connection:
        return get_campaign(connection, campaign_id).state


def _acting(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"operator": name})


def _quiet(_: str) -> None:
    """Its page tells how far it is, of the campaign's own counts."""


_STEPS: Final = {
    own_states.OPEN: _read,
    own_states.CHECKING: _check,
}
