"""Which SNOMED CT code is saved with the message, found by a word (PAT-15); none is needed."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from clinic.errors import MendableError
from clinic.message.drafts.codes import find_codes, says_of_code
from clinic.message.drafts.draft import Draft
from clinic.values.snomed import check_snomed_codes
from desk.staff.compose.own import AT, Errors, at, changed, own, page, refusal, shown
from desk.web.visit import Visit

_MOST: Final = 5


def _show(visit: Visit) -> Response:
    return _page(visit, own(visit), [])


def _page(visit: Visit, draft: Draft, errors: Errors, typed: str = "") -> Response:
    settings = visit.parts.settings
    words = visit.query.get("q", "")[:80]
    found = find_codes(visit.parts.record, settings, words)
    chosen = [(code, says_of_code(settings, code)) for code in draft.asked.snomed_codes]
    return shown(
        visit,
        "code",
        draft,
        "SNOMED code to save",
        errors,
        q=words,
        found=found,
        chosen=chosen,
        typed=typed,
    )


def _choose(visit: Visit) -> Response:
    """One is added, or taken off; what is chosen stands in the address of nothing."""
    draft = own(visit)
    codes = list(draft.asked.snomed_codes)
    if off := visit.said("remove"):
        changed(visit, {"snomed_codes": [code for code in codes if code != off]})
        return visit.go(at(draft, "code"))
    typed = visit.said("code").strip()
    try:
        (code,) = check_snomed_codes([typed])
    except MendableError as problem:
        return _page(visit, draft, [refusal("code", problem.says)], typed)
    if code not in codes and len(codes) >= _MOST:
        return _page(visit, draft, [refusal("code", f"{_MOST} codes at most are saved")], typed)
    changed(visit, {"snomed_codes": [*codes, *([] if code in codes else [code])]})
    return visit.go(at(draft, "code"))


PAGES: Final = (page(f"{AT}/code", "draft code", _show, _choose),)
