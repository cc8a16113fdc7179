"""
What a provider took since a time: `GET {sms.url}/messages?since=…&after=cursor`, or a list of its as a file.

Asked after a restore or a failover (clinic/message/incoming/sent_since.py): what stands in it was sent,
whatever the record says. An entry is read as a receipt is, and is kept as one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import aiohttp
import orjson

from clinic.errors import GatewayBusy, GatewayRefused, ListRefused
from clinic.gateway.incoming.parse import Incoming, read_incoming
from clinic.gateway.incoming.pull import get_page
from clinic.gateway.received import Receipt
from clinic.settings import SmsGateway

_MOST_PAGES = 100_000  # a cursor that runs in a circle must not hold us for ever
_PAGE = 1_000


def fetch_sent(settings: SmsGateway, since: datetime, *, gateway: str) -> Iterator[list[Receipt]]:
    """
    Page by page what it took since then, to the end of its list.

    Raises:
        GatewayBusy: it did not answer, or not now
        GatewayRefused: it has no such list, or what it gave is none
    """
    after = ""
    for _ in range(_MOST_PAGES):
        page = _page(settings, {"since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "after": after}, gateway)
        if page.unread:
            raise GatewayRefused(
                "sent-list-refused",
                f"the gateway lists {len(page.unread)} messages in a form that is not understood: "
                f"{page.unread[0].why} (docs/gateways.md)",
            )
        yield [as_evidence(one) for one in page.receipts]
        if not page.next or page.next == after:
            return
        after = page.next
    raise GatewayRefused("sent-list-refused", "the gateway's list of what it took has no end")


def as_evidence(said: Receipt) -> Receipt:
    """As a receipt: of one message and one outcome one, however often it is asked for."""
    return replace(said, event_id=f"asked {said.reference} {said.outcome}")


def _page(settings: SmsGateway, query: dict[str, str], gateway: str) -> Incoming:
    try:
        status, body = get_page(settings, "messages", query)
    except (aiohttp.ClientError, TimeoutError, OSError):
        raise GatewayBusy(
            "sent-list-unreachable",
            "the gateway's list of what it took cannot be fetched; try again",
        ) from None
    if status in (425, 429) or status >= 500:
        raise GatewayBusy(
            "sent-list-unreachable", f"the gateway answered {status} for its list; try again"
        )
    try:
        document = orjson.loads(body) if 200 <= status < 300 else None
        if isinstance(document, dict) and isinstance(document.get("messages"), list):
            listed = {"receipts": document["messages"], "next": document.get("next")}
            return read_incoming(orjson.dumps(listed), gateway=gateway)
    except ValueError:
        pass
    raise GatewayRefused(
        "sent-list-refused",
        f"the gateway answered {status} for its list of what it took, and no such list: check sms.url and "
        "sms.token, or set sms.sent_list to false and use its list as a file (cohort sending ask --file)",
    )


def read_sent_file(path: Path, *, gateway: str) -> Iterator[list[Receipt]]:
    """
    The same from a file that the provider's pages export: CSV with a column `reference`, and perhaps `status`.

    Raises:
        ListRefused: it is no such file
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            names = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
            if "reference" not in names:
                raise ListRefused(
                    "sent-file-unreadable",
                    f"{path.name}: row 1: there is no column 'reference' (found: "
                    f"{', '.join(names) or 'nothing'}); export the provider's list with our "
                    "reference of each message",
                )
            found: list[Receipt] = []
            for number, row in enumerate(rows, start=2):
                found.append(_of_row(row, names, number, path, gateway))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ListRefused(
            "sent-file-unreadable", f"{path.name} cannot be read as a CSV file in UTF-8"
        ) from None
    for first in range(0, len(found), _PAGE):
        yield found[first : first + _PAGE]


def _of_row(
    row: dict[str, str], names: dict[str, str], number: int, path: Path, gateway: str
) -> Receipt:
    reference = (row[names["reference"]] or "").strip()
    status = (row.get(names.get("status", "")) or "").strip() or "accepted"
    page = read_incoming(
        orjson.dumps({"reference": reference, "status": status, "id": reference}), gateway=gateway
    )
    if not page.receipts or page.receipts[0].reference is None:
        raise ListRefused(
            "sent-file-unreadable",
            f"{path.name}: row {number}, column 'reference': no number of a message of ours, or the status is "
            "not known (docs/gateways.md has those that are); correct or remove the row",
        )
    return as_evidence(page.receipts[0])
