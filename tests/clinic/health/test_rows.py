"""Each row of what must be seen at three in the morning: brought about for real, or by a probe handed in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest

from clinic.backup.noted import note_backup, note_checked
from clinic.clock import SystemClock
from clinic.gateway.incoming.parse import unread_body
from clinic.gateway.received import Receipt
from clinic.health.facts import Facts, PrefectFacts, RecordFacts, Unusable
from clinic.health.findings import KINDS, Finding, exit_code
from clinic.health.judge import judge
from clinic.health.metrics import Health as HealthMetrics
from clinic.health.noted import note_findings, note_told, note_watched
from clinic.health.probes import look_at_disks, look_at_gateways
from clinic.health.record_facts import read_facts
from clinic.message import states
from clinic.message.campaign.sending_stop import stop_by_person
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.unread import keep_unread
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.campaigns import gateway_standing
from clinic.record.schema.govern import approval
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import batch, installation
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import reminder
from clinic.settings import Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id
from tests.servers.certificates import server_context
from tests.servers.relay import running_relay

SETTINGS = Settings()


@dataclass
class Here:
    """An installation of which everything is well, unless a row of the table says otherwise."""

    record: Record
    clock: FakeClock
    folder: Path
    prefect: PrefectFacts | None = None
    watch_gone: bool = False

    def findings(self) -> list[Finding]:
        known = read_facts(self.record, self.clock, SETTINGS)
        facts = Facts(self.clock.now(), known, self.prefect, watch_gone=self.watch_gone)
        return judge(facts, SETTINGS.health)

    def codes(self) -> list[str]:
        return [found.code for found in self.findings()]

    def polled(self, **other: object) -> None:
        self.prefect = PrefectFacts(polled_at=self.clock.now(), **other)  # type: ignore[arg-type]

    def send(
        self,
        count: int,
        gateway: FakeGateway,
        *,
        patience: timedelta = timedelta(),
        size: int = 1000,
    ) -> int:
        add_patients(self.record, count)
        number = add_campaign(self.record, self.clock, count, batch_size=size)
        ledger = make_ledger(
            self.record, self.clock, self.folder / "worker", timing=Timing(halt=SETTINGS.halt)
        )
        deliver(ledger, gateway, number, 1, -(-count // size), patience=patience)
        return number


def _installation(record: Record, clock: FakeClock, folder: Path) -> Here:
    add_campaign(record, clock, 0, state=states.COMPLETED)
    here = Here(record, clock, folder)
    note_backup(record, clock.now())
    note_watched(record, clock)
    here.polled()
    return here


@pytest.fixture
def here(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Here:
    return _installation(sqlite_record, clock, tmp_path)


def test_an_installation_of_which_all_is_well_has_no_finding(here: Here) -> None:
    assert here.codes() == []
    assert exit_code([]) == 0


def _worker_gone(here: Here) -> None:
    here.prefect = PrefectFacts(polled_at=here.clock.now() - timedelta(minutes=4))


def _no_worker_ever(here: Here) -> None:
    here.prefect = PrefectFacts()


def _prefect_gone(here: Here) -> None:
    here.prefect = None


def _watch_killed(here: Here) -> None:
    here.watch_gone = True


def _queue_paused(here: Here) -> None:
    here.polled(paused=True)


def _reminders(state: str) -> Callable[[Here], None]:
    def late(here: Here) -> None:
        due = here.clock.now() - timedelta(minutes=16)
        here.polled(reminders_due=due, reminders_state=state)

    return late


def _settle_fails(here: Here) -> None:
    here.clock.sleep(16 * 60)
    here.polled()


def _gateway_busy_for_long(here: Here) -> None:
    here.send(5, FakeGateway(plan=["busy"] * 999), patience=timedelta(minutes=2))
    here.polled()


def _gateway_refuses(here: Here) -> None:
    here.send(5, FakeGateway(plan=["unauthorised"]))


def _campaign_halts(here: Here) -> None:
    here.send(200, FakeGateway(plan=["reject"]), size=100)


def _receipts_stop(here: Here) -> None:
    here.send(5, FakeGateway())
    here.clock.sleep(7 * 3600)
    here.polled()
    note_watched(here.record, here.clock)


def _receipt_not_understood(here: Here) -> None:
    keep_unread(here.record, here.clock, [unread_body(b"Status=polkaed", gateway="fake")])


def _stopped(here: Here) -> None:
    stop_by_person(here.record, here.clock, by="mia", reason="a wrong list")


def _backup_old(here: Here) -> None:
    here.clock.sleep(49 * 3600)
    here.polled()
    note_watched(here.record, here.clock)


def _clock_set_back(here: Here) -> None:
    here.clock.sleep(-3600)
    here.polled()


def _runs_failed(here: Here) -> None:
    here.polled(failed=("remind", "sync", "sync"))


def _runs_late(here: Here) -> None:
    here.polled(late=("sync",))


def _visits(here: Here, *, listed: tuple[int, ...]) -> None:
    """Visits of tomorrow, 1 to 3; those that are on a list of the evening, whose reminders ran."""
    add_patients(here.record, 3)
    now = here.clock.now()
    here.polled(reminders_due=now - timedelta(hours=1), reminders_state="COMPLETED")
    with here.record.write() as connection:
        earlier = connection.scalar(sa.select(cohort_list.c.id))
        for n in (1, 2, 3):
            at = now + timedelta(hours=16, minutes=n)
            values = {"id": n, "patient_id": n, "starts_at": at}
            connection.execute(sa.insert(appointment).values(values))
        for n in (9, *listed):  # 9: of last week
            hours = 16 if n != 9 else -170
            connection.execute(
                sa.insert(reminder).values(
                    list_id=earlier, row_number=n, appointment_id=n,
                    starts_at=now + timedelta(hours=hours, minutes=n),
                )
            )  # fmt: skip


def _nobody_reminded(here: Here) -> None:
    _visits(here, listed=())


def _approval_waits(here: Here) -> None:
    asked = here.clock.now() - timedelta(hours=25)
    row = {
        "subject": "operation", "subject_id": 7, "kind": "status", "digest": "0" * 64, "summary": "{}",
        "requested_by": "nia", "requested_at": asked, "expires_at": asked + timedelta(hours=72),
        "reason": "it is closed", "state": "waiting",
    }  # fmt: skip
    with here.record.write() as connection:
        connection.execute(sa.insert(approval).values(row))


def _gateway_out(here: Here) -> None:
    at = here.clock.now() - timedelta(minutes=5)
    with here.record.write() as connection:
        connection.execute(
            sa.insert(gateway_standing).values(
                gateway="a", channel="sms", failing_since=at, failed_at=at, out_at=at,
                code="gateway-tls",
            )
        )  # fmt: skip
    add_patients(here.record, 1)
    add_campaign(here.record, here.clock, 1, state="scheduled", gateway="a", gateways="a b")


CASES: list[tuple[str, Callable[[Here], None], int]] = [
    ("worker-gone", _worker_gone, 4),
    ("worker-gone", _no_worker_ever, 4),
    ("prefect-unreachable", _prefect_gone, 4),
    ("watch-gone", _watch_killed, 4),
    ("queue-paused", _queue_paused, 4),
    ("reminders-not-run", _reminders("SCHEDULED"), 4),
    ("reminders-not-run", _reminders("CRASHED"), 4),
    ("reminders-not-run", _reminders("FAILED"), 4),
    ("reminders-none", _nobody_reminded, 4),
    ("runs-failed", _runs_failed, 4),
    ("runs-late", _runs_late, 4),
    ("approvals-waiting", _approval_waits, 2),
    ("reconciling-stopped", _settle_fails, 4),
    ("gateway-refusing", _gateway_busy_for_long, 4),
    ("gateway-refusing", _gateway_refuses, 4),
    ("gateway-out", _gateway_out, 2),
    ("campaign-halted", _campaign_halts, 4),
    ("receipts-stopped", _receipts_stop, 4),
    ("receipts-not-understood", _receipt_not_understood, 2),
    ("sending-stopped", _stopped, 4),
    ("backup-too-old", _backup_old, 2),
    ("clock-off", _clock_set_back, 4),
]


@pytest.mark.parametrize(
    ("code", "provoke", "exits"), CASES, ids=lambda v: getattr(v, "__name__", str(v))
)
def test_what_goes_wrong_in_the_record_or_in_prefect_raises(
    here: Here, code: str, provoke: Callable[[Here], None], exits: int
) -> None:
    """Worker, gateway, receipts, clock, reminders, queue, backup, sending."""
    provoke(here)
    found = here.findings()
    assert [f.code for f in found] == [code]
    assert exit_code(found) == exits


def test_the_record_is_asked_the_same_on_either_database(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Of PostgreSQL the clock is compared too: March 2026 is not what its server has."""
    here = _installation(record, clock, tmp_path)
    here.send(200, FakeGateway(plan=["ok", "unauthorised"]), size=100)
    clock.sleep(7 * 3600)
    here.polled()
    note_watched(record, clock)
    off = ["clock-off"] if record.dialect == "postgresql" else []
    assert here.codes() == ["gateway-refusing", "receipts-stopped", *off]


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING", "PAUSED"])
def test_reminders_that_ran_run_or_wait_for_an_approver_are_no_finding(
    here: Here, state: str
) -> None:
    _reminders(state)(here)
    assert here.codes() == []


