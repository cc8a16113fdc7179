"""ACX-34, NEW-5: what a gateway pushes is taken when it is signed, once, and only when it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestClient, TestServer

from clinic.errors import SettingsWrong
from clinic.gateway.grouped import Grouped
from clinic.gateway.incoming.server import LARGEST_BODY, ReceiptServer
from clinic.gateway.incoming.signature import make_token, read_token, secret_key, sign
from clinic.gateway.incoming.words import TABLE, WORDS, word_of, words_table
from clinic.gateway.received import Keeper
from clinic.message.incoming.inbox import RecordKeeper
from clinic.message.incoming.receipts import count_inbox
from clinic.message.incoming.replies import list_replies
from clinic.message.incoming.unread import list_unread
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision, receipt_inbox
from clinic.settings import Phones
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.references import message_id

KEY = secret_key("a secret that nobody guesses")
ONE = {"receipts": [{"id": "e1", "reference": "7", "status": "delivered"}]}


def headers(body: bytes, clock: FakeClock, *, shift: float = 0) -> dict[str, str]:
    stamp = str(int(clock.now().timestamp() + shift))
    return {"X-Cohort-Timestamp": stamp, "X-Cohort-Signature": sign(KEY, stamp, body)}


def ask(
    record: Record,
    clock: FakeClock,
    work: Callable[[TestClient], Awaitable[None]],  # type: ignore[type-arg]
    *,
    keeper: Keeper | None = None,
) -> None:
    """Run `work` against a server over the record."""
    keeper = keeper or RecordKeeper(record, clock, Phones(test_range=True))
    server = ReceiptServer(keeper, clock, key=KEY, gateway="fake")

    async def run() -> None:
        async with TestClient(TestServer(server.app())) as client:
            await work(client)

    asyncio.run(run())


def post(
    record: Record,
    clock: FakeClock,
    body: object,
    *,
    path: str = "/receipts",
    with_headers: Callable[[bytes], dict[str, str]] | None = None,
) -> tuple[int, dict[str, object]]:
    """The answer to one request."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    signed = (with_headers or (lambda text: headers(text, clock)))(raw)
    got: list[tuple[int, dict[str, object]]] = []

    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        answer = await client.post(path, data=raw, headers=signed)
        got.append((answer.status, await answer.json()))

    ask(record, clock, work)
    return got[0]


def kept(record: Record) -> list[tuple[str, int | None, str, str | None]]:
    with record.read() as connection:
        rows = connection.execute(sa.select(receipt_inbox).order_by(receipt_inbox.c.id)).all()
    return [(row.event_id, row.reference, row.outcome, row.reason) for row in rows]


def test_a_signed_receipt_is_in_the_inbox_when_it_is_answered(
    record: Record, clock: FakeClock
) -> None:
    """ACX-34: written first, applied later."""
    assert post(record, clock, ONE) == (200, {"taken": 1, "skipped": 0})
    assert kept(record) == [("e1/delivered", 7, "delivered", None)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda h: {}, "no signature at all"),
        (lambda h: {**h, "X-Cohort-Signature": "0" * 64}, "another signature"),
        (lambda h: {**h, "X-Cohort-Signature": "é"}, "no hexadecimal"),
        (lambda h: {**h, "X-Cohort-Timestamp": str(int(h["X-Cohort-Timestamp"]) + 1)}, "its time"),
        (lambda h: {**h, "X-Cohort-Timestamp": "soon"}, "no time"),
        (lambda h: {**h, "X-Cohort-Timestamp": "9" * 40}, "no time of this world"),
    ],
)
def test_what_is_not_signed_is_refused_and_not_kept(
    sqlite_record: Record,
    clock: FakeClock,
    change: Callable[[dict[str, str]], dict[str, str]],
    why: str,
) -> None:
    status, _ = post(
        sqlite_record, clock, ONE, with_headers=lambda raw: change(headers(raw, clock))
    )
    assert (status, kept(sqlite_record)) == (401, []), why


@pytest.mark.parametrize("value", ["é" * 64, "\udce9" * 64, "٣" * 64, "🔑"])
def test_a_signature_outside_ascii_is_no_signature(
    sqlite_record: Record, clock: FakeClock, value: str
) -> None:
    """A wrong signature is 401 and is not asked for again, whatever its letters."""
    named = headers(orjson.dumps(ONE), clock)
    for name in named:
        status, _ = post(
            sqlite_record,
            clock,
            ONE,
            with_headers=lambda _, n=name: named | {n: value},  # type: ignore[misc]
        )
        assert (status, kept(sqlite_record)) == (401, [])


