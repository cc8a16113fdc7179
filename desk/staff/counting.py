"""
How many text messages a text is, counted as one types (PAT-13), and what is wrong with it.

One function and one part of a page for every form with a text: `counted` counts, pages/counting.jinja has the
field. With scripts the field asks /count by itself; without, the form's own button sends `do=count`, and its
page shows the form once more with what was counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from clinic.errors import TemplateRefused
from clinic.gateway.segments import Segments, count_segments
from clinic.message.template.typography import letters_outside, plain
from clinic.message.template.unlisted import sample_message
from desk.web.page import Page
from desk.web.visit import Visit

_MOST_LETTERS: Final = 5


@dataclass(frozen=True)
class Counted:
    """
    A text as a synthetic patient would get it.

    Args:
        message: with its sample values; "" if the text cannot be sent
        segments: of it by SMS
        letters: those that make each segment a shorter one
        fault: why it cannot be sent, in a sentence; "" if it can
    """

    message: str
    segments: Segments
    letters: tuple[str, ...] = ()
    fault: str = ""


def counted(visit: Visit, text: str) -> Counted | None:
    """Count a text as it stands in the form; None: nothing was written yet."""
    text = text.replace("\r\n", "\n")  # as forms send line ends
    if not text.strip():
        return None
    organisation = visit.desk.settings().organisation
    try:
        message = sample_message(text, organisation, visit.desk.parts.clock.now())
    except TemplateRefused as refused:
        return Counted("", count_segments(""), fault=refused.says)
    if organisation.plain_typography:
        message = plain(message)
    return Counted(message, count_segments(message), letters_outside(message)[:_MOST_LETTERS])


def _count(visit: Visit) -> Response:
    return visit.part("counted.jinja", counted=counted(visit, visit.said("body")))


PAGES: Final = (Page("/count", "count", act=_count, right="send"),)
