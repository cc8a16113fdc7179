"""NEW-27: what becomes of texts to numbers that several patients have, up to each patient's record."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.govern.audit.derived import unlike_their_messages
from clinic.message import states
from clinic.message.audience.audience import Audience
from clinic.message.campaign.said import said_of
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.content import require_accepted
from clinic.message.safety.accepted import acceptances_of
from clinic.message.sharing.standing import left_out
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import patient
from clinic.settings import Organisation, Phones, Sharing
from clinic.values.phone import judge_mobiles
from tests.fakes import FakeClock, FakeGateway
from tests.main_job import Practice, nhs

# The clock says 2 March 2026
ADULT, CHILD, TEEN, YOUNG = date(1986, 5, 2), date(2019, 8, 30), date(2011, 1, 15), date(2009, 2, 1)
PHONES = Phones(test_range=True)
HOME, OTHER, OWN = "07400 300100", "07400 300200", "07400 300300"
FLU = "Dear {{ patient.given_name }}, your flu vaccination is due. Please call us."
COIL = "Dear {{ patient.given_name }}, your contraception review is due. Please call us."


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(sqlite_record, clock, tmp_path)


@pytest.fixture
def either(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """On SQLite and on PostgreSQL: who shares a number is asked in the database's own words."""
    return Practice(record, clock, tmp_path)


def staged(
    practice: Practice, text: str, count: int, *, block_rows: int = 100, **request: Any
) -> int:
    """A campaign to the patients 1 to `count`, all accepted; its rows begin with 2."""
    if text:
        practice.template(text, key="own")
    number = practice.begin(practice.everybody(count), template="own", **request)
    with practice.record.write() as connection:
        rows = connection.execute(sa.select(patient).where(patient.c.id <= count)).all()
        numbers = judge_mobiles(pd.Series([row.mobile for row in rows]), PHONES)["address"]
        connection.execute(
            sa.insert(recipient),
            [
                {
                    "campaign_id": number, "row_number": row.id + 1, "patient_id": row.id,
                    "outcome": "accepted", "address": address, "record_version": row.version,
                }
                for row, address in zip(rows, numbers.tolist(), strict=True)
            ],
        )  # fmt: skip
    practice.stage(number, block_rows=block_rows)
    return number


def change(practice: Practice, **settings: object) -> None:
    practice.settings = practice.settings.model_copy(update=settings)


def said_to(practice: Practice) -> dict[int, str]:
    with practice.record.read() as connection:
        rows = connection.execute(sa.select(message.c.patient_id, message.c.body))
        return dict(rows.tuples().all())


def fates(practice: Practice) -> dict[int, tuple[str, str | None]]:
    query = sa.select(message.c.patient_id, message.c.state, message.c.reason)
    with practice.record.read() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def test_each_text_speaks_as_its_number_allows(either: Practice) -> None:
    """NEW-27: whatever way a number is typed; a parent's own text is hers although her child has the number."""
    either.patient(1, given_name="Ann", birth_date=ADULT, mobile=HOME)
    either.patient(2, given_name="Bea", birth_date=CHILD, mobile="+44 7400 300100")
    either.patient(3, given_name="Cal", birth_date=ADULT, mobile=OTHER)
    either.patient(4, given_name="Dot", birth_date=ADULT, mobile="0044 7400-300200")
    either.patient(5, given_name="Eve", birth_date=TEEN, mobile=OWN)
    either.patient(6, given_name="Flo", mobile="07400 300600")
    number = staged(either, FLU, 6)
    assert said_to(either) == {
        1: "Dear Ann, your flu vaccination is due. Please call us.",
        2: "To the parent or guardian of Bea: Dear Bea, your flu vaccination is due. Please call us.",
        3: "Dear patient, your flu vaccination is due. Please call us.",
        4: "Dear patient, your flu vaccination is due. Please call us.",
        5: "Dear Eve, your flu vaccination is due. Please call us.",
        6: "Dear Flo, your flu vaccination is due. Please call us.",
    }
    with either.record.read() as connection:
        said = {one.code: one.count for one in said_of(connection, number)}
    assert said == {
        "guardian_greeting": 1, "neutral_greeting": 2, "told_together": 1, "number_unconfirmed": 1,
    }  # fmt: skip


def test_a_text_that_names_its_patient_goes_to_no_number_of_many(either: Practice) -> None:
    """NEW-27: a care home's, which is not looked into; the name is in a column of any heading."""
    for key in range(1, 23):
        either.patient(key, given_name=f"Resident{key:02}", birth_date=ADULT, mobile=HOME)
    born = f"{ADULT:%d %B %Y}"
    rows = [f"{nhs(1)},{born},Resident01", f"{nhs(2)},{born},Jab"]
    either.template("Your {{ list.What }} is due.", key="own")
    file = either.file(*rows, heading="NHS Number,Date of Birth,What")
    either.check(number := either.begin(file, template="own"))
    either.stage(number)
    assert said_to(either) == {2: "Your Jab is due."}


