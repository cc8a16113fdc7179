"""PAT-11: what is read is R4 that we know whole; all else is refused with its item, and nothing is ignored."""

from __future__ import annotations

import json
from typing import Any

import fhirkit
import pytest

from clinic.ask.extensions import weights_of
from clinic.ask.file import digest_of, read_questionnaire, write_questionnaire
from clinic.ask.items import questions
from clinic.ask.shipped import shipped
from clinic.errors import QuestionnaireRefused
from tests.clinic.ask.forms import ORDINAL, ask, choice, form, option, raw, score, when

HL7 = "http://hl7.org/fhir/StructureDefinition/"
LEAST = {"url": f"{HL7}minValue", "valueInteger": 9}
WORDS = {"url": f"{HL7}minValue", "valueString": "9"}
MOST = {"url": f"{HL7}maxValue", "valueInteger": 1}


def group(key: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"linkId": key, "type": "group", "item": list(items), **more}


BAND = score("sum", "q")
BAND["extension"].append({"url": "band", "extension": [{"url": "name", "valueString": "low"}]})
EXISTS = when("q", "exists", answerBoolean=True)
STRANGE = {"system": "urn:x", "code": "z"}
DEEP = group("1", group("2", group("3", group("4", group("5", ask("q"))))))
DANGER = {"url": "urn:cohort:danger", "extension": [{"url": "from", "valueDecimal": 1}]}
LIMIT = {
    "url": "urn:cohort:danger",
    "extension": [{"url": "limit", "valueCode": "pulse"}, {"url": "says", "valueString": "Call."}],
}


@pytest.mark.parametrize(
    ("items", "more", "says"),
    [
        ([ask("q", initial=[{"valueBoolean": True}])], {}, "item q: initial: is not known here"),
        ([ask("q", repeats=True)], {}, "item q: repeats: is not known here"),
        ([ask("q", "open-choice")], {}, "item q: type"),
        ([ask("q", required="true")], {}, "item q: required"),
        ([ask("a b")], {}, "item a b: linkId"),
        ([ask("q")], {"contained": []}, "contained: is not known here"),
        ([ask("q")], {"copyright": " "}, "copyright"),
        ([ask("q")], {"id": "Capital"}, "id"),
        ([], {}, "item"),
        ([ask("q"), ask("q")], {}, "item q: its linkId is there 2 times"),
        ([ask("q"), group("g", ask("q"))], {}, "item q: its linkId is there 2 times"),
        ([DEEP], {}, "more than 4 deep"),
        ([ask(f"q{n}") for n in range(201)], {}, "201 items: 200 are the most"),
        ([group("g")], {}, "item g: a group without items"),
        ([ask("q", item=[ask("r")])], {}, "item q: only a group has items"),
        ([{"linkId": "q", "type": "boolean"}], {}, "item q: it has no text"),
        ([ask("q", "display", required=True)], {}, "item q: nobody answers it"),
        ([ask("q", "choice")], {}, "item q: a choice, and nothing else, has answerOption"),
        ([ask("q", answerOption=[option("a")])], {}, "item q: a choice, and nothing else"),
        ([ask("q", "integer", maxLength=3)], {}, "item q: maxLength"),
        ([ask("q", "integer", extension=[LEAST, MOST])], {}, "item q: minValue is more than"),
        ([ask("q", extension=[LEAST])], {}, "item q: minValue and maxValue are of numbers"),
        ([ask("q", "choice", answerOption=[option("a"), option("a")])], {}, "have one code"),
        ([choice("q", 0, None)], {}, "item q: some of its answers have a weight"),
        ([ask("q", extension=[{"url": f"{HL7}hidden"}])], {}, "not known here: http"),
        ([ask("q", enableWhen=when("r", "=", answerBoolean=True))], {}, "there is no such item"),
        ([ask("q", enableWhen=when("q", "=", answerBoolean=True))], {}, "does not come before"),
        ([ask("q", enableWhen=when("r", "=", answerBoolean=True)), ask("r")], {}, "move it up"),
        ([ask("q", "display"), ask("r", enableWhen=EXISTS)], {}, "nobody answers"),
        ([ask("q"), ask("r", enableWhen=when("q", "="))], {}, "one answer to compare"),
        ([ask("q"), ask("r", enableWhen=when("q", "=", answerString="yes"))], {}, "a boolean is not compared"),
        ([ask("q"), ask("r", enableWhen=when("q", ">", answerBoolean=True))], {}, "neither more nor less"),
        ([ask("q"), ask("r", enableWhen=when("q", "exists", answerString="x"))], {}, "goes with answerBoolean"),
        (
            [choice("q", 0), ask("r", enableWhen=when("q", "=", answerCoding=STRANGE))],
            {}, "none of that question's answers",
        ),
        (
            [ask("q"), ask("r", enableWhen=when("q", "=", answerBoolean=True) * 2)],
            {}, "several conditions: say enableBehavior",
        ),
        ([ask("q", extension=[DANGER])], {}, "does not say what to do now"),
        ([ask("q", "integer", extension=[LIMIT])], {}, "limit is one of systolic, diastolic"),
        ([ask("q", "integer", extension=[WORDS])], {}, "without one valueD"),
        ([ask("q", "integer", extension=[LEAST, LEAST])], {}, "minValue 2 times: leave one"),
        ([ask("q", extension=[{"url": "urn:cohort:danger", "valueInteger": 1}])], {}, "without parts"),
        ([choice("q", 0)], {"extension": [BAND]}, "a band has no name, or no from"),
        ([ask("q")], {"extension": [score("sum", "z")]}, "score Total: there is no question z"),
        ([ask("q")], {"extension": [score("sum", "q")]}, "q is neither a number nor"),
        ([choice("q", 0)], {"extension": [score("median", "q")]}, "its method is one of"),
        ([choice("q", 0)], {"extension": [score("bmi", "q")]}, "bmi is of two items"),
        ([choice("q", 0)], {"extension": [score("sum", "q", "q")]}, "each once"),
        ([choice("q", 0)], {"extension": [score("sum", "q", bands=((5, "b"), (5, "c")))]}, "do not ascend"),
    ],
)  # fmt: skip
def test_what_is_not_known_or_does_not_hold_together_is_refused(
    items: list[dict[str, Any]], more: dict[str, Any], says: str
) -> None:
    """PAT-11: each with the item, what is wrong and what to do."""
    with pytest.raises(QuestionnaireRefused) as refused:
        form(*items, **more)
    assert refused.value.code == "questionnaire-unfit"
    assert says in refused.value.says


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b" " * 1_000_001, b'{"id": "a", "id": "b"}',
        b'{"a": "\\ud800"}', b'{"a": 1' + b"0" * 400 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """Never with a traceback, whatever the file is."""
    with pytest.raises(QuestionnaireRefused, match="questionnaire-unreadable"):
        read_questionnaire(text)


