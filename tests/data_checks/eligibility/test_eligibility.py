"""Who is left out, and why: as a table, and for every mixture of faults."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.cohort.outcomes import BEFORE
from clinic.message.audience.outside import CODES as OUTSIDE
from clinic.message.intake.says_no import CODES as SAYS_NO
from clinic.message.needs.judge import CODES as NEEDS
from clinic.settings import Phones
from clinic.values.phone import judge_for
from data_checks.eligibility.eligibility import screen
from data_checks.eligibility.rules import RULES, Channel, rules_for
from tests.data_checks.rows import WELL, facts

# What is wrong with a row → its outcome. In the order of the rules: each row here also has every
# fault of the rows below it when `test_the_first_broken_rule_wins` runs
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"unreadable": True}, "unreadable_row"),
    ({"other_organisation": True}, "other_organisation"),
    ({"nhs_number_fault": "nhs_number_missing"}, "nhs_number_missing"),
    ({"nhs_number_fault": "nhs_number_invalid"}, "nhs_number_invalid"),
    ({"ids_contradict": True}, "ids_contradict"),
    ({"patient_id": None}, "patient_not_found"),
    ({"other_facility": True}, "other_facility"),
    ({"birth_date_fault": "birth_date_missing"}, "birth_date_missing"),
    ({"birth_date_fault": "birth_date_invalid"}, "birth_date_invalid"),
    ({"birth_date_differs": True}, "birth_date_differs"),
    ({"name_differs": True}, "name_differs"),
    ({"number_of_another": True}, "number_of_another"),
    ({"dead": True}, "patient_dead"),
    ({"fictitious": True}, "patient_fictitious"),
    ({"deregistered": True}, "patient_deregistered"),
    ({"status_allowed": False}, "status_not_messaged"),
    ({"restricted": True}, "restricted"),
    ({"no_contact": True}, "no_contact"),
    ({"opted_out": True}, "opted_out"),
    ({"no_consent": True}, "no_consent"),
    ({"held": True}, "held_by_reply"),
    *(({"list_says": code}, code) for code in SAYS_NO),
    *(({"outside": code}, code) for code in OUTSIDE),
    *(({"needs": code}, code) for code in NEEDS),
    ({"duplicate_of": 2}, "duplicate"),
    ({"address_fault": "phone_missing"}, "phone_missing"),
    ({"address_fault": "phone_invalid"}, "phone_invalid"),
    ({"address_fault": "phone_not_mobile"}, "phone_not_mobile"),
    ({"address_fault": "phone_not_allowed"}, "phone_not_allowed"),
    ({"variable_missing": "appointment.date"}, "variable_missing"),
    ({"value_too_long": "list.Notes: 201 characters, 200 allowed"}, "value_too_long"),
    ({"date_gone_by": "list.Clinic_date"}, "date_gone_by"),
    ({"had_this_lately": True}, "had_this_lately"),
    ({"recently_contacted": True}, "recently_contacted"),
    ({"likely_to_fail": True}, "likely_to_fail"),
]
EMAIL_FAULTS = [
    ({"address_fault": "email_missing"}, "email_missing"),
    ({"address_fault": "email_invalid"}, "email_invalid"),
]


def outcomes(rows: pd.DataFrame, channel: Channel = "sms") -> list[str]:
    return screen(rows, channel=channel).outcome.tolist()


def test_a_row_with_nothing_wrong_is_accepted() -> None:
    """ACX-25: a valid NHS number and a mobile, and no reason against it."""
    screening = screen(facts({}), channel="sms")
    assert screening.outcome.to_dict() == {2: "accepted"}
    assert screening.detail.to_dict() == {2: ""}
    assert screening.flags.all(axis=None)


@pytest.mark.parametrize(("wrong", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_each_fault_has_its_own_outcome(wrong: dict[str, Any], code: str) -> None:
    """ARC-9 to ARC-13, ACX-26, COM-12, NEW-6: left out with the one reason, and only that flag falls."""
    screening = screen(facts(wrong, {}), channel="sms")
    assert screening.outcome.tolist() == [code, "accepted"]
    assert screening.flags.columns[~screening.flags.loc[2]].tolist() == [code]


@pytest.mark.parametrize(("wrong", "code"), EMAIL_FAULTS, ids=[code for _, code in EMAIL_FAULTS])
def test_each_fault_of_an_e_mail_address_has_its_own_outcome(
    wrong: dict[str, Any], code: str
) -> None:
    assert outcomes(facts(wrong), "email") == [code]


def test_every_rule_of_the_table_is_proven_here() -> None:
    """A rule without a line above would be a rule that nobody has seen work."""
    assert {code for _, code in FAULTS + EMAIL_FAULTS} == {rule.code for rule in RULES}


def test_the_first_broken_rule_wins() -> None:
    """Safety first: whatever else is wrong with a row, the outcome is the earliest rule it breaks."""
    order = [rule.code for rule in rules_for("sms")]
    for place, (wrong, code) in enumerate(FAULTS):
        worse = dict(wrong)
        for later, _ in FAULTS[place + 1 :]:
            worse |= {column: value for column, value in later.items() if column not in worse}
        assert outcomes(facts(worse)) == [code]
    assert order == [code for _, code in FAULTS]


def test_of_a_patient_of_another_facility_nothing_else_is_counted() -> None:
    """NEW-38: the gate's counts would tell whoever asks whether the row's date, names and number are right."""
    wrong = {"dead": True, "name_differs": True, "birth_date_differs": True, "opted_out": True}
    flags = screen(facts({"other_facility": True, **wrong}, wrong), channel="sms").flags
    broken = [[str(code) for code in flags if not flags[code].iloc[row]] for row in (0, 1)]
    assert broken == [
        ["other_facility"], ["birth_date_differs", "name_differs", "patient_dead", "opted_out"],
    ]  # fmt: skip


def test_a_dead_patient_listed_twice_is_dead_on_both_rows() -> None:
    """ARC-10: the family must not be messaged, and nobody should look for the 'other' row."""
    rows = facts({"dead": True}, {"dead": True, "duplicate_of": 2})
    assert outcomes(rows) == ["patient_dead", "patient_dead"]


def test_an_earlier_row_counts_whatever_became_of_it() -> None:
    """Row 3 repeats row 2, whose variable is missing: still one message at most, and row 3 says which."""
    screening = screen(facts({"variable_missing": "x"}, {"duplicate_of": 2}), channel="sms")
    assert screening.outcome.tolist() == ["variable_missing", "duplicate"]
    assert screening.detail.tolist() == ["x", "row 2"]


def test_the_detail_is_of_the_outcome_only() -> None:
    """A row left out as dead does not also name a variable."""
    rows = facts({"dead": True, "duplicate_of": 9, "variable_missing": "appointment.date"})
    assert screen(rows, channel="sms").detail.tolist() == [""]


def test_another_id_stands_in_for_a_missing_nhs_number_but_not_for_a_wrong_one() -> None:
    """ACX-18: an EMIS number says who is meant; a wrong check digit beside it says somebody slipped."""
    rows = facts(
        {"nhs_number_fault": "nhs_number_missing", "has_other_id": True},
        {"nhs_number_fault": "nhs_number_invalid", "has_other_id": True},
    )
    assert outcomes(rows) == ["accepted", "nhs_number_invalid"]


def test_unregistered_rows_are_messaged_where_the_setting_says_so() -> None:
    """ACX-21: they need no patient of this record, but everything else holds for them too."""
    unregistered = {"patient_id": None, "register_optional": True}
    rows = facts(
        unregistered,
        unregistered | {"birth_date_fault": "birth_date_missing"},
        unregistered | {"address_fault": "phone_invalid"},
    )
    assert outcomes(rows) == ["accepted", "birth_date_missing", "phone_invalid"]


def test_a_landline_can_be_called_but_not_texted() -> None:
    """ARC-8: as a call's number it has no fault; judged as a text's, it never passes for one."""
    landline = judge_for("voice", pd.Series(["020 7946 0958"], dtype="str"), Phones()).iloc[0]
    assert outcomes(facts({"address_fault": landline["fault"]}), "voice") == ["accepted"]
    rows = facts({"address_fault": "phone_not_mobile"})
    assert outcomes(rows, "sms") == ["phone_not_mobile"]
    with pytest.raises(ValueError, match="address_fault"):
        screen(rows, channel="voice")


def test_an_empty_list_has_no_outcomes() -> None:
    screening = screen(facts(), channel="sms")
    assert (len(screening.outcome), len(screening.detail), len(screening.flags)) == (0, 0, 0)


def test_an_unknown_fault_is_refused_and_not_quoted() -> None:
    """A fault that no rule knows must not pass for none, and might be a patient's value."""
    for column in ("nhs_number_fault", "birth_date_fault", "address_fault"):
        with pytest.raises(ValueError, match=column) as caught:
            screen(facts({column: "CANARY"}), channel="sms")
        assert "CANARY" not in str(caught.value)


