"""What a request would send, looked at and then gone without a trace (ACX-31): a preview of a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clinic.message.prepare.preview import discard_left_behind, discard_preview, preview_key
from tasks.asking.campaigns import begin

if TYPE_CHECKING:
    from clinic.message.campaign.request import MessageRequest
    from tasks.wiring import Wiring


@contextmanager
def rehearsed(
    parts: Wiring, ask: Callable[[str], MessageRequest], *, by: str = ""
) -> Iterator[int]:
    """
    The number of a campaign that is there for the block, to be prepared (`prepare_look`) and read.

    Args:
        ask: the request under the key of the look, a dry run: it keeps nobody from sending the same list
        by: in whose name, proven or only said; else the settings' operator

    Raises:
        MendableError: there is nothing to show, and why
    """
    key = preview_key()
    discard_left_behind(parts.record, parts.clock.now())
    try:
        yield begin(parts, ask(key), request_key=key, by=by)
    finally:
        discard_preview(parts.record, key)
