"""What answers prove, for every answer: nobody is settled by luck, and nothing makes it fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.gateway.http.part import cut
from clinic.gateway.http.reply import (
    LONGEST_WAIT,
    Reply,
    clean_code,
    judge,
    seconds_to_wait,
)
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.gateway.tally import Tally, clean

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
MEMBERS = [Outgoing(n, f"+44770090000{n}", f"Hello {n}") for n in range(6)]


def judged(reply: Reply, only: frozenset[int]) -> Answer:
    [part] = cut("k", MEMBERS, per_request=6, only=only)
    tally = Tally(only)
    judge(reply, part, tally, now=lambda: NOW, busy_is_refusal=False)
    return tally.answer()


references = st.one_of(
    st.integers(-1, 8), st.integers(-1, 8).map(str), st.text(max_size=2), st.none()
)
entries = st.fixed_dictionaries(
    {"reference": references},
    optional={
        "status": st.sampled_from(["accepted", "rejected", "duplicate", "sent", "", None]),
        "id": st.one_of(st.text(max_size=100), st.integers(), st.none(), st.lists(st.none())),
        "code": st.one_of(st.text(max_size=60), st.integers(), st.none()),
        "message": st.one_of(st.text(), st.none(), st.integers()),
    },
)
bodies = st.one_of(
    st.binary(max_size=50),
    st.recursive(st.none() | st.text(max_size=5), st.lists).map(lambda x: json.dumps(x).encode()),
    st.lists(entries | st.none(), max_size=9).map(lambda x: json.dumps({"messages": x}).encode()),
)
opens = st.frozensets(st.integers(0, 5), min_size=1)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    status=st.integers(100, 599), header=st.none() | st.text(max_size=30), body=bodies, only=opens
)
def test_every_answer_leaves_each_message_in_one_place_at_most(
    status: int, header: str | None, body: bytes, only: frozenset[int]
) -> None:
    """Whatever a provider answers: no error, no message in two places, none that was not asked about."""
    answer = judged(Reply(status, header, body), only)
    assert answer.results.keys() | answer.not_sent <= only
    assert not answer.results.keys() & answer.not_sent
    assert answer.unlisted <= only - answer.results.keys() - answer.not_sent
    assert bool(answer.results) <= (200 <= status < 300)
    assert bool(answer.not_sent) <= (300 <= status < 500)
    assert answer.retry_after is None or 0 <= answer.retry_after <= LONGEST_WAIT
    for result in answer.results.values():
        kept = result.gateway_ref if isinstance(result, Taken) else result.code + result.says
        assert kept.isprintable()
        assert len(kept) <= 240


@settings(max_examples=200, derandomize=True, deadline=None)
@given(header=st.text(max_size=40) | st.integers().map(str) | st.floats().map(str))
def test_no_retry_after_makes_us_wait_longer_than_an_hour(header: str) -> None:
    seconds = seconds_to_wait(header, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT


@settings(max_examples=100, derandomize=True, deadline=None)
@given(count=st.integers(0, 40), per_request=st.integers(1, 12), data=st.data())
def test_parts_hold_everybody_once_and_do_not_depend_on_what_is_open(
    count: int, per_request: int, data: st.DataObject
) -> None:
    messages = [Outgoing(n, "+447700900123", f"Hello {n}") for n in range(count)]
    every = list(cut("k", messages, per_request=per_request, only=frozenset(range(count))))
    named = [int(e["reference"]) for part in every for e in orjson.loads(part.body)["messages"]]
    assert named == list(range(count))
    only = data.draw(st.frozensets(st.integers(0, max(0, count - 1))))
    some = list(cut("k", messages, per_request=per_request, only=only))
    assert some == [part for part in every if only & set(part.references.values())]


def test_a_providers_words_are_kept_without_numbers_and_addresses() -> None:
    """No patient's number reaches the record by way of a provider's sentence."""
    table = [
        ("Invalid number +447700900123", "Invalid number …"),
        ("To 07700 900 123: barred", "To …: barred"),
        ("(07700)-900-123 is a landline", "(… is a landline"),
        ("NHS 943, 476, 5919", "NHS …"),
        ("born 12/03/1980", "born …"),
        ("born 12 - 03 - 1980", "born …"),
        ("born 1/3/80, refused", "born …, refused"),
        ("born 1-3-80", "born …"),
        ("born 1980-03-12T00:00", "born …T00:00"),
        ("born 12 March 1980.", "born …."),
        ("born 12th of march", "born …"),
        ("born Mar 12, 1980: refused", "born …: refused"),
        ("born 12-Mar-80", "born …"),
        ("ganwyd 12 Mawrth 1980", "ganwyd …"),
        ("it may take 3 days", "it may take 3 days"),
        ("error 400: 17 of 30", "error 400: 17 of 30"),
        ("<sian@example.org>: unknown", "… unknown"),
        ("error 30003", "error 30003"),
        ("5.1.1 User unknown", "5.1.1 User unknown"),
        ("line\r\nend\x00", "line  end"),
        ("x" * 500, "x" * 200),
        (None, "None"),
    ]
    assert [clean(said) for said, _ in table] == [kept for _, kept in table]


def test_a_providers_code_is_kept_without_numbers_of_people() -> None:
    """Six digits in all are a number or a date, however they are cut up; a code has fewer."""
    table = [
        ("MFR_PDSV_0005", "mfr_pdsv_0005"),
        (21211, "21211"),
        ("Absent Subscriber", "absent_subscriber"),
        ("invalid_943_476_5919", "rejected"),
        ("invalid 07700 900 123", "rejected"),
        ("dob 12/03/1980", "rejected"),
        ("x" * 40 + "943 476 5919", "rejected"),
        ({"number": "+44 7700 900123"}, "rejected"),
        (None, "rejected"),
    ]
    assert [clean_code(said) for said, _ in table] == [kept for _, kept in table]


TEXT = "Dear Siân, your smear test is due on 12/03/2026. Please ring 01792 123456."


def test_a_providers_sentence_that_quotes_the_text_is_not_kept() -> None:
    """Four words of it in a row, in whichever case and with whatever between; the code stays."""
    table = [
        ("Blocked: 'Dear Siân, your smear test is due'", ""),
        ("content YOUR  SMEAR-TEST, IS blocked", ""),
        ("due on 12/03/2026. Please", ""),
        ("your test is blocked", "your test is blocked"),
        ("Number is barred", "Number is barred"),
    ]
    for says, kept in table:
        tally = Tally(frozenset({1, 2}))
        tally.note(1, Turned("blocked", clean(says)))
        tally.note(2, Taken(gateway_ref="a"))
        answer = tally.answer(
            [Outgoing(1, "+447700900001", TEXT), Outgoing(2, "+447700900002", TEXT)]
        )
        assert answer.results[1] == Turned("blocked", kept), says
        assert answer.results[2] == Taken(gateway_ref="a")


def test_a_short_text_is_known_by_all_of_its_words() -> None:
    tally = Tally(frozenset({1}))
    tally.note(1, Turned("blocked", "'hello siân' is a greeting"))
    assert tally.answer([Outgoing(1, "+447700900001", "Hello Siân")]).results[1] == Turned(
        "blocked", ""
    )


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    words=st.lists(st.text("abcŵÀß", min_size=1, max_size=6), min_size=1, max_size=9),
    joins=st.tuples(*[st.sampled_from([" ", ", ", "\n", "-", "' '", ". "])] * 2),
    around=st.tuples(st.text("xyz ", max_size=9), st.text("xyz ", max_size=9)),
)
def test_what_was_sent_is_never_kept_as_it_was_said(
    words: list[str], joins: tuple[str, str], around: tuple[str, str]
) -> None:
    says = clean(f"{around[0]} {joins[0].join(words).upper()} {around[1]}")
    tally = Tally(frozenset({1}))
    tally.note(1, Turned("blocked", says))
    sent = [Outgoing(1, "+447700900001", joins[1].join(words))]
    assert tally.answer(sent).results[1] == Turned("blocked", "")