@pytest.mark.parametrize("path", ["/health", "/receipts", "/unsubscribe/x", "/nowhere"])
def test_no_answer_names_the_software(sqlite_record: Record, clock: FakeClock, path: str) -> None:
    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        for method in ("GET", "POST", "PUT"):
            answer = await client.request(method, path)
            assert "Server" not in answer.headers

    ask(sqlite_record, clock, work)


@pytest.mark.parametrize(("shift", "status"), [(-301, 401), (-299, 200), (299, 200), (302, 401)])
def test_a_signature_is_good_for_five_minutes(
    sqlite_record: Record, clock: FakeClock, shift: float, status: int
) -> None:
    """ACX-34: what was recorded on the wire cannot be played again later."""
    got, _ = post(
        sqlite_record, clock, ONE, with_headers=lambda raw: headers(raw, clock, shift=shift)
    )
    assert got == status


def test_a_changed_byte_of_the_body_breaks_the_signature(
    sqlite_record: Record, clock: FakeClock
) -> None:
    status, _ = post(sqlite_record, clock, ONE, with_headers=lambda raw: headers(raw + b" ", clock))
    assert status == 401


def test_the_same_request_again_is_answered_alike_and_changes_nothing(
    record: Record, clock: FakeClock
) -> None:
    for _ in range(3):
        assert post(record, clock, ONE)[0] == 200
    assert len(kept(record)) == 1


def test_a_body_too_large_is_refused(sqlite_record: Record, clock: FakeClock) -> None:
    body = b'{"receipts": [' + b" " * LARGEST_BODY + b"]}"
    assert post(sqlite_record, clock, body)[0] == 413


@pytest.mark.parametrize("body", [b"", b"<html>", b"1", b'"x"', b"\xff\xfe\x00", b"{" * 5000])
def test_what_is_no_json_object_is_a_bad_request(
    sqlite_record: Record, clock: FakeClock, body: bytes
) -> None:
    """COM-9: what is signed is the gateway's own word, and kept as it came, once."""
    for _ in range(2):
        assert post(sqlite_record, clock, body)[0] == 400
    assert [one.why for one in list_unread(sqlite_record, limit=9)] == ["no JSON object"] * bool(
        body
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"id": "a", "reference": 5, "status": "undelivered", "code": "Absent Subscriber"},
            ("a/undelivered", 5, "undelivered", "absent_subscriber"),
        ),
        (
            {"id": "a", "reference": "5", "status": "permanent-failure"},
            ("a/permanent_failure", 5, "undelivered", "unknown_subscriber"),
        ),
        (
            {"id": "a", "reference": "5", "status": "REJECTED", "code": ""},
            ("a/rejected", 5, "undelivered", "rejected_by_operator"),
        ),
        ({"id": "a", "reference": "5", "status": "sent"}, ("a/sent", 5, "accepted", None)),
        (
            {
                "id": "b",
                "reference": 6,
                "status": "failed",
                "message": "Handset off",
                "code": "busy",
            },
            ("b/failed", 6, "undelivered", "busy"),
        ),
        (
            {"id": "b", "reference": 6, "status": "bounced", "message": "no", "from": "EXAMPLE"},
            ("b/bounced", 6, "undelivered", "delivery_failure"),
        ),
        ({"id": "c", "reference": 6, "status": "EN ROUTE"}, ("c/en_route", 6, "accepted", None)),
        (
            {"id": "c", "reference": 6, "status": "DELETED"},
            ("c/deleted", 6, "undelivered", "delivery_failure"),
        ),
        (
            {"id": "a", "reference": "5", "status": "delivered", "at": "yesterday"},
            ("a/delivered", 5, "delivered", None),
        ),
    ],
)
def test_an_entry_is_read_as_gateways_write_it(
    sqlite_record: Record,
    clock: FakeClock,
    entry: dict[str, object],
    expected: tuple[str, int | None, str, str | None],
) -> None:
    """COM-9: one entry by itself is as good as a list of one; the network's words become our codes."""
    assert post(sqlite_record, clock, entry)[0] == 200
    assert kept(sqlite_record) == [expected]


