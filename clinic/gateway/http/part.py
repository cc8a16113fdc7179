"""How a submission becomes requests: the same members make the same keys and the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from clinic.gateway.protocol import Outgoing


class Part(NamedTuple):
    """One request: its key, its bytes, its references as the answer spells them; `said`: its one text."""

    key: str
    body: bytes
    references: Mapping[str, int]
    headers: Mapping[str, str] = {}
    said: str = ""


def cut(
    key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
) -> Iterator[Part]:
    """The parts with an open message: `per_request` messages each, part `i` under `{key}/{i}`."""
    for number, start in enumerate(range(0, len(messages), per_request)):
        members = messages[start : start + per_request]
        references = {str(m.reference): m.reference for m in members}
        if only.isdisjoint(references.values()):
            continue
        entries = [{"reference": str(m.reference), "to": m.to, "body": m.body} for m in members]
        own_key = f"{key}/{number}"
        body = orjson.dumps({"messages": entries})
        yield Part(own_key, body, references, {"Idempotency-Key": own_key})
