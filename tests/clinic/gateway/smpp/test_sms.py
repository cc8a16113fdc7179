"""
Item 18.1 against an SMSC that is not our client's library (npm's smpp): what leaves, what each answer means.

ACX-34, COM-6 for what comes back; NEW-3 for nobody twice and nobody lost.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.gateway.protocol import Outgoing, Taken, Turned
from tests.clinic.gateway.smpp.helpers import (
    SILENCE,
    Kept,
    fates,
    gateway_at,
    send,
    texts,
    wait_until,
)
from tests.servers.certificates import server_context
from tests.servers.smsc import running_smsc


def test_texts_arrive_as_they_were_written_once_each() -> None:
    bodies = ["Hello", "Cost: €5 [sic]", "Siân, ŵy 😀", "x" * 153 + "€" * 20, "ŵ" * 66 + "😀" * 9]
    messages = [Outgoing(n, f"+4477009000{n:02d}", body) for n, body in enumerate(bodies, start=1)]
    with running_smsc() as smsc, gateway_at(smsc.port, receipts=False) as gateway:
        answer = send(gateway, messages)
        book = smsc.book
    assert fates(answer, messages) == ["taken"] * 5
    read = {m.to: "".join(e["text"] for e in book if f"+{e['to']}" == m.to) for m in messages}
    assert read == {m.to: m.body for m in messages}
    assert {e["coding"] for e in book} == {0, 8}
    parts = [e for e in book if e["udh"]]
    assert [e["udh"][-4:] for e in parts if e["to"].endswith("04")] == ["0201", "0202"]
    assert all(e["esm"] == 0x40 for e in parts)
    assert {(e["from"], e["ton"], e["npi"], e["receipts"]) for e in book} == {("Practice", 5, 0, 0)}


@pytest.mark.parametrize(
    ("sender", "as_sent"),
    [("+447700900001", ("447700900001", 1, 1)), ("60006", ("60006", 3, 0)), ("The Hill", ("The Hill", 5, 0))],
)  # fmt: skip
def test_a_sender_has_the_type_that_its_form_says(
    sender: str, as_sent: tuple[str, int, int]
) -> None:
    with running_smsc() as smsc, gateway_at(smsc.port, sender=sender, validity_hours=30) as gateway:
        send(gateway, texts(1))
        (entry,) = smsc.book
    assert (entry["from"], entry["ton"], entry["npi"]) == as_sent


@pytest.mark.parametrize(
    ("word", "fate", "halt"),
    [
        ("ok", "taken", None),
        ("noid", "taken", None),
        ("nobody", "taken", None),  # OK without a body is OK
        ("0x08", "not_sent", None),
        ("0xfe", "not_sent", None),
        ("0x0b", "invalid_number", None),
        ("0x01", "too_long", None),
        ("0x0a", "not_sent", "gateway-sender-refused"),
        ("0x400", "not_sent", None),
        ("nack", "not_sent", "gateway-refused"),
        ("silent", "unknown", None),
        ("drop", "unknown", None),
        ("garbage", "unknown", None),
        ("badlength", "unknown", None),
        ("unbind", "unknown", None),
    ],
)
def test_each_answer_means_what_it_proves(word: str, fate: str, halt: str | None) -> None:
    """No answer is never a refusal, and a refusal is never silence."""
    messages = texts(1)
    own = {"timeout_seconds": SILENCE} if word == "silent" else {}
    with running_smsc(plan=[word]) as smsc:
        with gateway_at(smsc.port, receipts=False, **own) as gateway:
            answer = send(gateway, messages)
        taken = len(smsc.book)
    assert (fates(answer, messages), answer.halt) == ([fate], halt)
    assert bool(answer.trouble) == (fate in ("not_sent", "unknown"))
    if fate == "taken":
        assert taken == 1
    if fate not in ("taken", "unknown"):
        assert taken == 0


def test_what_is_throttled_is_sent_again_once_after_a_pause() -> None:
    messages = texts(10)
    with running_smsc(plan=["0x58"] * 7 + ["0x14"] * 2) as smsc:
        with gateway_at(smsc.port, window=3, receipts=False) as gateway:
            answer = send(gateway, messages)
        assert fates(answer, messages) == ["taken"] * 10
        assert len(smsc.book) == 10


def test_who_is_throttled_for_too_long_gives_the_rest_back_and_no_try_is_used_up() -> None:
    messages = texts(4)
    with running_smsc(plan=["0x58"] * 1000) as smsc:
        with gateway_at(smsc.port, begin_within=0.5, receipts=False) as gateway:
            answer = send(gateway, messages)
        assert not smsc.book
    assert fates(answer, messages) == ["not_sent"] * 4
    assert answer.retry_after is not None


def test_whose_turn_comes_too_late_is_given_back_with_the_time_of_the_next() -> None:
    """NEW-7: who slept until the turn would begin a message when the lease of its batch is another's."""
    messages = texts(4)
    with running_smsc(receipts=False) as smsc:
        with gateway_at(smsc.port, per_second=0.01, window=3) as gateway:
            answer = send(gateway, messages)
        assert len(smsc.book) == 1
    assert fates(answer, messages) == ["taken", *["not_sent"] * 3]
    assert answer.retry_after is not None
    assert 60 < answer.retry_after <= 100


