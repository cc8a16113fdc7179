"""
The floor: the same work by a bare program, with asyncio and aiohttp and nothing else.

    python -m benchmarks.floor LIST.csv DATABASE GATEWAY CONNECTIONS MESSAGES-A-REQUEST

Reads the list, asks libphonenumber of every number, fills in a text, writes a durable intent for
each thousand (SQLite, FULL), posts them, writes the status of each thousand. No checks of
persons, no consent, no record, no resuming, no progress. Prints its cost as JSON.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import phonenumbers

from benchmarks.cost import cost_of_this_process

CHUNK = 1000
_TABLE = (
    "CREATE TABLE message (id INTEGER PRIMARY KEY, address TEXT NOT NULL, body TEXT NOT NULL, "
    "state TEXT NOT NULL, gateway_ref TEXT)"
)


def chunks(path: Path) -> Iterator[list[tuple[int, str, str]]]:
    """(id, address, body) of a thousand rows at a time; numbers that cannot be are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        made: list[tuple[int, str, str]] = []
        for number, row in enumerate(csv.DictReader(file), start=2):
            phone = phonenumbers.parse(row["Mobile Telephone"], "GB")
            if not phonenumbers.is_valid_number(phone):
                continue
            address = phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.E164)
            body = f"Dear {row['Given Name']}, your flu jab is due. Call The Practice."
            made.append((number, address, body))
            if len(made) == CHUNK:
                yield made
                made = []
        if made:
            yield made


async def send_all(
    path: Path, database: sqlite3.Connection, url: str, connections: int, at_once: int
) -> int:
    """Everything, a thousand after the other; how many were sent."""
    sent = 0
    connector = aiohttp.TCPConnector(limit=connections)
    headers = {"Authorization": "Bearer t"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        for made in chunks(path):
            with database:
                database.executemany("INSERT INTO message VALUES (?, ?, ?, 'pending', NULL)", made)
            todo = iter(made)
            done: list[tuple[str, int]] = []

            async def work(
                todo: Iterator[tuple[int, str, str]] = todo, done: list[tuple[str, int]] = done
            ) -> None:
                while some := list(itertools.islice(todo, at_once)):
                    messages = [
                        {"reference": str(number), "to": address, "body": body}
                        for number, address, body in some
                    ]
                    async with session.post(
                        f"{url}/messages",
                        json={"messages": messages},
                        headers={"Idempotency-Key": str(some[0][0])},
                    ) as answer:
                        taken = await answer.json()
                    numbers = [number for number, _, _ in some]
                    ids = [each["id"] for each in taken["messages"]]
                    done.extend(zip(ids, numbers, strict=True))

            await asyncio.gather(*(work() for _ in range(connections)))
            with database:
                database.executemany(
                    "UPDATE message SET state = 'accepted', gateway_ref = ? WHERE id = ?", done
                )
            sent += len(done)
    return sent


def main() -> None:
    """Do it, and print what it cost."""
    path, database, url, connections, at_once = sys.argv[1:]
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(_TABLE)
    sent = asyncio.run(send_all(Path(path), connection, url, int(connections), int(at_once)))
    print(json.dumps({"sent": sent, **cost_of_this_process()}))


if __name__ == "__main__":
    main()
