"""The decorators: what they forbid, what they let through, and that nobody goes round them."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Literal

import pydantic
import pytest
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import Abort, Pause

from clinic.errors import CohortError, GatewayBusy, ListRefused
from tasks.guard.decorators import ParametersRefused, Unforeseen, flow, safe, task

ROOT = Path(__file__).parents[3]


class Choice(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    code: str = pydantic.Field(pattern=r"^\d+$")
    born: date | None = None


@flow(name="example", flow_run_name="example-{campaign}")
def example(
    campaign: str, choice: Choice | None = None, mode: Literal["a", "b"] = "a", count: int = 3
) -> int:
    """Count."""
    return count


def raising(error: BaseException) -> Callable[[], None]:
    @safe
    def step() -> None:
        raise error

    return step


def raised_by(step: Callable[[], None]) -> CohortError:
    with pytest.raises(CohortError) as caught:
        step()
    return caught.value


def test_an_error_becomes_its_type_and_place() -> None:
    error = raised_by(raising(ValueError("Siân Jones")))
    assert isinstance(error, Unforeseen)
    assert error.says.startswith("ValueError at test_decorators.py:")
    assert "Jones" not in str(error)


def test_nothing_of_the_first_error_hangs_on_the_one_that_leaves() -> None:
    error = raised_by(raising(ValueError("Siân Jones")))
    assert error.__cause__ is None
    assert error.__context__ is None
    assert b"Jones" not in pickle.dumps(error)


def test_our_own_error_keeps_type_code_sentence_and_what_retries_need() -> None:
    error = raised_by(raising(GatewayBusy("busy", "try later", retry_after=30)))
    assert isinstance(error, GatewayBusy)
    assert (error.code, error.says, error.retry_after) == ("busy", "try later", 30)


def test_our_own_error_loses_its_cause_and_its_notes() -> None:
    @safe
    def step() -> None:
        try:
            raise ValueError("Siân Jones")
        except ValueError as first:
            error = ListRefused("no-header", "row 1 is empty")
            error.add_note("Siân Jones")
            raise error from first

    error = raised_by(step)
    assert (error.__cause__, error.__context__) == (None, None)
    assert b"Jones" not in pickle.dumps(error)


@pytest.mark.parametrize("signal", [Pause(), Abort(), KeyboardInterrupt()])
def test_signals_pass(signal: BaseException) -> None:
    with pytest.raises(type(signal)):
        raising(signal)()


def test_async_functions_are_refused_where_they_are_defined() -> None:
    async def step() -> None: ...

    with pytest.raises(TypeError, match="step"):
        safe(step)


def test_a_task_keeps_no_result_and_hashes_no_input() -> None:
    @task(name="step", retries=2)
    def step(rows: int) -> int:
        return rows

    assert (step.cache_policy, step.persist_result, step.log_prints) == (NO_CACHE, False, False)
    assert (step.retries, step.fn(3)) == (2, 3)


def test_a_flow_keeps_no_result_and_is_versioned_by_its_own_file() -> None:
    @flow(name="other")
    def other() -> None: ...

    assert (example.persist_result, example.log_prints) == (False, False)
    assert example.version == other.version
    assert len(example.version or "") == 12


def test_right_parameters_are_cast() -> None:
    given = {"campaign": "c", "choice": {"code": "12", "born": "1980-02-03"}, "count": "4"}
    cast = example.validate_parameters(given)
    assert cast["count"] == 4
    assert cast["choice"] == Choice(code="12", born=date(1980, 2, 3))


WRONG = [
    ({"campaign": "c", "count": "Jones"}, "count: int_parsing"),
    ({"campaign": "c", "mode": "Jones"}, "mode: literal_error"),
    ({"campaign": "c", "choice": {"code": "Jones"}}, "choice.code: string_pattern_mismatch"),
    (
        {"campaign": "c", "choice": {"code": "1", "born": "Jones"}},
        "choice.born: date_from_datetime",
    ),
    ({"campaign": "c", "choice": {"code": "1", "Jones": 1}}, "choice.?: extra_forbidden"),
    ({"campaign": "c", "Jones": 1}, "?: extra_forbidden"),
    ({}, "campaign: missing"),
]


@pytest.mark.parametrize(("given", "says"), WRONG)
def test_wrong_parameters_are_named_with_the_kind_of_fault_only(
    given: dict[str, object], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ParametersRefused) as refused:
        example.validate_parameters(given)
    assert says in str(refused.value)
    assert "Jones" not in f"{refused.value}{caplog.text}{refused.value.__context__}"


def bare_decorators(source: str) -> set[str]:
    """Prefect's own `task` and `flow`, however they are brought in."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "prefect":
            found |= {a.name for a in node.names} & {"task", "flow", "Task", "Flow"}
        is_attribute = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if is_attribute and node.value.id == "prefect":
            found |= {node.attr} & {"task", "flow", "Task", "Flow"}
    return found


def test_only_this_module_uses_prefects_own_decorators() -> None:
    packages = ("clinic", "data_checks", "tasks", "flows", "cli")
    sources = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): bare_decorators(path.read_text()) for path in sources}
    assert {path: names for path, names in found.items() if names} == {
        "tasks/guard/decorators.py": {"Task", "Flow"}
    }


@pytest.mark.parametrize(
    "source",
    [
        "from prefect import task",
        "from prefect.flows import flow as f",
        "import prefect\n@prefect.task\ndef f(): ...",
    ],
)
def test_the_search_for_bare_decorators_finds_them(source: str) -> None:
    assert bare_decorators(source)
