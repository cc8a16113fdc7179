"""NEW-33, NEW-27: who had a correction: by a shared number, by a resend, at a safe number, by two at once."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.incident import write_incident
from clinic.message.outcomes.outcome_rows import outcome_rows
from clinic.message.prepare.control import cancel, settle_cancelled
from clinic.message.prepare.resend import begin_resend
from clinic.message.safety.corrected import look_at, take_in_corrected
from clinic.record.database import Record
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.safety import safe_contact
from tests.clinic.message.sharing.test_shared_numbers import ADULT, fates
from tests.clinic.message.sharing.test_told_together import family, receipt, send
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import Practice


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(sqlite_record, clock, tmp_path)


def begin(practice: Practice, number: int, key: str) -> int:
    return practice.begin({"corrects": number}, request_key=key, list_name=key)


def correct(practice: Practice, number: int, key: str = "correction") -> dict[str, int]:
    """A correction of a campaign, from its request to its end; its outcomes."""
    practice.clock.sleep(60)
    made = begin(practice, number, key)
    practice.finish(made)
    with practice.record.read() as connection:
        return count_outcomes(connection, made)


def end(practice: Practice, number: int) -> None:
    with practice.record.write() as connection:
        values = {"state": states.COMPLETED}
        connection.execute(sa.update(campaign).where(campaign.c.id == number).values(values))


def sent(practice: Practice, count: int) -> int:
    """A wrong text to adults who share a number; it is out."""
    number = family(practice, count)
    send(practice, number, FakeGateway())
    end(practice, number)
    return number


def again(practice: Practice, number: int) -> int:
    """What failed of a campaign is sent again, and out."""
    practice.clock.sleep(60)
    resent = begin_resend(
        practice.record, practice.clock, practice.settings, number, request_key="again", gateway="fake",
        batch_limit=1000,
    )  # fmt: skip
    practice.finish(resent)
    return resent


def refused(practice: Practice, number: int, code: str, key: str = "refused") -> str:
    with pytest.raises(NotAllowed, match=code) as found:
        begin(practice, number, key)
    return str(found.value)


def test_who_was_told_by_anothers_message_is_corrected_by_one_and_in_the_report(
    practice: Practice,
) -> None:
    """They have the wrong text on their record, and read it on their phone."""
    number = sent(practice, 3)
    with practice.record.read() as connection:
        seen = look_at(connection, number)
    assert (seen.got, seen.not_got) == ({"accepted": 3}, 0)
    assert correct(practice, number) == {"told_together": 2, "sent": 1}
    refused(practice, number, "correct-nothing")
    file = io.StringIO(newline="")
    assert (
        write_incident(
            practice.record, number, file, lambda at: f"{at:%H:%M}" if at else "", by="mia"
        )
        == 3
    )
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    told = {
        (row["Sent"], row["Got it"], row["Correction sent"], row["Correction was"]) for row in rows
    }
    assert told == {("10:00", "sent, no delivery receipt", "10:01", "accepted")}


def test_a_message_that_told_two_is_corrected_once_on_their_number(practice: Practice) -> None:
    """One was left out of the first correction: the other read it to both; a second says nothing new."""
    number = sent(practice, 2)
    practice.decides(2, "opt_out", days_ago=1)
    assert correct(practice, number) == {"opted_out": 1, "sent": 1}
    practice.decides(2, "opt_in")
    refused(practice, number, "correct-nothing")
    with practice.record.read() as connection:
        assert look_at(connection, number).corrected == 2


def test_a_correction_that_reached_nobody_is_no_correction(practice: Practice) -> None:
    """It failed for the one who was to tell both, so for both."""
    number = sent(practice, 2)
    correct(practice, number)
    with practice.record.write() as connection:
        own = (message.c.campaign_id == 2) & (message.c.state == states.ACCEPTED)
        connection.execute(sa.update(message).where(own).values(state=states.UNDELIVERED))
    assert correct(practice, number, "once more") == {"told_together": 1, "sent": 1}


def test_who_got_it_by_a_resend_is_corrected_once_by_either_number(practice: Practice) -> None:
    """The resend is the same wrong text: `correct 1` and then `correct 2` are one correction."""
    number = sent(practice, 2)
    receipt(practice, number, "undelivered")
    resent = again(practice, number)
    assert correct(practice, number) == {"told_together": 1, "sent": 1}
    refused(practice, resent, "correct-nothing")


def test_the_wrong_text_that_came_again_after_the_correction_is_corrected_again(
    practice: Practice,
) -> None:
    """They had the correction of what failed in the end, and then the resend of it."""
    number = sent(practice, 2)
    assert correct(practice, number) == {"told_together": 1, "sent": 1}
    receipt(practice, number, "undelivered")
    resent = again(practice, number)
    assert correct(practice, resent, "of the resend") == {"told_together": 1, "sent": 1}


def test_a_correction_waits_until_it_is_known_who_got_the_text(practice: Practice) -> None:
    """Right after `cancel` what is on its way is no row of anybody who got it; nor while a resend goes on."""
    number = family(practice)
    send(practice, number, FakeGateway("R", plan=["cut"]))
    cancel(practice.record, practice.clock, number, by="nia", reason="wrong text")
    assert "at this moment" in refused(practice, number, "correct-first-stop")
    practice.clock.sleep(3600)
    settle_cancelled(practice.record, practice.clock.now())
    with practice.record.read() as connection:
        assert look_at(connection, number).got == {"unknown": 2}
    with practice.record.write() as connection:
        connection.execute(sa.update(message).values(state=states.EXHAUSTED, reason=None))
    resent = begin_resend(
        practice.record, practice.clock, practice.settings, number, request_key="again", gateway="fake",
        batch_limit=1000,
    )  # fmt: skip
    said = refused(practice, number, "correct-first-stop", key="another")
    assert f"campaign {resent} is checking" in said
    assert f"cohort cancel {resent}" in said


def test_two_corrections_at_once_are_one(practice: Practice) -> None:
    """The second is told which is the first; a rehearsal is none, and one that was ended is over."""
    number = sent(practice, 2)
    practice.begin({"corrects": number}, request_key="rehearsal", dry_run=True)
    first = begin(practice, number, "first")
    assert f"campaign {first} corrects campaign {number}" in refused(
        practice, number, "correct-under-way"
    )
    cancel(practice.record, practice.clock, first, by="nia", reason="two of us")
    asked = {"channel": "sms", "gateway": "fake", "dry_run": False, "taken_by": "nia", "name": "C"}
    take_in_corrected(
        practice.record, practice.clock, number, request_key="theirs", **asked  # type: ignore[arg-type]
    )  # fmt: skip
    assert "a moment ago" in refused(practice, number, "correct-under-way")
    practice.clock.sleep(timedelta(minutes=11).total_seconds())  # they never came back
    assert correct(practice, number, "third") == {"told_together": 1, "sent": 1}


def test_a_safe_number_is_in_no_list_of_a_correction(practice: Practice) -> None:
    """NEW-26: it had the wrong text, and has the correction; whoever downloads the outcomes does not see it."""
    practice.patient(1, birth_date=ADULT)
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(safe_contact).values(
                patient_id=1, sms=True, email=False, voice=False, number="+447400300555", reason="x",
                source="staff", set_by="mia", set_at=practice.clock.now(),
            )
        )  # fmt: skip
    practice.run(practice.everybody(1))
    assert correct(practice, 1) == {"sent": 1}
    with practice.record.read() as connection:
        assert "300555" not in str(connection.scalars(sa.select(list_row.c.cells)).all())
        query = sa.select(message.c.address).where(message.c.campaign_id == 2)
        assert connection.scalars(query).all() == ["+447400300555"]
    assert "300555" not in str(list(outcome_rows(practice.record, 2)))
    assert fates(practice) == {1: (states.ACCEPTED, None)}
