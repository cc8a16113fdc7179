"""
What can be found wrong, how bad each is, and what to do: one table. Each code is a heading of the runbook.

The exit code of `cohort health` is that of the worst finding: 2 to be put right before it harms, 4 something
does not happen that should, 5 the record cannot be worked with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["warning", "alarm", "record"]
EXIT_CODES: Final[dict[Level, int]] = {"warning": 2, "alarm": 4, "record": 5}


@dataclass(frozen=True)
class Kind:
    """How bad, and what to do."""

    level: Level
    do: str


KINDS: Final[dict[str, Kind]] = {
    "prefect-unreachable": Kind("alarm", "cohort server start"),
    "watch-gone": Kind("alarm", "cohort server start"),
    "worker-gone": Kind("alarm", "cohort server status, then cohort server start"),
    "ended-by-itself": Kind("warning", "cohort server status; the end of its log in prefect/ says why"),
    "reconciling-stopped": Kind("alarm", "cohort server status; look at the runs of `settle` in Prefect"),
    "queue-paused": Kind("alarm", "cohort campaigns, then cohort server resume"),
    "source-behind": Kind("alarm", "cohort sources status"),
    "outside-behind": Kind("warning", "cohort record status"),
    "reminders-not-run": Kind("alarm", "look at the run of remind in the Prefect UI, then cohort remind"),
    "reminders-none": Kind("alarm", "cohort show the last campaign of reminders, then cohort remind"),
    "runs-failed": Kind("alarm", "look at those runs in the Prefect UI: the state of each says why"),
    "runs-late": Kind("alarm", "cohort server status; is a queue paused, or a worker busy?"),
    "approvals-waiting": Kind("warning", "cohort approvals"),
    "gateway-refusing": Kind("alarm", "cohort show CAMPAIGN; put the cause right, then cohort resume CAMPAIGN"),
    "gateway-out": Kind("warning", "cohort gateways list; then cohort gateways test NAME --to NUMBER"),
    "gateway-unreachable": Kind("alarm", "check the address, the network and the provider's status page"),
    "campaign-halted": Kind("alarm", "cohort show CAMPAIGN, then cohort resume or cohort cancel CAMPAIGN"),
    "receipts-stopped": Kind("alarm", "cohort receipts status; is cohort receipts serve up, and reached?"),
    "receipts-not-understood": Kind("warning", "cohort receipts unread; ask the provider what the words mean"),
    "sending-stopped": Kind("alarm", "cohort sending status"),
    "clock-off": Kind("alarm", "set the clock (timedatectl), and keep it synchronised"),
    "disk-nearly-full": Kind("alarm", "free space there, or enlarge the disk"),
    "certificate-expired": Kind("alarm", "tell whoever runs that server: it must be renewed"),
    "certificate-expiring": Kind("warning", "tell whoever runs that server: it must be renewed"),
    "odd-looks": Kind("warning", "cohort audit odd-looks, and ask them; over once a manager looked there"),
    "service-missing": Kind("alarm", "an admin adds one: cohort operators add NAME --service"),
    "people-due": Kind("warning", "cohort operators review"),
    "backup-too-old": Kind("warning", "cohort backup FOLDER"),
    "backup-unchecked": Kind("warning", "cohort backup check FILE"),
    "record-version": Kind("record", "cohort init, or the newer program"),
    "record-unusable": Kind("record", "what the sentence says; then the heading of its code"),
}  # fmt: skip


# A busy machine or network misses a look now and then: nobody is written to before the second
UNSURE: Final = frozenset({"prefect-unreachable", "gateway-unreachable", "record-unusable"})


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `code` is the heading in docs/runbook.md."""

    code: str
    says: str

    @property
    def level(self) -> Level:
        """How bad it is."""
        return KINDS[self.code].level

    @property
    def do(self) -> str:
        """What to do first."""
        return KINDS[self.code].do


def exit_code(findings: list[Finding]) -> int:
    """That of the worst; 0: nothing is wrong."""
    return max((EXIT_CODES[found.level] for found in findings), default=0)
