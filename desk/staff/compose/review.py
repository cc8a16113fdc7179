"""
Step 4: the review, once its list is checked; sending it, or asking for approval (ACX-24 to 28, 31, NEW-1).

While the helper works, the page tells how far it is and asks every two seconds; without scripts, by a link.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import Response

from clinic.cohort.outcomes import OUTCOMES
from clinic.errors import CohortRefused, MendableError, NotFound
from clinic.gateway.voice.spoken import CHARGED, unit_of
from clinic.govern.access.look import at_all
from clinic.message.asking.answering import accept, numbered
from clinic.message.asking.to_decide import ToAnswer, ToDecide, look_of, to_decide
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.credit import require_enough
from clinic.message.drafts.codes import says_of_code
from clinic.message.drafts.draft import CHECKING, READY, SENDING, Draft, ask_check
from clinic.message.drafts.work import ask_send
from clinic.message.outcomes.outcome_rows import count_rows, write_outcomes
from clinic.message.prepare.review import Preview, read_previews, review_campaign
from clinic.message.template.sensitive import notices
from clinic.message.template.typography import say_rewritten
from clinic.message.timing.estimate import starts_at
from clinic.message.timing.timing import timing_of
from desk.staff.compose.own import AT, Errors, at, changed, error, own, page, refusal, shown
from desk.web.visit import Visit

_PREVIEWS: Final = 3
# What a person may answer for, by the code of the problem
_ANSWERS: Final = {"list-refused": "override", "sent-before": "again"}


def _show(visit: Visit) -> Response:
    draft = own(visit)
    if draft.state in (CHECKING, SENDING):
        return shown(visit, "progress", draft, _doing(draft), [], **_progress(visit, draft))
    if draft.state == READY:
        return _review(visit, draft, [])
    if draft.is_sent:
        return _sent(visit, draft)
    if draft.problem:
        return _problem(visit, draft, [])
    return visit.go(at(draft))


def _problem(visit: Visit, draft: Draft, errors: Errors) -> Response:
    return shown(
        visit, "problem", draft, "There is a problem", errors, may=_ANSWERS.get(draft.problem)
    )


def _override(visit: Visit) -> Response:
    """Its owner knows that the list is right, or that it is to be sent once more, and says why."""
    draft = own(visit)
    answer = _ANSWERS.get(draft.problem)
    if answer is None:
        return visit.go(at(draft, "review"))
    reason = visit.said("reason").strip()
    if answer == "override" and len(reason) < 3:
        return _problem(visit, draft, [error("reason", "Say why it is right all the same")])
    changed(visit, {"override": reason[:500]} if answer == "override" else {"again": True})
    ask_check(visit.parts.record, visit.parts.clock, draft.id, visit.person.name)
    return visit.go(at(draft, "review"))


def _doing(draft: Draft) -> str:
    return "Sending" if draft.state == SENDING else "Checking the list"


def _progress(visit: Visit, draft: Draft) -> dict[str, object]:
    """How far it is, by the campaign's own counts; None of them is a patient's."""
    made = _campaign(visit, draft)
    rows = made.rows if made else draft.rows
    # The one counts by the numbers of rows, the heading among them
    checked, staged = (min(made.checked_rows, made.rows), made.staged_rows) if made else (0, 0)
    return {
        "made": made,
        "rows": rows,
        "checked": checked,
        "done": checked + staged,
        "of": 2 * (rows or 0),
    }


def _campaign(visit: Visit, draft: Draft) -> Campaign | None:
    if draft.campaign_id is None:
        return None
    with visit.parts.record.read() as connection:
        return get_campaign(connection, draft.campaign_id)


def _progressing(visit: Visit) -> Response:
    """The count alone; when it has come to an end, the page goes on by itself."""
    draft = own(visit)
    answer = visit.part(
        "compose/progress_part.jinja", draft=draft, at=at(draft), **_progress(visit, draft)
    )
    if draft.state not in (CHECKING, SENDING):
        answer.headers["HX-Redirect"] = at(draft, "review")
    return answer


def _review(visit: Visit, draft: Draft, errors: Errors) -> Response:
    number, parts = draft.campaign_id or 0, visit.parts
    found = to_decide(parts.record, parts.clock, parts.settings, number, previews=_PREVIEWS)
    row = visit.query.get("row", "")
    if row:
        found = replace(found, previews=_one(visit, number, row, errors))
        found = replace(found, look=look_of(parts.record, found.review, found.previews))
    visit.looked(found.look)
    review = found.review
    names = [(code, says_of_code(parts.settings, code)) for code in draft.asked.snomed_codes]
    return shown(
        visit, "review", draft, "Review and send", errors, found=found, review=review, row=row,
        outcomes=OUTCOMES, notices=notices(review.channel), charged=review.channel in CHARGED,
        unit=unit_of(review.channel), rewritten=list(say_rewritten(review.rewritten)), codes=names,
        left_out=sum(review.not_accepted.values()), stopped=_stopped(found), typed=dict(visit.form),
    )  # fmt: skip


def _one(visit: Visit, number: int, row: str, errors: Errors) -> tuple[Preview, ...]:
    """The message of one row of the list (ACX-31)."""
    if not row.isdecimal():
        errors.append(error("row", "Enter the number of a row"))
        return ()
    try:
        return tuple(read_previews(visit.parts.record, number, limit=1, row=int(row[:9])))
    except NotFound as none:
        errors.append(refusal("row", none.says))
        return ()


def _stopped(found: ToDecide) -> str:
    """Why it cannot be sent as it is; "" where a person may decide."""
    if not found.review.accepted:
        return "No patient on this list can be messaged. Nothing can be sent."
    try:
        require_enough(found.credit)
    except CohortRefused as problem:
        return problem.says
    if any(not one.may for one in found.to_answer):
        return "Something in the message cannot be accepted by anybody: change the message."
    return ""


def _send(visit: Visit) -> Response:
    """A yes to what was reviewed, with a reason for each thing that was found; again: the same yes."""
    draft = own(visit)
    if draft.state != READY:
        return visit.go(at(draft, "review"))
    if visit.said("campaign") != str(draft.campaign_id):
        return _review(
            visit, draft, [error("send", "It was changed since that review. Look at it again")]
        )
    parts, number = visit.parts, draft.campaign_id or 0
    found = to_decide(parts.record, parts.clock, parts.settings, number, previews=0)
    errors = Errors()
    if stopped := _stopped(found):
        errors.append(error("send", stopped))
    reasons = {one.code: _reason(visit, one, errors) for one in found.to_answer}
    if errors:
        return _review(visit, draft, errors)
    review = review_campaign(parts.record, number, settings=parts.settings)
    given = {code: numbered(code, review, reason) for code, reason in reasons.items()}
    try:
        accept(parts.record, parts.clock, review, given, by=visit.person.name)
        ask_send(parts.record, parts.clock, draft.id, visit.person)
    except MendableError as problem:
        return _review(visit, own(visit), [refusal("send", problem.says)])
    return visit.go(at(draft, "review"))


def _reason(visit: Visit, one: ToAnswer, errors: Errors) -> str:
    reason = visit.said(f"reason-{one.code}").strip()
    if len(reason) < 3:
        errors.append(error(f"reason-{one.code}", "Say why it is right to send this all the same"))
    if one.number is not None:
        typed = visit.said(f"number-{one.code}").replace(",", "").strip()
        if typed != str(one.number):
            errors.append(
                error(f"number-{one.code}", "Type the number of messages, if you mean it")
            )
    return reason


def _sent(visit: Visit, draft: Draft) -> Response:
    made, parts, number = _campaign(visit, draft), visit.parts, draft.campaign_id or 0
    left_out = count_rows(parts.record, number, "not_messaged")
    starts = starts_at(parts.record, number, timing_of(parts.settings), parts.clock.now())
    return shown(
        visit, "sent", draft, "Message sent", [], made=made, left_out=left_out, starts=starts
    )


def _list(visit: Visit) -> Response:
    """Download list: who gets no message, to be contacted another way (ACX-27)."""
    draft = own(visit)
    if draft.campaign_id is None:
        raise HTTPException(404)
    parts, number = visit.parts, draft.campaign_id
    visit.looked(at_all("campaign", number, count_rows(parts.record, number, "not_messaged")))
    file = io.StringIO(newline="")
    zone = ZoneInfo(parts.settings.organisation.time_zone)
    write_outcomes(parts.record, number, file, only="not_messaged", zone=zone)
    name = f"not-accepted-{number}.csv"
    return Response(
        file.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


PAGES: Final = (
    page(f"{AT}/review", "draft review", _show),
    page(f"{AT}/progress", "draft progress", _progressing),
    page(f"{AT}/override", "override checks", act=_override),
    page(f"{AT}/send", "send draft", act=_send),
    page(f"{AT}/not-accepted.csv", "draft not accepted", _list, right="export"),
)
