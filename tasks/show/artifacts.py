"""
Prefect's artifacts, for work that goes on without Prefect.

A table or a bar that cannot be drawn because the server is gone, or too busy, fails no task: what it shows is
in the record. After a failure nothing is drawn for a while, or each attempt would cost seconds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import httpx
from prefect import artifacts
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import PrefectHTTPStatusError

P = ParamSpec("P")
R = TypeVar("R")

QUIET_SECONDS = 60.0


class Drawing:
    """Whether the server answered when something was last drawn."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._quiet_until = float("-inf")

    def wrap(self, draw: Callable[P, R]) -> Callable[P, R | None]:
        """The same, but None where no server answers."""

        @functools.wraps(draw)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> R | None:
            if self._now() < self._quiet_until:
                return None
            try:
                return draw(*args, **kwargs)
            except httpx.TransportError:
                pass
            except PrefectHTTPStatusError as error:  # after all its retries
                if error.response.status_code < 500:
                    raise
            self._quiet_until = self._now() + QUIET_SECONDS
            return None

        return drawn


_drawing = Drawing()
unless_gone = _drawing.wrap  # of anything that Prefect alone shows
create_markdown_artifact = _drawing.wrap(artifacts.create_markdown_artifact)
create_progress_artifact = _drawing.wrap(artifacts.create_progress_artifact)
create_table_artifact = _drawing.wrap(artifacts.create_table_artifact)
update_progress_artifact = _drawing.wrap(artifacts.update_progress_artifact)


@unless_gone
def keep_latest(key: str, markdown: str, description: str) -> None:
    """The page of this key as it is now; drawn again only where it says something else than the last one."""
    with get_client(sync_client=True) as client:
        last = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    if not last or (last[0].data, last[0].description) != (markdown, description):
        artifacts.create_markdown_artifact(key=key, markdown=markdown, description=description)
