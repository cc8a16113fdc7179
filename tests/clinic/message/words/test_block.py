"""NEW-25: what is looked for in the texts of a block is found wherever each list by itself would find it."""

from __future__ import annotations

import csv
from importlib.resources import files

import pyarrow as pa
import pytest

from clinic.message.words.block import judge_texts
from clinic.message.words.judging import Hit, judge
from clinic.message.words.marketing import judge_marketing
from clinic.message.words.phrases import word_list
from clinic.message.words.trust import judge_trust
from clinic.settings import Content

OWN = (
    "Read more: https://bit.ly/abc", "See WWW.Example.org/x", "your-surgery.example.com\u200bnow",
    "Go to clinic.wales/jabs", "Only \uffe110 today", "20\uff05 off for you", "Reply YES to confirm",
    "Atebwch IE i gadarnhau", "We raise \u00a3500 for the hospice", "Please call us.", "",
)  # fmt: skip


def examples() -> list[str]:
    everyday = files("clinic.message.words").joinpath("examples-everyday.csv").read_text("utf-8")
    return [*OWN, *(row["text"] for row in csv.DictReader(everyday.splitlines()))]


def found(hits: list[Hit]) -> dict[str, set[int]]:
    by_phrase: dict[str, set[int]] = {}
    for hit in hits:
        name = f"{hit.phrase.subject} {hit.phrase.written}"
        by_phrase.setdefault(name, set()).update(hit.places.tolist())
    return by_phrase


@pytest.mark.parametrize("purpose", ["direct_care", "marketing"])
@pytest.mark.parametrize("shown", ["sender", "text"])
def test_no_list_finds_what_the_block_does_not(purpose: str, shown: str) -> None:
    texts, content = examples(), Content.model_validate({"name_shown": shown})
    name = "Elm Tree Surgery"
    alone = [
        *judge(texts, word_list(content)),
        *judge_trust(texts, "", content, name=name, replies_read=False),
        *judge_marketing(texts, purpose),
    ]
    block = judge_texts(
        pa.array(texts), "", content, name=name, purpose=purpose, replies_read=False
    )
    assert found(block) == found(alone)
    assert {"shortener", "domain", "reply"} <= {one.split()[0] for one in found(block)}
