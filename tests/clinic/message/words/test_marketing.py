"""NEW-40: words that look like marketing, and what only seems to; how a text says that one can stop."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from clinic.message.template.vendor_templates import TEMPLATES
from clinic.message.words.marketing import judge_marketing

SOLD = [
    ("10% off travel vaccines this week", "# percent off"),
    ("Get 15 per cent off", "# per cent off"),
    ("£5 off your next visit", "pounds # off"),
    ("Save £20 on ear wax removal", "save pounds #"),
    ("Our private clinic has new slots", "our private clinic"),
    ("Half-price teeth whitening", "half price"),
    ("Come to our fundraiser on Saturday", "fundrais"),
    ("Please donate to the new scanner", "donate"),
    ("Botox with Nurse Jones", "botox"),
    ("Complete it for a chance to win", "chance to win"),
    ("Gostyngiad o 10% ar frechiadau teithio", "gostyngiad o # percent"),
    ("Cynnig arbennig yr wythnos hon", "cynnig arbennig"),
    ("Mae'n gyfle i ennill tocyn", "cyfle i ennill"),
    ("Noson codi arian nos Wener", "codi arian"),
]
EVERYDAY = [
    "You may be able to get a Healthy Start voucher", "Collect your food bank voucher at reception",
    "Give blood: donate blood at the town hall on Monday", "Have you thought about organ donation?",
    "If you had it at a private clinic, tell us", "There is a charge of £25 for this letter",
    "If your peak flow is more than 20% below your best, call us", "Your score was 10 out of 10",
    "Our health promotion nurse is in on Tuesdays", "Bring your European Health Insurance Card",
    "Treat yourself at home with paracetamol and rest", "Order your repeat prescription before Friday",
    "Save 999 for emergencies", "A prescription prepayment certificate may save you money",
    "Join our patient participation group", "Sign up for the NHS App", "We are off on Monday 25 May",
    "The nurse deals with minor illness", "It is free for under 25s", "Win or lose, look after your heart",
    "Mae gostyngiad yn eich pwysau gwaed yn beth da", "Prynwch barasetamol a gorffwyswch",
    "Ystyriwch roi gwaed", "Cyfrannwch at eich gofal", "Ffoniwch y feddygfa os oes ots gennych",
]  # fmt: skip


@pytest.mark.parametrize(("text", "named"), SOLD)
def test_offers_paid_services_and_fundraising_are_found(text: str, named: str) -> None:
    found = judge_marketing(["Hello", text], "care")
    assert (named, [1]) in [(hit.phrase.written, hit.places.tolist()) for hit in found]
    assert {hit.phrase.subject for hit in found} == {"marketing"}


def test_what_practices_write_every_day_is_not_marketing() -> None:
    kept = files("clinic.message.words").joinpath("examples-everyday.csv").read_text("utf-8")
    texts = [
        *EVERYDAY,
        *(row["text"] for row in csv.DictReader(kept.splitlines())),
        *(template.body for template in TEMPLATES),
    ]
    assert len(texts) > 200
    for purpose in ("care", "administration", "recall", "feedback", "research"):
        found = judge_marketing(texts, purpose)
        assert [(hit.phrase.written, [texts[n] for n in hit.places]) for hit in found] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Reply STOP to opt out", True),
        ("To stop these messages call 01792 555 0100", True),
        ("Unsubscribe: https://practice.nhs.uk/stop", True),
        ("If you do not want these, tell reception", True),
        ("Atebwch STOP i beidio â derbyn rhagor", True),
        ("Os nad ydych am dderbyn y rhain, ffoniwch ni", True),
        ("10% off our stop smoking clinic", False),
        ("The bus stops outside", False),
        ("You cannot opt out of this", False),
        ("", False),
    ],
)
def test_marketing_says_how_to_stop(text: str, says: bool) -> None:
    found = judge_marketing([text], "marketing")
    assert [hit.phrase.subject for hit in found] == ([] if says else ["unstopped"])
