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
from clinic.imports.patients.seen import IDS, Seen
from clinic.record.bulk import insert_rows, is_any_of, plain_rows
from clinic.record.schema.people import patient
from clinic.record.schema.systems.imports import patient_digest

_READER = 2  # one more with each change of how a row is read


@dataclass(frozen=True)
class Unchanged:
    """Of one import. `source`: whose rows these are; `salt`: what they mean besides their cells."""

    source: str
    salt: np.int64
    columns: tuple[str, ...]
    ids: tuple[str, ...]

    @classmethod
    def of(cls, reader: Reader) -> Unchanged:
        """With the columns that are read."""
        options = reader.options
        meaning = [
            _READER, sorted(reader.fields.items()), sorted(reader.orders.items()), reader.owned,
            sorted(options.codes), sorted(options.statuses), options.how.model_dump_json(),
            sorted((name, sorted(ids.items())) for name, ids in reader.belonging.ids.items()),
        ]  # fmt: skip
        digest = hashlib.blake2b(orjson.dumps(meaning), digest_size=8).digest()
        salt = np.int64(int.from_bytes(digest, "little", signed=True))
        columns = tuple(dict.fromkeys(reader.fields.values()))
        ids = tuple(reader.fields[name] for name in IDS if name in reader.fields)
        return cls(options.source, salt, columns, ids)

    def digests(self, block: Block) -> np.ndarray:
        """Of each row, int64."""
        hashes = pd.util.hash_pandas_object(block.frame[list(self.columns)], index=False)
        return hashes.to_numpy().view("int64") ^ self.salt

    def find(
        self, connection: Connection, block: Block, digests: np.ndarray, seen: Seen
    ) -> np.ndarray:
        """
        Which rows are passed over. Never one whose id comes again in the block: the first one counts.

        seen: patients of earlier rows; those of the rows that are found are added
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
        known = {row[0]: row for row in plain_rows(connection.execute(query))}
        if not known:
            return np.zeros(len(plain), dtype=bool)
        hits = [known.get(digest) for digest in digests.tolist()]
        found: np.ndarray = plain & np.array([hit is not None for hit in hits], dtype=bool)
        for at, name in enumerate(IDS, 1):
            found &= ~seen.has(name, [hit[at] if hit else None for hit in hits])
        for at, name in enumerate(IDS, 1):
            ids = (hit[at] for hit, mine in zip(hits, found.tolist(), strict=True) if hit and mine)
            seen.add(name, ids)
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
        old = [int(key) for key in rows.loc[good & (rows["outcome"] != "added"), "id"].tolist()]
        if old:
            connection.execute(
                sa.delete(patient_digest).where(
                    d.source == self.source, is_any_of(d.patient_id, old)
                )
            )
        versions = [int(key) for key in rows.loc[good, "version"].tolist()]
        values = zip(ids, [self.source] * len(ids), digests[good].tolist(), versions, strict=True)
        names = ("patient_id", "source", "digest", "version")
        insert_rows(connection, patient_digest, names, values)
