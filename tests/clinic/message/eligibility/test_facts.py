"""The facts by which rows are judged: every one that the rules ask for, and no guess among them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.cohort.filters import PatientFilter, filter_query
from clinic.cohort.import_list import take_in_file, take_in_query
from clinic.cohort.rows import get_list, read_rows
from clinic.message.eligibility.facts import Question, duplicates, facts_of
from clinic.record.database import Record
from clinic.record.schema.messages import recipient
from data_checks.eligibility.eligibility import screen
from data_checks.eligibility.rules import EVERY_CHANNEL
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.main_job import Practice, nhs


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    return practice


def facts(practice: Practice, list_id: int, channel: str = "sms") -> pd.DataFrame:
    question = Question(1, channel, "any", practice.clock.now().date())
    with practice.record.read() as connection:
        source = get_list(connection, list_id)
        rows = read_rows(connection, source, after=0)
        return facts_of(connection, source, rows, question=question, settings=practice.settings)


def take(practice: Practice, *rows: str, heading: str) -> int:
    return take_in_file(
        practice.record, practice.clock, practice.file(*rows, heading=heading),
        request_key="k", name="x", scheme="generic", taken_by="nia",
    )  # fmt: skip


@pytest.mark.parametrize("channel", sorted(EVERY_CHANNEL))
def test_the_facts_are_all_that_the_rules_ask_for(practice: Practice, channel: str) -> None:
    """A list, and a filter of the record: of both every row can be judged."""
    with practice.record.read() as connection:
        query = filter_query(connection, PatientFilter(status="active"))
    from_record = take_in_query(
        practice.record, practice.clock, query, source="filter", criteria={}, request_key="q",
        name="x", taken_by="nia",
    )  # fmt: skip
    from_file = take(practice, *(nhs(n) for n in (1, 2, 3)), heading="NHS Number")
    for list_id in (from_record, from_file):
        judged = facts(practice, list_id, channel).assign(
            variable_missing="", value_too_long="", date_gone_by=""
        )
        assert screen(judged, channel=channel).outcome.tolist() == ["accepted"] * 3  # type: ignore[arg-type]


def test_with_a_scheme_of_its_own_an_organisation_wants_nhs_numbers(practice: Practice) -> None:
    """ACX-25: the practice's own id is enough only where the list is generic."""
    list_id = take(practice, ",E1", heading="NHS Number,Local ID")
    assert facts(practice, list_id)["has_other_id"].tolist() == [True]
    own = practice.settings.organisation.model_copy(update={"id_scheme": "emis"})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    assert facts(practice, list_id)["has_other_id"].tolist() == [False]


def test_a_numbers_fault_has_a_kind_and_a_good_one_has_none(practice: Practice) -> None:
    own = practice.settings.organisation.model_copy(update={"address_from": "list"})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    rows = (f"{nhs(1)},020 7946 0000", f"{nhs(2)},07700900002", f"{nhs(3)},0770O900003")
    found = facts(practice, take(practice, *rows, heading="NHS Number,Mobile"))
    assert found["address_kind"].tolist() == ["landline", "", "letters"]
    assert found["address"].tolist() == ["", "+447700900002", ""]


@pytest.mark.parametrize(
    ("written", "repeats"),
    [
        ([], None),
        ([(2, 1, "accepted")], 2),
        ([(2, 1, "phone_missing")], None),
        ([(2, 1, "accepted"), (3, 1, "duplicate")], 2),
        ([(2, 2, "accepted")], None),
    ],
)
def test_a_row_repeats_an_earlier_one_only_if_that_is_messaged(
    record: Record, clock: FakeClock, written: list[tuple[int, int, str]], repeats: int | None
) -> None:
    add_patients(record, 2)
    number = add_campaign(record, clock, 0)
    with record.write() as connection:
        for row_number, patient_id, code in written:
            connection.execute(
                sa.insert(recipient).values(
                    campaign_id=number, row_number=row_number, patient_id=patient_id, outcome=code
                )
            )
        found = duplicates(connection, pd.Series([1], index=[5], dtype="Int64"), number)
    assert (None if pd.isna(found[5]) else found[5]) == repeats


def test_within_a_block_the_first_row_counts(record: Record, clock: FakeClock) -> None:
    add_patients(record, 2)
    number = add_campaign(record, clock, 0)
    patients = pd.Series([1, 2, 1, 1], index=[2, 3, 4, 5], dtype="Int64")
    with record.read() as connection:
        found = duplicates(connection, patients, number)
    assert found.dropna().to_dict() == {4: 2, 5: 2}
