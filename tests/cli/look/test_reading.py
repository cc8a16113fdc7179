"""What `campaigns`, `show`, `outcomes`, `patient` and `report` print."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from clinic.message import states
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.conftest import Type
from tests.clinic.cohort.files import xls_made
from tests.fakes import FakeClock

FATES = [
    Fate(state=states.DELIVERED, patient_id=5),
    Fate("phone_missing", cells=("9990000999", "Llŷr")),
    Fate(state=states.REJECTED, error="not a mobile"),
]


def test_campaigns_are_listed_newest_first(
    typed: Type, installed: Record, clock: FakeClock
) -> None:
    """PAT-4, PAT-19, PAT-20: date, sender, first line, channel, list, status."""
    put_campaign(installed, clock, [Fate(state=states.DELIVERED)])
    put_campaign(installed, clock, FATES, dry_run=True)
    newest, oldest = typed("campaigns").rows()
    assert oldest == [
        "1", "2 Mar 2026 10:00", "nia", "Your flu jab is due.", "sms", "Flu 2026", "1", "OK",
    ]  # fmt: skip
    assert newest[-1] == "Error, 1 not accepted (dry run)"
    assert [line["id"] for line in typed("campaigns", "--json").json()] == [2, 1]
    assert len(typed("campaigns", "--limit", "1").rows()) == 1


def test_one_campaign_is_shown_with_counts_that_add_up(
    typed: Type, installed: Record, clock: FakeClock
) -> None:
    """PAT-21: the details, with what was delivered and what had errors."""
    made = put_campaign(installed, clock, FATES, snomed_codes="1326181000000106")
    told = typed("show", str(made))
    for part in ("Bulk Outreach ID", "nia", "flu-", "1326181000000106", "Your flu jab", "rejected"):
        assert part in told.out
    assert "rows in all" in told.out
    assert f"cohort outcomes {made} --csv" in told.err
    counts = typed("show", str(made), "--json").json()["counts"]
    assert counts == {"delivered": 1, "phone_missing": 1, "rejected": 1}


def test_a_rehearsal_says_what_would_be_sent_and_never_that_it_was(
    typed: Type, installed: Record, clock: FakeClock
) -> None:
    """NEW-13: on the screen, for scripts, and row by row."""
    made = str(put_campaign(installed, clock, FATES, dry_run=True))
    told = typed("show", made).out
    assert "would_be_sent" in told
    assert "Dry run by" in told
    assert "elivered" not in told
    assert typed("show", made, "--json").json()["counts"]["would_be_sent"] == 1
    assert "would_be_sent" in typed("outcomes", made, "--csv", "-").out


def test_only_patients_with_errors(typed: Type, installed: Record, clock: FakeClock) -> None:
    """PAT-22: that tab shows only those."""
    made = str(put_campaign(installed, clock, FATES))
    rows = typed("show", made, "--errors-only").rows()
    assert [row[3:5] for row in rows] == [["phone_missing", ""], ["rejected", "not a mobile"]]
    assert rows[0][1:3] == ["9990000999", "Llŷr"]
    found = typed("show", made, "--errors-only", "--json").json()
    assert [(row["outcome"], row["detail"]) for row in found] == [
        ("phone_missing", ""),
        ("rejected", "not a mobile"),
    ]


def test_outcomes_are_written_as_a_file_or_to_the_screen(
    typed: Type, installed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-27: the list can be downloaded, with its own columns."""
    made = str(put_campaign(installed, clock, FATES))
    path = tmp_path / "outcomes.csv"
    assert "3 rows written" in typed("outcomes", made, "--csv", str(path)).err
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["Outcome"] for row in csv.DictReader(file)] == [
            "delivered", "phone_missing", "rejected",
        ]  # fmt: skip
    shown = typed("outcomes", made, "--csv", "-", "--only", "not_accepted").out
    assert len(shown.splitlines()) == 2


