"""ARC-11, NEW-14: who opted out in another system is not messaged; a consent lifts only what is older."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import ListRefused
from clinic.imports.kind import Kind
from clinic.imports.kinds import KINDS, open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.imports.undo.undo import undo_import
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import consent
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

LONDON = "Europe/London"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(9)
    return made


def run(practice: Practice, heading: str, *rows: str, **more: Any) -> Imported:
    path = practice.file(*rows, heading=heading, name="consents.csv")
    options = Options(zone=LONDON, by="nia", **more)
    file = open_file("consents", path, options.how)
    return run_import(practice.record, practice.clock, "consents", file, options)


def noted(practice: Practice) -> list[tuple[int, str, str, str]]:
    c = consent.c
    query = sa.select(c.patient_id, c.channel, c.purpose, c.decision).order_by(c.id)
    with practice.record.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def reached(practice: Practice, *, channel: str = "sms", key: str = "x") -> list[int]:
    """Whom a campaign to all of them accepts; patients' numbers."""
    file = practice.everybody(9, name=f"{key}.csv")
    outcomes = practice.judge(file, channel=channel, request_key=key, list_name=key)
    return [row - 1 for row, outcome in outcomes.items() if outcome.startswith("accepted")]


def test_who_opted_out_elsewhere_gets_no_message_of_that_channel(practice: Practice) -> None:
    result = run(
        practice, "NHS Number,Decision,Channel,Date",
        f"{nhs(1)},Opted out,SMS,01/02/2026",
        f"{nhs(2)},Declined,E-mail,13/02/2026",
        f"{nhs(3)},opted-out,all,14 Feb 2026",
        f"{nhs(4)},Consented,SMS,2026-02-14",
    )  # fmt: skip
    assert result.counts == {"noted": 4}
    assert result.also == {"opt_out": 3, "opt_in": 1}
    assert reached(practice) == [2, 4, 5, 6, 7, 8, 9]
    assert reached(practice, channel="email", key="y") == [1, 4, 5, 6, 7, 8, 9]


def test_the_latest_decision_counts_and_of_one_day_the_opt_out(practice: Practice) -> None:
    run(
        practice, "NHS Number,Decision,Channel,Date",
        f"{nhs(1)},yes,sms,2026-02-10", f"{nhs(1)},no,sms,2026-02-09",
        f"{nhs(2)},no,sms,2026-02-10", f"{nhs(2)},yes,sms,2026-02-09",
        f"{nhs(3)},no,sms,2026-02-10", f"{nhs(3)},yes,sms,2026-02-10",
        f"{nhs(4)},no,sms,2026-02-10 09:00:00", f"{nhs(4)},yes,sms,2026-02-10 16:30",
    )  # fmt: skip
    assert reached(practice) == [1, 4, 5, 6, 7, 8, 9]


def test_a_consent_lifts_only_what_is_older_than_it(practice: Practice) -> None:
    """An opt-out that was told on the telephone on 20 February stands against a consent of January."""
    practice.decides(1, "opt_out", days_ago=10)
    practice.decides(2, "opt_out", days_ago=40)
    run(
        practice, "NHS Number,SMS Consent,Date",
        f"{nhs(1)},Yes,31/01/2026", f"{nhs(2)},Yes,31/01/2026",
    )  # fmt: skip
    assert reached(practice) == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("Opted out,pigeon post,care,2026-02-01", "widened"),
        ("Opted out,sms,something of theirs,2026-02-01", "widened"),
        ("Opted out,sms,care,31/02/2026", "widened"),
        ("Opted out,sms,care,2031-01-01", "widened"),  # a day to come
        ("Opted out,sms,care,", "noted"),
    ],
)
def test_an_opt_out_wins_on_doubt(practice: Practice, row: str, outcome: str) -> None:
    """What is not understood of it counts for all; none is lost."""
    practice.template("Your medicines are ready.", key="care")
    result = run(practice, "NHS Number,Decision,Channel,Purpose,Date", f"{nhs(1)},{row}")
    assert result.counts == {outcome: 1}
    (one,) = noted(practice)
    assert one[3] == "opt_out"
    assert one[1] in ("sms", "any")
    assert one[2] in ("care", "any")


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("Consented,sms,,", "consent_undated"),
        ("Consented,sms,,31/02/2026", "consent_unclear"),
        ("Consented,pigeon post,,2026-02-01", "consent_unclear"),
        ("Consented,sms,something of theirs,2026-02-01", "consent_unclear"),
        ("perhaps,sms,,2026-02-01", "decision_unclear"),
        (",sms,,2026-02-01", "decision_missing"),
    ],
)
def test_what_is_not_understood_lifts_nothing(practice: Practice, row: str, outcome: str) -> None:
    practice.decides(1, "opt_out", days_ago=400)
    result = run(practice, "NHS Number,Decision,Channel,Purpose,Date", f"{nhs(1)},{row}")
    assert result.counts == {outcome: 1}
    assert [one[3] for one in noted(practice)] == ["opt_out"]


