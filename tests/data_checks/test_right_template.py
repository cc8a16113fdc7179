"""NEW-28: a template goes to whom it is for; who is outside has an outcome, at the check and again later."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.message import states
from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import Bounds, read_coded
from clinic.message.audience.exceptions import decide_for, exceptions_of
from clinic.message.audience.topics import clash_of
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.clinical import diagnosis, medication
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import group_member, patient, patient_group
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.main_job import Practice, nhs, tally

TODAY = date(2026, 3, 2)  # of the fake clock
FLU, LOSS = "822851000000102", "17369002"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    assert clock.now().date() == TODAY
    return Practice(record, clock, tmp_path)


def template(practice: Practice, bounds: Bounds, key: str = "own") -> str:
    new = NewTemplate(key, key, "review", "Hello, please call us.", audience=Audience((), bounds))
    add_template(practice.record, practice.clock, new, by="nia")
    return key


def coded(practice: Practice, table: sa.Table, *rows: tuple[int, str, date | None]) -> None:
    at = "onset" if table is diagnosis else "started"
    with practice.record.write() as connection:
        columns = ("patient_id", "code", "text", at, "status")
        insert_rows(
            connection, table, columns, [(who, code, "x", on, "active") for who, code, on in rows]
        )


def group(practice: Practice, code: str, *members: int) -> None:
    with practice.record.write() as connection:
        made = sa.insert(patient_group).values(code=code, name=code).returning(patient_group.c.id)
        own = connection.execute(made).scalar_one()
        insert_rows(
            connection, group_member, ("group_id", "patient_id"), [(own, one) for one in members]
        )


def judged(practice: Practice, bounds: Bounds, count: int, **request: Any) -> list[str]:
    """The outcome of each of the patients 1 to `count`, in their order; the list's share is accepted."""
    accept = {"outside_template": "looked at one by one"}
    path = practice.file(*(nhs(n) for n in range(1, count + 1)))
    number = practice.begin(
        path, template=template(practice, bounds), accept=accept, requested_by="nia", **request
    )
    practice.check(number)
    return [one.split(" (")[0] for one in practice.outcomes(number).values()]


def test_each_who_is_outside_has_an_outcome_of_their_own(practice: Practice) -> None:
    """Sex and age: as the record says, and outside where it says nothing; the day of a birthday counts."""
    people: list[tuple[dict[str, Any], str]] = [
        ({"sex": "female", "birth_date": date(2001, 3, 2)}, "accepted"),  # 25 today
        ({"sex": "F", "birth_date": date(1961, 3, 3)}, "accepted"),  # 64, 65 tomorrow
        ({"sex": "female", "birth_date": date(2001, 3, 3)}, "not_for_age"),
        ({"sex": "female", "birth_date": date(1961, 3, 2)}, "not_for_age"),
        ({"sex": "male", "birth_date": date(1980, 1, 1)}, "not_for_sex"),
        ({"sex": "unknown", "birth_date": date(1980, 1, 1)}, "not_for_sex"),
        ({"birth_date": date(1980, 1, 1)}, "not_for_sex"),
        ({"sex": "female"}, "not_for_age"),
        ({"sex": "male", "death_date": date(2025, 1, 1)}, "patient_dead"),
    ]
    for n, (values, _) in enumerate(people, start=1):
        practice.patient(n, **values)
    found = judged(practice, Bounds(sex="female", age_from=25, age_to=64), len(people))
    assert found == [outcome for _, outcome in people]


def test_who_was_coded_since_has_had_it_and_a_code_that_hurts_leaves_out(
    practice: Practice,
) -> None:
    """Problems and medicines; of what has no date nobody knows when: spared, and invited."""
    practice.patients(9)
    coded(
        practice, diagnosis,
        (1, FLU, date(2025, 9, 1)), (2, FLU, date(2025, 8, 31)), (3, FLU, None), (4, "38341003", TODAY),
        (6, LOSS, date(2024, 3, 2)), (7, LOSS, date(2024, 3, 1)), (8, LOSS, None),
    )  # fmt: skip
    coded(practice, medication, (5, "86198006", date(2025, 10, 7)))
    group(practice, "baby-loss", 9)
    group(practice, "walkers", 1, 2, 3)
    bounds = Bounds(
        not_if_coded=(read_coded("flu-vaccination/09-01"),),
        exclude_codes=(read_coded("loss-of-a-baby/2y"), read_coded("99/ever")),
        exclude_groups=("baby-loss", "of-nobody"),
    )
    assert judged(practice, bounds, 9) == [
        "coded_since", "accepted", "accepted", "accepted", "coded_since",
        "has_excluded_code", "accepted", "has_excluded_code", "in_excluded_group",
    ]  # fmt: skip