def test_an_entry_that_cannot_be_read_does_not_keep_back_the_others(
    sqlite_record: Record, clock: FakeClock
) -> None:
    entries = ["x", 1, None, {}, {"status": "dancing"}, ONE["receipts"][0]]
    assert post(sqlite_record, clock, {"receipts": entries}) == (200, {"taken": 1, "skipped": 5})
    assert post(sqlite_record, clock, {"receipts": "x"}) == (200, {"taken": 0, "skipped": 1})


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/receipts", {"reference": "5", "status": "Waltzing"}, "unknown status waltzing"),
        ("/receipts", {"reference": "5", "message": "lost"}, "no status"),
        ("/replies", {"text": "STOP"}, "no sender"),
        ("/receipts", {"id": "a", "status": "delivered"}, "no reference"),
        (
            "/receipts",
            {"reference": "9" * 20, "status": "sent"},
            "a reference that is none of ours",
        ),
        (
            "/receipts",
            {"reference": {"x": 1}, "status": "read"},
            "a reference that is none of ours",
        ),
        (
            "/receipts",
            {"reference": "job-5", "status": "failed"},
            "a reference that is none of ours",
        ),
        ("/replies", {"replies": [{"from": "+447700900001"}]}, "no text"),
        ("/receipts", {"receipts": [["x"]]}, "no JSON object"),
    ],
)
def test_what_is_not_understood_is_kept_counted_and_listed(
    record: Record, clock: FakeClock, path: str, body: dict[str, object], why: str
) -> None:
    """COM-9: nothing that a gateway says is lost; what comes again is kept once."""
    for _ in range(2):
        assert post(record, clock, body, path=path) == (200, {"taken": 0, "skipped": 1})
    assert [entry.why for entry in list_unread(record, limit=9)] == [why]
    assert count_inbox(record).not_understood == 1
    assert list_unread(record, limit=9)[0].body


def test_a_list_without_a_heading_is_read_entry_by_entry(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """COM-9, NEW-5: as several providers post them."""
    entries = [
        {"id": "a", "reference": "5", "status": "delivered"},
        {"id": "r", "from": "+447700900001", "text": "stop"},
        7,
    ]
    assert post(sqlite_record, clock, entries) == (200, {"taken": 2, "skipped": 1})
    assert kept(sqlite_record) == [("a/delivered", 5, "delivered", None)]
    assert [one.keyword for one in list_replies(sqlite_record, keywords=True)] == ["stop"]


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"status": "received"},
        {"reference": "5"},
        {"text": None},
        {"text": " "},
        {"from": 447700900001},
    ],
)
def test_a_reply_stays_one_whatever_else_it_names(
    sqlite_record: Record, clock: FakeClock, extra: dict[str, object]
) -> None:
    """NEW-5: nobody's STOP is taken for a receipt."""
    body = {"id": "r", "from": "+447700900001", "message": "Stop"} | extra
    assert post(sqlite_record, clock, body)[0] == 200
    assert [one.keyword for one in list_replies(sqlite_record, keywords=True)] == ["stop"]


def test_the_page_has_the_words_that_are_known() -> None:
    """COM-9: docs/gateways.md says what each word becomes."""
    assert words_table() in Path("docs/gateways.md").read_text(encoding="utf-8")
    named = [name for _, names in TABLE for name in names]
    assert len(named) == len(set(named))
    assert [word_of(name.upper().replace("_", "-"))[1] for name in named] == list(WORDS.values())


def test_two_events_without_a_name_are_told_apart_by_what_they_say(
    sqlite_record: Record, clock: FakeClock
) -> None:
    entries = [{"reference": n, "status": "delivered"} for n in (1, 2, 2)]
    post(sqlite_record, clock, {"receipts": entries})
    assert count_inbox(sqlite_record).waiting == 2


def test_a_reply_acts_before_it_is_answered(record: Record, clock: FakeClock) -> None:
    """NEW-5: after our 200 nothing leaves to that number."""
    body = {"replies": [{"id": "1", "from": "447700900001", "text": "STOP\x00"}]}
    assert post(record, clock, body, path="/replies")[0] == 200
    with record.read() as connection:
        row = connection.execute(sa.select(address_decision)).one()
    assert (row.address, row.decision) == ("+447700900001", "opt_out")
    single = {"id": "2", "source_number": "447700900001", "message": "Who is this?"}
    post(record, clock, single, path="/replies")
    assert [r.text for r in list_replies(record)] == ["Who is this?"]