def test_consent_codes_count_and_codes_of_anything_else_say_nothing(practice: Practice) -> None:
    result = run(
        practice, "NHS Number,Code,Date",
        f"{nhs(1)},513631000000106,2026-02-01", f"{nhs(2)},9ndQ..,2026-02-01",
        f"{nhs(3)},699237001,2026-02-01", f"{nhs(4)},38341003,2026-02-01",
    )  # fmt: skip
    assert result.counts == {"noted": 3, "decision_missing": 1}
    assert noted(practice) == [
        (1, "sms", "any", "opt_out"), (2, "sms", "any", "opt_out"), (3, "sms", "any", "opt_in"),
    ]  # fmt: skip


def test_a_column_a_channel_is_read_as_it_is_headed(practice: Practice) -> None:
    result = run(
        practice, "NHS Number,SMS Declined,Email Consent,Do Not Call",
        f"{nhs(1)},Y,N,", f"{nhs(2)},No,,yes", f"{nhs(3)},,,", f"{nhs(4)},maybe,,",
    )  # fmt: skip
    assert result.counts == {"noted": 2, "decision_missing": 1, "decision_unclear": 1}
    assert set(noted(practice)) == {
        (1, "sms", "any", "opt_out"), (1, "email", "any", "opt_out"), (2, "voice", "any", "opt_out"),
    }  # fmt: skip


def test_a_row_of_which_one_column_is_not_understood_is_listed(practice: Practice) -> None:
    heading, row = "NHS Number,SMS Consent,Email Consent,Date", f"{nhs(1)},Perhaps,yes,2026-02-01"
    for outcome in ("partly_noted", "decision_unclear"):
        result = run(practice, heading, row)
        assert (result.counts, result.problems) == ({outcome: 1}, [(2, outcome)])
    assert noted(practice) == [(1, "email", "any", "opt_in")]


def test_the_same_file_again_changes_nothing_and_what_was_said_meanwhile_counts(
    practice: Practice,
) -> None:
    rows = (
        f"{nhs(1)},Opted out,",
        f"{nhs(2)},Opted out,2026-02-01",
        f"{nhs(3)},Consented,2026-02-01",
    )
    heading = "NHS Number,Decision,Date"
    assert run(practice, heading, *rows).counts == {"noted": 3}
    practice.clock.sleep(3600)
    practice.decides(1, "opt_in")  # they rang, and want messages again
    practice.clock.sleep(timedelta(days=1).total_seconds())
    assert run(practice, heading, *rows).counts == {"unchanged": 3}
    assert len(noted(practice)) == 4
    assert 1 in reached(practice)


def test_an_opt_out_of_today_is_noted_once_and_a_consent_imported_later_that_day_does_not_lift_it(
    practice: Practice,
) -> None:
    """Without a time it is of the day's end, which on that day is to come: now, then."""
    heading, row = "NHS Number,Decision,Date", f"{nhs(1)},Opted out,2026-03-02"
    assert run(practice, heading, row).counts == {"noted": 1}
    for hours in (1, 24):
        practice.clock.sleep(hours * 3600)
        assert run(practice, heading, row).counts == {"unchanged": 1}
    timed = f"{nhs(1)},Consented,2026-03-02 20:00"
    assert run(practice, heading, timed).counts == {"noted": 1}
    assert run(practice, heading, row).counts == {"noted": 1}
    assert 1 not in reached(practice)


def test_rows_of_nobody_note_nothing_and_an_opt_out_of_two_counts_for_both(
    practice: Practice,
) -> None:
    result = run(
        practice, "NHS Number,Patient ID,Decision",
        "9990000999,,no", "123,,no", ",,no", f"{nhs(1)},E2,no", f"{nhs(1)},E999,yes", ",E3,no",
        f"{nhs(4)},E4,no",
    )  # fmt: skip
    assert result.counts == {
        "patient_not_found": 1, "nhs_number_invalid": 1, "nhs_number_missing": 1, "ids_of_two": 1,
        "ids_differ": 1, "noted": 2,
    }  # fmt: skip
    assert sorted(one[0] for one in noted(practice)) == [1, 2, 3, 4]
    assert [row for row, _ in result.problems] == [2, 3, 4, 5, 6]