@pytest.mark.parametrize("listed", [(1,), (1, 2, 3)])
def test_a_visit_that_was_booked_after_the_reminders_ran_is_no_finding(
    here: Here, listed: tuple[int, ...]
) -> None:
    """Nor who was left out: only an evening that reminded of nothing is."""
    _visits(here, listed=listed)
    assert here.codes() == []


def test_failed_runs_are_counted_by_their_flow(here: Here) -> None:
    _runs_failed(here)
    assert [found.says for found in here.findings()] == ["within 12 hours: remind, sync (2)"]


def test_a_receipt_that_came_lately_shows_that_they_come(here: Here) -> None:
    number = here.send(5, FakeGateway())
    here.clock.sleep(7 * 3600)
    keep_receipts(
        here.record, here.clock, [Receipt("fake", "1", message_id(number, 1), "delivered")]
    )
    assert "receipts-stopped" not in here.codes()


def test_messages_that_wait_for_no_receipt_are_not_counted(here: Here) -> None:
    """A dry run, the outbox, and a channel whose network confirms nothing."""
    add_patients(here.record, 3)
    for other in ({"dry_run": True}, {"gateway": states.OUTBOX}, {"channel": "email"}):
        number = add_campaign(here.record, here.clock, 3, **other)
        deliver(
            make_ledger(here.record, here.clock, here.folder / str(number)),
            FakeGateway(),
            number,
            1,
            1,
        )
    here.clock.sleep(7 * 3600)
    assert "receipts-stopped" not in here.codes()


