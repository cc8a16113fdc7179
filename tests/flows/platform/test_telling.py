"""NEW-12: what an analyst wants to know of is posted to the address of the settings."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import EventTrigger
from prefect.states import Crashed, Failed, Late, Running, Scheduled
from pydantic import SecretStr

from clinic.health.findings import Finding
from clinic.health.noted import News
from clinic.settings import Settings
from flows.settle import settle
from flows.upkeep.chase_approvals import chase_approvals
from tasks.guard.asking import whole
from tasks.prefect.events import approval_late, approval_waits, campaign_halted
from tasks.prefect.health_events import health_news
from tasks.prefect.telling import BEGINS, TELLINGS, ensure_tellings
from tasks.processes.identity import Installation
from tests.servers.prefect_server import wait_for

pytestmark = pytest.mark.prefect

FINDINGS = ("worker-gone", "reminders-none", "disk-nearly-full")


class Chat:
    """Where it is posted to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        heard = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append(json.loads(body)["text"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *said: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> SecretStr:
        return SecretStr(f"http://127.0.0.1:{self.server.server_port}/hook")

    def has(self, *parts: str) -> bool:
        """Whether one text has all of these."""
        return any(all(part in text for part in parts) for text in self.texts)


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    thread = threading.Thread(target=chat.server.serve_forever, daemon=True)
    thread.start()
    yield chat
    chat.server.shutdown()
    chat.server.server_close()


@pytest.fixture
def client(
    prefect_server: Settings, who: Installation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SyncPrefectClient]:
    """A client of a server whose automations tell the chat."""
    monkeypatch.setenv("COHORT_HOME", str(prefect_server.home))
    with get_client(sync_client=True) as client:
        ensure_tellings(client, who, chat.address)
        yield client
        ensure_tellings(client, who, SecretStr(""))


def _told(client: SyncPrefectClient, who: Installation) -> list[str]:
    names = [one.name for one in whole(client.read_automations)]
    return [name for name in names if name.startswith(BEGINS) and name.endswith(f"{who.key})")]


def _kept(client: SyncPrefectClient) -> list[str | None]:
    """The blocks, of which one holds the address."""
    found = whole(client.read_block_documents, include_secrets=False)
    return [one.name for one in found]


def test_each_automation_that_is_shipped_tells_what_happened(
    client: SyncPrefectClient, who: Installation, chat: Chat
) -> None:
    """Runs, campaigns, approvals and findings, with what to do; another installation's and settle's not."""
    ensure_tellings(client, who, chat.address)  # again changes nothing
    assert len(_told(client, who)) == len(TELLINGS) == 9
    for flow, tag in ((chase_approvals, who.tag), (settle, who.tag), (chase_approvals, "another")):
        name = "settle" if flow is settle else f"chase-{tag}"
        for state in (Failed(message=f"SAYS-{name}"), Crashed(), Late()):
            run = client.create_flow_run(flow, name=name, state=Scheduled(), tags=[tag])
            if state.name != "Late":
                client.set_flow_run_state(run.id, Running(), force=True)
            client.set_flow_run_state(run.id, state, force=True)
    campaign_halted(7, "too-many-failures")
    approval_waits(8)
    approval_late(3, "operation", 5, decidable=True)
    begun = tuple(Finding(code, f'what "{code}" says') for code in FINDINGS)
    assert health_news(who, News(begun, ()))

    run = f"run chase-{who.tag} "
    expected = [
        (run + "failed", f"SAYS-chase-{who.tag}", "/runs/flow-run/"),
        (run + "crashed",),
        (run + "is late",),
        ("campaign 7 halted itself (too-many-failures)", "cohort show 7"),
        ("campaign 8 waits for a second approver", "cohort approvals"),
        ("the request of operation 5 waits too long",),
        *((f'what "{code}" says', "Do: ") for code in FINDINGS),
    ]
    wait_for("posts", lambda: all(chat.has(*parts) for parts in expected))
    assert len(chat.texts) == len(expected), chat.texts
    assert all(text.startswith(f"{who.label}: ") for text in chat.texts)


@pytest.fixture
def crowd(prefect_server: Settings) -> Iterator[list[str]]:
    """Other practices' automations, more than a page of them, and all before ours by name."""
    with get_client(sync_client=True) as client, contextlib.ExitStack() as made:
        keys = []
        for number in range(201):
            key = client.create_automation(
                AutomationCore(
                    name=f"another practice's, {number:03}",
                    trigger=EventTrigger(expect={"never"}, threshold=1, within=timedelta(0)),
                    actions=[DoNothing()],
                )
            )
            made.callback(client.delete_automation, key)
            keys.append(str(key))
        yield keys


def test_ours_are_found_behind_those_of_forty_practices(
    crowd: list[str], client: SyncPrefectClient, who: Installation, chat: Chat
) -> None:
    """The server gives 200 at once: ours were made again at every start, and told everything twice."""
    ensure_tellings(client, who, chat.address)
    first = client.read_automations()
    assert {str(one.id) for one in first} <= set(crowd), "ours are behind the first page"
    assert len(_told(client, who)) == len(TELLINGS)
    ensure_tellings(client, who, SecretStr(""))
    assert _told(client, who) == []


def test_without_an_address_nothing_is_told_and_none_is_kept(
    client: SyncPrefectClient, who: Installation
) -> None:
    """An address is a secret: it goes when it is taken out of the settings."""
    assert f"cohort-{who.key}" in _kept(client)
    ensure_tellings(client, who, SecretStr(""))
    assert _told(client, who) == []
    assert f"cohort-{who.key}" not in _kept(client)
