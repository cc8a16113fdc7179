"""`cohort message`: what is asked, what is shown before anything is sent, and that a no is a no."""

from __future__ import annotations

import csv
import os
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from cli.message.session import tell
from clinic.clock import SystemClock
from clinic.cohort.list_index import list_taken
from clinic.message import states
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.outcomes.report import list_campaigns
from clinic.message.prepare.preview import add_preview_text, preview_key
from clinic.message.sending.worker import Worker
from clinic.message.template.catalogue import list_templates
from clinic.practice.faulty import faulty_list
from clinic.practice.people import Practice
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.record.schema.base import METADATA
from clinic.record.schema.people import patient
from clinic.settings import Settings
from tasks.wiring import Wiring
from tests.cli.conftest import Type
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.main_job import nhs

PRACTICE = Practice(patients=400)
CARE = ("--purpose", "care")
FLU = ("--name", "Flu 2026", "--template", "flu-invite")


@pytest.fixture
def practice(installed: Record, clock: FakeClock) -> Record:
    """An installation with 400 patients who do not exist."""
    fill_practice(installed, PRACTICE, clock=clock)
    return installed


@pytest.fixture
def flu(tmp_path: Path) -> Path:
    """A list of 200 of them, with every fault."""
    path = tmp_path / "flu.csv"
    path.write_bytes(faulty_list(np.random.default_rng(1), 200, PRACTICE))
    return path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--template", "flu-invite", "--group", "carers"], "list-name-missing"),  # PAT-6
        ([*FLU], "request-invalid"),
        ([*FLU, "--group", "carers", "--status", "active"], "request-invalid"),
        ([*FLU, "--group", "carers", "--ids-from", "-"], "request-invalid"),
        ([*FLU, "--group", "carers", "--purpose", "care", "--text", "Hello"], "request-invalid"),
        (["--name", "x", "--group", "carers"], "request-invalid"),
        ([*FLU, "--group", "nobody"], "group-unknown"),
        (["--name", "x", "--group", "carers", "--template", "nothing"], "template-unknown"),
        (
            [
                "--name",
                "x",
                "--group",
                "carers",
                "--purpose",
                "care",
                "--text",
                "{{ patient.pin }}",
            ],
            "template-variable",
        ),
        (["--resume", "7"], "campaign-unknown"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    typed: Type, practice: Record, words: list[str], code: str
) -> None:
    """PAT-6, PAT-10, ACX-9: a list has a name; a template or own text, one of them."""
    told = typed("message", *words, stdin="1000001")
    assert (told.code, code in told.err) == (2, True), told.err
    assert list_campaigns(practice) == []


def test_the_review_shows_who_is_accepted_who_not_what_it_costs_and_says(
    typed: Type, practice: Record, flu: Path, home: Path
) -> None:
    """ACX-25 to ACX-28, ACX-31, PAT-13, ARC-6, ARC-7: the review, and nothing is queued before a yes."""
    told = typed("message", str(flu), *FLU)
    assert (told.code, "not-confirmed" in told.err) == (3, True), told.err
    told_before = ("200 rows in the list", "accepted: one message each", "up to one hour")
    for part in (*told_before, "segments", "phone_missing"):
        assert part in told.err
    assert told.err.count("your flu vaccination is due") == 3
    with (home / "not-accepted" / "campaign-1.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} not accepted" in told.err
    assert {"EMIS Number", "Outcome", "What to do"} <= set(rows[0])


def test_the_review_of_e_mails_speaks_of_no_segments(typed: Type, practice: Record) -> None:
    """PAT-12, PAT-13: only a text has segments, and only they cost."""
    who = ("--group", "carers", "--name", "Reviews", "--template", "annual-review")
    told = typed("message", *who, "--channel", "email")
    assert "by email" in told.err
    assert "your annual review is due" in told.err
    assert "segment" not in told.err
    assert typed("show", "1", "--json").json()["segments"] == 0


def test_calls_are_reviewed_in_the_minutes_that_they_speak(
    typed: Type, practice: Record, config: Path
) -> None:
    """ARC-8: --channel voice, once it is switched on; what it reads is shown, and that others may hear it."""
    who = ("--group", "carers", "--name", "Reviews", "--template", "annual-review")
    off = typed("message", *who, "--channel", "voice", "--outbox")
    assert (off.code, "organisation.channels" in off.err) == (3, True), off.err
    text = config.read_text(encoding="utf-8")
    text = text.replace("[organisation]\n", '[organisation]\nchannels = ["sms", "voice"]\n', 1)
    config.write_text(text, encoding="utf-8")
    told = typed("message", *who, "--channel", "voice", "--outbox")
    for part in ("by voice", "minutes", "want calls", "1 minute(s), spoken", "whoever answers"):
        assert part in told.err
    assert "segment" not in told.err
    assert typed("show", "1", "--json").json()["segments"] > 0


@pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="NOT TESTED: calls as sound. espeak-ng is not installed: apt-get install espeak-ng",
)
def test_a_call_is_listened_to_before_anybody_is_called(
    typed: Type, practice: Record, config: Path, tmp_path: Path
) -> None:
    """ARC-8, ACX-31: the first message that is shown, with its number, as a WAV; and nothing is left behind."""
    who = ("--group", "carers", "--name", "Reviews", "--template", "annual-review")
    text = config.read_text(encoding="utf-8")
    text = text.replace("[organisation]\n", '[organisation]\nchannels = ["sms", "voice"]\n', 1)
    config.write_text(text, encoding="utf-8")
    path = tmp_path / "call.wav"
    no = typed("message", *who, "--outbox", "--sound", str(path))
    assert (no.code, "sound-channel" in no.err, path.exists()) == (2, True, False), no.err
    told = typed("message", *who, "--channel", "voice", "--outbox", "--sound", str(path))
    assert told.code == 0, told.err
    assert "read in en-GB" in told.err
    assert path.read_bytes()[:4] == b"RIFF"
    assert list_campaigns(practice) == []


