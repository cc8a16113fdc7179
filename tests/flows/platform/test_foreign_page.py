"""A page of another origin against the local Prefect server, in a real browser: it starts and reads nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterId

from clinic.settings import Settings
from tasks.processes.environment import api_url, prefect_home
from tasks.processes.login import authorization, ensure_login
from tests.servers.browser import CHROMIUM, open_page

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.skipif(CHROMIUM is None, reason="needs the package chromium"),
]

ATTACK = """
const api = API, run = RUN, login = LOGIN;
const json = {"Content-Type": "application/json"}, text = {"Content-Type": "text/plain"};
const found = {};
for (const credentials of ["omit", "include"]) {
  const read = path => ask(api + path, {credentials});
  const write = (headers, mode) =>
    ask(api + "/flow_runs/", {method: "POST", body: run, headers, mode, credentials});
  found["read " + credentials] = await read("/admin/settings");
  found["token " + credentials] = await read("/csrf-token?client=x");
  found["write json " + credentials] = await write(json, "cors");
  found["write text " + credentials] = await write(text, "cors");
  found["write unseen " + credentials] = await write(text, "no-cors");
}
found["read with the login"] = await ask(api + "/admin/settings", {headers: {Authorization: login}});
found["write with the login"] = await ask(
  api + "/flow_runs/", {method: "POST", body: run, headers: {...json, Authorization: login}});
const form = document.createElement("form");
Object.assign(form, {method: "post", action: api + "/flow_runs/", enctype: "text/plain", target: "sink"});
const field = document.createElement("input");
[field.name, field.value] = [run.slice(0, -1) + ', "ignored": "', '"}'];
form.append(field);
found.form = await submit(form);
await tell(found);
"""
# What the same page does in a browser that guards no origin, with the login: the proof that it asks aright
UNGUARDED = """
const headers = {"Content-Type": "application/json", Authorization: LOGIN};
const token = await (await fetch(API + "/csrf-token?client=page", {headers})).json();
Object.assign(headers, {"Prefect-Csrf-Token": token.token, "Prefect-Csrf-Client": "page"});
await tell(await ask(API + "/flow_runs/", {method: "POST", body: RUN, headers}));
"""


@pytest.fixture
def client(prefect_server: Settings) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def script(text: str, server: Settings, flow: UUID) -> str:
    login = authorization(ensure_login(prefect_home(server)))["Authorization"]
    run = json.dumps({"name": "forged", "flow_id": str(flow), "state": {"type": "SCHEDULED"}})
    for word, value in (("API", api_url(server)), ("RUN", run), ("LOGIN", login)):
        text = text.replace(word, json.dumps(value))
    return text


def runs_of(client: SyncPrefectClient, flow: UUID) -> int:
    return len(client.read_flow_runs(flow_filter=FlowFilter(id=FlowFilterId(any_=[flow]))))


def test_a_foreign_page_reads_nothing_and_starts_no_run(
    prefect_server: Settings, client: SyncPrefectClient, tmp_path: Path
) -> None:
    """NEW-2: with and without what the browser keeps, by script and by form, and though it knew the login."""
    flow = client.create_flow_from_name("of-a-foreign-page")
    found: dict[str, Any] = open_page(script(ATTACK, prefect_server, flow), tmp_path / "guarded")
    seen = {name: answer for name, answer in found.items() if answer != "refused"}
    # What is sent unseen is answered with 401 or 403, which the page does not get to see either
    assert seen == {
        "write unseen omit": "opaque",
        "write unseen include": "opaque",
        "form": "loaded",
    }
    assert len(found) == 13
    assert runs_of(client, flow) == 0

    unguarded = script(UNGUARDED, prefect_server, flow)
    assert open_page(unguarded, tmp_path / "open", ["--disable-web-security"]) == 201
    assert runs_of(client, flow) == 1
