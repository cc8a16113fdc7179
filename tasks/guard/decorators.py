"""
`task` and `flow` as this project uses them: Prefect's own, unable to keep patient data.

Prefect writes what it is given into its database in clear: the text of an exception goes to the
run's state, to two tables of events, to the log, and (for a flow) into a pickled file. So here

    every exception     becomes its type and place; a CohortError keeps its code and sentence,
                        which hold no patient data by construction, and its type, so that retry
                        conditions work
    wrong parameters    are named with the kind of error, never with what was given
    results             are not kept, inputs are not hashed, prints are not logged

Prefect's own signals (pause, suspend, abort) are BaseExceptions and pass. A test forbids
`from prefect import task` or `flow` anywhere else.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import (
    Any,
    NoReturn,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    runtime_checkable,
)

import pydantic
from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed
from prefect.task_runners import TaskRunner
from pydantic_core.core_schema import ErrorType

from clinic.errors import (
    CohortError,
    GatewayRefused,
    MendableError,
    NotAllowed,
    RecordUnsafe,
    SourceDown,
)
from clinic.record.outage import PASSING, outage
from tasks.guard.scrub import where
from tasks.processes.log_file import for_campaign

P = ParamSpec("P")
R = TypeVar("R")

# Whatever nobody foresaw is no outage: nobody should wait minutes for it
UNFORESEEN_RETRIES = 2

# Each takes (task or flow, run, state); Prefect's own type of a flow's hook names the flow's parameters
Hooks = list[Any]


class Unforeseen(CohortError):
    """An error of the program or of a library, told by its type and place."""


class ParametersRefused(MendableError):
    """A flow was started with parameters that it does not take."""


class NotWanted(NotAllowed):
    """
    People have decided against what a run waits for: the run is Cancelled, and nothing has failed.

    name: of the state in Prefect, `Rejected`
    """

    def __init__(self, code: str, says: str, name: str = "Rejected") -> None:
        super().__init__(code, says)
        self.name = name

    def __reduce__(self) -> tuple[type[NotWanted], tuple[str, str, str]]:  # type: ignore[override]
        return (type(self), (self.code, self.says, self.name))


class TaskOptions(TypedDict, total=False):
    """What a task may choose; caching, results and prints are not among it."""

    name: str
    description: str
    tags: Iterable[str]
    task_run_name: str
    retries: int
    retry_delay_seconds: float | list[float] | Callable[[int], list[float]]
    retry_jitter_factor: float
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]
    timeout_seconds: float
    on_failure: Hooks
    on_completion: Hooks


class FlowOptions(TypedDict, total=False):
    """What a flow may choose."""

    name: str
    description: str
    flow_run_name: str
    retries: int
    retry_delay_seconds: float
    task_runner: TaskRunner[Any]
    timeout_seconds: float
    on_completion: Hooks
    on_failure: Hooks
    on_cancellation: Hooks
    on_crashed: Hooks


def task(**options: Unpack[TaskOptions]) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a Prefect task of a plain (not async) function."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return Task(
            safe(function),
            cache_policy=NO_CACHE,
            persist_result=False,
            log_prints=False,
            **options,
        )

    return decorate


def flow(**options: Unpack[FlowOptions]) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a Prefect flow of a plain (not async) function."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        return SafeFlow(
            _typed(_ends_as_it_is(safe(function))),
            version=_version(function),
            persist_result=False,
            log_prints=False,
            **options,
        )

    return decorate


def may_mend_itself(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: what a person must fix will be as it is in half a minute."""
    return mends_itself(state.result(raise_on_failure=False))


def mends_itself(error: object) -> bool:
    """Whether what went wrong may go right in half a minute."""
    if isinstance(error, SourceDown) or (isinstance(error, RecordUnsafe) and error.code in PASSING):
        return True
    return not isinstance(error, MendableError | GatewayRefused | RecordUnsafe)


