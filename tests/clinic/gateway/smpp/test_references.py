"""Item 18.1: a reference of a long message's parts is given to no number again while they are under way."""

from __future__ import annotations

from clinic.gateway.smpp.references import IN_FLIGHT_SECONDS, References


def test_one_number_gets_every_reference_once() -> None:
    given = References(wide=False)
    first = [given.take("+447700900001", 256 * n, now=0.0) for n in range(256)]
    assert sorted(first) == list(range(256))  # though each message's own number asks for 0
    assert given.take("+447700900001", 5, now=0.0) == 0  # the oldest, when every one is given


def test_another_number_may_have_the_same() -> None:
    given = References(wide=True)
    assert given.take("+447700900001", 70_000, now=0.0) == 70_000 % 65_536
    assert given.take("+447700900002", 70_000, now=0.0) == 70_000 % 65_536
    assert given.take("+447700900001", 70_000, now=0.0) == 70_000 % 65_536 + 1


def test_it_is_free_once_no_network_tries_any_more() -> None:
    given = References(wide=False)
    assert given.take("+447700900001", 9, now=0.0) == 9
    assert given.take("+447700900001", 9, now=IN_FLIGHT_SECONDS - 1) == 10
    assert given.take("+447700900001", 9, now=IN_FLIGHT_SECONDS + 1) == 11
    assert given.take("+447700900001", 9, now=4 * IN_FLIGHT_SECONDS) == 9
