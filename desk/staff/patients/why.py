"""
Why somebody looks at a patient: asked before anything of them is shown, and in the access log with each look.

The reason is kept for some minutes for that patient and that sign-in, in the memory of this process: who goes
from the card to the needs and back is asked once. Nothing of it stands in an address.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from clinic.change.selection.search import Found, get_found
from clinic.errors import NotAllowed, NotFound
from clinic.govern.access.look import at_patient
from clinic.govern.access.reasons import REASONS, Reason, read_reason
from desk.web.page import Handler, Page
from desk.web.visit import Visit

_LASTS: Final = timedelta(minutes=15)
_MOST: Final = 2_000
_PARTS: Final = ("", "safe-contact", "needs", "objection", "who-saw")
_NAMES: Final = "access-reason-names"


class _Given:
    """The reasons that were given at this desk, by sign-in and patient."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[datetime, Reason]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, visit: Visit, number: int, reason: Reason) -> None:
        """For this patient, from now on."""
        with self._lock:
            self._kept[_key(visit, number)] = (visit.desk.parts.clock.now() + _LASTS, reason)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def of(self, visit: Visit, number: int) -> Reason | None:
        """What was given; None: nothing, or too long ago."""
        with self._lock:
            until, reason = self._kept.get(_key(visit, number), (None, None))
        return reason if until is not None and visit.desk.parts.clock.now() < until else None

    def forget(self, visit: Visit, number: int) -> None:
        """It is asked for once more."""
        with self._lock:
            self._kept.pop(_key(visit, number), None)


_GIVEN: Final = _Given()


def _key(visit: Visit, number: int) -> tuple[str, int]:
    """Of this sign-in: the token of its forms is its own, and proves nobody."""
    return visit.csrf, number


def with_reason(show: Callable[[Visit, Found], Response]) -> Handler:
    """A page of one patient: asks why first, writes the look down, and then shows it."""

    def handler(visit: Visit) -> Response:
        number = visit.path["number"]
        found = get_found(visit.desk.parts.record, number)
        reason = _GIVEN.of(visit, number)
        if reason is None:
            return _ask(visit)
        try:
            visit.looked(at_patient(number), reason=reason)
        except NotAllowed as refusal:
            _GIVEN.forget(visit, number)
            if refusal.code != _NAMES:
                raise
            return _ask(visit, refusal.says)
        return show(visit, found)

    return handler


def _ask(visit: Visit, fault: str = "") -> Response:
    """Nothing of the patient stands on this page."""
    part = visit.said("part") or visit.request.url.path.rstrip("/").rpartition("/")[2]
    return visit.show(
        "patients/why.jinja", title="Why do you look at this patient?", status=422 if fault else 200,
        number=visit.path["number"], part=part if part in _PARTS else "",
        reasons=[{"value": code, "text": says} for code, says in REASONS.items()],
        says={name: visit.said(name) for name in ("reason", "words")},
        errors=[{"text": fault, "href": "#reason"}] if fault else [],
    )  # fmt: skip


def _give(visit: Visit) -> Response:
    number = visit.path["number"]
    if not visit.has("view") and not visit.has("audit"):
        raise NotFound("patient-unknown", "there is no such patient")
    get_found(visit.desk.parts.record, number)
    try:
        reason = read_reason(f"{visit.said('reason')}:{visit.said('words')}")
    except NotAllowed:
        words = "Choose why you look; another reason needs a few words, without names."
        return _ask(visit, words)
    _GIVEN.keep(visit, number, reason)
    part = visit.said("part")
    return visit.go(f"/patients/{number}" + (f"/{part}" if part in _PARTS and part else ""))


PAGES: Final = (Page("/patients/{number:int}/why", "patient reason", act=_give),)
