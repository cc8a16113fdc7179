"""What `verify` says of a place that is not what was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """
    One place that is not what was written.

    code: "block-missing", "block-edited", "block-moved", "row-edited", "row-removed", "row-added",
        "key-differs", "tail-cut", "stream-missing", "set-back", "anchor-damaged", "anchor-missing"
    row: which row of the block, from 1
    patient_id: whose, where it is known
    table, key: of a row that was sealed where it stands
    """

    code: str
    stream: str
    block: int | None = None
    chunk: int | None = None
    row: int | None = None
    patient_id: int | None = None
    table: str | None = None
    key: int | str | None = None

    def __str__(self) -> str:
        places = (
            ("block", self.block),
            ("chunk", self.chunk),
            ("row", self.row),
            (self.table or "", self.key),
            ("patient", self.patient_id),
        )
        where = ", ".join(f"{name} {number}" for name, number in places if number is not None)
        return f"{self.code}: stream {self.stream}" + (f", {where}" if where else "")
