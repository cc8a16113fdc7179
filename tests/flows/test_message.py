"""The main job through a real Prefect server: what it promises, however it is started or killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from clinic.clock import SystemClock
from clinic.errors import GatewayRefused
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.campaign.request import MessageRequest
from clinic.message.outcomes.report import show_campaign
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.record.schema.messages import message as message_table
from clinic.settings import Settings
from flows.settle import settle
from tasks.processes.environment import ROOT, child_environment
from tasks.processes.workers import worker_log
from tasks.runs.runs import resume, start_deployment
from tasks.story.whole import story
from tasks.wiring import use
from tests.cli.office import SECRET, Office, descriptor, hire
from tests.fakes import FakeClock, FakeGateway
from tests.flows.installation import (
    Shown,
    artifacts_of,
    deployed_by,
    log_of,
    parts_of,
    run_apart,
    run_flow,
    running_office,
    state_of,
)
from tests.main_job import ADDRESSES_KEPT, Practice, nhs, tally
from tests.servers.prefect_server import wait_for

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Twelve patients; batches of four, so that a campaign to all has three."""
    settings = Settings(
        home=tmp_path,
        record_url=sqlite_record.engine.url.render_as_string(),
        operator="nia",
        batch_size=4,
        phones={"test_range": True},  # type: ignore[arg-type]
    )
    practice = Practice(sqlite_record, clock, tmp_path, settings=settings)
    practice.patients(12)
    return practice


def test_everyone_gets_one_message_and_prefect_shows_the_counts(practice: Practice) -> None:
    """ARC-1, ACX-2, NEW-6: one action; progress, checks, table and page are there, and add up."""
    practice.patient(13, mobile="020 7946 0000")
    file = practice.file(*(nhs(n) for n in range(1, 14)), "9990000019")
    run = run_flow(practice, practice.request(file))

    assert run.state == "Completed", run.says
    assert run.says == "Campaign 1 is completed: 12 sent, 2 not; of 14 rows"
    assert sorted(practice.gateway.received.values()) == [1] * 12  # type: ignore[attr-defined]
    assert len(practice.items()) == 12
    assert run.artifacts["progress-1"] == 100.0
    rows = {row["outcome"]: row["rows"] for row in run.table("outcomes-1")}
    assert rows == {"sent": 12, "phone_not_mobile": 1, "nhs_number_invalid": 1}
    assert all(row["what to do"] for row in run.table("outcomes-1"))
    assert {row["result"] for row in run.table("checks-1")} == {"ok"}
    page = run.artifacts["campaign-1"]
    assert page.startswith("# Campaign 1: OK, 2 not accepted")
    assert "14 rows, 12 messages, 12 segments" in page
    assert "█" * 40 + " 12" in page
    with get_client(sync_client=True) as client:
        made = client.read_flow_run(run.run_id)
    assert made.name == "message-1-plain-by-sms"
    assert "campaign-1" in made.tags
    settings = practice.settings
    told = story(practice.record, settings, timing_of(settings), 1, practice.clock.now())
    log = log_of(run.run_id)
    for step, line in told:
        if step != "release":  # it was sent by now
            assert f"{line.level.upper()} {line.says}" in log, step
    assert "INFO Its messages are sent now." in log
    assert not any("Completed()" in line for line in log[:-1])


def test_running_again_messages_nobody_twice(practice: Practice) -> None:
    """NEW-3: the same request again carries on with its campaign, of which nothing is left to do."""
    request = practice.request(practice.everybody(12))
    first, second = (run_flow(practice, request) for _ in range(2))
    assert (first.state, second.state) == ("Completed", "Completed")
    assert set(practice.gateway.received.values()) == {1}  # type: ignore[attr-defined]
    assert len(practice.items()) == 12
    assert second.table("outcomes-1") == first.table("outcomes-1")


class RefusesOneBatch(FakeGateway):
    """Takes everything but one batch, for which a person must look."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        if any(one.to.endswith("006") for one in messages):
            raise GatewayRefused("gateway-refused", "it says no")
        return super().send(key, messages, per_request=per_request, only=only)


def test_one_span_failing_stops_no_other_and_fails_the_run(practice: Practice) -> None:
    """Of three batches the second fails: the others are sent and saved, it waits, the run says so."""
    practice.gateway = RefusesOneBatch()
    request = practice.request(practice.everybody(12))
    run = run_flow(practice, request)

    assert run.state == "Failed"
    assert "campaign-incomplete" in run.says
    assert len(practice.gateway.received) == 8
    assert [item.patient_id for item in practice.items()] == [1, 2, 3, 4, 9, 10, 11, 12]
    rows = {row["outcome"]: row["rows"] for row in run.table("outcomes-1")}
    assert sum(rows.values()) == 12
    assert rows["sent"] == 8

    practice.gateway = FakeGateway()
    practice.clock.sleep(600)  # the lease of the worker that failed
    again = run_flow(practice, request)
    assert again.state == "Completed", again.says
    assert len(practice.gateway.received) == 4
    assert len(practice.items()) == 12


class Dead(FakeGateway):
    """Takes nothing for now, as one whose machine is down."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        return Answer(not_sent=only, trouble="the provider cannot be reached", retry_after=600)


