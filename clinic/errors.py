"""
Every error that Cohort raises on purpose.

    CohortError                   a fact with a code and a sentence; shown without a traceback
    ├── MendableError             the user can put it right; nothing was done; exit code 2
    │   ├── SettingsWrong         a setting is missing or makes no sense
    │   ├── NotSetUp              there is no record yet: cohort init
    │   ├── ListRefused           a file or list cannot be read without losing somebody
    │   ├── CohortRefused         the list as a whole is not fit to act on (gate, cap, sent before)
    │   ├── TemplateRefused       a template asks for more than templates may do
    │   ├── QuestionnaireRefused  a questionnaire, or a file of answers, cannot be read or makes no sense
    │   ├── OperationRefused      an operation on the record makes no sense as it was asked for
    │   ├── BackupRefused         a backup cannot be made, read or put back
    │   ├── SourceProblem         a source of data gave nothing that can be used; nothing was imported
    │   │   ├── SourceDown        it did not answer, or not in time: try again later
    │   │   └── SourceRefused     what it is asked for or gives makes no sense: a person must look
    │   ├── NotFound              there is no such campaign, list, template, patient …
    │   └── NotAllowed            the operator's role, the approval or the state forbids it; exit code 3
    ├── GatewayProblem            the gateway failed; the ledger says what that means for each message
    │   ├── GatewayBusy           proven not sent, try again later
    │   └── GatewayRefused        wrong credentials or a request it can never take: a person must look
    ├── FenceLost                 another worker took this batch over: our late answer is not written
    ├── Incomplete                the run ended with work left or messages unknown; exit code 4
    ├── RecordRefusal             the database refused a row; which one stays unsaid here
    └── RecordUnsafe              the database would not keep what it is told; exit code 5

The *type* says whether to try again, the *code* is stable and heads a section of docs/runbook.md,
the *sentence* says what to do. No error carries a name, a number, an address or a message's text.
"""

from __future__ import annotations


class CohortError(Exception):
    """A fact with a stable `code`, a sentence for people, and `exit_code` for the program."""

    exit_code = 1

    def __init__(self, code: str, says: str) -> None:
        super().__init__(f"{code}: {says}")
        self.code = code
        self.says = says

    def __reduce__(self) -> tuple[type[CohortError], tuple[str, str]]:
        return (type(self), (self.code, self.says))


class MendableError(CohortError):
    """The user can put it right; nothing was done."""

    exit_code = 2


class SettingsWrong(MendableError):
    """A setting is missing or makes no sense."""


class NotSetUp(MendableError):
    """This installation has no record yet."""


class ListRefused(MendableError):
    """A file or list cannot be read without losing somebody."""


class CohortRefused(MendableError):
    """The list as a whole is not fit to act on."""


class TemplateRefused(MendableError):
    """A template asks for more than templates may do."""


class QuestionnaireRefused(MendableError):
    """A questionnaire, or a file of answers, cannot be read or makes no sense."""


class OperationRefused(MendableError):
    """An operation on the record makes no sense as it was asked for."""


class BackupRefused(MendableError):
    """A backup cannot be made, read or put back; nothing was changed."""


class SourceProblem(MendableError):
    """A source of data gave nothing that can be used; nothing was imported."""


class SourceDown(SourceProblem):
    """It did not answer, or not in time: try again later."""


class SourceRefused(SourceProblem):
    """What it is asked for, or what it gives, makes no sense: a person must look."""


class NotFound(MendableError):
    """There is no such campaign, list, template, patient or operation."""


class NotAllowed(MendableError):
    """The operator's role, the approval or the state forbids it."""

    exit_code = 3


class GatewayProblem(CohortError):
    """The gateway failed."""


class GatewayBusy(GatewayProblem):
    """Proven not sent; try again after `retry_after` seconds."""

    def __init__(self, code: str, says: str, retry_after: float = 1.0) -> None:
        super().__init__(code, says)
        self.retry_after = retry_after


class GatewayRefused(GatewayProblem):
    """Wrong credentials, or a request that the gateway can never take: a person must look."""


class FenceLost(CohortError):
    """Another worker took this batch over; our late answer is not written."""


class Incomplete(CohortError):
    """The run ended with work left, or with messages of unknown delivery status."""

    exit_code = 4


class RecordRefusal(CohortError):
    """The database refused a row (a constraint, a trigger): its own words would name the patient."""


class RecordUnsafe(CohortError):
    """The database would not keep what it is told."""

    exit_code = 5
