"""NEW-5: opt-out words as people type them; what means something else is left to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.message.eligibility.keywords import find_keyword, may_be_opt_out

LISTED = [
    "STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL",
    "ARRET", "OPT-OUT", "REMOVE", "TD", "STOP ALL",
]  # fmt: skip


@pytest.mark.parametrize("word", LISTED)
def test_every_listed_word_opts_out(word: str) -> None:
    """NEW-5: the words of formats.md, in any case."""
    for text in (word, word.lower(), word.title(), f" {word} ", f"{word}.", f"“{word}”"):
        assert find_keyword(text) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "Stop", "sToP", "stop.", "STOP!!!", " stop\n", "'stop'", '"Stop"', "«stop»", "S T O P",
        "S.T.O.P.", "s-t-o-p", "stop 🛑", "🙏 Stop 🙏", "ＳＴＯＰ", "Stóp", "ARRÊT", "arrêt !",
        "Opt out", "opt_out", "OPT  OUT", "Stop all", "stop​", "(stop)", "*STOP*", "STOP\r\n",
        "Stop\n\nSent from my phone", "\n\nStop", "stop please", "Please STOP", "pls stop",
        "Stop texting me", "please stop sending me these messages", "STOP thanks", "stop now!",
        "Unsubscribe me please", "unsubscribe from these texts", "I want to opt out", "stop it",
        "STOP STOP STOP", "stop, stop", "Stop\nSTOP", "STOPSTOP", "end end", "stop " * 60,
        "please stop sending me texts", "Stop sending any more messages please", "Stop\nthank you",
        "STOPIWCH os gwelwch yn dda", "Stopio, diolch", "Stopiwch anfon negeseuon ataf", "CANSLO", "Diwedd",
        "stop\n\nGet Outlook for Android",
    ],
)  # fmt: skip
def test_people_type_it_in_many_ways(text: str) -> None:
    assert find_keyword(text) == "stop"


@pytest.mark.parametrize(
    ("text", "keyword"),
    [("START", "start"), ("Unstop", "start"), ("start.", "start"), ("Help", "help"),
     ("HELP?", "help"), ("info", "help"), ("start start", "start"), ("Start please", "start"),
     ("Dechrau", "start"), ("cymorth", "help")],
)  # fmt: skip
def test_one_comes_back_by_start_and_asks_by_help(text: str, keyword: str) -> None:
    assert find_keyword(text) == keyword


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "🛑", "12345", "Yes", "No thanks", "cancel my appointment", "Please cancel",
        "I cannot stop coughing", "Don't stop", "do not stop", "when does it end?", "The end",
        "Can you help me with a prescription", "remove the stitches when?", "start on Monday?",
        "bus stop", "non-stop", "Stopped smoking in May", "Is it at the bus stop on Mill Lane?",
        "td please", "Who is this?"
        "Cancel 09:15", "END 7?", "Stop\n\nIs my blood test on Monday?", "CANCEL\n?\n4pm", "Start 9.40",
        "Start?", "STOP 2", "stop ਦਵਾਈ", "Stop Стоп", "quit 40 a day", "Stop. Start.", "start stop",
    ],
)  # fmt: skip
def test_what_may_mean_something_else_is_for_a_person_to_read(text: str) -> None:
    assert find_keyword(text) is None


@given(st.text(max_size=200))
def test_any_text_at_all_is_judged(text: str) -> None:
    assert find_keyword(text) in (None, "stop", "start", "help")


@given(
    st.sampled_from(LISTED),
    st.text(alphabet=" .,!?'\"-_*~…“”‘’«»\t🙂🛑👍", max_size=5),
    st.text(alphabet=" .,!?'\"-_*~…“”‘’«»\t🙂🛑👍", max_size=5),
    st.booleans(),
)
def test_signs_around_a_word_change_nothing(word: str, left: str, right: str, low: bool) -> None:
    assert find_keyword(left + (word.lower() if low else word) + right) == "stop"


@pytest.mark.parametrize(
    "text",
    ["Please cancel", "Cancel 09:15", "END 7?", "STOP\nand who is this", "Don't text me", "no more texts",
     "take me off this list", "Peidiwch anfon", "dim mwy o negeseuon", "Wrong number", "can I unsubscribe?"],
)  # fmt: skip
def test_a_person_is_told_what_may_be_an_opt_out(text: str) -> None:
    assert (find_keyword(text), may_be_opt_out(text)) == (None, True)


@pytest.mark.parametrize(
    "text", ["", "Yes", "Thanks, see you then", "friend", "STOP", "12", "help", "weekend?"]
)
def test_neither_a_keyword_nor_other_words_are_told_so(text: str) -> None:
    assert may_be_opt_out(text) is False