def test_a_number_that_is_none_is_refused_before_it_leaves() -> None:
    messages = [Outgoing(1, "Practice", "x"), Outgoing(2, "+44\n7700900123", "x")]
    with running_smsc() as smsc, gateway_at(smsc.port) as gateway:
        assert fates(send(gateway, messages), messages) == ["invalid_number"] * 2
        assert not smsc.book


# --- long messages


def test_a_refused_part_after_others_left_is_said_and_never_sent_again() -> None:
    long = [Outgoing(1, "+447700900001", "x" * 400)]
    with running_smsc(plan=["ok", "0x0b"]) as smsc, gateway_at(smsc.port) as gateway:
        found = send(gateway, long).results[1]
        assert len(smsc.book) == 1
    assert isinstance(found, Turned)
    assert (found.code, "part 2 of 3" in found.says) == ("smpp_part_refused", True)


@pytest.mark.parametrize("word", ["silent", "drop", "0x0a"])
def test_a_part_without_an_answer_leaves_the_whole_unknown(word: str) -> None:
    """Sent again from the beginning, somebody would have its first part twice."""
    long = [Outgoing(1, "+447700900001", "x" * 400)]
    own = {"timeout_seconds": SILENCE} if word == "silent" else {}
    with running_smsc(plan=["ok", word]) as smsc, gateway_at(smsc.port, **own) as gateway:
        answer = send(gateway, long)
    assert fates(answer, long) == ["unknown"]


def test_a_part_that_may_go_later_goes_later() -> None:
    long = [Outgoing(1, "+447700900001", "x" * 400)]
    with running_smsc(plan=["ok", "0x58", "0x08"]) as smsc, gateway_at(smsc.port) as gateway:
        assert fates(send(gateway, long), long) == ["taken"]
        assert [entry["udh"][-2:] for entry in smsc.book] == ["01", "02", "03"]


def test_two_long_messages_to_one_number_have_two_references() -> None:
    long = [Outgoing(256 * n, "+447700900001", "x" * 200) for n in range(1, 4)]
    with running_smsc() as smsc, gateway_at(smsc.port) as gateway:
        answer = send(gateway, long)
        references = {entry["udh"][:-4] for entry in smsc.book}
    assert len(references) == 3
    taken = answer.results[256]
    assert isinstance(taken, Taken)
    assert len(taken.parts) == 2


# --- binding


@pytest.mark.parametrize(
    ("word", "halt"),
    [("0x0e", "gateway-credentials"), ("0x0f", "gateway-credentials"), ("0x53", "gateway-credentials"),
     ("0x0d", None), ("0x05", None), ("0x58", None), ("silent", None), ("drop", None), ("garbage", None)],
)  # fmt: skip
def test_a_refused_bind_sends_nothing_and_says_whether_a_person_must_look(
    word: str, halt: str | None
) -> None:
    messages = texts(3)
    own = {"timeout_seconds": SILENCE, "begin_within": 0.2}
    with running_smsc(binds=[word]) as smsc, gateway_at(smsc.port, **own) as gateway:
        answer = send(gateway, messages)
        assert fates(answer, messages) == ["not_sent"] * 3
        assert (answer.halt, bool(answer.trouble)) == (halt, True)
        assert not smsc.book


