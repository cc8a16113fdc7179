"""Which numbers are texted and which are called: tables of numbers, each with what it is (ARC-8, ARC-12)."""

import pandas as pd
import pytest

from clinic.settings import Phones
from clinic.values.phone import judge_for

UK = Phones(test_range=True)


@pytest.mark.parametrize(
    ("text", "texted", "called"),
    [
        ("07911 123456", "", ""),
        ("07700 900123", "", ""),
        ("020 7946 0958", "phone_not_mobile", ""),  # rings in somebody's home
        ("056 0000 0000", "phone_not_mobile", ""),  # an internet telephone rings, too
        ("0909 879 0000", "phone_not_mobile", "phone_not_allowed"),  # dear, and nobody's home
        ("0845 046 4647", "phone_not_mobile", "phone_not_allowed"),
        ("070 1234 5678", "phone_not_mobile", "phone_not_allowed"),
        ("0800 1111 222", "phone_not_mobile", "phone_not_allowed"),
        ("0300 123 4567", "phone_not_mobile", "phone_not_allowed"),
        ("07640 123456", "phone_not_mobile", "phone_not_allowed"),
        ("+33 1 70 18 99 00", "phone_not_allowed", "phone_not_allowed"),
        ("020 7946", "phone_invalid", "phone_invalid"),
        ("", "phone_missing", "phone_missing"),
    ],
)
def test_a_landline_is_called_and_not_texted_and_no_dear_number_is_either(
    text: str, texted: str, called: str
) -> None:
    texts = pd.Series([text], dtype="str")
    judged = {one: judge_for(one, texts, UK).iloc[0] for one in ("sms", "voice")}
    assert {one: row["fault"] for one, row in judged.items()} == {"sms": texted, "voice": called}
    assert all(bool(row["address"]) != bool(row["fault"]) for row in judged.values())


def test_which_kinds_are_called_is_a_setting() -> None:
    mobiles = Phones(call_types=("mobile",))
    judged = judge_for("voice", pd.Series(["020 7946 0958", "07911 123456"], dtype="str"), mobiles)
    assert judged["fault"].tolist() == ["phone_not_allowed", ""]