def test_staff_decide_for_one_patient_both_ways_and_lift_what_they_name_alone(
    practice: Practice,
) -> None:
    """A trans man who needs a smear; one who had it all the same; and one who is never to get it."""
    for n, sex in enumerate(("male", "male", "male", "female", "male"), start=1):
        practice.patient(n, sex=sex, birth_date=date(1980, 1, 1))
    coded(practice, diagnosis, (2, "171149006", TODAY - timedelta(days=30)))
    bounds = Bounds(sex="female", not_if_coded=(read_coded("171149006/3y"),))
    template(practice, bounds)

    def decide(who: int, *lifts: str) -> None:
        decide_for(
            practice.record, practice.clock, "own", who, lifts, reason="asked by phone", by="nia"
        )

    for who, lifts in (
        (1, ["sex"]),
        (2, ["sex"]),
        (3, ["age"]),
        (4, ["never"]),
        (5, ["sex"]),
        (5, []),
    ):
        decide(who, *lifts)
    assert judged(practice, bounds, 5) == [
        "accepted", "coded_since", "not_for_sex", "not_for_patient", "not_for_sex",
    ]  # fmt: skip
    kept = [(one.local_id, one.lifts, one.set_by) for one in exceptions_of(practice.record, "own")]
    assert kept == [
        ("E4", "never", "nia"),
        ("E3", "age", "nia"),
        ("E2", "sex", "nia"),
        ("E1", "sex", "nia"),
    ]


def test_a_smear_recall_to_thirty_six_men_stops_and_they_stay_out_when_it_is_accepted(
    practice: Practice,
) -> None:
    """Safety 24: 36 men among 60; the terminal, a run and a schedule pass by this check alike."""
    for n in range(1, 61):
        practice.patient(
            n, sex="male" if n <= 36 else "female", birth_date=date(1980, 1, n % 28 + 1)
        )
    path = practice.file(*(nhs(n) for n in range(1, 61)))
    key = template(practice, Bounds(sex="female", age_from=24, age_to=64))
    with pytest.raises(
        CohortRefused,
        match=r"36 of 60 rows .*whom the template is not for.* --accept outside_template=",
    ):
        practice.check(practice.begin(path, template=key))
    number = practice.begin(
        path, template=key, request_key="two", requested_by="nia",
        accept={"outside_template": "the practice's whole list of 2026"},
    )  # fmt: skip
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"not_for_sex": 36, "accepted": 24}


def test_an_honest_list_with_a_few_outside_passes_without_a_question(practice: Practice) -> None:
    """6 of 60 had their flu jab since the list was made; one of three alone stops nothing either."""
    practice.patients(60)
    coded(practice, diagnosis, *((n, FLU, TODAY) for n in range(1, 7)))
    key = template(practice, Bounds(not_if_coded=(read_coded("flu-vaccination/09-01"),)))
    for count, left in ((60, 54), (7, 1)):
        rows = [nhs(n) for n in range(1, count + 1)] if count == 60 else [nhs(1), nhs(50), nhs(51)]
        number = practice.begin(practice.file(*rows), template=key, request_key=f"of {count}")
        practice.check(number)
        assert tally(practice.outcomes(number))["accepted"] == (left if count == 60 else 2)