def test_a_wrong_password_halts() -> None:
    messages = texts(1)
    with running_smsc() as smsc, gateway_at(smsc.port, password="wrong") as gateway:
        assert send(gateway, messages).halt == "gateway-credentials"


def test_after_a_session_is_lost_the_next_send_binds_again() -> None:
    with running_smsc(plan=["drop"]) as smsc, gateway_at(smsc.port) as gateway:
        assert fates(send(gateway, texts(1)), texts(1)) == ["unknown"]
        more = texts(3, first=2)
        assert fates(send(gateway, more), more) == ["taken"] * 3
        assert smsc.counts["binds"] == 2


def test_slots_of_answers_that_never_came_are_free_again() -> None:
    own = {"window": 2, "timeout_seconds": SILENCE}
    with running_smsc(plan=["silent"] * 2) as smsc, gateway_at(smsc.port, **own) as gateway:
        assert fates(send(gateway, texts(2)), texts(2)) == ["unknown"] * 2
        more = texts(6, first=3)
        assert fates(send(gateway, more), more) == ["taken"] * 6
        assert smsc.counts["binds"] == 1


def test_an_answer_after_its_time_decides_nothing_for_another() -> None:
    """The late answer comes while the next is awaited: by order it would be that one's."""
    own = {"timeout_seconds": SILENCE}
    with running_smsc(plan=["hold", "after"]) as smsc, gateway_at(smsc.port, **own) as gateway:
        assert fates(send(gateway, texts(1)), texts(1)) == ["unknown"]
        more = texts(20, first=2)
        answer = send(gateway, more)
        assert fates(answer, more) == ["taken"] * 20
        ids = {e["to"]: e["id"].lstrip("0") for e in smsc.book}
    assert {f"+{to}": ref for to, ref in ids.items() if not to.endswith("00001")} == {
        m.to: answer.results[m.reference].gateway_ref  # type: ignore[union-attr]
        for m in more
    }


# --- signs of life


def test_both_sides_ask_whether_the_other_is_there() -> None:
    with running_smsc() as smsc, gateway_at(smsc.port, enquire_seconds=0.1) as gateway:
        send(gateway, texts(1))
        smsc.tell("enquire")
        wait_until(lambda: smsc.counts["alive"] == 1 and smsc.counts["enquiries"] >= 2)
        assert smsc.counts["bound"] == 1


def test_an_smsc_that_is_silent_is_left_and_bound_to_again() -> None:
    with running_smsc(deaf=True) as smsc:
        with gateway_at(smsc.port, enquire_seconds=0.1, timeout_seconds=SILENCE) as gateway:
            send(gateway, texts(1))
            wait_until(lambda: smsc.counts["bound"] == 0)
            assert fates(send(gateway, texts(1, first=2)), texts(1, first=2)) == ["taken"]


def test_when_the_smsc_unbinds_we_answer_and_bind_again_at_the_next_send() -> None:
    with running_smsc() as smsc, gateway_at(smsc.port) as gateway:
        send(gateway, texts(1))
        smsc.tell("unbind")
        wait_until(lambda: smsc.counts["bound"] == 0)
        assert fates(send(gateway, texts(1, first=2)), texts(1, first=2)) == ["taken"]
        assert smsc.counts["binds"] == 2


@pytest.mark.parametrize("window", [1, 8])
def test_who_says_that_we_are_not_bound_is_bound_to_again_and_nobody_is_lost(window: int) -> None:
    """NEW-3: such a session lives on, and would refuse all that is ever sent on it."""
    messages = texts(20)
    with running_smsc(plan=["ok", "lost"], receipts=False) as smsc:
        with gateway_at(smsc.port, window=window) as gateway:
            assert fates(send(gateway, messages), messages) == ["taken"] * 20
            assert (smsc.counts["binds"], smsc.counts["bound"], len(smsc.book)) == (2, 1, 20)


def test_what_others_asked_on_a_session_that_is_left_is_still_answered() -> None:
    """NEW-3: to hang up at once would leave the rest of the window unknown."""
    messages = texts(4)
    with running_smsc(plan=["late", "late", "lost"], receipts=False) as smsc:
        with gateway_at(smsc.port, window=3) as gateway:
            assert fates(send(gateway, messages), messages) == ["taken"] * 4
            assert smsc.counts["binds"] == 2