SENSITIVE: tuple[tuple[str, list[date], dict[str, Any], str], ...] = (
    # who is on the number besides, what is known of the patient, why a sensitive text does not go there
    ("an adult's own", [], {"birth_date": ADULT}, ""),
    ("a child on a parent's", [ADULT], {"birth_date": CHILD}, "child_contact"),
    ("at 15 too", [ADULT], {"birth_date": TEEN}, "child_contact"),
    ("the number of siblings", [CHILD], {"birth_date": TEEN}, "child_contact"),
    ("too young for one of their own", [], {"birth_date": CHILD}, "child_contact"),
    ("a parent's own", [CHILD], {"birth_date": ADULT}, ""),
    ("two adults'", [ADULT], {"birth_date": ADULT}, "shared_number"),
    ("no date of birth", [ADULT], {"birth_date": None}, "shared_number"),
    ("nobody knows since when", [], {"birth_date": TEEN}, "number_unconfirmed"),
    ("at 17 too", [], {"birth_date": YOUNG}, "number_unconfirmed"),
    (
        "the day before the 13th birthday", [],
        {"birth_date": TEEN, "mobile_confirmed_on": date(2024, 1, 14)}, "number_unconfirmed",
    ),
    ("that day", [], {"birth_date": TEEN, "mobile_confirmed_on": date(2024, 1, 15)}, ""),
    (
        "but not since the 16th", [],
        {"birth_date": YOUNG, "mobile_confirmed_on": date(2024, 1, 15)}, "number_unconfirmed",
    ),
    ("here since they were 16", [], {"birth_date": YOUNG, "registered_on": date(2025, 3, 1)}, ""),
    ("long grown up", [], {"birth_date": date(2004, 2, 1)}, ""),
    (
        "grown up, and known to be of a child", [],
        {"birth_date": date(2004, 2, 1), "mobile_confirmed_on": date(2015, 1, 1)},
        "number_unconfirmed",
    ),
)  # fmt: skip


def test_a_sensitive_text_goes_to_a_number_of_ones_own_alone(practice: Practice) -> None:
    """NEW-27: the others on the number need not be on the list."""
    for n, (_, others, own, _why) in enumerate(SENSITIVE, start=1):
        practice.patient(n, mobile=f"07400 3010{n:02}", **own)
        for born in others:
            practice.patient(n + 100, mobile=f"07400 3010{n:02}", birth_date=born)
    number = staged(practice, COIL, len(SENSITIVE))
    found = practice.outcomes(number)
    assert {case[0]: found[n] for n, case in enumerate(SENSITIVE, start=2)} == {
        name: why or "accepted" for name, _, _, why in SENSITIVE
    }
    assert len(said_to(practice)) == [case[3] for case in SENSITIVE].count("")


@pytest.mark.parametrize("first", [OWN, HOME])
def test_of_two_rows_of_a_patient_each_number_is_looked_into(either: Practice, first: str) -> None:
    """NEW-27: a list may have several numbers of one, and which of them comes first says nothing."""
    either.patient(1, birth_date=ADULT, mobile=OWN)
    either.patient(2, birth_date=ADULT, mobile=HOME)
    either.template(COIL, key="own")
    number = either.begin(either.everybody(2), template="own")
    numbers = dict(enumerate((first, OWN if first == HOME else HOME), start=2))
    with either.record.write() as connection:
        for row, typed in numbers.items():
            address = "+44" + typed[1:].replace(" ", "")
            connection.execute(
                sa.insert(recipient).values(
                    campaign_id=number, row_number=row, patient_id=1, outcome="accepted", address=address
                )
            )  # fmt: skip
    either.stage(number)
    assert {numbers[row]: outcome for row, outcome in either.outcomes(number).items()} == {
        OWN: "accepted", HOME: "shared_number",
    }  # fmt: skip