def test_a_fault_of_another_channel_is_refused() -> None:
    """A phone's fault among e-mail rows means that the wrong addresses were judged."""
    with pytest.raises(ValueError, match="address_fault"):
        screen(facts({"address_fault": "phone_missing"}), channel="email")


def test_an_empty_fault_is_refused() -> None:
    """What a join left empty is not "nothing wrong"."""
    rows = facts({}).assign(address_fault=pd.Series([None], index=[2], dtype="str"))
    with pytest.raises(ValueError, match="address_fault"):
        screen(rows, channel="sms")


def test_an_unknown_yes_or_no_is_never_read_as_no() -> None:
    """ARC-11: opted_out is None after a join gone wrong: refused, not messaged."""
    rows = facts({}).assign(opted_out=pd.Series([None], index=[2], dtype="object"))
    with pytest.raises(TypeError, match="opted_out"):
        screen(rows, channel="sms")
    rows = facts({}).assign(opted_out=pd.Series([None], index=[2], dtype="boolean"))
    with pytest.raises(ValueError, match="missing values"):
        screen(rows, channel="sms")


MIXTURES = st.lists(st.lists(st.sampled_from(FAULTS), max_size=4), max_size=8)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(mixtures=MIXTURES)
def test_every_row_has_exactly_one_outcome_and_flags_agree_with_it(
    mixtures: list[list[tuple[dict[str, Any], str]]],
) -> None:
    """NEW-6: whatever is wrong with them, as many outcomes as rows, each the first flag that fell."""
    rows = facts(
        *({k: v for wrong, _ in mixture for k, v in wrong.items()} for mixture in mixtures)
    )
    screening = screen(rows, channel="sms")
    assert screening.outcome.index.equals(rows.index)
    assert set(screening.outcome) <= set(BEFORE)
    for number, flags in screening.flags.iterrows():
        fallen = flags.index[~flags.to_numpy(dtype=bool)]
        assert screening.outcome[number] == (fallen[0] if len(fallen) else "accepted")


def test_screening_needs_every_column() -> None:
    """A column left out by a caller is an error, never a rule left out."""
    for column in WELL:
        with pytest.raises(KeyError, match=column):
            screen(facts({}).drop(columns=column), channel="sms")