def test_who_is_never_bound_is_asked_less_and_less_and_nothing_is_sent() -> None:
    messages = texts(30)
    with running_smsc(plan=["lost"] * 1000) as smsc:
        with gateway_at(smsc.port, window=3, begin_within=2.0) as gateway:
            answer = send(gateway, messages)
        assert fates(answer, messages) == ["not_sent"] * 30
        assert "ESME_RINVBNDSTS" in answer.trouble
        assert smsc.counts["binds"] <= 4


def test_a_silent_session_that_is_not_bound_any_more_is_bound_again() -> None:
    """ACX-34: who only listens asks nothing but enquire_link, and would hear of no receipt for ever."""
    with running_smsc(enquire_status=4) as smsc:
        with gateway_at(smsc.port, enquire_seconds=0.1) as gateway:
            send(gateway, texts(1))
            wait_until(lambda: smsc.counts["bound"] == 0)
            smsc.set(enquire_status=0)
            assert fates(send(gateway, texts(1, first=2)), texts(1, first=2)) == ["taken"]


def test_closing_unbinds() -> None:
    with running_smsc() as smsc:
        with gateway_at(smsc.port) as gateway:
            send(gateway, texts(1))
        assert smsc.counts["bound"] == 0


# --- what comes back


def test_receipts_and_replies_are_confirmed_once_they_are_kept() -> None:
    kept = Kept()
    with running_smsc() as smsc, gateway_at(smsc.port, keeper=kept) as gateway:
        send(gateway, texts(20))
        smsc.tell(
            "deliver", {"source_addr": "447700900001", "esm_class": 0, "short_message": "STOP"}
        )
        wait_until(lambda: smsc.counts["confirmed"] == 21)
    assert len(kept.receipts) == 20
    assert [reply.text for reply in kept.replies] == ["STOP"]


def test_what_could_not_be_kept_is_not_confirmed_and_comes_again() -> None:
    """A receipt that was confirmed before it was on disk would be lost."""
    kept = Kept()
    kept.away = True
    with running_smsc() as smsc, gateway_at(smsc.port, keeper=kept) as gateway:
        send(gateway, texts(3))
        wait_until(lambda: smsc.counts["unkept"] >= 3)
        assert smsc.counts["confirmed"] == 0
        kept.away = False
        wait_until(lambda: smsc.counts["confirmed"] == 3)
    assert len(kept.receipts) == 3


def test_who_keeps_nothing_is_bound_to_send_alone() -> None:
    with running_smsc() as smsc, gateway_at(smsc.port) as gateway:
        send(gateway, texts(2))
        wait_until(lambda: smsc.counts["waiting"] == 2)


# --- TLS


def test_over_tls_to_the_host_that_was_meant_and_no_other(tmp_path: Path) -> None:
    """A right certificate for another host: neither the password nor a text leaves."""
    _, trust = server_context(tmp_path)
    pem = str(tmp_path / "server.pem")
    messages = texts(2)
    with running_smsc(key=pem, cert=pem) as smsc:
        with gateway_at(smsc.port, tls=True, trust=trust) as gateway:
            assert fates(send(gateway, messages), messages) == ["taken"] * 2
        with gateway_at(smsc.port, tls=True, authority_file=pem) as gateway:
            assert fates(send(gateway, messages), messages) == ["taken"] * 2
        for wrong in (
            {"tls": True, "host": "127.0.0.2", "trust": trust},
            {"tls": True},  # signed by nobody whom the system trusts
        ):
            with gateway_at(smsc.port, **wrong) as gateway:
                answer = send(gateway, messages)
            assert fates(answer, messages) == ["not_sent"] * 2
        assert answer.halt == "gateway-tls"
        assert (smsc.counts["binds"], len(smsc.book)) == (2, 4)


def test_tls_with_an_smsc_that_has_none_sends_nothing_in_clear() -> None:
    messages = texts(1)
    with running_smsc() as smsc, gateway_at(smsc.port, tls=True, begin_within=0.5) as gateway:
        assert fates(send(gateway, messages), messages) == ["not_sent"]
        assert smsc.counts["binds"] == 0
