"""
NEW-3, item 18.1: whatever spoils the way to an SMSC, nobody is texted twice or lost, and each fate is clear.

The book of an SMSC that is not our client's library is the judge.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.clinic.gateway.smpp.helpers import SILENCE, fates, gateway_at, send, texts
from tests.ports import free_port
from tests.servers.smsc import Smsc, running_smsc
from tests.servers.smsc.fault_proxy import Fault, fault_proxy


def judge(smsc: Smsc, said: dict[int, str]) -> None:
    """What we say of each message against what the SMSC has."""
    has = Counter(int(entry["mark"]) for entry in smsc.book)
    assert max(has.values(), default=0) <= 1  # nobody twice
    for reference, fate in said.items():
        if fate == "taken":
            assert has[reference] == 1, reference  # nobody lost that counts as sent
        if fate == "not_sent":
            assert has[reference] == 0, reference  # nobody sent again who has it


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=0.02),
        Fault(drip=7),
        *(Fault(cut_out=n) for n in (0, 20, 60, 400, 1500)),
        *(Fault(cut_in=n) for n in (0, 10, 26, 50, 130, 400)),
        *(Fault(garbage_in=n) for n in (0, 26, 100, 300)),
        Fault(silent_in=True),
    ],
    ids=str,
)
def test_a_spoilt_way_and_then_a_good_one_reaches_everybody_once(fault: Fault) -> None:
    """What is proven not sent goes again, as the ledger does; what is unknown never does."""
    messages = texts(40)
    with running_smsc(receipts=False) as smsc, fault_proxy(smsc.port, fault) as proxy:
        said: dict[int, str] = {}
        own = {"timeout_seconds": SILENCE} if fault.silent_in else {}
        with gateway_at(proxy.port, window=8, **own) as gateway:
            for _ in range(4):
                left = [m for m in messages if said.get(m.reference, "not_sent") == "not_sent"]
                answer = send(gateway, left)
                now = fates(answer, left)
                said |= dict(zip((m.reference for m in left), now, strict=True))
                assert answer.halt is None
                assert bool(answer.trouble) == any(fate != "taken" for fate in now)
                assert proxy.struck  # or nothing was tried
                proxy.fault = Fault()
        judge(smsc, said)
    assert set(said.values()) <= {"taken", "unknown"}
    assert list(said.values()).count("unknown") <= 8  # the window, no more


def test_where_nobody_listens_nothing_is_sent_and_it_is_said() -> None:
    messages = texts(3)
    with gateway_at(free_port(), begin_within=0.3) as gateway:
        answer = send(gateway, messages)
    assert fates(answer, messages) == ["not_sent"] * 3
    assert "cannot be reached" in answer.trouble


def test_faults_at_random_double_and_lose_nobody() -> None:
    """Drops, refusals and silence as they come, over many sends and sessions."""
    messages = texts(300)
    with running_smsc(
        receipts=False, drop_share=0.02, refuse_share=0.1, silent_share=0.01, seed=7
    ) as smsc:
        said: dict[int, str] = {}
        with gateway_at(smsc.port, window=8, timeout_seconds=SILENCE) as gateway:
            for _ in range(60):
                left = [m for m in messages if said.get(m.reference, "not_sent") == "not_sent"]
                if not left:
                    break
                part = left[:50]
                said |= dict(
                    zip((m.reference for m in part), fates(send(gateway, part), part), strict=True)
                )
        smsc.set(drop_share=0, refuse_share=0, silent_share=0)
        judge(smsc, said)
    assert len(said) == 300
    assert "unknown" in said.values()  # or nothing was tried