def test_an_opt_out_counts_for_whom_one_of_its_ids_is_of_where_the_other_is_nobody_s(
    practice: Practice,
) -> None:
    """
    NEW-15: a practice whose record has the GUIDs of the bulk extract exports opt-outs with its EMIS numbers.

    Listed each time that it comes; a consent so written lifts nothing.
    """
    practice.decides(3, "opt_out", days_ago=40)
    heading = "NHS Number,EMIS Number,Decision,Date"
    rows = (
        f"{nhs(1)},54321,opted out,2026-02-01",
        f"{nhs(77)},E2,opted out,2026-02-01",
        f"{nhs(3)},54323,consented,2026-02-01",
    )
    counts = {"id_of_nobody": 2, "ids_differ": 1}
    assert run(practice, heading, *rows).counts == counts
    again = run(practice, heading, *rows)
    assert again.counts == counts
    assert again.problems == [(2, "id_of_nobody"), (3, "id_of_nobody"), (4, "ids_differ")]
    assert [one[0] for one in noted(practice)] == [3, 1, 2]
    assert reached(practice) == [4, 5, 6, 7, 8, 9]


def test_an_opt_out_whose_ids_disagree_counts_for_everybody_whom_it_may_be_of(
    practice: Practice,
) -> None:
    """NEW-15: opt-out wins on doubt, also over a wrong number; a consent in doubt lifts nothing."""
    practice.decides(5, "opt_out", days_ago=40)
    heading = "NHS Number,Patient ID,Decision,Date"
    rows = (
        f"{nhs(1)},E2,opted out,2026-02-01",
        "9990000019,E3,opted out,2026-02-01",  # its check digit is wrong
        f"{nhs(5)},E6,consented,2026-02-01",
        "9990000019,E5,consented,2026-02-01",
        "9990000019,E999,opted out,2026-02-01",
    )
    counts = {"ids_of_two": 1, "id_of_nobody": 1, "ids_differ": 1, "nhs_number_invalid": 2}
    assert run(practice, heading, *rows, check=True).counts == counts
    assert run(practice, heading, *rows).counts == counts
    assert run(practice, heading, *rows).counts == counts  # and nothing is noted twice
    assert sorted(one[0] for one in noted(practice)) == [1, 2, 3, 5]
    assert reached(practice) == [4, 6, 7, 8, 9]


def test_a_dry_run_says_the_same_and_writes_nothing(practice: Practice) -> None:
    rows = (f"{nhs(1)},no,2026-02-01", f"{nhs(2)},perhaps,")
    dry = run(practice, "NHS Number,Decision,Date", *rows, check=True)
    assert noted(practice) == []
    real = run(practice, "NHS Number,Decision,Date", *rows)
    assert (dry.counts, dry.also, dry.problems) == (real.counts, real.also, real.problems)


def test_the_trail_has_who_and_how_many_and_nobody_s_number(practice: Practice) -> None:
    run(practice, "NHS Number,Decision,Date", f"{nhs(1)},no,2026-02-01")
    with practice.record.read() as connection:
        acts = connection.execute(
            sa.select(audit_act.c.operation_type, audit_act.c.operator, audit_act.c.new_values)
            .where(audit_act.c.operation_type.like("consents.%"))
            .order_by(audit_act.c.number)
        ).all()
    assert [(act[0], act[1]) for act in acts] == [
        ("consents.import-begun", "nia"), ("consents.imported", "nia"),
    ]  # fmt: skip
    assert '"noted":1' in str(acts[1][2]).replace(" ", "")
    assert nhs(1) not in str(acts)


@pytest.mark.parametrize(
    ("heading", "missing"),
    [("NHS Number,Date", "'Decision'"), ("Decision,Date", "'NHS Number'")],
)
def test_a_file_without_a_column_that_is_needed_is_refused_by_name(
    practice: Practice, heading: str, missing: str
) -> None:
    with pytest.raises(ListRefused, match=missing):
        run(practice, heading, "x,2026-02-01")


