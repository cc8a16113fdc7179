"""What people see of a run: counts, codes and our sentences, drawn so that nothing that happened is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.cohort.outcomes import OUTCOMES
from clinic.message.outcomes.summary import Summary
from tasks.show.campaign import page_of, plot_of


def summary_of(outcomes: dict[str, int], **changes: object) -> Summary:
    given = {
        "campaign_id": 7, "state": "completed", "state_reason": None, "gateway": "http-sms",
        "rows": sum(outcomes.values()), "outcomes": outcomes, "messages": 3, "segments": 4,
        "seconds": 2.0, "dry_run": False,
    }  # fmt: skip
    return Summary(**(given | changes))  # type: ignore[arg-type]


@given(st.dictionaries(st.sampled_from(sorted(OUTCOMES)), st.integers(1, 10**6), min_size=1))
def test_the_plot_has_a_bar_for_everything_that_happened(outcomes: dict[str, int]) -> None:
    """The longest first and forty blocks wide; what happened once is seen beside a million."""
    bars = plot_of(summary_of(outcomes))
    assert len(bars) == len(outcomes)
    assert bars[0].count("█") == 40
    assert all("█" in bar for bar in bars)
    assert {bar.split()[0] for bar in bars} == set(outcomes)


def test_an_empty_campaign_has_no_bars() -> None:
    assert plot_of(summary_of({})) == []


def test_the_page_names_verdict_state_counts_and_the_next_command() -> None:
    page = page_of(summary_of({"sent": 3, "phone_missing": 1}))
    assert page.startswith("# Campaign 7: OK, 1 not accepted\n")
    assert "State **completed**." in page
    assert "4 rows, 3 messages, 4 segments, 2.0 s, 2 messages a second" in page
    assert "cohort show 7" in page
    assert "cohort outcomes 7 --csv" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dry_run": True}, "# Dry run 7: OK"),
        ({"outcomes": {"sent": 3, "unknown": 1}}, "# Campaign 7: Error\n"),
        ({"outcomes": {"waiting": 4}, "state": "scheduled"}, "3 messages, 4 segments.\n"),
        ({"state": "paused", "state_reason": "gateway-credentials"}, "**paused** (gateway-cred"),
        (
            {"state": "scheduled", "waits_until": datetime(2026, 3, 2, 9, tzinfo=UTC)},
            "Goes on **2026-03-02 09:00 UTC**",
        ),
    ],
)
def test_the_page_says_if_it_was_a_rehearsal_and_why_it_stands_still(
    changes: dict[str, object], words: str
) -> None:
    assert words in page_of(summary_of(**({"outcomes": {"sent": 3}} | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcomes", "changes", "says"),
    [
        ({"sent": 3, "phone_missing": 1}, {}, "Campaign 7 is completed: 3 sent, 1 not; of 4 rows"),
        (
            {"kept_in_outbox": 2, "told_together": 1},
            {},
            "Campaign 7 is completed: nothing was sent, 2 kept in the outbox, 1 told by another's message; "
            "of 3 rows",
        ),
        (
            {"waiting": 4},
            {"state": "scheduled", "waits_until": datetime(2026, 3, 2, 9, tzinfo=UTC)},
            "Campaign 7 is scheduled: nothing was sent, 4 wait until 2026-03-02 09:00 UTC; of 4 rows",
        ),
        ({"opted_out": 5}, {}, "Campaign 7 is completed: nothing was sent, 5 not; of 5 rows"),
        (
            {"would_be_sent": 2},
            {"dry_run": True},
            "Dry run 7 is completed: nothing was sent, 2 would have been; of 2 rows",
        ),
    ],
)
def test_the_state_of_a_run_says_what_is_so(
    outcomes: dict[str, int], changes: dict[str, object], says: str
) -> None:
    """Issue 17: a run that came to its end was read as one that sent, though all of it was held."""
    assert summary_of(outcomes, **changes).ended == says