def test_the_outreach_card_of_a_patient(typed: Type, installed: Record, clock: FakeClock) -> None:
    """ARC-16, COM-8, COM-9: every message to the patient, with its status in three words."""
    put_patient(installed, 5, nhs_number="9990000018", local_id="1001")
    put_campaign(installed, clock, FATES)
    (row,) = typed("patient", "999 000 0018", "--reason", "asked").rows()
    assert row[:5] == [
        "2 Mar 2026 10:00", "sms", "+447700900123", "Your flu jab is due.", "Sent Successfully",
    ]  # fmt: skip
    assert (
        typed("patient", "1001", "--reason", "asked", "--json").json()[0]["bulk_outreach_id"] == 1
    )


def test_an_unknown_patient_is_told_without_the_number(typed: Type, installed: Record) -> None:
    told = typed("patient", "9990000999", "--reason", "care")
    assert told.code == 2
    assert "9990000999" not in told.err


def test_the_outreach_report_is_filtered(
    typed: Type, installed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ARC-17, ARC-18: all messages; by Bulk Outreach ID exactly that campaign's."""
    put_patient(installed, 5, nhs_number="9990000018", local_id="1001")
    for fates in (FATES, [Fate(state=states.ACCEPTED)]):
        put_campaign(installed, clock, fates)
        clock.sleep(2 * 86_400)
    assert len(typed("report").rows()) == 3
    assert [row[0] for row in typed("report", "--campaign", "2").rows()] == ["2"]
    assert len(typed("report", "--patient", "1001", "--reason", "care").rows()) == 1
    assert [r["state"] for r in typed("report", "--status", "Send Failed", "--json").json()] == [
        "rejected"
    ]
    assert [row[0] for row in typed("report", "--from", "2026-03-04").rows()] == ["2"]
    assert [row[0] for row in typed("report", "--to", "03/03/2026").rows()] == ["1"]
    path = tmp_path / "report.csv"
    typed("report", "--csv", str(path))
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert {row["Bulk Outreach ID"] for row in csv.DictReader(file)} == {"1", "2"}
    assert "'+447700900123" in typed("report", "--csv", "-").out


@pytest.mark.parametrize(
    "words",
    [
        ("outcomes", "1", "--csv"),
        ("report", "--csv"),
        ("report", "--excel"),
        ("message", "--name", "x", "--template", "flu-invite", "--ids-from"),
        ("groups", "add", "g", "--name", "G", "--ids-from"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_a_traceback(
    typed: Type, installed: Record, clock: FakeClock, tmp_path: Path, words: tuple[str, ...]
) -> None:
    put_campaign(installed, clock, FATES)
    told = typed(*words, str(tmp_path / "nowhere" / "x.csv"))
    assert (told.code, "file-unusable" in told.err, "nowhere" in told.err) == (2, True, True)


def test_ids_that_are_not_utf_8_are_told_of_as_such(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("Siân".encode("cp1252"))
    told = typed("groups", "add", "g", "--name", "G", "--ids-from", str(path))
    assert (told.code, "text-not-utf8" in told.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("list", "check"),
        ("patients", "import"),
        ("groups", "add", "g", "--name", "G", "--ids-from"),
        ("operations", "select"),
        ("operations", "select", "--ids-from"),
        ("message", "--name", "x", "--purpose", "care", "--text", "No clinic on Friday.", "--yes"),
        (
            "message",
            "--name",
            "x",
            "--purpose",
            "care",
            "--text",
            "No clinic on Friday.",
            "--yes",
            "--ids-from",
        ),
    ],
)
def test_a_workbook_of_before_2007_is_read_wherever_a_list_is(
    typed: Type, installed: Record, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """PAT-7: and what it hides is said, by each of them."""
    path = xls_made.written(tmp_path / "recall.xls", xls_made.RECALL)
    told = typed(*words, str(path))
    assert "hidden_rows" in told.out + told.err
    assert "4" in told.out + told.err  # the row that is hidden
    assert "Traceback" not in told.err