def test_after_a_no_nothing_can_leave_and_the_same_list_may_be_tried_again(
    typed: Type, practice: Record, flu: Path
) -> None:
    """ARC-6: without confirmation nothing is ever queued."""
    for _ in range(2):
        assert "not-confirmed" in typed("message", str(flu), *FLU).err
    assert {line.verdict for line in list_campaigns(practice)} == {"refused"}
    counts = typed("show", "1", "--json").json()["counts"]
    assert counts["cancelled"] > 100
    assert sum(counts.values()) == 200
    resumed = typed("message", "--resume", "1")
    assert (resumed.code, "campaign-ended" in resumed.err) == (3, True)


def test_the_review_says_whose_number_is_not_their_own(
    typed: Type, installed: Record, tmp_path: Path
) -> None:
    """NEW-27: who is left out and why, and how texts speak to numbers that others have too."""
    born = {
        151: date(1986, 5, 2),
        152: date(2016, 8, 30),
        153: date(1950, 1, 1),
        154: date(1951, 1, 1),
    }
    with installed.write() as connection:
        for n, day in born.items():
            home = "07400 300100" if n < 153 else "07400 300200"
            connection.execute(
                sa.insert(patient).values(
                    id=n, nhs_number=nhs(n), given_name=f"Gwen{n}", birth_date=day, mobile=home
                )
            )
    path = tmp_path / "family.csv"
    path.write_text("\n".join(["NHS Number", *map(nhs, born)]) + "\n")
    words = ("message", str(path), "--name", "Family")
    flu = typed(
        *words,
        "--purpose",
        "care",
        "--text",
        "Dear {{ patient.given_name }}, your flu vaccination is due.",
    )
    for part in (
        "guardian_greeting",
        "neutral_greeting",
        "told_together",
        "Dear patient, your flu",
    ):
        assert part in flu.err
    coil = typed(
        *words,
        "--purpose",
        "care",
        "--text",
        "Dear {{ patient.given_name }}, your contraception review is due.",
    )
    for part in ("child_contact", "shared_number", "Warning content_sexual_reproductive"):
        assert part in coil.err


def test_a_sensitive_text_is_not_sent_unless_the_warning_is_accepted(
    typed: Type, practice: Record
) -> None:
    """COM-4: the warning is shown, for a group as for a list, and a person must accept it."""
    words = (
        "message",
        "--group",
        "flu-65",
        "--name",
        "x",
        "--purpose",
        "care",
        "--text",
        "Your HIV test result is here.",
    )
    told = typed(*words, "--yes")
    assert (told.code, "warning-not-accepted" in told.err) == (3, True)
    assert "Warning content_results" in told.err
    assert "Warning content_sexual_reproductive" in told.err
    both = [("--accept", f"content_{one}=asked for") for one in ("results", "sexual_reproductive")]
    assert "warning-not-accepted" in typed(*words, *both[0]).err
    assert "not-confirmed" in typed(*words, *both[0], *both[1]).err


