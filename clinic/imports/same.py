"""
A patient's rows that say what they said last time, of kinds that add something to patients: passed over unread.

A digest is of all of a patient's rows in a block, and of what they mean besides their cells: kind, columns
taken, order of dates, settings. With it stands the patient's version: an id that is somebody else's by now is
read again. It is forgotten where an import changes what the patient has of this kind, and where one is undone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.files import Block, ListFile
from clinic.imports.options import Options
from clinic.record.bulk import insert_rows, is_any_of, plain_rows
from clinic.record.schema.people import patient
from clinic.record.schema.systems.imports import patient_digest
from clinic.settings import ImportKind
from clinic.values.dates import Order

_READER = 2  # one more with each change of how a row is read
_LONGEST = 40  # of a source's name
_ODD = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Rows:
    """Of a block: the patient of each row by a number, and the digest of all rows of each."""

    patients: np.ndarray
    digests: np.ndarray


@dataclass(frozen=True)
class Same:
    """Of one import. `salt`: what rows mean besides their cells."""

    kind: ImportKind
    source: str
    salt: np.uint64
    columns: tuple[str, ...]
    ids: tuple[str, ...]

    @classmethod
    def of(
        cls, kind: ImportKind, file: ListFile, options: Options, orders: Mapping[str, Order]
    ) -> Same:
        """With the columns that are read, and the orders of day and month in them."""
        meaning = [
            _READER, kind, sorted(file.fields.items()), sorted(orders.items()), options.time_zone,
            sorted(options.codes), options.how.model_dump_json(),
        ]  # fmt: skip
        digest = hashlib.blake2b(orjson.dumps(meaning), digest_size=8).digest()
        columns = tuple(dict.fromkeys(file.fields.values()))
        ids = tuple(file.fields[name] for name in ("nhs_number", "local_id") if name in file.fields)
        salt = np.uint64(int.from_bytes(digest, "little"))
        return cls(kind, options.source, salt, columns, ids)

    @property
    def name(self) -> str:
        """Under which digests are kept."""
        return _name(self.kind, self.source)

    def rows_of(self, block: Block) -> Rows:
        """The block's rows by their patients; one that cannot be read makes its patient's digest another."""
        frame = block.frame
        each = pd.util.hash_pandas_object(frame[list(self.columns)], index=False).to_numpy()
        each = (each ^ self.salt) + block.unreadable.astype("uint64")
        who = pd.util.hash_pandas_object(frame[list(self.ids)], index=False).to_numpy()
        patients, _ = pd.factorize(who)
        order = np.argsort(patients, kind="stable")
        first = np.flatnonzero(np.diff(patients[order], prepend=-1))
        # In any order, but each as often as it is there
        together = np.add.reduceat(each[order] * np.uint64(_ODD), first) if len(order) else each
        return Rows(patients, together.view("int64"))

    def find(self, connection: Connection, rows: Rows) -> np.ndarray:
        """The patient's id of each row that says what it said; 0 of the others."""
        d = patient_digest.c
        query = (
            sa.select(d.digest, d.patient_id)
            .join(patient, (patient.c.id == d.patient_id) & (patient.c.version == d.version))
            .where(d.source == self.name, is_any_of(d.digest, rows.digests.tolist()))
        )
        known = dict(plain_rows(connection.execute(query)))
        if not known:
            return np.zeros(len(rows.patients), dtype="int64")
        found = np.array([known.get(one, 0) for one in rows.digests.tolist()], dtype="int64")
        mine: np.ndarray = found[rows.patients]
        return mine

    def note(
        self, connection: Connection, rows: Rows, ids: pd.Series[int], versions: pd.Series[int],
        good: np.ndarray,
    ) -> None:  # fmt: skip
        """
        Note what the rows of these patients say, and forget what they said before.

        Args:
            ids, versions: Int64, of each row's patient; missing: nobody here
            good: which rows came to something, and would come to nothing if they came again
        """
        frame = pd.DataFrame(
            {
                "group": rows.patients,
                "id": ids.to_numpy(),
                "version": versions.to_numpy(),
                "good": good,
            }
        ).dropna(subset=["id"])
        if frame.empty:
            return
        groups = frame.groupby("group", sort=False)
        one = groups.first().assign(good=groups["good"].all())
        forget(connection, [self.name], one["id"].unique().tolist())
        # Of a patient whom rows name by one id and by the other nothing is known by one digest
        one = one[one["good"] & ~one["id"].duplicated(keep=False)]
        digests = rows.digests[one.index.to_numpy(dtype="int64")].tolist()
        values = zip(
            [int(key) for key in one["id"]], [self.name] * len(one), digests,
            [int(key) for key in one["version"]], strict=True,
        )  # fmt: skip
        insert_rows(
            connection, patient_digest, ("patient_id", "source", "digest", "version"), values
        )


def forget(connection: Connection, names: Iterable[str], patients: Collection[int]) -> None:
    """What the rows of these patients said under these names."""
    d = patient_digest.c
    ids = [int(key) for key in patients]
    connection.execute(
        sa.delete(patient_digest).where(d.source.in_(list(names)), is_any_of(d.patient_id, ids))
    )


def forget_elsewhere(
    connection: Connection, kind: ImportKind, source: str, patients: Collection[int]
) -> None:
    """What they said of this kind in other sources: it is no more what the record has."""
    d = patient_digest.c
    ids = [int(key) for key in patients]
    connection.execute(
        sa.delete(patient_digest).where(
            d.source.startswith(f"{kind}/"),
            d.source != _name(kind, source),
            is_any_of(d.patient_id, ids),
        )
    )


def forget_kind(connection: Connection, kind: str) -> None:
    """What rows of this kind said, in any source."""
    connection.execute(
        sa.delete(patient_digest).where(patient_digest.c.source.startswith(f"{kind}/"))
    )


def _name(kind: ImportKind, source: str) -> str:
    name = f"{kind}/{source}"
    if len(name) <= _LONGEST:
        return name
    return f"{kind}/{hashlib.blake2b(source.encode(), digest_size=12).hexdigest()}"
