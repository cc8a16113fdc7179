"""What answers prove, for every answer: nobody is settled by luck, and nothing makes it fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.gateway.http.part import cut
from clinic.gateway.http.reply import LONGEST_WAIT, Reply, judge, seconds_to_wait
from clinic.gateway.protocol import Answer, Outgoing, Taken
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
        ("(07700)-900-123 is a landline", "(07700)-… is a landline"),
        ("<sian@example.org>: unknown", "… unknown"),
        ("error 30003", "error 30003"),
        ("5.1.1 User unknown", "5.1.1 User unknown"),
        ("line\r\nend\x00", "line  end"),
        ("x" * 500, "x" * 200),
        (None, "None"),
    ]
    assert [clean(said) for said, _ in table] == [kept for _, kept in table]
