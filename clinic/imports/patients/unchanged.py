"""
Rows that say what they said last time, of patients whom nobody has written since: they are passed over unread.

What a row says depends on more than its cells: on the columns taken, the order of its dates, the settings and
the places that are here. A digest is of all of that. Rows of which something is counted besides have none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.files import Block
from clinic.imports.patients.columns import USED
from clinic.imports.patients.reading import Reader
from clinic.record.bulk import insert_rows, is_any_of, plain_rows
from clinic.record.schema.people import patient
from clinic.record.schema.systems.imports import patient_digest

_BYTES = 8
_IDS = ("nhs_number", "local_id")


@dataclass(frozen=True)
class Unchanged:
    """Of one import. `source`: whose rows these are; `salt`: what they mean besides their cells."""

    source: str
    salt: bytes
    columns: tuple[str, ...]
    ids: tuple[str, ...]

    @classmethod
    def of(cls, reader: Reader) -> Unchanged:
        """With the columns that are read."""
        options = reader.options
        meaning = [
            sorted(reader.fields.items()), sorted(reader.orders.items()), reader.owned,
            sorted(options.codes), sorted(options.statuses), options.how.model_dump_json(),
            sorted((name, sorted(ids.items())) for name, ids in reader.belonging.ids.items()),
        ]  # fmt: skip
        salt = hashlib.blake2b(orjson.dumps(meaning), digest_size=32).digest()
        columns = tuple(dict.fromkeys(reader.fields.values()))
        ids = tuple(reader.fields[name] for name in _IDS if name in reader.fields)
        return cls(options.source, salt, columns, ids)

    def digests(self, block: Block) -> np.ndarray:
        """Of each row, int64."""
        cells = zip(*(block.frame[name].tolist() for name in self.columns), strict=True)
        hashes = (
            hashlib.blake2b("\x1f".join(row).encode(), digest_size=_BYTES, key=self.salt).digest()
            for row in cells
        )
        return np.frombuffer(b"".join(hashes), dtype="<i8")

    def find(
        self, connection: Connection, block: Block, digests: np.ndarray, seen: set[str]
    ) -> np.ndarray:
        """
        Which rows are passed over. Never one whose id comes again in the block: the first one counts.

        seen: patients of earlier rows, by their ids; those of the rows that are found are added
        """
        plain = ~block.unreadable
        for name in self.ids:
            cells = block.frame[name]
            plain &= ~(cells.duplicated(keep=False) & (cells != "")).to_numpy(dtype=bool)
        d, p = patient_digest.c, patient.c
        query = (
            sa.select(d.digest, p.nhs_number, p.local_id)
            .join(patient, (p.id == d.patient_id) & (p.version == d.version))
            .where(d.source == self.source, is_any_of(d.digest, digests[plain].tolist()))
        )
        known = {row[0]: _words(row[1], row[2]) for row in plain_rows(connection.execute(query))}
        found = plain.copy()
        for place in np.flatnonzero(plain).tolist():
            words = known.get(int(digests[place]))
            found[place] = words is not None and seen.isdisjoint(words)
            if found[place] and words:
                seen.update(words)
        return found

    def note(self, connection: Connection, rows: pd.DataFrame, digests: np.ndarray) -> None:
        """
        Note the rows of a block that were used: `id`, `version` as it is now, and whether `remarkable`.

        digests: of these rows
        """
        good = (rows["outcome"].isin(list(USED)) & ~rows["remarkable"]).to_numpy(dtype=bool)
        ids = [int(key) for key in rows.loc[good, "id"].tolist()]
        if not ids:
            return
        d = patient_digest.c
        connection.execute(
            sa.delete(patient_digest).where(d.source == self.source, is_any_of(d.patient_id, ids))
        )
        versions = [int(key) for key in rows.loc[good, "version"].tolist()]
        values = zip(ids, [self.source] * len(ids), digests[good].tolist(), versions, strict=True)
        names = ("patient_id", "source", "digest", "version")
        insert_rows(connection, patient_digest, names, values)


def _words(number: str | None, own: str | None) -> list[str]:
    """A patient's ids, as the rows of a file are known by them (matching.py)."""
    return [name + value for name, value in zip(_IDS, (number, own), strict=True) if value]
