"""The provider that judges us keeps its own contract, or the kill tests would prove little."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter

import pytest

from tests.servers.recorder import RunningGateway, running_gateway


def post(
    provider: RunningGateway, key: str, *references: int, token: str = "t"
) -> tuple[int, list[str]]:
    """Status of the answer, and the status of each message."""
    entries = [{"reference": str(r), "to": "+447700900123", "body": "Hello"} for r in references]
    request = urllib.request.Request(
        f"{provider.url}/messages",
        json.dumps({"messages": entries}).encode(),
        {"Idempotency-Key": key, "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, [m["status"] for m in json.load(answer)["messages"]]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, []
    except OSError:
        return 0, []


def test_class_i_carries_a_key_out_once_and_refuses_it_for_other_bytes() -> None:
    with running_gateway(mode="I") as provider:
        assert post(provider, "k", 1, 2) == (200, ["accepted", "accepted"])
        assert post(provider, "k", 1, 2) == (200, ["accepted", "accepted"])
        assert post(provider, "k", 1, 3) == (422, [])
        assert post(provider, "other", 1) == (200, ["accepted"])  # another key: sent again
        assert provider.report().taken == {1: 2, 2: 1}
        assert provider.report().doubled == 1


def test_class_r_takes_a_reference_once_under_any_key() -> None:
    with running_gateway(mode="R") as provider:
        assert post(provider, "a", 1) == (200, ["accepted"])
        assert post(provider, "b", 1, 2) == (200, ["duplicate", "accepted"])
        assert provider.report().taken == {1: 1, 2: 1}


def test_class_b_takes_whatever_it_is_given() -> None:
    with running_gateway(mode="B") as provider:
        post(provider, "k", 1)
        post(provider, "k", 1)
        assert provider.report().doubled == 1


@pytest.mark.parametrize(
    ("fault", "status", "taken"),
    [
        ("throttle", 429, 0),
        ("busy", 503, 0),
        ("busy_done", 503, 4),
        ("error_done", 500, 4),
        ("cut", 0, 4),
        ("late", 200, 4),
        ("half_refused", 200, 2),
        ("half_told", 200, 4),
        ("half_taken", 200, 2),
    ],
)
def test_each_fault_does_what_its_name_says(fault: str, status: int, taken: int) -> None:
    with running_gateway(mode="I", faults=f"{fault}=1", late_ms=100) as provider:
        assert post(provider, "k", 1, 2, 3, 4)[0] == status
        report = provider.report()
    assert (report.unique, report.faults) == (taken, {fault: 1})


def test_a_wrong_token_is_refused_and_takes_nothing() -> None:
    with running_gateway(token="right") as provider:
        assert post(provider, "k", 1, token="wrong") == (401, [])
        assert provider.report().requests == 0


def test_a_seed_makes_the_same_faults_again() -> None:
    seen = []
    for _ in range(2):
        with running_gateway(mode="B", faults="throttle=0.3,busy=0.3", seed=5) as provider:
            seen.append([post(provider, f"k{n}", n)[0] for n in range(40)])
    assert seen[0] == seen[1]
    assert Counter(seen[0]).keys() == {200, 429, 503}


def test_it_ends_with_the_process_that_started_it() -> None:
    with running_gateway() as provider:
        assert provider.process.stdin is not None
        provider.process.stdin.close()  # what a killed parent leaves behind
        assert provider.process.wait(10) == 0