def test_a_gateway_that_was_busy_once_is_no_finding(here: Here) -> None:
    here.send(5, FakeGateway(plan=["busy"]))
    here.polled()
    assert here.codes() == []


def test_a_check_of_another_installations_backup_says_nothing_of_this_ones(here: Here) -> None:
    now = here.clock.now()
    with here.record.read() as connection:
        name = connection.execute(sa.select(installation.c.install_id)).scalar_one()
    note_checked(here.record, now, "another")
    assert read_facts(here.record, here.clock, SETTINGS).backup_checked_at is None
    note_checked(here.record, now, name)
    assert read_facts(here.record, here.clock, SETTINGS).backup_checked_at == now


@pytest.mark.parametrize(
    ("fault", "code"),
    [("record-version", "record-version"), ("record-away", "record-unusable")],
)
def test_a_record_that_cannot_be_asked_is_a_finding_and_the_rest_is_looked_at(
    fault: str, code: str
) -> None:
    facts = Facts(datetime.now(UTC), Unusable(fault, "it is away"), None)
    found = judge(facts, SETTINGS.health)
    assert [f.code for f in found] == ["prefect-unreachable", code]
    assert exit_code(found) == 5


# --- disks, certificates, clocks of others -----------------------------------------------------------


@pytest.mark.parametrize(("free", "codes"), [(9, ["disk-nearly-full"]), (11, [])])
def test_a_disk_that_is_nearly_full_raises(tmp_path: Path, free: int, codes: list[str]) -> None:
    """Told at 90%, which is long before it is full."""
    settings = Settings(home=tmp_path, notes_folder=tmp_path)
    disks = look_at_disks(settings, lambda _: (100_000_000_000, free * 1_000_000_000))
    assert len(disks) == 1
    facts = Facts(datetime.now(UTC), RecordFacts(), _fine(), disks)
    assert [f.code for f in judge(facts, settings.health)] == codes


def test_the_disk_of_this_machine_can_be_asked(tmp_path: Path) -> None:
    (disk,) = look_at_disks(Settings(home=tmp_path, notes_folder=tmp_path))
    assert 0 < disk.free_share < 1


