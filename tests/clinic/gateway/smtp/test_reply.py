"""What staff are told of a relay that takes nothing for now: its codes, in our words (NEW-35)."""

from __future__ import annotations

import pytest

from clinic.gateway.protocol import Turned
from clinic.gateway.smtp.reply import judge
from clinic.gateway.tally import Tally


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("4.7.1 Greylisted, ask again", "450 4.7.1 (its policy, such as greylisting), for the moment"),
        ("4.2.2 <ottoline.fenwick@example.org> over quota", "450 4.2.2 (a mailbox), for the moment"),
        ("4.3.2\nOttoline Fenwick cannot be served", "450 4.3.2 (its mail system), for the moment"),
        ("Ottoline Fenwick moved to 4.1.1 Mill Lane", "450, for the moment"),
        ("4.1.1.Ottoline", "450, for the moment"),
        ("4.9.1 Ottoline", "450, for the moment"),
        ("", "450, for the moment"),
    ],
)  # fmt: skip
def test_a_relay_s_sentence_about_one_patient_is_not_told_of_all(says: str, told: str) -> None:
    """What it says of one refused message stays with that message; this stands in reports and mails."""
    tally = Tally(frozenset({1}))
    judge(1, "rcpt", 450, says, tally)
    answer = tally.answer()
    assert answer.trouble == f"the relay answers {told}"
    assert answer.not_sent == {1}


@pytest.mark.parametrize(
    ("says", "halt"),
    [
        ("5.7.1 <sian@example.org>: Relay access denied", True),
        ("5.7.54 SMTP; Unable to relay recipient in non-accepted domain", True),
        ("5.7.1 sian@example.org... Relaying denied", True),
        ("relay not permitted", True),
        ("5.1.1 <relay.evans@example.org>: Recipient address rejected: User unknown", False),
        ("5.1.1 <sian@relay-runners.example> no such user", False),
        ("5.1.1 said: host mx.relay.example: no such user", False),
        ("no such user at relay.example.", False),
    ],
)  # fmt: skip
def test_an_address_with_the_word_relay_in_it_is_no_refusal_of_ours(says: str, halt: bool) -> None:
    """One patient's unknown mailbox would halt the campaign, and halt it again whenever it is resumed."""
    tally = Tally(frozenset({1}))
    judge(1, "rcpt", 550, says, tally)
    answer = tally.answer()
    assert answer.halt == ("gateway-sender-refused" if halt else None)
    assert isinstance(answer.results.get(1), Turned) is not halt