def test_a_record_that_cannot_be_written_makes_the_gateway_try_again(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """ACX-34: without the commit there is no 2xx; and the answer tells nothing of the fault."""

    class Full:
        """A disk that is full."""

        def keep_receipts(self, receipts: object) -> None:
            raise OSError("No space left for +447700900001")

        keep_replies = keep_receipts
        keep_unread = keep_receipts

        def unsubscribe(self, reference: int) -> None:
            raise OSError("No space left")

    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        raw = orjson.dumps(ONE)
        answer = await client.post("/receipts", data=raw, headers=headers(raw, clock))
        assert (answer.status, await answer.json()) == (503, {"error": "later"})

    ask(sqlite_record, clock, work, keeper=Full())


def test_hundreds_of_requests_at_once_are_all_kept(record: Record, clock: FakeClock) -> None:
    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        async def one(n: int) -> int:
            raw = orjson.dumps({"id": f"e{n}", "reference": n, "status": "delivered"})
            async with client.post("/receipts", data=raw, headers=headers(raw, clock)) as answer:
                return answer.status

        assert set(await asyncio.gather(*(one(n) for n in range(1, 301)))) == {200}

    ask(record, clock, work)
    assert count_inbox(record).waiting == 300


def test_what_comes_at_once_shares_commits() -> None:
    groups: list[list[int]] = []

    async def run() -> None:
        grouped = Grouped(lambda items: groups.append(list(items)))
        await asyncio.gather(*(grouped.add([n]) for n in range(100)), grouped.add([]))

    asyncio.run(run())
    assert sorted(n for group in groups for n in group) == list(range(100))
    assert len(groups) <= 3


# --- unsubscribe ------------------------------------------------------------------------------------


def sent_email(record: Record, clock: FakeClock) -> int:
    add_patients(record, 2)
    number = add_campaign(record, clock, 2, channel="email")
    with record.write() as connection:
        connection.execute(sa.text("UPDATE message SET channel = 'email', address = 'a@b.uk'"))
    return message_id(number, 1)


def decisions(record: Record) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with record.read() as connection:
        by_patient = connection.execute(
            sa.select(consent.c.patient_id, consent.c.channel, consent.c.decision, consent.c.source)
        )
        by_address = connection.execute(
            sa.select(address_decision.c.address, address_decision.c.evidence)
        )
        return [tuple(row) for row in by_patient], [tuple(row) for row in by_address]


def test_one_click_unsubscribes_the_patient_and_the_address(
    record: Record, clock: FakeClock
) -> None:
    """NEW-5, RFC 8058: the POST of a mail program, without a page between; again is nothing more."""
    reference = sent_email(record, clock)
    path = f"/unsubscribe/{make_token(KEY, reference)}"

    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        for _ in range(2):
            answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status == 200

    ask(record, clock, work)
    assert decisions(record) == (
        [(1, "email", "opt_out", "unsubscribe")],
        [("a@b.uk", f"by_link {reference}")],
    )


def test_opening_the_link_changes_nothing(record: Record, clock: FakeClock) -> None:
    """NEW-5: link scanners and previewers GET every link in a mail."""
    path = f"/unsubscribe/{make_token(KEY, sent_email(record, clock))}"

    async def work(client: TestClient) -> None:  # type: ignore[type-arg]
        answer = await client.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "<form method=post>" in await answer.text()
        assert (await client.head(path)).status == 200

    ask(record, clock, work)
    assert decisions(record) == ([], [])


@pytest.mark.parametrize("token", ["x", "", "A" * 32, "%00", "é", "a.b", "=" * 9])
def test_a_token_that_was_never_made_is_nobodys(token: str) -> None:
    assert read_token(KEY, token) is None


def test_a_token_names_one_message_and_no_other() -> None:
    token = make_token(KEY, 16777218)
    assert read_token(KEY, token) == 16777218
    assert read_token(secret_key("another secret, as long"), token) is None
    other = make_token(KEY, 16777219)
    assert read_token(KEY, other[:11] + token[11:]) is None


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="receipts-secret"):
        secret_key("short")


def test_the_clock_of_signatures_is_the_one_handed_in(sqlite_record: Record) -> None:
    old = FakeClock(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=1))
    assert post(sqlite_record, old, ONE)[0] == 200
