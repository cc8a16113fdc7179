"""Two flows for the test of the platform: one runs by the clock, one waits for a decision."""

import os
from datetime import timedelta
from pathlib import Path

from prefect.artifacts import create_markdown_artifact

from tasks.safely import flow, task
from tasks.waiting import wait_until


@task(name="count", task_run_name="count-{batch}")
def count(batch: int) -> int:
    return batch + 1


@flow(name="scheduled", flow_run_name="scheduled-{greeting}")
def scheduled(greeting: str = "hello", batches: int = 2) -> int:
    """
    Count, and say where.

    Args:
        greeting: what to say
        batches: how far to count
    """
    total = sum(count(batch) for batch in range(batches))
    home = Path(os.environ["COHORT_HOME"]).name
    create_markdown_artifact(f"{greeting} from {home}: {total}", key="platform-test")
    return total


@flow(name="approved")
def approved(decision: Path) -> int:
    """
    Wait until somebody has decided.

    Args:
        decision: stands in for a row of our tables: it is decided when the file exists
    """
    wait_until(decision.exists, at_most=timedelta(hours=1))
    return count(1)
