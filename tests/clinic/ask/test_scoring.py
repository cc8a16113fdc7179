"""PAT-24: what is dropped, what counts, what is flagged; one missing answer means no score."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fhirkit
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.ask.answers import Taken, read_answers, take_answers
from clinic.ask.fhir import Questionnaire
from clinic.ask.file import json_value
from clinic.ask.response import response_of
from clinic.ask.scoring import Result, flag_answers, score_answers
from clinic.ask.shipped import shipped
from clinic.errors import QuestionnaireRefused
from tests.clinic.ask.forms import ask, choice, form, score, when

SHIPPED = {each.id: each for each in shipped()}
PHQ = [f"item-{n}" for n in range(1, 10)]
FREQUENCY = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
LIMITS = {"systolic": 180.0, "diastolic": 120.0}


def judged(key: str, answers: Mapping[str, Any]) -> tuple[Taken, tuple[Result, ...], list[str]]:
    """What is taken, its scores, and which items are flagged."""
    taken = take_answers(SHIPPED[key], answers)
    flags = flag_answers(SHIPPED[key], taken, LIMITS)
    return taken, score_answers(SHIPPED[key], taken), [flag.link_id for flag in flags]


def diary(days: int, **changed: int) -> dict[str, Any]:
    """130/80 on each day, and 170/100 on the first."""
    found: dict[str, Any] = {
        f"day-{day}-measured": day <= days for day in range(5, min(days, 6) + 2)
    }
    for day in range(1, days + 1):
        for part in ("morning-1", "morning-2", "evening-1", "evening-2"):
            found[f"day-{day}-{part}-systolic"] = 170 if day == 1 else 130
            found[f"day-{day}-{part}-diastolic"] = 100 if day == 1 else 80
    return found | {name.replace("_", "-"): value for name, value in changed.items()}


@pytest.mark.parametrize(
    ("weights", "total", "band", "flagged"),
    [
        ((0,) * 9, 0, "minimal", []),
        ((1, 1, 1, 1, 0, 0, 0, 0, 0), 4, "minimal", []),
        ((1, 1, 1, 1, 1, 0, 0, 0, 0), 5, "mild", []),
        ((1,) * 9, 9, "mild", ["item-9"]),
        ((2, 1, 1, 1, 1, 1, 1, 1, 1), 10, "moderate", ["item-9"]),
        ((2, 2, 2, 2, 2, 2, 2, 0, 0), 14, "moderate", []),
        ((3, 3, 3, 3, 3, 0, 0, 0, 0), 15, "moderately severe", []),
        ((3, 3, 3, 3, 3, 3, 1, 0, 1), 20, "severe", ["item-9"]),
        ((0, 0, 0, 0, 0, 0, 0, 0, 1), 1, "minimal", ["item-9"]),
        ((3,) * 9, 27, "severe", ["item-9"]),
    ],
)
def test_phq_9(weights: tuple[int, ...], total: int, band: str, flagged: list[str]) -> None:
    """PAT-24: item 9 is flagged whatever the total is."""
    answers = {key: FREQUENCY[weight] for key, weight in zip(PHQ, weights, strict=True)}
    taken, (result,), flags = judged("phq-9", answers | {"difficulty": "LA6574-3"})
    assert result.band is not None
    assert (result.value, result.band.name, flags) == (total, band, flagged)
    assert taken.problems == ()


@pytest.mark.parametrize("missing", PHQ)
def test_a_missing_answer_means_no_score_and_no_band_and_the_flag_stays(missing: str) -> None:
    answers = {key: FREQUENCY[1] for key in PHQ if key != missing}
    taken, (result,), flags = judged("phq-9", answers)
    assert (result.value, result.band, result.missing) == (None, None, (missing,))
    assert [each.link_id for each in taken.problems] == [missing]
    assert flags == ([] if missing == "item-9" else ["item-9"])


@pytest.mark.parametrize(
    ("key", "answers", "values", "bands"),
    [
        ("gad-7", {f"item-{n}": FREQUENCY[2] for n in range(1, 8)}, ["14"], ["moderate"]),
        ("gad-7", {f"item-{n}": FREQUENCY[3] for n in range(1, 8)}, ["21"], ["severe"]),
        ("mrc-breathlessness", {"grade": "391125004"}, ["4"], ["grade 4"]),
        ("height-and-weight", {"height": "172,5", "weight": "80"}, ["26.9"], [None]),
        ("height-and-weight", {"height": 172.5}, [None], [None]),
        ("height-and-weight", {}, [None], [None]),
        ("home-blood-pressure", diary(4), ["130.0", "80.0"], ["below 135", "below 85"]),
        ("home-blood-pressure", diary(7), ["130.0", "80.0"], ["below 135", "below 85"]),
        ("home-blood-pressure", diary(3), [None, None], [None, None]),
        (
            "home-blood-pressure", diary(4, **{f"day_{d}_{p}_systolic": 152 for d in (2, 3, 4) for p in (
                "morning_1", "morning_2", "evening_1", "evening_2")}),
            ["152.0", "80.0"],
            ["150 or more: range of stage 2 hypertension, with the clinic value", "below 85"],
        ),
    ],
)  # fmt: skip
def test_scores_of_what_ships(
    key: str, answers: Mapping[str, Any], values: list[str | None], bands: list[str | None]
) -> None:
    """The first day of a diary does not count; a body mass index needs both."""
    _, results, flags = judged(key, answers)
    assert [None if r.value is None else str(r.value) for r in results] == values
    assert [r.band.name if r.band else None for r in results] == bands
    assert flags == []


@pytest.mark.parametrize(
    ("changed", "flagged"),
    [
        ({"day_1_morning_1_systolic": 179}, []),
        ({"day_1_morning_1_systolic": 180}, ["day-1-morning-1-systolic"]),
        ({"day_4_evening_2_diastolic": 120}, ["day-4-evening-2-diastolic"]),
    ],
)
def test_each_reading_is_flagged_by_the_sites_limit(
    changed: dict[str, int], flagged: list[str]
) -> None:
    """On each reading, of the first day too, and not on the average."""
    assert judged("home-blood-pressure", diary(4, **changed))[2] == flagged
    taken = take_answers(SHIPPED["home-blood-pressure"], diary(4))
    lower = flag_answers(SHIPPED["home-blood-pressure"], taken, {"systolic": 165, "diastolic": 130})
    assert {flag.link_id[:5] for flag in lower} == {"day-1"}


def test_smoking_drops_what_was_answered_before_the_mind_was_changed() -> None:
    taken, _, _ = judged("smoking-status", {"status": "266919005", "a-day": "160603005"})
    assert (taken.dropped, list(taken.answers), taken.problems) == (("a-day",), ["status"], ())
    taken, _, _ = judged("smoking-status", {"status": "current"})
    assert [each.link_id for each in taken.problems] == ["a-day"]


CHAIN = form(
    ask("a"),
    choice("b", 1, 2, enableWhen=when("a", "=", answerBoolean=True)),
    {
        "linkId": "g", "type": "group",
        "enableWhen": when("b", "=", answerCoding={"system": "urn:x", "code": "b"}),
        "item": [ask("c", "integer", required=True), choice("d", 0, 5)],
    },
    ask("e", enableWhen=when("c", "exists", answerBoolean=True)),
    ask("f", enableWhen=when("c", "!=", answerInteger=3)),
    extension=[score("sum", "b", "d")],
)  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "dropped", "asked", "value"),
    [
        ({"a": True, "b": "b", "c": 3, "d": "b", "e": True}, (), "abcde", 7),
        # a is taken back: the whole chain goes, whatever is still in the form
        ({"a": False, "b": "b", "c": 3, "d": "b", "e": True}, ("b", "c", "d", "e"), "af", None),
        ({"a": True, "b": "a", "c": "junk", "d": "b"}, ("c", "d"), "abf", 1),
        ({"a": True, "b": "b", "c": 4}, (), "abcdef", None),
    ],
)
def test_what_hangs_on_a_dropped_answer_is_dropped_too(
    answers: dict[str, Any], dropped: tuple[str, ...], asked: str, value: int | None
) -> None:
    """A dropped answer has no value, is not judged and is not scored."""
    taken = take_answers(CHAIN, answers)
    assert (taken.dropped, "".join(sorted(taken.asked))) == (dropped, asked)
    assert score_answers(CHAIN, taken)[0].value == value
    assert taken.problems == ()


def any_answer() -> st.SearchStrategy[Any]:
    return st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from("abc")


@given(st.dictionaries(st.sampled_from("abcdefgz"), any_answer()))
def test_whatever_is_sent_nothing_of_what_was_switched_off_counts(answers: dict[str, Any]) -> None:
    """Never an exception; taken again without what was dropped, it comes to the same."""
    taken = take_answers(CHAIN, answers)
    assert taken.answers.keys() <= taken.asked
    assert not taken.asked & set(taken.dropped)
    again = take_answers(CHAIN, {k: v for k, v in answers.items() if k not in taken.dropped})
    assert (again.answers, again.asked, again.dropped) == (taken.answers, taken.asked, ())
    assert score_answers(CHAIN, again) == score_answers(CHAIN, taken)
    assert ("g" in taken.asked, {"c", "d"} <= taken.asked) == (
        False,
        bool(taken.asked & {"c", "d"}),
    )


@given(st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9))
def test_a_score_is_the_sum_of_all_or_there_is_none(weights: list[int | None]) -> None:
    answers = {k: FREQUENCY[w] for k, w in zip(PHQ, weights, strict=True) if w is not None}
    _, (result,), flags = judged("phq-9", answers)
    known = [weight for weight in weights if weight is not None]
    assert result.value == (sum(known) if len(known) == 9 else None)
    assert (result.band is None) == (len(known) < 9)
    assert flags == (["item-9"] if weights[8] else [])


NUMBERS = form(
    ask("n", "integer", extension=[
        {"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 1},
        {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 300},
    ]),
    ask("d", "decimal"), ask("day", "date"), ask("s", "string", maxLength=5), ask("t", "text"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "given", "taken"),
    [
        ("n", "120", 120), ("n", 120, 120), ("n", " 120 ", 120), ("n", 0, None), ("n", 301, None),
        ("n", 1.5, None), ("n", True, None), ("n", "１２０", None), ("n", "1e2", None), ("n", [1], None),
        ("d", "72,5", Decimal("72.5")), ("d", "72.5", Decimal("72.5")), ("d", Decimal("72.5"), Decimal("72.5")),
        ("d", "1,234.5", None), ("d", "1,234", None), ("d", "1.234", Decimal("1.234")), ("d", "٧٢", None),
        ("d", "NaN", None), ("d", "", ""), ("d", False, None), ("d", {"a": 1}, None),
        ("day", "2026-02-28", date(2026, 2, 28)), ("day", "2026-02-30", None), ("day", "1/2/26", None),
        ("s", " ab ", "ab"), ("s", "abcdef", None), ("s", "a\nb", None), ("s", 5, None), ("s", "a\x1b", None),
        ("t", "a\nb", "a\nb"), ("t", "x" * 4001, None), ("zz", "x", None),
    ],
)  # fmt: skip
def test_answers_are_judged_by_their_kind(key: str, given: Any, taken: Any) -> None:
    """Commas as people write them; nothing is guessed; None: refused, without the answer in the sentence."""
    found = take_answers(NUMBERS, {key: given})
    if taken is None:
        assert [each.link_id for each in found.problems] == [key]
        assert "abcdef" not in found.problems[0].says
        assert not found.answers
    else:
        assert (found.problems, found.answers) == ((), {} if taken == "" else {key: taken})


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"[" * 100_000, b"\xff", b'{"a": NaN}', b" " * 1_000_001]
)
def test_a_file_without_answers_is_refused(text: bytes) -> None:
    with pytest.raises(QuestionnaireRefused, match="answers-unreadable"):
        read_answers(text)


@pytest.mark.parametrize(
    ("questionnaire", "answers"),
    [
        (SHIPPED["phq-9"], dict.fromkeys(PHQ, FREQUENCY[1])),
        (SHIPPED["home-blood-pressure"], diary(5)),
        (CHAIN, {"a": True, "b": "a", "c": 3, "f": False}),
        (NUMBERS, {"n": 5, "d": "1,5", "day": "2026-02-28", "s": "x", "t": "a\nb"}),
    ],
)
def test_a_response_is_r4_and_holds_what_counts(
    questionnaire: Questionnaire, answers: dict[str, Any]
) -> None:
    """As a judge of R4 that is not ours has it; what was dropped is not in it."""
    taken = take_answers(questionnaire, answers)
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    written = orjson.dumps(response_of(questionnaire, 3, taken.answers, at), default=json_value)
    assert fhirkit.validate(written) == []
    found = orjson.loads(written)
    assert found["questionnaire"].endswith("|3")
    assert _link_ids(found["item"]) == list(taken.answers)


def _link_ids(items: list[dict[str, Any]]) -> list[str]:
    return [
        key
        for item in items
        for key in (_link_ids(item["item"]) if "item" in item else [item["linkId"]])
    ]
