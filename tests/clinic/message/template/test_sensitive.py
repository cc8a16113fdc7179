"""COM-4: what must be minded is said at every send."""

from __future__ import annotations

import pytest

from clinic.message.template.sensitive import NOTICE, notices


@pytest.mark.parametrize(
    ("channel", "count", "word"),
    [("sms", 2, "texts"), ("voice", 2, "calls"), ("email", 1, "e-mail")],
)
def test_what_must_be_minded_is_said_at_every_send(channel: str, count: int, word: str) -> None:
    """PAT-28, ACX-23, COM-4: whatever the words of the message are; others do not see an e-mail."""
    said = notices(channel)
    assert len(said) == count
    assert word in said[0]
    assert (NOTICE in said) is (channel == "sms")