def test_a_proxy_with_consent_reads_what_is_written_to_the_patient(practice: Practice) -> None:
    """NEW-27, NEW-32: a child's guardian, an adult's carer; one who did not consent changes nothing."""
    practice.patient(1, given_name="Bea", birth_date=CHILD, mobile=HOME)
    practice.patient(2, given_name="Cai", birth_date=CHILD, mobile=HOME)
    practice.patient(3, given_name="Dil", birth_date=ADULT, mobile=OTHER)
    practice.patient(9, birth_date=ADULT, mobile=HOME)
    practice.patient(10, birth_date=ADULT, mobile=OTHER)
    with practice.record.write() as connection:
        for n, home, consent in ((1, "07400-300100", True), (2, HOME, False), (3, OTHER, True)):
            connection.execute(
                sa.insert(patient_need).values(
                    patient_id=n, proxy_mobile=home, proxy_consent=consent, set_by="nia",
                    set_at=practice.clock.now(),
                )
            )  # fmt: skip
    number = staged(practice, COIL, 3)
    assert practice.outcomes(number) == {2: "accepted", 3: "child_contact", 4: "accepted"}
    assert said_to(practice) == {
        1: "To the parent or guardian of Bea: Dear Bea, your contraception review is due. Please call us.",
        3: "Dear Dil, your contraception review is due. Please call us.",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Dear {{ patient.title }} {{ patient.family_name }}, call.", "Dear patient, call."),
        ("Annwyl {{ patient.given_name }} {{ patient.family_name }}!", "Annwyl patient!"),
        ("{{ patient.full_name }}: call us.", "patient: call us."),
        ("Call us.", "Call us."),
    ],
)
def test_a_text_without_its_name_reads_well(practice: Practice, text: str, said: str) -> None:
    """NEW-27."""
    for n in (1, 2):
        practice.patient(n, title="Ms", birth_date=ADULT, mobile=HOME)
    staged(practice, text, 2)
    assert set(said_to(practice).values()) == {said}


def test_no_text_to_adults_who_share_a_number_names_one_of_them(practice: Practice) -> None:
    """NEW-27: a name may come from any column of a list, and the other may stand on the list alone."""
    for n, name in enumerate(("Gwen", "Huw", "Iris"), start=1):
        practice.patient(n, given_name=name, birth_date=ADULT, mobile=f"07400 30040{n}")
    practice.patient(4, given_name="Huw", birth_date=ADULT, mobile="07400 300402")
    heading = "NHS Number,Mobile Number,Known As,Letter to"
    change(practice, organisation=Organisation(address_from="list"))
    lines = [
        f"{nhs(1)},07400 300499,Gwennie,Mrs Gwen Rees", f"{nhs(2)},07400 300402,Huw,Mr Huw Rees",
        f"{nhs(3)},07400 300499,Iris,Mrs Iris Lloyd",
    ]  # fmt: skip
    file = practice.file(*lines, heading=heading)
    practice.template("Dear {{ list.Known_As }}, please call us.", key="own")
    practice.check(number := practice.begin(file, template="own"))
    practice.stage(number)
    assert set(said_to(practice).values()) == {"Dear patient, please call us."}
    practice.template("Dear {{ list.Letter_to }}, please call.", key="other")
    practice.check(number := practice.begin(file, template="other", request_key="second"))
    practice.stage(number)
    assert {one.split()[0] for one in practice.outcomes(number).values()} == {"shared_number"}


@pytest.mark.parametrize(
    ("sharing", "outcome", "said"),
    [
        (Sharing(not_to_guardians=("own",)), "child_contact", None),
        (Sharing(to_guardian=""), "child_contact", None),
        (Sharing(to_guardian="At riant {{ patient.given_name }}: "), "accepted", "At riant Bea: Call us."),
        (Sharing(child_under=6), "accepted", "Call us."),
    ],
)  # fmt: skip
def test_the_settings_say_what_a_childs_number_gets(
    practice: Practice, sharing: Sharing, outcome: str, said: str | None
) -> None:
    """NEW-27: a template may be none for guardians, or sensitive whatever it says."""
    change(practice, sharing=sharing)
    practice.patient(1, given_name="Bea", birth_date=CHILD, mobile=HOME)
    practice.patient(2, birth_date=CHILD, mobile=HOME)
    number = staged(practice, "Call us.", 1)
    assert practice.outcomes(number)[2] == outcome
    assert said_to(practice).get(1) == said


def test_a_template_may_be_sensitive_whatever_it_says(practice: Practice) -> None:
    """NEW-27, NEW-28: by its class, of this version."""
    practice.patient(1, birth_date=CHILD, mobile=HOME)
    practice.patient(2, birth_date=ADULT, mobile=HOME)
    new = NewTemplate("own", "own", "review", "Call us.", audience=Audience(classes=("sensitive",)))
    add_template(practice.record, practice.clock, new, by="nia")
    number = staged(practice, "", 1)
    assert practice.outcomes(number)[2] == "child_contact"


def test_what_a_named_person_accepts_is_sent_and_stands_on_the_trail(practice: Practice) -> None:
    """NEW-27: 35 children would have been left out; one code of the two is no yes to the other."""
    for n in range(1, 6):
        practice.patient(n, birth_date=TEEN, mobile=HOME if n < 4 else f"07400 30050{n}")
    accept = {
        "child_contact": "their own phones, asked at school",
        "content_sexual_reproductive": "agreed with the school nurse",
    }
    number = staged(practice, COIL, 5, accept=accept, requested_by="nia")
    require_accepted(practice.record, practice.clock, practice.settings, number)
    assert sorted(said_to(practice)) == [1, 2, 3]
    with practice.record.read() as connection:
        found = {one.code: (one.by, one.applied) for one in acceptances_of(connection, number)}
    assert found == dict.fromkeys(accept, ("nia", True))
    practice.send(number, 1)
    assert set(fates(practice).values()) == {(states.ACCEPTED, None)}


