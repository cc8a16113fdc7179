"""What the tasks of the main job add to the calls they make: spans, and what is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.objects import State
from prefect.states import Failed

from clinic.errors import (
    CohortRefused,
    GatewayBusy,
    GatewayRefused,
    ListRefused,
    RecordRefusal,
    RecordUnsafe,
    SourceDown,
    SourceRefused,
)
from tasks.guard.decorators import Unforeseen, may_mend_itself
from tasks.messages import save_to_record, send_batch
from tasks.story.spans import MOST_SPANS, spans_of


@given(batches=st.integers(0, 2000))
def test_every_batch_is_in_exactly_one_span(batches: int) -> None:
    """Few task runs, however many batches; a campaign without batches has none."""
    spans = spans_of(7, batches)
    covered = [number for _, first, last in spans for number in range(first, last + 1)]
    assert covered == list(range(1, batches + 1))
    assert len(spans) <= MOST_SPANS
    assert {span.campaign_id for span in spans} <= {7}


def test_spans_are_of_nearly_the_same_length() -> None:
    lengths = {last - first + 1 for _, first, last in spans_of(1, 10 * MOST_SPANS)}
    assert lengths == {10}


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (GatewayBusy("gateway-busy", "later"), True),
        (Unforeseen("unforeseen", "OperationalError at clinic/record"), True),
        (RecordRefusal("record-refused-row", "table message refused a row"), True),
        (SourceDown("source-down", "later"), True),
        (SourceRefused("source-query", "look"), False),
        (GatewayRefused("gateway-credentials", "look"), False),
        (CohortRefused("over-cap", "split it"), False),
        (ListRefused("list-changed", "start anew"), False),
        (RecordUnsafe("record-not-durable", "turn it on"), False),
    ],
)
def test_what_a_person_must_mend_is_not_tried_again(error: Exception, again: bool) -> None:
    state: State[Any] = Failed(data=error)
    assert may_mend_itself(send_batch, None, state) is again  # type: ignore[arg-type]


def test_sending_and_saving_are_tried_again_and_named_by_their_batches() -> None:
    assert send_batch.task_run_name == "send-batches-{span.first}-to-{span.last}"
    assert save_to_record.task_run_name == "save-batches-{span.first}-to-{span.last}"
    assert send_batch.retries > 0
    assert save_to_record.retries > send_batch.retries, "what was sent must be on the record"