@pytest.mark.parametrize(
    "who",
    [("--group", "flu-65"), ("--status", "active", "--facility", "F1"), ("--ids-from", "-")],
)
def test_a_preview_shows_messages_and_leaves_nothing_behind_to_send(
    typed: Type, practice: Record, who: tuple[str, ...]
) -> None:
    """ACX-31, COM-11: any row's message can be looked at first; a group, a filter, pasted ids."""
    before = _everything(practice)
    pasted = " ".join(str(1_000_000 + n) for n in range(1, 60))
    words = ("message", *who, *FLU, "--json")
    previews = typed(*words, "--preview", "2", stdin=pasted).json()
    assert len(previews) == 2
    assert all("your flu vaccination is due" in preview["body"] for preview in previews)
    row = str(previews[1]["row_number"])
    (again,) = typed(*words, "--row", row, stdin=pasted).json()
    assert again["body"] == previews[1]["body"]
    assert _everything(practice) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*FLU, "--ids-from", "-"), "nobody-accepted"),
        ((*FLU, "--group", "flu-65", "--row", "99999"), "row-without-message"),
        (
            (
                "--name",
                "x",
                "--group",
                "flu-65",
                "--purpose",
                "care",
                "--text",
                "{{ patient.pin }}",
            ),
            "template-variable",
        ),
        (
            ("--name", "x", "--group", "nobody", "--purpose", "care", "--text", "Come."),
            "group-unknown",
        ),
    ],
)
def test_a_preview_that_fails_leaves_nothing_behind_either(
    typed: Type, practice: Record, words: tuple[str, ...], says: str
) -> None:
    before = _everything(practice)
    told = typed("message", *words, *([] if "--row" in words else ["--preview", "1"]), stdin="4444")
    assert (told.code, says in told.err) == (2, True), told.err
    assert _everything(practice) == before


def test_a_preview_whose_process_died_is_on_no_list_and_the_next_one_deletes_it(
    typed: Type, practice: Record, clock: FakeClock
) -> None:
    key = preview_key()
    text = add_preview_text(practice, clock, "Come.", key=key, by="nia", purpose="care")
    request = MessageRequest(
        list_name="x", cohort=CohortChoice(group="flu-65"), template=text, dry_run=True
    )
    made = begin_campaign(
        practice, clock, Settings(), request, request_key=key, gateway="outbox", batch_limit=1000
    )
    assert (list_campaigns(practice), list_taken(practice)) == ([], [])
    assert key not in [text.key for text in list_templates(practice, own=True)]
    assert "campaign-ended" in typed("message", "--resume", str(made)).err
    assert typed("message", *FLU, "--group", "flu-65", "--preview", "1").code == 0
    assert _everything(practice)["cohort_list"] == 0


def test_a_look_at_a_campaign_that_waits_neither_sends_nor_refuses_it(
    typed: Type, practice: Record, clock: FakeClock
) -> None:
    request = MessageRequest(
        list_name="x", cohort=CohortChoice(group="flu-65"), template="flu-invite", request_key="one"
    )
    made = begin_campaign(
        practice, clock, Settings(), request, request_key="one", gateway="outbox", batch_limit=1000
    )
    typed("message", "--resume", str(made))
    before = [line.verdict for line in list_campaigns(practice)]
    typed("message", "--resume", str(made), "--preview", "1")
    assert [line.verdict for line in list_campaigns(practice)] == before


def _everything(record: Record) -> dict[str, int]:
    """How many rows each table has."""
    with record.read() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in METADATA.sorted_tables
            if not table.name.startswith("access_")  # that somebody looked stays
        }


def test_a_review_that_was_interrupted_is_taken_up(typed: Type, practice: Record) -> None:
    """NEW-3: killed before the yes, the same campaign is reviewed again, from where it was."""
    request = MessageRequest(
        list_name="Flu 2026", cohort=CohortChoice(group="flu-65"), template="flu-invite",
        request_key="cli-1",
    )  # fmt: skip
    begin_campaign(
        practice, SystemClock(), Settings(), request, request_key="cli-1", gateway="outbox",
        batch_limit=1000,
    )  # fmt: skip
    told = typed("message", "--resume", "1")
    assert (told.code, "not-confirmed" in told.err) == (3, True), told.err
    assert "Campaign 1" in told.err


def test_a_list_taken_in_before_is_listed_and_may_be_messaged_by_its_number(
    typed: Type, practice: Record, flu: Path
) -> None:
    typed("message", str(flu), *FLU)
    (row,) = typed("list", "ls").rows()
    assert (row[0], *row[2:]) == ("1", "nia", "Flu 2026", "flu.csv", "200")
    assert typed("list", "ls", "--json").json()[0]["rows"] == 200
    told = typed("message", "--list", "1", *FLU)
    assert (told.code, "200 rows in the list" in told.err) == (3, True)


