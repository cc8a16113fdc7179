"""Tags, and one field of many patients."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.run.plan import make_plan
from clinic.errors import MendableError
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from tests.clinic.change.practice import (
    SETTINGS,
    asked,
    column,
    die,
    done,
    outcomes,
    practice,
    tags_of,
    update,
)
from tests.fakes import FakeClock


def test_tags_are_given_and_taken_away(record: Record, clock: FakeClock) -> None:
    """ALC-5."""
    practice(record)
    done(record, clock, asked(record, clock, "tag", {"add": ["a"]}, [1, 2, 3]))
    parameters = {"add": ["b"], "remove": ["a"]}
    summary = done(record, clock, asked(record, clock, "tag", parameters, [2, 3, 4]))
    assert tags_of(record) == {(1, 1), (2, 2), (3, 2), (4, 2)}
    assert (summary.selected, summary.applied) == (3, 3)
    assert column(record, "version") == {1: 2, 2: 3, 3: 3, 4: 2, 5: 1, 6: 1}


def test_an_insurance_plan_is_replaced_where_it_is_the_old_one(
    record: Record, clock: FakeClock
) -> None:
    """ALC-1: insurance updates."""
    practice(record)
    update(record, 1, insurance_plan="Old Plan")
    update(record, 2, insurance_plan="Another")
    parameters = {"field": "insurance_plan", "to": "New Plan", "was": "Old Plan"}
    operation_id = asked(record, clock, "attribute", parameters, [1, 2, 3])
    done(record, clock, operation_id)
    assert column(record, "insurance_plan")[1] == "New Plan"
    assert outcomes(record, operation_id) == {
        1: "will_change",
        2: "value_differs",
        3: "value_differs",
    }


def test_a_field_can_be_cleared(record: Record, clock: FakeClock) -> None:
    practice(record)
    update(record, 1, insurance_plan="Old Plan")
    parameters = {"field": "insurance_plan", "to": None}
    operation_id = asked(record, clock, "attribute", parameters, [1, 2])
    done(record, clock, operation_id)
    assert column(record, "insurance_plan")[1] is None
    assert outcomes(record, operation_id) == {1: "will_change", 2: "already_so"}


# Field, what is there, what it is then; None: it cannot be put right by rule
TIDY = [
    ("postcode", "ab1 2cd", "AB1 2CD"),
    ("postcode", "AB12CD", "AB1 2CD"),
    ("postcode", "ab1", None),
    ("postcode", " w1a1aa ", "W1A 1AA"),
    ("postcode", "BFPO 61", None),
    ("postcode", "UNKNOWN", None),
    ("postcode", "D02 X285", None),
    ("postcode", "ABROAD", None),
    ("postcode", "12345", None),
    ("email", " Ann@Example.ORG ", "ann@example.org"),
    ("email", "ann at example", None),
    ("email", "Ann Smith <Ann@Example.org>", None),
    ("email", "Ann@example.org; Bob@example.org", None),
    ("email", "Ann@ example.org", None),
    ("email", "Ann@example", None),
]


@pytest.mark.parametrize(("field", "before", "after"), TIDY)
def test_data_clean_up_writes_values_the_usual_way(
    record: Record, clock: FakeClock, field: str, before: str, after: str | None
) -> None:
    """ALC-1: data clean-up."""
    practice(record)
    update(record, 1, **{field: before})
    update(record, 2, **{field: {"postcode": "ab1 2cd", "email": "Ben@Example.org"}[field]})
    parameters = {"field": field, "tidy": True}
    operation_id = asked(record, clock, "attribute", parameters, [1, 2, 3, 4])
    done(record, clock, operation_id)
    assert column(record, field)[1] == (after or before)
    assert outcomes(record, operation_id)[1] == ("will_change" if after else "value_invalid")
    with record.read() as connection:
        own = operation_item.c
        planned = sa.select(own.new).where(own.operation_id == operation_id, own.patient_id == 1)
        assert connection.scalar(planned) == (after or before)  # never a value that is not written


@pytest.mark.parametrize(
    ("field", "letters"), [("postcode", "AaBEG 0123\t."), ("email", "aB@@.. ,;<>()\n\u00a0ü")]
)
def test_whatever_stands_in_a_field_nothing_of_it_is_cut_or_invented(
    record: Record, clock: FakeClock, field: str, letters: str
) -> None:
    """ALC-1: by the rule's own grammar or not at all, and again it is the same."""
    chance = random.Random(field)
    texts = {
        n: "".join(chance.choice(letters) for _ in range(chance.randint(5, 9)))
        for n in range(1, 80)
    }
    texts |= {80: " gir 0aa", 81: "e1 1aa", 82: "A.b@B.aa "}
    practice(record, len(texts))
    for number, text in texts.items():
        update(record, number, **{field: text})
    parameters = {"field": field, "tidy": True}
    first = asked(record, clock, "attribute", parameters, list(texts))
    done(record, clock, first)
    after, outcome = column(record, field), outcomes(record, first)
    for number, text in texts.items():
        packed = str.upper if field == "postcode" else str.lower
        if outcome[number] == "will_change":
            assert packed(after[number]).replace(" ", "") == packed(text).replace(" ", "")
        else:
            assert (outcome[number], after[number]) == ("value_invalid", text)
    assert "will_change" in outcome.values()
    again = asked(record, clock, "attribute", parameters, list(texts))
    make_plan(record, clock, SETTINGS, again)
    assert set(outcomes(record, again).values()) == {"already_so", "value_invalid"}


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("field-unknown", {"field": "nhs_number", "to": "1"}),
    ("value-invalid", {"field": "postcode", "to": "nowhere"}),
    ("value-invalid", {"field": "email", "to": "nobody"}),
    ("value-invalid", {"field": "insurance_plan", "to": "x" * 81}),
    ("value-missing", {"field": "title", "to": ""}),
    ("value-missing", {"field": "insurance_plan", "to": "  "}),
    ("field-not-tidied", {"field": "address", "tidy": True}),
    ("tags-none", {}),
    ("tags-both", {"add": ["a"], "remove": ["a"]}),
    ("tag-unknown", {"add": ["c"]}),
]


@pytest.mark.parametrize(("code", "parameters"), REFUSED)
def test_parameters_that_make_no_sense_are_refused(
    sqlite_record: Record, clock: FakeClock, code: str, parameters: dict[str, Any]
) -> None:
    practice(sqlite_record)
    kind = "tag" if code.startswith("tag") else "attribute"
    with pytest.raises(MendableError) as refused:
        asked(sqlite_record, clock, kind, parameters, [1])
    assert refused.value.code == code


def test_the_dead_are_left_as_they_are(record: Record, clock: FakeClock) -> None:
    practice(record)
    die(record, 1)
    operation_id = asked(record, clock, "tag", {"add": ["a"]}, [1, 2])
    done(record, clock, operation_id)
    assert outcomes(record, operation_id) == {1: "deceased", 2: "will_change"}