def test_a_dead_gateway_is_no_green_run(practice: Practice) -> None:
    """Issue 17: the run fails; state, log, page and `cohort show` say why and when it is tried again."""
    practice.gateway = Dead()
    run = run_flow(practice, practice.request(practice.everybody(12)))

    again = practice.clock.now() + timedelta(seconds=600)
    why = f"the provider cannot be reached; tried again {again:%Y-%m-%d %H:%M} UTC"
    assert run.state == "Failed"
    assert f"12 not sent yet ({why})" in run.says
    assert (
        "12 messages could not be sent: the provider cannot be reached."
        in run.artifacts["campaign-1"]
    )
    assert any("could not leave: the provider cannot" in line for line in log_of(run.run_id))
    details = show_campaign(practice.record, 1)
    assert (details.trouble, details.tried_again) == ("the provider cannot be reached", again)


def test_started_twice_at_once_it_still_messages_everybody_once(
    practice: Practice, prefect_server: Settings
) -> None:
    """NEW-3: two processes with one request; one of them may give way, and says so."""
    request = practice.request(practice.everybody(12))
    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(lambda _: run_apart(practice, prefect_server, request), range(2)))
    codes = [run.returncode for run in runs]
    assert 0 in codes, [run.stderr for run in runs]
    assert all("check-taken-over" in run.stderr for run in runs if run.returncode)
    with practice.record.read() as connection:
        sent = sorted(connection.scalars(ADDRESSES_KEPT))
    assert sent == [f"+447700900{n:03}" for n in range(1, 13)]
    assert len(practice.items()) == 12
    assert practice.count(campaign) == 1


def headings_only(practice: Practice) -> MessageRequest:
    return practice.request(practice.file())


def wrong_columns(practice: Practice) -> MessageRequest:
    return practice.request(practice.file("1", heading="Shoe Size"))


def no_file(practice: Practice) -> MessageRequest:
    return practice.request(practice.folder / "gone.csv")


def mostly_wrong(practice: Practice) -> MessageRequest:
    wrong = [nhs(n)[:-1] + str((int(nhs(n)[-1]) + 1) % 10) for n in range(50, 70)]
    return practice.request(practice.file(nhs(1), *wrong))


def over_the_cap(practice: Practice) -> MessageRequest:
    organisation = practice.settings.organisation.model_copy(update={"campaign_cap": 11})
    practice.settings = practice.settings.model_copy(update={"organisation": organisation})
    return practice.request(practice.everybody(12))


def unknown_column(practice: Practice) -> MessageRequest:
    practice.template("See you on {{ list.Clinic }}", key="clinic")
    return practice.request(practice.everybody(12), template="clinic")


def unknown_template(practice: Practice) -> MessageRequest:
    return practice.request(practice.everybody(12), template="none")


def channel_off(practice: Practice) -> MessageRequest:
    organisation = practice.settings.organisation.model_copy(update={"channels": ("sms",)})
    practice.settings = practice.settings.model_copy(update={"organisation": organisation})
    return practice.request(practice.everybody(12), channel="email")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (headings_only, "list-no-rows"),
        (wrong_columns, "list-columns-missing"),
        (no_file, "list-not-found"),
        (mostly_wrong, "list-refused"),
        (over_the_cap, "over-cap"),
        (unknown_column, "template-variable"),
        (unknown_template, "template-unknown"),
        (channel_off, "channel-off"),
    ],
)
def test_an_empty_or_faulty_request_sends_nothing_and_says_what_to_mend(
    practice: Practice, make: Callable[[Practice], MessageRequest], code: str
) -> None:
    run = run_flow(practice, make(practice))
    assert run.state == "Failed"
    assert code in run.says
    assert practice.gateway.received == {}  # type: ignore[attr-defined]
    assert practice.count(message_table) == 0
    assert practice.items() == []