def test_one_message_tells_all_of_a_number_and_is_on_each_record(either: Practice) -> None:
    """NEW-27: in one batch and in several; what becomes of it is on each record too."""
    for n in range(1, 7):
        home = HOME if n in (1, 4, 6) else f"07400 30060{n}"
        either.patient(n, birth_date=ADULT, mobile=home)
    change(either, batch_size=2)
    number = staged(either, FLU, 6, block_rows=2)
    batches = either.stage(number)
    either.send(number, batches)
    save_batches(either.record, either.clock, number, 1, batches)
    assert isinstance(either.gateway, FakeGateway)
    base = either.message_base(number)
    assert either.gateway.received == {base + row: 1 for row in (2, 3, 4, 6)}
    assert summarize(either.record, either.clock, number).outcomes == {
        "sent": 4,
        "told_together": 2,
    }
    items = {item.patient_id: (item.text, item.status) for item in either.items()}
    assert items[4] == items[6] == items[1] == (
        "Dear patient, your flu vaccination is due. Please call us.", "pending",
    )  # fmt: skip
    with either.record.read() as connection:
        assert list(unlike_their_messages(connection)) == []


@pytest.mark.parametrize(
    ("since", "fate"),
    [
        ({"death_date": date(2026, 3, 1)}, {1: "patient_dead", 2: None, 3: "one_message"}),
        ({"mobile": "07400 300701"}, {1: None, 2: None, 3: "one_message"}),
        ({}, {1: None, 2: "one_message", 3: "one_message"}),
    ],
)
def test_where_one_of_a_number_is_left_out_the_next_is_told(
    practice: Practice, since: dict[str, object], fate: dict[int, str | None]
) -> None:
    """NEW-27: nobody is lost because another's message was to tell them."""
    for n in (1, 2, 3):
        practice.patient(n, birth_date=ADULT, mobile=HOME)
    number = staged(practice, FLU, 3)
    if since:
        with practice.record.write() as connection:
            values = since | {"version": 2}
            connection.execute(sa.update(patient).where(patient.c.id == 1).values(**values))
    practice.send(number, 1)
    assert {key: reason for key, (_, reason) in fates(practice).items()} == fate


@pytest.mark.parametrize(
    ("born", "text", "reason"),
    [
        (CHILD, "Please call us.", "child_contact"),
        (ADULT, FLU, "shared_number"),
        (ADULT, "Please call us.", None),
    ],
)
def test_a_number_that_another_got_meanwhile_is_asked_again(
    either: Practice, born: date, text: str, reason: str | None
) -> None:
    """NEW-27: between the review and the sending a parent registers, or somebody corrects a number."""
    either.patient(1, birth_date=born, mobile=HOME)
    number = staged(either, text, 1)
    either.patient(2, birth_date=ADULT, mobile=HOME)
    either.send(number, 1)
    expected = (states.SUPPRESSED, reason) if reason else (states.ACCEPTED, None)
    assert fates(either) == {1: expected}


def test_a_practice_that_does_not_exist_shares_only_within_a_home(practice: Practice) -> None:
    """NEW-27: its numbers are Ofcom's thousand for drama, so that strangers have one number there."""
    number = "07700 900123"
    practice.patient(1, given_name="Jan", birth_date=ADULT, mobile=number, address="1 High Street")
    practice.patient(2, given_name="Kit", birth_date=ADULT, mobile=number, address="2 Low Street")
    practice.patient(3, given_name="Lee", birth_date=ADULT, mobile=number, address="1 High Street")
    staged(practice, "Dear {{ patient.given_name }}, call us.", 3)
    assert set(said_to(practice).values()) == {"Dear patient, call us.", "Dear Kit, call us."}


def test_what_is_not_delicate_is_refused_for_others_alone() -> None:
    """So in the intent nobody else's number is looked into (looked_into.py)."""
    flags = ("child", "young", "shared", "adults", "unconfirmed", "proxy")
    rows = [
        (*(bool(bits & 1 << at) for at in range(len(flags))), greeting)
        for bits in range(2 ** len(flags))
        for greeting in ("", "name", "guardian", "neutral", "child", "named")
    ]
    every = pd.DataFrame(rows, columns=[*flags, "greeting"])
    alone = ~every["shared"] & ~every["adults"]
    for delicate in (False, True):
        left = left_out(every, pd.Series(delicate, every.index), every["greeting"])
        assert (left[~alone] != "").any(), "it tells of others"
        assert (left[alone] != "").any() == delicate