def test_a_list_of_another_practice_is_refused_as_a_whole_and_its_rows_are_told(
    typed: Type, practice: Record, tmp_path: Path, home: Path
) -> None:
    """ACX-27: also where the list as a whole is refused, its rows can be downloaded."""
    path = tmp_path / "others.csv"
    ids = "\n".join(f"{n}" for n in range(7_000_000, 7_000_100))
    path.write_text(f"EMIS Number\n{ids}\n", encoding="utf-8")
    told = typed("message", str(path), *FLU, "--yes")
    assert (told.code, "list-refused" in told.err) == (2, True)
    assert "cohort show 1 --errors-only" in told.err
    written = (home / "not-accepted" / "campaign-1.csv").read_text(encoding="utf-8-sig")
    assert written.count("patient_not_found") == 100


def test_an_old_list_is_reviewed_only_where_a_named_person_says_why(
    typed: Type, practice: Record, flu: Path
) -> None:
    """NEW-29: it stops, whoever accepts that is told of, and the review says of what day it is."""
    # At noon: an hour before midnight the clock's change in October makes it another day
    day = datetime.now(UTC).date() - timedelta(days=40)
    old = datetime.combine(day, time(12), UTC).timestamp()
    os.utime(flu, (old, old))
    told = typed("message", str(flu), *FLU, "--yes")
    assert (told.code, "40 days old" in told.err, "freshness.days" in told.err) == (2, True, True)
    told = typed("message", str(flu), *FLU, "--accept", "stale_list=the clinic was closed since")
    assert (told.code, "not-confirmed" in told.err) == (3, True)
    for part in ("when its file last changed", "40 days ago", "accepted stale_list"):
        assert part in " ".join(told.err.split())


def test_a_row_that_gets_no_message_says_why(typed: Type, practice: Record, flu: Path) -> None:
    with flu.open(encoding="utf-8-sig", newline="") as file:
        number = next(
            n for n, row in enumerate(csv.DictReader(file), 2) if not row["Date of Birth"]
        )
    told = typed("message", str(flu), *FLU, "--row", str(number))
    assert told.code == 2
    assert "row-without-message" in told.err
    assert "its outcome is" in told.err


def test_a_list_with_nobody_to_message_is_not_sent(typed: Type, practice: Record) -> None:
    told = typed("message", "--ids-from", "-", *FLU, "--yes", stdin="4444 5555")
    assert told.code == 2
    assert list_campaigns(practice)[0].verdict == "refused"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("message", *FLU, "--status", "actve"), "there are: active, on_hold, discharged"),
        (("message", *FLU, "--facility", "F99"), "there are: F1, F2"),
        (("message", *FLU, "--provider", "P999"), "there are: P"),
        (("message", *FLU, "--group", "nobody"), "there are: carers"),
        (("report", "--campaign", "9"), "campaign-unknown"),
        (("operations", "select", "--status", "actve"), "there are: active, on_hold, discharged"),
        (("operations", "select", "--facility", "F99"), "there are: F1, F2"),
    ],
)
def test_a_filter_of_what_does_not_exist_names_what_does(
    typed: Type, practice: Record, words: tuple[str, ...], says: str
) -> None:
    """A slip never means "nobody": the sentence names the codes that there are."""
    told = typed(*words)
    assert (told.code, told.out) == (2, "")
    assert says in told.err


@pytest.mark.parametrize(
    ("server", "says", "following"),
    [
        ("", "nobody sends them then, since no worker runs here", ["cohort server start"]),
        ("http://prefect.example/api", "a scheduled run sends them then", []),
    ],
)
def test_what_waits_for_its_time_says_whether_anybody_will_send_it(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    server: str, says: str, following: list[str],
) -> None:  # fmt: skip
    """PAT-14: with a server elsewhere a worker may be anywhere; without one it is here, or nowhere."""
    add_patients(sqlite_record, 3)
    start = clock.now() + timedelta(hours=3)
    number = add_campaign(sqlite_record, clock, 3, state=states.SCHEDULED, start_at=start)
    settings = Settings(home=tmp_path, prefect_api_url=server)
    parts = Wiring(
        settings=settings, record=sqlite_record, clock=clock, worker=Worker(tmp_path / "workers")
    )
    told = tell(parts, number, json=False)
    assert says in " ".join("".join(capsys.readouterr()).split())
    assert told == [*following, f"cohort review {number}", f"cohort cancel {number}"]