def test_a_day_that_can_be_read_two_ways_is_read_as_the_column_proves(practice: Practice) -> None:
    run(
        practice, "NHS Number,Decision,Date",
        f"{nhs(1)},yes,03/02/2026", f"{nhs(2)},yes,25/01/2026",
    )  # fmt: skip
    with practice.record.read() as connection:
        when = connection.scalars(sa.select(consent.c.decided_at).order_by(consent.c.id)).all()
    assert when == [datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 1, 25, tzinfo=UTC)]
    assert run(practice, "NHS Number,Decision,Date", f"{nhs(3)},yes,03/02/2026").counts == {
        "consent_unclear": 1
    }


def test_rows_of_another_organisation_are_refused_one_by_one(practice: Practice) -> None:
    heading = "NHS Number,Decision,Practice Code"
    rows = (f"{nhs(1)},no,W98765", f"{nhs(2)},no,Z11111")
    result = run(practice, heading, *rows, codes=("W98765",))
    assert result.counts == {"noted": 1, "other_organisation": 1}
    assert [one[0] for one in noted(practice)] == [1]


ENDS = "NHS Number,Decision,Channel,Purpose,Date,Consent End Date"


def test_a_consent_that_has_an_end_lifts_nothing_and_is_counted(practice: Practice) -> None:
    """Whenever its end is: nobody looks again on that day. An opt-out that has one stays one."""
    for patient in (1, 2, 3, 4):
        practice.decides(patient, "opt_out", channel="sms")
    rows = (
        f"{nhs(1)},consented,sms,,2026-02-20,", f"{nhs(2)},consented,sms,,2026-02-20,2099-01-01",
        f"{nhs(3)},consented,sms,,2026-02-20,until further notice", f"{nhs(4)},consent ended,sms,,2026-02-20,",
        f"{nhs(5)},opted out,sms,,2026-02-20,2026-02-21",
    )  # fmt: skip
    result = run(practice, ENDS, *rows)
    assert result.counts == {"noted": 2, "consent_ended": 3}
    assert result.also["taken_back"] == 0
    assert [one[0] for one in noted(practice) if one[3] == "opt_in"] == [1]
    assert {5, 2, 3, 4}.isdisjoint(reached(practice))


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ("consented,sms,,2026-02-10,2026-02-11", 0),
        ("consent ended,sms,,2026-02-10,", 0),
        ("consent ended,sms,,2026-02-12,", 0),
        ("consent ended,,,,", 1),  # of another channel is nothing said
        ("consent ended,carrier pigeon,,,", 0),  # on doubt of all of them
        ("consent ended,sms,,2026-02-09,", 1),  # who consented later has consented
        ("consent ended,email,,2026-02-12,", 1),
        ("consent ended,sms,feedback,2026-02-12,", 1),
    ],
)
def test_what_an_import_noted_of_a_consent_is_taken_back_when_it_ends(
    practice: Practice, row: str, left: int
) -> None:
    """An older opt-out holds again; what the patient or another source said stays; an undo puts it back."""
    given = f"{nhs(1)},consented,sms,,2026-02-10,"
    run(practice, ENDS, given, source="emis")
    practice.decides(1, "opt_in", channel="voice")
    other = run(practice, ENDS, f"{nhs(2)},consented,sms,,2026-02-10,", source="other")
    assert other.counts == {"noted": 1}

    def said() -> int:
        return noted(practice).count((1, "sms", "any", "opt_in"))

    rows = (f"{nhs(1)},{row}", f"{nhs(2)},{row}")
    dry = run(practice, ENDS, *rows, source="emis", check=True)
    assert (dry.also["taken_back"], said()) == (1 - left, 1)
    result = run(practice, ENDS, *rows, source="emis")
    assert (result.also["taken_back"], said()) == (1 - left, left)
    assert noted(practice).count((1, "voice", "any", "opt_in")) == 1
    assert noted(practice).count((2, "sms", "any", "opt_in")) == 1
    again = run(practice, ENDS, *rows, source="emis")
    assert (again.counts, again.also["taken_back"]) == (result.counts, 0)
    if not left:
        assert result.number is not None
        undo_import(practice.record, practice.clock, again.number or 0, by="nia", check=False)
        undo_import(practice.record, practice.clock, result.number, by="nia", check=False)
        assert said() == 1


@pytest.mark.parametrize("kind", [each.kind for each in KINDS.values()], ids=lambda kind: kind.name)
def test_the_page_has_every_heading_that_is_read(kind: Kind) -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    missing = [name for names in kind.columns.values() for name in names if name not in page]
    assert missing == []
    assert [name for name in kind.fields() if f"`{name}`" not in page] == []
