"""NEW-32: language, format, channel, proxy, place of stay: what somebody gets, or that a person sees to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.cohort.files import open_list
from clinic.errors import CohortRefused, TemplateRefused
from clinic.imports.options import Options
from clinic.imports.patients.run import import_patients
from clinic.message.needs.naming import name_variant
from clinic.message.needs.variants import NEEDS_FORMAT, NEEDS_INTERPRETER, Variants, suits
from clinic.message.needs.words import formats_of, language_of, stay_of
from clinic.message.prepare.approve import release_campaign
from clinic.message.recall.follow_ups import list_recall_follow_ups
from clinic.message.recall.unreached import list_unreached
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import timing_of
from clinic.practice.needs import needs_of, set_needs
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger
from tests.main_job import Practice, nhs

POLISH, EASY, WELSH_AUDIO = 11, 12, 13
SAID = Variants("en", {("pl", ""): POLISH, ("en", "easy_read"): EASY, ("cy", "audio"): WELSH_AUDIO})


@pytest.mark.parametrize(
    ("language", "interpreter", "formats", "becomes"),
    [
        ("", None, "", ("", None)),
        ("en", None, "", ("", None)),
        ("pl", None, "", ("", POLISH)),
        ("pl", True, "", ("", POLISH)),
        ("ur", None, "", (NEEDS_INTERPRETER, None)),
        ("ur", False, "", ("", None)),
        ("", True, "", (NEEDS_INTERPRETER, None)),
        ("", None, "easy_read", ("", EASY)),
        ("ur", False, "easy_read", ("", EASY)),
        ("pl", None, "easy_read", (NEEDS_FORMAT, None)),
        ("", None, "braille", (NEEDS_FORMAT, None)),
        ("", None, "easy_read audio", (NEEDS_FORMAT, None)),
        ("cy", None, "", (NEEDS_INTERPRETER, None)),
        ("cy", None, "audio", ("", WELSH_AUDIO)),
    ],
)
def test_the_version_that_suits_or_a_person(
    language: str, interpreter: bool | None, formats: str, becomes: tuple[str, int | None]
) -> None:
    assert suits(language, interpreter, set(formats.split()), SAID) == becomes


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (language_of, "Polish", "pl"),
        (language_of, "Welsh (Cymraeg)", "cy"),
        (language_of, "Twi", "twi"),
        (formats_of, "Requires information in Easyread", ("easy_read",)),
        (formats_of, "796161000000101; 936681000000100", ("easy_read", "braille")),
        (formats_of, "tactile something", ("other",)),
        (formats_of, "none", ()),
        (stay_of, "HMP Berwyn", "prison"),
        (stay_of, "Bluebell Nursing Home", "care_home"),
        (stay_of, "own home", ""),
    ],
)
def test_needs_are_read_as_practices_write_them(read: Any, text: str, found: object) -> None:
    assert read(text) == found


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.template("Mae eich adolygiad yn barod.", key="plain-cy")
    made.template("Review. Call us.", key="plain-easy")
    name_variant(record, clock, "plain-cy", of="plain", language="Welsh", by="nia")
    name_variant(
        record, clock, "plain-easy", of="plain", language="English", form="Easyread", by="nia"
    )
    return made


def say(practice: Practice, n: int, *, prefers: str | None = None, **said: str) -> None:
    set_needs(practice.record, practice.clock, n, said, prefers=prefers, by="nia")


def texts(practice: Practice) -> dict[int, tuple[str, str, str]]:
    """Patient → the address, the text and the state of the message."""
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.patient_id, message.c.address, message.c.body, message.c.state)
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


def test_each_patient_gets_what_they_need_or_a_person_sees_to_it(
    practice: Practice, clock: FakeClock
) -> None:
    """NEW-32: in the check, in what is sent, at the last moment; and of a recall a follow-up (NEW-31)."""
    practice.patients(12)
    say(practice, 2, language="Cymraeg")
    say(practice, 3, formats="easy_read")
    say(practice, 4, language="Twi")
    say(practice, 5, formats="braille")
    say(practice, 6, stay="ward")
    say(practice, 7, prefers="email")
    say(practice, 8, prefers="sms")
    proxy = {"proxy_role": "daughter", "proxy_mobile": "07700 900 555"}
    say(practice, 9, stay="care_home", proxy_consent="yes", **proxy)
    say(practice, 10, proxy_consent="no", **proxy)
    say(practice, 11, proxy_consent="yes", proxy_role="attorney")
    by = clock.now().date() + timedelta(days=20)
    number = practice.begin(practice.everybody(12), recall_by=by)
    practice.check(number)
    left_out = {
        5: "needs_interpreter", 6: "needs_format", 7: "place_of_stay", 8: "prefers_other",
        12: "phone_missing",
    }  # fmt: skip
    judged = practice.outcomes(number)
    assert {row: code.split()[0] for row, code in judged.items() if code != "accepted"} == left_out
    batches = practice.stage(number)
    say(practice, 12, stay="prison")
    practice.send(number, batches)
    sent = texts(practice)
    assert {n: text[:7] for n, (_, text, _) in sent.items()} == {
        1: "Hello, ", 2: "Mae eic", 3: "Review.", 8: "Hello, ", 9: "Hello, ", 10: "Hello, ", 12: "Hello, ",
    }  # fmt: skip
    assert (sent[9][0], sent[10][0]) == ("+447700900555", "+447700900010")
    assert (sent[12][2], sent[9][2]) == ("suppressed", "accepted")
    list_unreached(practice.record, clock, practice.settings)
    listed = {each.row_number: each.code for each in list_recall_follow_ups(practice.record)}
    assert listed == left_out | {13: "place_of_stay"}


def test_a_voice_reads_no_other_language_than_its_campaigns(practice: Practice) -> None:
    """NEW-32, ARC-8: a Welsh text in an English voice is no message; who speaks both hears the English one."""
    practice.settings = practice.settings.model_copy(
        update={
            "organisation": practice.settings.organisation.model_copy(
                update={"channels": ("voice",)}
            )
        }
    )
    practice.patients(4)
    say(practice, 2, language="Cymraeg")
    say(practice, 3, language="Cymraeg", interpreter="no")
    say(practice, 4, formats="easy_read")
    number = practice.begin(practice.everybody(4), channel="voice")
    practice.check(number)
    judged = {row: code.split()[0] for row, code in practice.outcomes(number).items()}
    assert judged == {2: "accepted", 3: "needs_interpreter", 4: "accepted", 5: "accepted"}
    practice.send(number, practice.stage(number))
    sent = texts(practice)
    assert {n: text[:7] for n, (_, text, _) in sent.items()} == {
        1: "Hello, ", 3: "Hello, ", 4: "Review.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("since", "own", "fate"),
    [
        ({"proxy_consent": "no"}, "07700 900 001", ("+447700900001", "accepted", None)),
        ({"proxy_consent": "no"}, None, ("+447700900555", "suppressed", "phone_missing")),
        ({"proxy_mobile": "07700 900 556"}, None, ("+447700900556", "accepted", None)),
        (
            {"proxy_mobile": "none"},
            "07700 900 001",
            ("+447700900555", "suppressed", "phone_missing"),
        ),
        ({"language": "en"}, None, ("+447700900555", "accepted", None)),
    ],
)
def test_a_proxys_consent_is_asked_again_at_the_sending(
    practice: Practice, since: dict[str, str], own: str | None, fate: tuple[str, str, str | None]
) -> None:
    """NEW-32: nobody reads of a patient who withdrew their consent after the check."""
    practice.patient(1, mobile=own)
    say(practice, 1, proxy_mobile="07700 900 555", proxy_consent="yes")
    number = practice.begin(practice.everybody(1))
    practice.check(number)
    batches = practice.stage(number)
    say(practice, 1, **since)
    practice.send(number, batches)
    with practice.record.read() as connection:
        columns = (message.c.address, message.c.state, message.c.reason)
        assert connection.execute(sa.select(*columns)).one() == fate


def test_what_may_be_at_the_proxys_is_not_sent_again_once_consent_is_withdrawn(
    practice: Practice,
) -> None:
    """NEW-32: an attempt that was left open sends the same again, or nothing."""
    practice.patient(1)
    say(practice, 1, proxy_mobile="07700 900 555", proxy_consent="yes")
    practice.gateway = gateway = FakeGateway("R", plan=["cut"])
    number = practice.begin(practice.everybody(1))
    practice.check(number)
    batches = practice.stage(number)
    timing = timing_of(practice.settings)
    release_campaign(practice.record, practice.clock, practice.settings, number, timing)

    def send() -> None:
        ledger = make_ledger(practice.record, practice.clock, practice.folder, timing=timing)
        deliver(ledger, gateway, number, 1, batches, patience=timedelta())

    send()
    say(practice, 1, proxy_consent="no")
    practice.clock.sleep(60)
    send()
    assert gateway.calls == 1
    with practice.record.read() as connection:
        assert connection.scalars(sa.select(message.c.state)).all() == ["unknown"]


def test_what_is_said_between_check_and_staging_counts(practice: Practice) -> None:
    practice.patients(2)
    number = practice.begin(practice.everybody(2))
    practice.check(number)
    say(practice, 1, language="Twi")
    say(practice, 2, formats="easy_read")
    practice.stage(number)
    assert practice.outcomes(number) == {2: "needs_interpreter", 3: "accepted"}
    assert {n: text for n, (_, text, _) in texts(practice).items()} == {2: "Review. Call us."}


def test_an_import_says_needs_and_an_empty_cell_takes_nothing_away(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(2)
    say(practice, 2, language="Somali", proxy_name="Given Family")
    heading = "NHS Number,Family Name,Main Language,Interpreter Needed,Accessible Information,Place of Stay"
    rows = (
        f"{nhs(1)},Family,Urdu,Y,,",
        f"{nhs(2)},Family,,,796161000000101,HMP Berwyn",
        f"{nhs(3)},New,,,,",
    )
    file = open_list(practice.file(*rows, heading=heading), scheme="generic")
    for _ in range(2):
        result = import_patients(sqlite_record, clock, file, Options(by="nia"))
    assert result.unused == ()
    with sqlite_record.read() as connection:
        found = {n: needs_of(connection, n) for n in (1, 2)}
    assert found[1] == {"language": "ur", "interpreter": True, "proxy_consent": False}
    assert found[2] == {
        "language": "so", "formats": "easy_read", "stay": "prison", "proxy_name": "Given Family",
        "proxy_consent": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "stays", "unclear"),
    [
        ("Not recorded,unknown,N/A,Flat 2 High Street,not asked,see notes,?,tbc", True, 1),
        ("Language not stated,perhaps,not known,Unknown,-,refused,not given,maybe", True, 2),
        ("none,Sometimes,unspecified,sheltered,unknown,0771,nia at example,", True, 5),
        ("Welsh,no,none,own home,none,none,none,no", False, 0),
    ],
)
def test_an_import_takes_no_need_away_that_it_does_not_understand(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, cells: str, stays: bool, unclear: int
) -> None:
    """NEW-32: nobody loses an interpreter to "not recorded"; what is not understood is counted."""
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(1)
    known = {
        "language": "pl", "interpreter": "yes", "formats": "large_print", "stay": "prison",
        "proxy_role": "daughter", "proxy_mobile": "07700 900 555", "proxy_email": "d@example.com",
        "proxy_consent": "yes",
    }  # fmt: skip
    say(practice, 1, **known)
    heading = (
        "NHS Number,Main Language,Interpreter,Preferred Format,Residence,Proxy Role,Proxy Mobile,Proxy Email,"
        "Proxy Consent"
    )
    file = open_list(practice.file(f"{nhs(1)},{cells}", heading=heading), scheme="generic")
    result = import_patients(sqlite_record, clock, file, Options(by="nia"))
    with sqlite_record.read() as connection:
        found = needs_of(connection, 1)
    before = known | {"interpreter": True, "proxy_consent": True}
    after = {"language": "cy", "interpreter": False, "proxy_consent": False}
    assert found == (before if stays else after)
    assert result.unclear_needs.total() == unclear


def test_a_format_that_is_not_understood_comes_to_those_that_are_known(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.patients(2)
    say(practice, 1, formats="large_print")
    rows = (f"{nhs(1)},Pictures please", f"{nhs(2)},Yellow paper; braille")
    file = open_list(
        practice.file(*rows, heading="NHS Number,Communication Needs"), scheme="generic"
    )
    result = import_patients(record, clock, file, Options(by="nia"))
    with record.read() as connection:
        found = [needs_of(connection, n)["formats"] for n in (1, 2)]
    assert found == ["large_print other", "braille other"]
    assert result.unclear_needs == {"Communication Needs": 2}


def test_what_is_no_need_and_no_variant_is_refused(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(sqlite_record, clock, tmp_path)
    practice.patients(1)
    say(practice, 1, stay="prison", language="pl")
    say(practice, 1, stay="none")
    with sqlite_record.read() as connection:
        assert needs_of(connection, 1) == {"language": "pl", "proxy_consent": False}
    for wrong in (
        {"stay": "seaside"}, {"formats": "tactile"}, {"interpreter": "perhaps"}, {"language": "unknown"},
        {"proxy_consent": "maybe"}, {"proxy_mobile": "see notes"},
    ):  # fmt: skip
        with pytest.raises(CohortRefused, match="or none"):
            say(practice, 1, **wrong)
    for key, form in (("plain", ""), ("plain", "tactile")):
        with pytest.raises(TemplateRefused):
            name_variant(sqlite_record, clock, key, of="plain", language="pl", form=form, by="nia")
