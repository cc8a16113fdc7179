"""A flow for the test of the platform: it runs by the clock."""

import os
from pathlib import Path

from prefect.artifacts import create_markdown_artifact

from tasks.guard.decorators import flow, task


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
