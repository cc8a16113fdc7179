"""14 §2.2: a clinical message says when the practice is open, and 111 and 999; English and Welsh."""

from __future__ import annotations

import pytest

from clinic.message.words.reachable import judge_reachable
from clinic.settings import Content

SAYS = [
    "We are open 8am to 6.30pm. When closed call 111, in an emergency 999.",
    "Ring us Mon-Fri 08:00-18:30; out of hours NHS 111 or 999 if urgent",
    "Lines open between 8 and 6. Closed? 111. Emergency? 999.",
    "Reception: weekdays 8.30 - 6, else 111/999",
    "We are here from 8.00 a.m. to 6.30 p.m. When closed call 111, in an emergency 999.",
    "Mon-Fri 8 a.m. - 6 p.m., else 111 or 999",
    "Lines 8.30 A.M. until noon: 111 when closed, 999 in an emergency",
    "Reception 0800-1830, out of hours 111, emergencies 999",
    "From 0800 hrs to 1830 hrs; 111; 999",
    "Ar agor 8yb tan 6.30yh. Ffoniwch 111 pan fyddwn ar gau, neu 999 mewn argyfwng.",
    "Oriau: Llun i Gwener 8 i 6; fel arall 111, argyfwng 999",
    "Our duty team is here 24/7; (111) when we do not answer, (999) for chest pain",
]
NO_HOURS = [
    "Your appointment is at 10:30. Call 111 or 999 if worse.",
    "Take it at 8.00 a.m. with water. Call 111 or 999 if worse.",
    "Your reference is 2026-0417. Call 111 or 999 if worse.",
    "Take it for 1-2 weeks. Call 111 or 999 if worse.",
    "Please ring us in opening hours. 111 or 999 when closed.",
    "Mae eich apwyntiad am 10:30. 111 neu 999 mewn argyfwng.",
]
NO_HELP = [
    "Open 8am to 6pm. Call 0117 111 999 for help.",
    "Open 8am to 6pm, call 111 when closed.",
    "Ar agor 8yb tan 6yh; mewn argyfwng 999.",
    "Open 8am to 6pm, room 1112 or 9991.",
]


@pytest.mark.parametrize(
    ("texts", "hours", "urgent_help"), [(SAYS, 0, 0), (NO_HOURS, 6, 0), (NO_HELP, 0, 4)]
)
def test_what_a_clinical_message_lacks_is_found(
    texts: list[str], hours: int, urgent_help: int
) -> None:
    found = {
        hit.phrase.subject: [texts[place] for place in hit.places]
        for hit in judge_reachable(texts, ("clinical",), Content())
    }
    wanted = {"hours": hours, "urgent_help": urgent_help}
    assert {name: len(rows) for name, rows in found.items()} == {
        n: c for n, c in wanted.items() if c
    }, found


def test_only_the_classes_that_the_settings_name_are_asked() -> None:
    recalls = Content(hours_for=("recall",), urgent_help_for=())
    for classes, content, subjects in (
        ((), Content(), []),
        (("recall", "sensitive"), Content(), []),
        (("recall",), recalls, ["hours"]),
        (("clinical",), recalls, []),
    ):
        hits = judge_reachable(["Please call us."], classes, content)
        assert [hit.phrase.subject for hit in hits] == subjects