def test_a_list_that_the_gate_stops_shows_its_checks_and_stays_stopped(
    practice: Practice,
) -> None:
    request = mostly_wrong(practice)
    run_flow(practice, request)
    run = run_flow(practice, request)
    assert run.state == "Failed"
    stopped = [row["check"] for row in run.table("checks-1") if row["result"] == "stop"]
    assert "unidentified" in stopped
    assert tally(practice.outcomes()) == {"nhs_number_invalid": 20, "list_refused": 1}


def test_a_rehearsal_runs_the_same_code_and_nothing_leaves_or_is_recorded(
    practice: Practice,
) -> None:
    """NEW-13: same outcomes, no call to the gateway, no clinical item; the real run is not hindered."""
    file = practice.everybody(12)
    rehearsal = run_flow(practice, practice.request(file, dry_run=True, request_key="rehearsal"))
    assert rehearsal.state == "Completed", rehearsal.says
    assert practice.gateway.calls == 0  # type: ignore[attr-defined]
    assert practice.items() == []
    assert rehearsal.artifacts["campaign-1"].startswith("# Dry run 1: OK")
    assert sum(row["rows"] for row in rehearsal.table("outcomes-1")) == 12

    real = run_flow(practice, practice.request(file))
    assert real.state == "Completed", real.says
    assert len(practice.gateway.received) == 12  # type: ignore[attr-defined]


# --- however it is started -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def office(
    prefect_server: Settings, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Practice]:
    """An installation with the project's own deployments and a worker, its record used by all three."""
    folder = tmp_path_factory.mktemp("office")
    with running_office(prefect_server, migrated_sqlite, folder, approval_above=6) as practice:
        practice.patients(6)
        practice.patient(7, death_date=SystemClock().now().date())
        yield practice


def asked(practice: Practice, name: str, *, people: int = 7, **values: Any) -> MessageRequest:
    file = practice.everybody(people, name=f"{name}.csv")
    return practice.by_number(
        practice.request(file, list_name=name, request_key=None, again=True, **values)
    )


def in_process(practice: Practice, server: Settings) -> Shown:
    return run_flow(practice, asked(practice, "here"))


def by_prefects_cli(practice: Practice, server: Settings) -> Shown:
    """As a person types it."""
    request = asked(practice, "typed").as_parameter()
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deployment", "run", deployed_by(practice),
         "--params", json.dumps({"request": request})],
        cwd=ROOT, env=child_environment(server), capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.split()
    return finished(server, next(UUID(w) for w in words if len(w) == 36 and w.count("-") == 4))


def by_the_form(practice: Practice, server: Settings) -> Shown:
    """As the UI's form posts it: every field, also the empty ones."""
    values = asked(practice, "form").model_dump(mode="json")
    values["more"] = {name: values.pop(name) for name in MessageRequest.RARE}
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(deployed_by(practice))
        answer = client.request(
            "POST",
            "/deployments/{id}/create_flow_run",
            path_params={"id": deployment.id},
            json={"parameters": {"request": values}, "state": {"type": "SCHEDULED"}},
        )
    return finished(server, UUID(answer.json()["id"]))


def finished(server: Settings, run_id: UUID) -> Shown:
    def end() -> str | None:
        state = state_of(run_id)
        return state if state in {"Completed", "Failed", "Crashed", "Cancelled"} else None

    state = wait_for("end of the run", end)
    assert state == "Completed", worker_log(server).read_text()
    wait_for("artifacts", lambda: len(artifacts_of(run_id)) == 4)
    return Shown(run_id, state, "", artifacts_of(run_id))


def test_however_it_is_started_the_result_is_the_same(
    office: Practice, prefect_server: Settings
) -> None:
    """In this process, by `prefect deployment run` and by the UI's form: same artifacts, same record."""
    results: list[dict[str, Any]] = []
    for number, start in enumerate((in_process, by_prefects_cli, by_the_form), start=1):
        run = start(office, prefect_server)
        outcomes = {row["outcome"]: row["rows"] for row in run.table(f"outcomes-{number}")}
        kinds = sorted(key.rsplit("-", 1)[0] for key in run.artifacts)
        items = [
            (i.patient_id, i.text, i.status) for i in office.items() if i.campaign_id == number
        ]
        results.append({"outcomes": outcomes, "kinds": kinds, "items": items})
    assert results[0]["outcomes"] == {"kept_in_outbox": 6, "patient_dead": 1}
    assert results[0]["kinds"] == ["campaign", "checks", "outcomes", "progress"]
    assert len(results[0]["items"]) == 6
    assert results[1] == results[0]
    assert results[2] == results[0]