def may_pass_soon(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: for minutes while the record is away, twice after anything unforeseen."""
    if isinstance(state.result(raise_on_failure=False), RecordUnsafe):
        return may_mend_itself(task, run, state)
    return run.run_count <= UNFORESEEN_RETRIES and may_mend_itself(task, run, state)


def safe(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that whatever it raises tells a type and a place, and no values."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"{function.__name__}: tasks and flows here are plain functions")

    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        try:
            with for_campaign(_campaign_of(given)):
                return function(*args, **kwargs)
        except Exception as error:
            harmless = _harmless(error)
        # Outside the except block, so that the first error is not kept as this one's context
        _raise_alone(harmless)

    return guarded


def _campaign_of(given: dict[str, Any]) -> int | None:
    """The campaign that is named, or that these batches are of: for the log."""
    number = getattr(given.get("span"), "campaign_id", given.get("campaign_id"))
    return number if isinstance(number, int) else None


@runtime_checkable
class Ended(Protocol):
    """What a flow returns that says in a sentence what is so at its end: counts and codes, nobody's words."""

    @property
    def ended(self) -> str:
        """For the state of the run."""


def _ends_as_it_is(function: Callable[P, R]) -> Callable[P, R]:
    """
    A run's state says what is so: "Completed" alone was read as "sent". A flow that gives a state ends in it.

    A person's no ends it in a state of its own: a list of failed runs is for what is to be fixed.
    """

    @functools.wraps(function)
    def judged(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = function(*args, **kwargs)
        except NotWanted as refusal:
            return cast(R, Cancelled(name=refusal.name, message=refusal.says))
        if isinstance(result, Ended):
            return cast(R, Completed(message=result.ended, data=result))
        return result

    return judged


def _typed(function: Callable[P, R]) -> Callable[P, R]:
    """
    Give a function its types as types, where its module keeps annotations as strings: Prefect
    would look their names up in this module, find none, and neither check nor draw the form.
    """
    signature = inspect.signature(function, eval_str=True)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


class SafeFlow(Flow[P, R]):
    """A flow that says which parameter is wrong and how, without repeating what was given."""

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """
        The parameters, cast to the types of the function.

        Raises:
            ParametersRefused: which parameters, and what kind of error each has
        """
        # Before Prefect does it, which logs everything that was given when a part of it is wrong
        try:
            _as_model(self.fn).model_validate(parameters)
        except pydantic.ValidationError as error:
            faults = _faults(error, known=_described(self.parameters.model_dump()))
        else:
            return super().validate_parameters(parameters)
        raise ParametersRefused("parameters", f"fix these and start it again: {faults}")


def _harmless(error: Exception) -> CohortError:
    if not isinstance(error, CohortError):
        if (known := outage(error)) is not None:
            return known
        # The first frame is the wrapper's own
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        return Unforeseen("unforeseen", f"{type(error).__name__} at {where(trace)}")
    error.__notes__ = []
    return error.with_traceback(None)


def _raise_alone(error: CohortError) -> NoReturn:
    error.__cause__ = error.__context__ = None
    raise error from None


def _as_model(function: Callable[..., Any]) -> type[pydantic.BaseModel]:
    """A function's parameters as a pydantic model."""
    fields: dict[str, Any] = {
        name: (_annotation(parameter), _default(parameter))
        for name, parameter in inspect.signature(function).parameters.items()
    }
    config = pydantic.ConfigDict(arbitrary_types_allowed=True, extra="forbid")
    return pydantic.create_model("Parameters", __config__=config, **fields)


def _annotation(parameter: inspect.Parameter) -> Any:
    return Any if parameter.annotation is parameter.empty else parameter.annotation


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is parameter.empty else parameter.default


# Of pydantic's own errors those whose sentence repeats nothing that was given
_HARMLESS = re.compile(
    r"missing|extra_forbidden|string_(type|pattern_mismatch|too_short|too_long)|literal_error|"
    r"(greater|less)_than(_equal)?|(int|bool)_(type|parsing)|(list|dict|model)_type|date.*_parsing"
)


def _faults(error: pydantic.ValidationError, *, known: dict[str, str]) -> str:
    """
    `request.template: string_pattern_mismatch (String should match …; what is sent: the key of a template)`;
    a name that the flow does not know is shown as `?`.
    """
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(map(partial(_fault, known=known), faults))


def _fault(fault: Any, *, known: dict[str, str]) -> str:
    """Which field, what kind of error, how to fix it, and what the field is for."""
    where_ = ".".join(str(part) if part in known else "?" for part in fault["loc"])
    own = fault["type"] not in _PYDANTICS  # our sentences hold no values
    says = fault["msg"] if own or _HARMLESS.fullmatch(fault["type"]) else ""
    about = next((known[part] for part in reversed(fault["loc"]) if part in known), "")
    fix = ". ".join(part for part in (says, "" if own else about) if part)
    return f"{where_}: {fault['type']}" + (f" ({fix})" if fix else "")


_PYDANTICS = frozenset(get_args(ErrorType))


def _described(schema: object) -> dict[str, str]:
    """Every property's name in a JSON schema, and its description."""
    if isinstance(schema, list):
        return {name: says for each in schema for name, says in _described(each).items()}
    if not isinstance(schema, dict):
        return {}
    own = schema.get("properties")
    found = (
        {name: str(one.get("description", "")) for name, one in own.items()}
        if isinstance(own, dict)
        else {}
    )
    for value in schema.values():
        found = {**_described(value), **found}
    return found


def _version(function: Callable[..., Any]) -> str:
    """Which code ran: a short hash of the flow's own file (Prefect would hash this one)."""
    source = Path(function.__code__.co_filename)
    return hashlib.sha256(source.read_bytes()).hexdigest()[:12] if source.is_file() else "unknown"