class _Gateway(BaseHTTPRequestHandler):
    """Answers HEAD; `ahead`: by how much its clock differs."""

    ahead = timedelta()

    def do_HEAD(self) -> None:
        self.send_response_only(404)
        date = datetime.now(UTC) + self.ahead
        self.send_header("Date", date.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Elsewhen(_Gateway):
    ahead = timedelta(days=3)


@dataclass
class _Served:
    url: str
    settings: Settings
    look: Callable[[], list[str]]


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Serve a gateway over TLS and judge what a look at it shows."""
    running: list[HTTPServer] = []

    def look(
        handler: type[_Gateway] = _Gateway, *, expired: bool = False, trusted: bool = True
    ) -> list[str]:
        server = HTTPServer(("127.0.0.1", 0), handler)
        running.append(server)
        presented, trust = server_context(tmp_path, expired=expired)
        server.socket = presented.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        settings = Settings(home=tmp_path, sms={"url": url, "gateway_class": "B"})  # type: ignore[arg-type]
        gateways = look_at_gateways(settings, SystemClock(), trust if trusted else None)
        facts = Facts(datetime.now(UTC), RecordFacts(), _fine(), (), gateways)
        return [f.code for f in judge(facts, settings.health)]

    yield look
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_certificate_that_ends_tomorrow_raises(served: Callable[..., list[str]]) -> None:
    """The gateway's certificate is about to expire."""
    assert served() == ["certificate-expiring"]


def test_a_certificate_that_has_ended_raises(served: Callable[..., list[str]]) -> None:
    assert served(expired=True) == ["certificate-expired"]


def test_a_certificate_that_nobody_here_trusts_raises(served: Callable[..., list[str]]) -> None:
    assert served(trusted=False) == ["gateway-unreachable"]


def test_a_clock_that_is_days_behind_the_gateways_raises(served: Callable[..., list[str]]) -> None:
    """On SQLite nobody else's clock is at hand."""
    assert served(_Elsewhen) == ["clock-off", "certificate-expiring"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize(
    ("expired", "code"), [(False, "certificate-expiring"), (True, "certificate-expired")]
)
def test_the_certificate_of_the_mail_relay_is_looked_at_too(
    tmp_path: Path, tls: str, expired: bool, code: str
) -> None:
    """SMTP's TLS; an end that is near, and one that is past."""
    presented, trust = server_context(tmp_path, expired=expired)
    with running_relay(**{tls: presented}) as relay:  # type: ignore[arg-type]
        email = {"host": "127.0.0.1", "port": relay.port, "tls": tls}
        settings = Settings(home=tmp_path, email=email)  # type: ignore[arg-type]
        gateways = look_at_gateways(settings, SystemClock(), trust)
    facts = Facts(datetime.now(UTC), RecordFacts(), _fine(), (), gateways)
    assert [f.code for f in judge(facts, settings.health)] == [code]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sms": {"url": "http://127.0.0.1:9", "gateway_class": "B"}}, "sms gateway: it cannot"),
        ({"sms": {"url": "http://no.such.invalid", "gateway_class": "B"}}, "DNS"),
        ({"email": {"host": "127.0.0.1", "port": 9}}, "email gateway: it cannot"),
    ],
)
def test_a_gateway_that_is_not_there_raises(
    tmp_path: Path, settings: dict[str, object], says: str
) -> None:
    mine = Settings(home=tmp_path, **settings)  # type: ignore[arg-type]
    facts = Facts(
        datetime.now(UTC), RecordFacts(), _fine(), (), look_at_gateways(mine, SystemClock())
    )
    (found,) = judge(facts, mine.health)
    assert found.code == "gateway-unreachable"
    assert says in found.says


def _fine() -> PrefectFacts:
    return PrefectFacts(polled_at=datetime.now(UTC))


# --- told once, and served ---------------------------------------------------------------------------


def test_a_finding_is_told_when_it_begins_and_when_it_ends_and_not_between(
    here: Here,
) -> None:
    """An automation that mails does so once a transition; one untold is told again."""
    full = Finding("disk-nearly-full", "1 GB left")
    gone = Finding("worker-gone", "since 10:00")
    assert note_findings(here.record, here.clock, [full]).begun == (full,)
    news = note_findings(here.record, here.clock, [full])  # killed before it was told
    assert news.begun == (full,)
    note_told(here.record, news)
    news = note_findings(here.record, here.clock, [full, gone])
    assert (news.begun, news.ended) == ((gone,), ())
    note_told(here.record, news)
    news = note_findings(here.record, here.clock, [gone])
    assert (news.begun, news.ended) == ((), ("disk-nearly-full",))
    note_told(here.record, news)
    assert note_findings(here.record, here.clock, [gone, full]).begun == (full,)


def test_the_metrics_have_every_finding_as_a_number_and_nothing_of_a_patient(here: Here) -> None:
    here.send(3, FakeGateway(plan=["unauthorised"]))
    known = read_facts(here.record, here.clock, SETTINGS)
    facts = Facts(here.clock.now(), known, here.prefect)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HealthMetrics(lambda: (facts, judge(facts, SETTINGS.health))))
    text = generate_latest(registry).decode()
    for code, kind in KINDS.items():
        wrong = float(code == "gateway-refusing")
        assert f'cohort_finding{{code="{code}",level="{kind.level}"}} {wrong}\n' in text
    assert "cohort_backup_timestamp_seconds " in text
    for secret in ("+447700", "Given", "Hello"):
        assert secret not in text


def test_the_queries_stay_few_however_many_messages_there_are(here: Here) -> None:
    here.send(5, FakeGateway())
    statements: list[str] = []
    sa.event.listen(
        here.record.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    read_facts(here.record, here.clock, SETTINGS)
    assert len([s for s in statements if s.startswith("SELECT")]) <= 22
    assert not any("FROM message " in s and batch.name not in s for s in statements)
