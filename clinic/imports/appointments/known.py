"""
Rows that came before as they are now, and whose appointment nobody wrote since: they change nothing.

With each appointment the digest of the row that was imported last is kept, and the versions of appointment and
patient as it left them. Another way of reading (time zone, words, places that are here) is another digest.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.options import Options
from clinic.record.bulk import is_any_of, plain_rows
from clinic.record.schema.people import appointment, appointment_source, facility, patient, provider
from clinic.settings import SourceFormat
from clinic.values.dates import Order

_READER: Final = 3  # one more with each change of how a row is read


def salt_of(connection: Connection, options: Options, order: Order) -> np.int64:
    """What else the meaning of a row depends on, as a number to mix into its digest."""
    places = [
        [list(row) for row in connection.execute(sa.select(t.c.id, t.c.code, t.c.name).order_by(t.c.id))]
        for t in (facility, provider)
    ]  # fmt: skip
    how = {name: getattr(options.how, name) for name in SourceFormat.model_fields}
    said = [_READER, options.time_zone, order, sorted(options.codes), how, places]
    digest = hashlib.blake2b(orjson.dumps(said), digest_size=8).digest()
    return np.int64(int.from_bytes(digest, "little", signed=True))


def unchanged(
    connection: Connection, source: str, given: pd.DataFrame, digests: np.ndarray, plain: np.ndarray
) -> pd.Series[Any]:
    """
    The appointment's id of each row that changes nothing, NA of the others; one statement.

    Args:
        given: the cells; plain: which rows can be read and are alone of their id
    """
    if "key" not in given:
        return pd.Series(pd.NA, given.index, dtype="Int64")
    keys = given["key"].where(plain, "")
    own = appointment_source.c
    query = (
        sa.select(own.key, own.digest, own.appointment_id)
        .join(appointment, appointment.c.id == own.appointment_id)
        .join(patient, patient.c.id == appointment.c.patient_id)
        .where(
            own.source == source,
            is_any_of(own.key, [key for key in keys.unique().tolist() if key]),
            own.digest.is_not(None),
            own.versions == appointment.c.version + patient.c.version,
        )
    )
    known = {(key, digest): number for key, digest, number in plain_rows(connection.execute(query))}
    found = [known.get(pair) for pair in zip(keys.tolist(), digests.tolist(), strict=True)]
    return pd.Series(pd.array(found, dtype="Int64"), keys.index)


def note_rows(
    connection: Connection, source: str, known: pd.Series[int], new: pd.Series[int], digests: pd.Series[Any]
) -> None:  # fmt: skip
    """
    Keep which rows these appointments were imported from.

    Args:
        known, new: their ids, by the index of their rows; the new ones are linked with their digests already
    """
    old = known[digests.loc[known.index].notna()]
    old = old[~old.index.isin(new.index)]
    own = appointment_source.c
    if len(old):
        connection.execute(
            sa.update(appointment_source)
            .where(
                own.source == sa.bindparam("the_source"),
                own.appointment_id == sa.bindparam("the_id"),
            )
            .values(digest=sa.bindparam("new_digest")),
            [
                {"the_source": source, "the_id": int(number), "new_digest": int(digest)}
                for number, digest in zip(old, digests.loc[old.index], strict=True)
            ],
        )
    versions = (
        sa.select(appointment.c.version + patient.c.version)
        .join(patient, patient.c.id == appointment.c.patient_id)
        .where(appointment.c.id == own.appointment_id)
        .scalar_subquery()
    )
    connection.execute(
        sa.update(appointment_source)
        .where(own.source == source, is_any_of(own.appointment_id, [*old.tolist(), *new.tolist()]))
        .values(versions=versions)
    )