def test_what_the_record_learns_meanwhile_counts_in_the_intent_to_send(practice: Practice) -> None:
    """Coded, bereaved, put into a group, or decided on since the check: left out, with the reason."""
    practice.patients(6)
    bounds = Bounds(
        age_from=40,
        not_if_coded=(read_coded("flu-vaccination/09-01"),),
        exclude_codes=(read_coded("loss-of-a-baby/ever"),),
        exclude_groups=("baby-loss",),
    )
    with practice.record.write() as connection:
        connection.execute(sa.update(patient).values(birth_date=date(1980, 1, 1)))
    key = template(practice, bounds)
    number = practice.begin(practice.file(*(nhs(n) for n in range(1, 7))), template=key)
    practice.check(number)
    practice.stage(number)
    coded(practice, diagnosis, (1, FLU, TODAY), (2, LOSS, TODAY), (4, FLU, TODAY))
    group(practice, "baby-loss", 3)
    for who, lifts in ((4, "coded"), (5, "never")):
        decide_for(practice.record, practice.clock, key, who, [lifts], reason="by phone", by="nia")
    ledger = make_ledger(practice.record, practice.clock, practice.folder)
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(state=states.RUNNING))
    claim = ledger.claim(number, 1, 1)
    assert claim is not None
    with practice.record.write() as connection:
        assert ledger.leave_out(connection, claim, practice.clock.now()) == 4
        rows = connection.execute(
            sa.select(message.c.state, message.c.reason).order_by(message.c.patient_id)
        )
        found = [row.reason if row.state == states.SUPPRESSED else row.state for row in rows]
    assert found == [
        "coded_since", "has_excluded_code", "in_excluded_group", "pending", "not_for_patient", "pending",
    ]  # fmt: skip


CLASHES = [
    ("flu-2026", "smear-recall Cervical screening recall"),
    ("FLU2026_final", "bowel-invite"),
    ("Shingles cohort B", "covid-autumn Autumn booster"),
    ("Brechiad ffliw", "smear-recall"),
    ("diabetes review", "asthma-review"),
    ("Antenatal list", "copd-review"),
    ("HbA1c overdue", "bp-check"),
    ("Breast screening 2026", "flu-invite"),
    ("Prostate recall", "smear-recall"),
    ("AF on warfarin", "copd-review"),
    ("Depression reviews", "gout-bloods"),
    ("MMRV catch-up", "shingrix-offer"),
]
ALIKE = [
    ("Autumn 2026", "flu-invite Flu vaccination invitation"),
    ("Diabetic patients over 65", "flu-invite Flu vaccination invitation"),
    ("flu and covid, care homes", "covid-autumn"),
    ("Pregnant women", "flu-invite"),
    ("smears overdue", "smear-recall Cervical screening recall"),
    ("influenza", "flu-gwahoddiad"),
    ("retinal screening", "diabetes-eyes Diabetic eye screening"),
    ("flu", "closed-monday We are closed"),
    ("Fluoxetine review", "smear-recall"),
    ("asthma + COPD", "asthma-review"),
    ("", "flu-invite"),
    ("Diabetes register", "bp-check"),
    ("CKD stage 3", "bp-check"),
    ("Stroke and TIA", "cvd-review"),
    ("Respiratory", "asthma-review"),
    ("COPD", "inhaler-check"),
    ("CKD", "acr-urine"),
    ("Diabetics", "egfr-bloods"),
    ("PAS export", "flu-invite"),
]


@pytest.mark.parametrize(
    ("listed", "named", "clash"),
    [(*one, True) for one in CLASHES] + [(*one, False) for one in ALIKE],
)
def test_names_that_clearly_disagree_are_found_and_no_others(
    listed: str, named: str, clash: bool
) -> None:
    assert (clash_of(listed, named, "Please call us.") is not None) == clash


def test_what_the_text_speaks_of_speaks_for_a_name() -> None:
    assert clash_of("Shingles", "flu-invite", "Your flu and shingles jabs are due.") is None


def test_a_list_called_after_something_else_is_asked_about(practice: Practice) -> None:
    practice.patients(3)
    path = practice.file(*(nhs(n) for n in range(1, 4)))
    key = template(practice, Bounds(), key="smear-letter")
    with pytest.raises(
        CohortRefused, match="called after flu, the template smear-letter after cervical"
    ):
        practice.check(practice.begin(path, template=key, list_name="flu-2026"))
    number = practice.begin(
        path, template=key, list_name="flu-2026", request_key="two", requested_by="nia",
        accept={"template_unlike_list": "they come to both clinics"},
    )  # fmt: skip
    practice.check(number)
    assert tally(practice.outcomes(number)) == {"accepted": 3}