def test_the_form_names_and_describes_every_field(office: Practice) -> None:
    """Typed parameters with descriptions: what the UI draws the form from."""
    with get_client(sync_client=True) as client:
        schema = client.read_deployment_by_name(deployed_by(office)).parameter_openapi_schema
    assert schema is not None
    fields = schema["definitions"]["MessageRequest"]["properties"]
    fields |= schema["definitions"]["CohortChoice"]["properties"]
    assert {"template", "dry_run", "list_id", "group", "registered_from"} <= set(fields)
    # NEW-39: what a list is called and where its file lies stays out of Prefect
    assert not {"list_name", "file", "as_of"} & set(fields)
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert [name for name, field in fields.items() if not field.get("title")] == []


# --- what waits ------------------------------------------------------------------------------------


def test_above_the_threshold_it_waits_without_a_process_and_sends_once_it_is_approved(
    office: Practice, prefect_server: Settings
) -> None:
    """NEW-1, ALC-8: it says who confirms, who may decide and how; Resume in Prefect alone sends nothing."""
    people = Office(prefect_server.home, office.record)
    hire(people)
    for n in (8, 9):
        office.patient(n)
    request = asked(office, "waits", people=9, requested_by="ann").as_parameter()
    run = start_deployment("message/message", {"request": request})
    processes = [suspended(run, 1, prefect_server)]
    (page,) = (text for key, text in artifacts_of(run).items() if key.startswith("campaign-appr"))
    (number,) = re.findall(r"cohort approve (\d+)", page)
    assert f"First ann confirms it: `cohort confirm {number}`" in page
    assert "other than ann: max, mia" in page
    assert "| messages | 8 |" in page

    resume(run)  # as anybody may press it in the Prefect UI
    processes.append(suspended(run, 2, prefect_server))
    assert sent_from(office, "waits") == []

    assert people.run("confirm", number, me="ann").exit_code == 0
    said = approve(prefect_server, number)
    assert "Its run goes on" in said
    wait_for("end of the run", lambda: state_of(run) == "Completed")
    assert sent_from(office, "waits") == [f"+44770090000{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9)]
    assert len(set(processes)) == 2


def suspended(run_id: UUID, times: int, server: Settings) -> int:
    """Wait until the run has been suspended so often and its process has ended; that process."""

    def look() -> int | None:
        with get_client(sync_client=True) as client:
            names = [state.name for state in client.read_flow_run_states(run_id)]
            pid = client.read_flow_run(run_id).infrastructure_pid or ""
        assert not {"Failed", "Crashed"} & set(names), worker_log(server).read_text()[-3000:]
        return int(pid.rsplit(":")[-1]) if names.count("Suspended") == times else None

    process = wait_for(f"suspension {times}", look)
    wait_for("end of its process", lambda: not Path(f"/proc/{process}").exists())
    return process


def approve(server: Settings, number: str) -> str:
    """As mia types it; what the program says."""
    secret = descriptor(SECRET)
    environment = child_environment(server) | {"COHORT_PREFECT_PORT": str(server.prefect_port)}
    done = subprocess.run(
        [Path(sys.executable).with_name("cohort"), "approve", number, "--note", "seen",
         "--operator", "mia", "--secret-fd", str(secret)],
        env=environment, pass_fds=[secret], capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(secret)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def sent_from(practice: Practice, list_name: str) -> list[str]:
    """The addresses that this list's campaign reached, one for each time."""
    query = (
        ADDRESSES_KEPT.join(campaign, campaign.c.id == message_table.c.campaign_id)
        .where(campaign.c.list_name == list_name)
        .order_by(message_table.c.address)
    )
    with practice.record.read() as connection:
        return list(connection.scalars(query))


def test_before_its_start_the_run_ends_and_settle_starts_the_one_that_sends(
    office: Practice, prefect_server: Settings
) -> None:
    """PAT-14, NEW-4: what waits for its time sleeps in the record; the page says until when."""
    start = office.clock.now() + timedelta(seconds=8)
    early = run_flow(office, asked(office, "later", start_at=start))
    assert early.state == "Completed", early.says
    (page,) = (text for key, text in early.artifacts.items() if re.fullmatch(r"campaign-\d+", key))
    assert "State **scheduled**" in page
    assert f"Goes on **{start:%Y-%m-%d %H:%M} UTC**" in page
    assert sent_from(office, "later") == []

    office.clock.sleep(max(0.0, (start - office.clock.now()).total_seconds()))
    parts = parts_of(office)
    use(parts)
    try:
        settle()
    finally:
        use(None)
        parts.worker.close()
    wait_for("six messages", lambda: len(sent_from(office, "later")) == 6)
    assert len(set(sent_from(office, "later"))) == 6
