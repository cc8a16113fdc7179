"""What Prefect's server has is read to its end: it gives 200 at a time, and says nothing of the rest."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    get_current_settings,
    temporary_settings,
)

import flows
import tasks
from tasks.guard.asking import RETRIES, quickly, whole, whole_async

# What one question gives the first page of; `limit` says that so many are wanted and no more
LISTS = {
    "read_artifacts", "read_automations", "read_automations_by_name", "read_block_documents",
    "read_deployments", "read_flow_runs", "read_flows", "read_task_runs",
    "read_workers_for_work_pool", "read_work_pools", "read_work_queues", "read_events", "read_logs",
}  # fmt: skip
# By its exact name, or asked in pages by hand
ALLOWED = {("earlier_pool.py", "read_automations_by_name")}


@dataclass(frozen=True)
class Thing:
    id: UUID = field(default_factory=uuid4)


class Server:
    """Gives pages of three; what begins while it is asked stands before everything else."""

    def __init__(self, many: int) -> None:
        self.things = [Thing() for _ in range(many)]
        self.begins: Callable[[], None] = lambda: None

    def read_things(self, *, name: str, offset: int = 0) -> list[Thing]:
        assert name == "ours"
        part = self.things[offset : offset + 3]
        self.begins()
        return part

    async def read_later(self, *, name: str, offset: int = 0) -> list[Thing]:
        return self.read_things(name=name, offset=offset)


@pytest.mark.parametrize("many", [0, 1, 3, 7, 9])
def test_every_page_is_asked_for(many: int) -> None:
    server = Server(many)
    assert whole(server.read_things, name="ours") == server.things
    assert asyncio.run(whole_async(server.read_later, name="ours")) == server.things


def test_what_is_new_meanwhile_is_given_once_at_most() -> None:
    server = Server(7)
    before = list(server.things)
    server.begins = lambda: server.things.insert(0, Thing()) if len(server.things) < 9 else None
    found = whole(server.read_things, name="ours")
    assert len(found) == len({one.id for one in found})
    assert {one.id for one in before} <= {one.id for one in found}


def test_no_list_of_the_server_is_read_by_its_first_page_alone() -> None:
    """Of each call in tasks and flows: in pages, or with the number that is wanted."""
    asked = 0
    for package in (flows, tasks):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
                inside = [one.attr for one in call.args if isinstance(one, ast.Attribute)]
                asked += bool(LISTS & {*inside, name})
                if name in LISTS and (path.name, name) not in ALLOWED:
                    limited = any(word.arg == "limit" for word in call.keywords)
                    assert limited, f"{path.name}:{call.lineno}: {name} gives its first page"
    assert asked > 12


def test_settings_that_give_up_soon_are_made_once_of_the_same() -> None:
    """A run is asked about every few seconds; others of the process are as they were afterwards."""
    made = []
    for _ in range(2):
        with quickly():
            made.append(get_current_settings())
            assert PREFECT_CLIENT_MAX_RETRIES.value() == RETRIES
    assert made[0] is made[1]
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 7, PREFECT_API_URL: "http://other/api"}):
        with quickly():
            assert PREFECT_CLIENT_MAX_RETRIES.value() == RETRIES
            assert PREFECT_API_URL.value() == "http://other/api"
        assert PREFECT_CLIENT_MAX_RETRIES.value() == 7
