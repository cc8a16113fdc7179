"""NEW-25: what patients should not read is found, everyday texts are not, in both languages."""

from __future__ import annotations

import csv
from importlib.resources import files

import pyarrow as pa
import pytest

from clinic.errors import CohortRefused
from clinic.message.words.block import judge_texts
from clinic.message.words.classes import CLASSES
from clinic.message.words.judging import judge
from clinic.message.words.phrases import word_list
from clinic.settings import Content

WORDS = word_list(Content())
DATA = files("clinic.message.words")


def examples(name: str) -> list[dict[str, str]]:
    with DATA.joinpath(f"examples-{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def subjects(text: str, content: Content | None = None) -> set[str]:
    return {hit.phrase.subject for hit in judge([text], word_list(content or Content()))}


@pytest.mark.parametrize("language", ["en", "cy"])
def test_95_of_100_that_must_be_found_are_found_in_their_class(language: str) -> None:
    """NEW-25: over 200 in all, at least 50 in each language."""
    rows = examples("caught")
    own = [row for row in rows if row["language"] == language]
    found: dict[int, set[str]] = {}
    for hit in judge([row["text"] for row in own], WORDS):
        for place in hit.places.tolist():
            found.setdefault(place, set()).add(hit.phrase.subject)
    missed = [
        row["text"] for place, row in enumerate(own) if row["class"] not in found.get(place, set())
    ]
    assert len(rows) >= 200
    assert len(own) >= 50
    assert len(missed) <= 0.05 * len(own), missed


@pytest.mark.parametrize("language", ["en", "cy"])
def test_at_most_2_of_100_everyday_texts_raise_an_alarm(language: str) -> None:
    """NEW-25: a warning that always comes is not read."""
    rows = examples("everyday")
    own = [row["text"] for row in rows if row["language"] == language]
    alarms = {place for hit in judge(own, WORDS) for place in hit.places.tolist()}
    assert len(rows) >= 200
    assert len(own) >= 50
    assert len(alarms) <= 0.02 * len(own), [own[place] for place in alarms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELF\u00adHARM? self -- harm", {"mental_health"}),
        ("Your ch\u0301emo\u200btherapy starts", {"bad_news"}),
        ("Eich nghanser", {"bad_news"}),
        ("BP: 170 / 99", {"results"}),
        ("We are closed as a result of the storm", set()),
        ("grapes and spinach for therapists", set()),
        ("", set()),
    ],
)
def test_it_is_found_however_it_is_written(text: str, expected: set[str]) -> None:
    """NEW-25: accents, capitals, invisible characters and punctuation hide nothing; parts of words are none."""
    assert subjects(text) == expected


def test_a_site_adds_phrases_and_says_what_is_harmless_there() -> None:
    """NEW-25: by settings; a class that there is not is refused."""
    text = "Mole clinic with the smear nurse"
    own = Content(add={"bad_news": ["mole clinic"]}, harmless=["smear nurse"])
    assert subjects(text) == {"sexual_reproductive"}
    assert subjects(text, own) == {"bad_news"}
    with pytest.raises(CohortRefused, match="bad_newz"):
        word_list(Content(add={"bad_newz": ["mole"]}))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("рак", "У вас рак."),
        ("рак*", "Раковый корпус"),
        ("łuszczyca", "Łuszczyca boli"),
        ("złość", "To jest złość!"),
        ("سرطان", "لديك سرطان"),
        ("癌症", "您有癌症。"),
        ("ßpät", "so ßpat"),
        ("blood-borne", "blood borne"),
        ("blood borne", "blood\u2011borne"),
        ("o'connor unit", "the O\u2019Connor Unit"),
        ("GUM/HSH", "gum hsh"),
        ("(u+e)", "your U+E today"),
        ("60%", "about 60% of it"),
        ("c++", "C++ it is"),
        ("#%", "42% of it"),
        ("£#", "you owe £42"),
        ("egfr #-#", "eGFR 30-45"),
    ],
)
def test_what_a_site_adds_is_found_whatever_it_is_written_with(phrase: str, text: str) -> None:
    """NEW-25: other alphabets, signs and punctuation too; a phrase that is never found says nothing of it."""
    own = Content(add={"shorthand": [phrase]})
    block = judge_texts(
        pa.array(["Nothing.", text]), "", own, name="x", purpose="direct_care", replies_read=True
    )
    assert [(hit.phrase.subject, hit.places.tolist()) for hit in block] == [("shorthand", [1])]


def test_of_a_longer_word_nothing_is_taken_out_for_a_shorter_harmless_one() -> None:
    """NEW-25: a word of another alphabet has edges there too."""
    own = Content(add={"shorthand": ["рак"]}, harmless=["рака", "барак"])
    found = {
        text: subjects(text, own) for text in ("Барак", "рака.", "раками", "рак, барак", "рак")
    }
    assert [text for text, which in found.items() if which] == ["раками", "рак, барак", "рак"]


def test_signs_of_a_site_are_found_among_many_phrases() -> None:
    """NEW-25: a phrase is taken out by itself where a text has more of them than are looked for in turn."""
    own = Content(add={"shorthand": ["60%", "c++", "рак"]})
    text = "60% hospice suicide abortion chlamydia metastases HIV рак C++"
    assert [hit.phrase.written for hit in judge([text], word_list(own))][-3:] == [
        "60%",
        "c++",
        "рак",
    ]


def test_each_text_that_has_a_phrase_is_named_and_no_other() -> None:
    """NEW-25: the rows of a hit are right where texts differ and say several things."""
    texts = ["hiv and smear", None, "nothing", "smear", "hospice, hiv", "rehab detox hiv smear ivf"]
    found = {hit.phrase.written: hit.places.tolist() for hit in judge(texts, WORDS)}
    assert found == {
        "hiv": [0, 4, 5], "smear": [0, 3, 5], "hospice": [4], "rehab": [5], "detox": [5], "ivf": [5],
    }  # fmt: skip


def test_many_different_phrases_are_all_found() -> None:
    """NEW-25: a list whose cells say a different thing each, more of them than are looked for one by one."""
    phrases = [
        "hiv",
        "smear",
        "hospice",
        "rehab",
        "detox",
        "ivf",
        "camhs",
        "psa",
        "marac",
        "methadone",
    ]
    found = {hit.phrase.written: hit.places.tolist() for hit in judge(phrases, WORDS)}
    assert found == {phrase: [place] for place, phrase in enumerate(phrases)}


def test_the_classes_have_their_names_in_code_too() -> None:
    """NEW-25: each class can be accepted by its code."""
    assert set(WORDS.about) == set(CLASSES)
    assert WORDS.two_persons == {"bad_news", "end_of_life", "safeguarding"}
