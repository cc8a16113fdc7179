"""A list is thinned as it is taken in: what is not needed is not kept, and what is asked for is not lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from clinic.cohort.keeping import looks_delicate
from clinic.cohort.rows import get_list
from clinic.errors import ListRefused
from clinic.message.campaign.campaign import get_campaign
from clinic.message.outcomes.joined import original_of
from clinic.message.outcomes.outcome_rows import write_outcomes
from clinic.message.prepare.resend import begin_resend
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "NHS Number,Surname,Date of Birth,HbA1c,Notes,Next of kin,Clinic,SMS Consent"
ROWS = (
    f"{nhs(1)},Family,15/02/1950,HBA-SENTINEL,lives with NOTES-SENTINEL,KIN-SENTINEL,Mill Road,yes",
    f"{nhs(2)},Family,15/02/1951,48,,Ann,High Street,no",
    f"{nhs(3)},Family,15/02/1952,50,x,Bob,High Street,yes",
)


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    practice.template("Come to {{ list.Clinic }}.", key="clinic")
    return practice


@pytest.fixture
def handed_in(practice: Practice) -> Path:
    return practice.file(*ROWS, heading=HEADING)


def cells(practice: Practice) -> list[list[str]]:
    with practice.record.read() as connection:
        found = connection.scalars(sa.select(list_row.c.cells).order_by(list_row.c.row_number))
        return [orjson.loads(text) for text in found]


def kept_of(practice: Practice, list_id: int = 1) -> dict[str, object]:
    with practice.record.read() as connection:
        source = get_list(connection, list_id)
    assert source.kept is not None
    return {
        "kept": [source.columns[place] for place in source.kept.places],
        "left": {source.columns[place]: count for place, count in source.kept.left.items()},
        "asked": dict(source.kept.reasons),
    }


def written(practice: Practice, campaign_id: int = 1, file: Path | None = None) -> list[list[str]]:
    own = original_of(practice.record, campaign_id, file, scheme="generic") if file else None
    out = io.StringIO(newline="")
    write_outcomes(practice.record, campaign_id, out, original=own)
    return list(csv.reader(io.StringIO(out.getvalue().removeprefix("\ufeff"))))


def test_what_nothing_uses_is_not_kept_and_is_counted(practice: Practice, handed_in: Path) -> None:
    """NEW-39: ids, contacts, what the checks read and what the text prints; the rest leaves no cell behind."""
    outcomes = practice.judge(handed_in, template="clinic")
    assert kept_of(practice) == {
        "kept": ["NHS Number", "Surname", "Date of Birth", "Clinic", "SMS Consent"],
        "left": {"HbA1c": 3, "Notes": 2, "Next of kin": 3},
        "asked": {},
    }
    assert "SENTINEL" not in str(cells(practice))
    assert cells(practice)[0][6] == "Mill Road"
    # NEW-26: a consent that the list itself denies is read as before
    assert outcomes[3].startswith("list_says_declined")


def test_a_column_is_kept_for_a_reason(practice: Practice, handed_in: Path) -> None:
    """NEW-39: --keep COLUMN=REASON; a heading that the file does not have is refused before a row is in."""
    keep = {"hba1c": "the nurse rings by it"}
    practice.begin({"file": str(handed_in), "keep": keep}, template="clinic")
    assert kept_of(practice)["asked"] == {"HbA1c": "the nurse rings by it"}
    assert cells(practice)[0][3] == "HBA-SENTINEL"
    with pytest.raises(ListRefused, match="list-column-unknown"):
        practice.begin(
            {"file": str(handed_in), "keep": {"Shoe size": "x y z"}},
            template="clinic",
            request_key="b",
        )
    assert practice.count(cohort_list) == 1


def test_a_download_has_all_columns_by_the_senders_own_file(
    practice: Practice, handed_in: Path
) -> None:
    """NEW-6, ACX-27: before and after; kept columns alone, or all of the same file, joined row by row."""
    practice.check(practice.begin(handed_in, template="clinic"))
    thin = written(practice)
    assert thin[0][1:6] == ["NHS Number", "Surname", "Date of Birth", "Clinic", "SMS Consent"]
    assert thin[1][1:6] == [nhs(1), "Family", "15/02/1950", "Mill Road", "yes"]
    whole = written(practice, file=handed_in)
    assert whole[0][1:9] == HEADING.split(",")
    assert whole[1][1:9] == ROWS[0].split(",")
    assert [row[-3:] for row in whole] == [row[-3:] for row in thin]
    handed_in.write_text(handed_in.read_text().replace("48", "49"))
    with pytest.raises(ListRefused, match="list-another-file"):
        written(practice, file=handed_in)


def test_what_is_sent_again_is_joined_to_the_first_file(
    practice: Practice, handed_in: Path
) -> None:
    """PAT-23, NEW-39: a resend keeps no more than its first campaign, and joins the same file."""
    practice.run(handed_in, template="clinic")
    with practice.record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.row_number == 2).values(state="undelivered")
        )
    again = begin_resend(
        practice.record, practice.clock, practice.settings, 1, request_key="again", gateway="fake",
        batch_limit=100,
    )  # fmt: skip
    with practice.record.read() as connection:
        list_id = get_campaign(connection, again).list_id
    assert kept_of(practice, list_id)["left"] == {"HbA1c": 3, "Notes": 2, "Next of kin": 3}
    assert written(practice, again, handed_in)[1][1:9] == ROWS[0].split(",")


def test_a_list_taken_in_for_one_text_says_what_another_text_lacks(
    practice: Practice, handed_in: Path
) -> None:
    """NEW-39: no text has a hole because a column was not kept: the list is refused."""
    practice.begin(handed_in)  # `plain` prints no column
    with pytest.raises(ListRefused, match=r"list-column-not-kept.*Clinic"):
        practice.judge({"list_id": 1}, template="clinic", request_key="later")


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("HbA1c", "clinical"),
        ("HIV result", "clinical"),
        ("Next of kin", "clinical"),
        ("Notes", "free text"),
        ("Consultation comments", "free text"),
        ("Last seen", ""),
        ("Clinic", ""),
    ],
)
def test_what_looks_delicate_is_asked_about(heading: str, kind: str) -> None:
    """NEW-39: clinical columns and free text are kept after a second thought."""
    assert looks_delicate(heading) == kind
