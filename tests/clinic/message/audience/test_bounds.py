"""Whom a template is for: what may be typed, what it means on a day, and that a version keeps it (NEW-28)."""

from __future__ import annotations

from datetime import date

import pytest

from clinic.errors import NotAllowed, TemplateRefused
from clinic.message.audience.bounds import Coded, age_range, read_age, read_coded
from clinic.message.audience.classes import classes_in
from clinic.message.template.catalogue import (
    NewTemplate,
    add_own_text,
    add_template,
    get_versions,
    seed_catalogue,
)
from clinic.message.template.next_version import ForWhom, Typed, next_audience, next_template
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from tests.fakes import FakeClock

TODAY = date(2028, 2, 29)


@pytest.mark.parametrize(
    ("typed", "since", "says"),
    [
        ("86198006/6m", date(2027, 8, 29), "86198006 in the last 6 months"),
        ("86198006/1y", date(2027, 2, 28), "86198006 in the last 1 year"),
        ("A1,B2/90d", date(2027, 12, 1), "A1, B2 in the last 90 days"),
        ("flu-vaccination/09-01", date(2027, 9, 1), "a flu vaccination since 1 September"),
        ("flu-vaccination/02-28", date(2028, 2, 28), "a flu vaccination since 28 February"),
        (" 65d.. / EVER ", None, "65d.."),
    ],
)
def test_a_code_counts_from_the_day_that_its_time_means(
    typed: str, since: date | None, says: str
) -> None:
    """NEW-28: not if coded since."""
    coded = read_coded(typed)
    assert (coded.since(TODAY), coded.says()) == (since, says)
    assert read_coded(coded.written()) == coded


@pytest.mark.parametrize(
    "typed",
    [
        "86198006",
        "/6m",
        "86198006/0m",
        "86198006/6w",
        "flue/6m",
        "1/02-29",
        "1/13-01",
        "1/",
        "1/3000y",
        "1/9999m",
        "1/131y",
    ],
)
def test_what_is_no_code_with_its_time_is_refused(typed: str) -> None:
    with pytest.raises(TemplateRefused, match="template-bounds"):
        read_coded(typed)


def test_a_longest_time_is_counted_and_so_is_one_that_was_kept_before_there_was_one() -> None:
    """NEW-28: a version is never changed; whoever it is for is not lost to a slip in it."""
    assert read_coded("1/130y").since(TODAY) == date(1898, 2, 28)
    assert Coded(("1",), "3000y").since(TODAY) == date.min


@pytest.mark.parametrize(
    ("typed", "ages"),
    [
        ("24-64", (24, 64)),
        ("65+", (65, None)),
        ("0 - 4", (0, 4)),
        ("40", (40, 40)),
        ("any", (None, None)),
    ],
)
def test_ages_are_whole_years(typed: str, ages: tuple[int | None, int | None]) -> None:
    assert read_age(typed) == ages
    if ages[0] is not None:
        assert read_age(age_range(*ages)) == ages


@pytest.mark.parametrize("typed", ["64-24", "-5", "24-", "18-999", "adults", "2½", ""])
def test_what_is_no_range_of_ages_is_refused(typed: str) -> None:
    with pytest.raises(TemplateRefused, match="template-bounds"):
        read_age(typed)


def test_classes_are_several_and_general_is_none() -> None:
    assert classes_in(["recall", " Sensitive", "recall"]) == ("sensitive", "recall")
    assert classes_in(["general"]) == ()
    with pytest.raises(TemplateRefused, match="template-class"):
        classes_in(["recalls"])


def test_whom_it_is_for_is_a_version_as_its_text_is(record: Record, clock: FakeClock) -> None:
    """NEW-28: versioned like text; what is left out stays; the same again is the same version."""
    add_template(record, clock, NewTemplate("baby", "Baby clinic", "invitation", "Come."), by="nia")
    said = ForWhom(
        ("sensitive",),
        "female",
        "16-55",
        exclude_codes=("loss-of-a-baby/2y",),
        exclude_groups=("B1",),
    )
    again = [
        add_template(record, clock, next_audience(record, "baby", said), by="nia") for _ in "ab"
    ]
    assert again == [2, 2]
    add_template(record, clock, next_template(record, "baby", Typed(text="Come soon.")), by="nia")
    only = ForWhom(age="any", exclude_groups=("none",))
    add_template(record, clock, next_audience(record, "baby", only), by="nia")
    said_of = [(one.body, one.audience.says()) for one in get_versions(record, "baby")]
    loss = "never for patients with a code of the loss of a baby or the end of a pregnancy in the last 2 years"
    whole = f"sensitive; female patients; aged 16-55; {loss}; never for members of the group B1"
    assert said_of == [
        ("Come soon.", f"sensitive; female patients; {loss}"),
        ("Come soon.", whole),
        ("Come.", whole),
        ("Come.", "general; for everybody"),
    ]


def test_a_practice_says_whom_the_vendors_template_is_for_and_seeding_leaves_it(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """COM-3: its text stays locked."""
    seed_catalogue(sqlite_record, clock, TEMPLATES)
    wider = next_audience(sqlite_record, "smear-recall", ForWhom(age="25-70"))
    assert add_template(sqlite_record, clock, wider, by="nia") == 2
    seed_catalogue(sqlite_record, clock, TEMPLATES)
    newest = get_versions(sqlite_record, "smear-recall")[0]
    assert newest.version == 2
    bounds = newest.audience.bounds
    assert (bounds.sex, bounds.age_from, bounds.age_to) == ("female", 25, 70)
    text = next_template(sqlite_record, "smear-recall", Typed(text="Come now."))
    with pytest.raises(NotAllowed, match="template-locked"):
        add_template(sqlite_record, clock, text, by="nia")


LOSS = "loss-of-a-baby/1y"


@pytest.mark.parametrize(
    ("text", "spared"),
    [
        ("Come to our antenatal clinic.", LOSS),
        ("Your baby's first vaccination is due.", LOSS),
        ("Mae eich apwyntiad gyda'r fydwraig.", LOSS),
        ("Your flu vaccination is due.", ""),
        ("Please tell us your date of birth.", ""),
    ],
)
def test_a_text_about_babies_spares_who_lost_one_until_a_person_says_otherwise(
    sqlite_record: Record, clock: FakeClock, text: str, spared: str
) -> None:
    """Safety 25: a template and free text alike; who took it away is not asked again."""

    def spares(key: str) -> str:
        bounds = get_versions(sqlite_record, key)[0].audience.bounds
        return ", ".join(one.written() for one in bounds.exclude_codes)

    own = add_own_text(sqlite_record, clock, text, by="nia", purpose="care")
    first = next_template(sqlite_record, "new", Typed(text=text, purpose="care"))
    add_template(sqlite_record, clock, first, by="nia")
    assert (spares(own), spares("new")) == (spared, spared)
    without = next_audience(sqlite_record, "new", ForWhom(exclude_codes=("none",)))
    add_template(sqlite_record, clock, without, by="nia")
    later = next_template(sqlite_record, "new", Typed(text=f"{text} Please ring."))
    add_template(sqlite_record, clock, later, by="nia")
    assert spares("new") == ""
    other = next_template(sqlite_record, "new", Typed(text="Newborn checks are on Monday."))
    assert [one.written() for one in other.audience.bounds.exclude_codes] == (
        [] if spared else [LOSS]
    )