@pytest.mark.parametrize("text", [b"[]", b"null", b'"x"', b"{}", b'{"resourceType": "Patient"}'])
def test_json_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(QuestionnaireRefused, match="questionnaire-unfit"):
        read_questionnaire(text)


@pytest.mark.parametrize("name", ["ordinalValue", "questionnaire-ordinalValue", "itemWeight"])
@pytest.mark.parametrize("on_coding", [False, True])
def test_weights_of_other_versions_are_read_and_written_as_r4(name: str, on_coding: bool) -> None:
    """Beside the answer or on its coding: one number."""
    answer = option("a")
    holder = answer["valueCoding"] if on_coding else answer
    holder["extension"] = [{"url": HL7 + name, "valueDecimal": 2.5}]
    found = form(ask("q", "choice", answerOption=[answer]))
    written = json.loads(write_questionnaire(found))["item"][0]["answerOption"][0]
    assert written == option("a", 2.5)


def test_two_weights_of_one_answer_are_refused_unless_they_are_equal() -> None:
    answer = option("a", 1)
    answer["valueCoding"]["extension"] = [{"url": HL7 + "itemWeight", "valueDecimal": 1}]
    found = questions(form(ask("q", "choice", answerOption=[answer])))["q"].answer_option[0]
    assert len(weights_of(found)) == 1
    answer["valueCoding"]["extension"][0]["valueDecimal"] = 2
    with pytest.raises(QuestionnaireRefused, match="two different weights"):
        form(ask("q", "choice", answerOption=[answer]))


def test_a_digest_is_of_what_is_said_and_not_of_the_file() -> None:
    plain = raw(choice("q", 0, 1))
    one = read_questionnaire(json.dumps(plain, indent=9).encode())
    other = read_questionnaire(json.dumps(dict(reversed(plain.items()))).encode())
    assert digest_of(one) == digest_of(other)
    assert digest_of(one) != digest_of(form(choice("q", 0, 2)))
    assert ORDINAL in write_questionnaire(one).decode()


def test_what_ships_is_r4_with_its_licence_and_written_as_it_stands() -> None:
    """A judge of R4 that is not ours finds nothing; what is written is read as the same."""
    found = {each.id: each for each in shipped()}
    assert sorted(found) == [
        "gad-7", "height-and-weight", "home-blood-pressure", "mrc-breathlessness", "phq-9", "smoking-status",
    ]  # fmt: skip
    for each in found.values():
        written = write_questionnaire(each)
        assert fhirkit.validate(written) == []
        assert digest_of(read_questionnaire(written)) == digest_of(each)
        assert any(word in each.copyright for word in ("Pfizer", "Medical Research Council", "Own"))
