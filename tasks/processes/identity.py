"""
Which installation this is, for a Prefect server that others may use too.

    work pool      cohort-3f2a9c1b                            polled by this installation's workers alone
    deployments    message (Oakfield Surgery, 3f2a9c1b)       in that pool
    tag            installation-3f2a9c1b                      on each deployment, so on each run of it

The name is the record's own (`installation.install_id`): every machine that works with the record shares it,
and no other record has it. Here nothing imports prefect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError

from clinic.clock import SystemClock
from clinic.errors import CohortError, NotSetUp
from clinic.govern.rules.governed import in_force
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.outage import outage
from clinic.record.schema.messages import installation
from clinic.settings import Settings
from tasks.processes.home import prefect_home

TAG: Final = "installation-"
POOL: Final = "cohort-"
INSTALLATION: Final = "cohort.installation"  # a label of every event's resource
# Whose runs a worker starts, told to each of them: another record must not do them (tasks/wiring.py)
NOTE: Final = "installation"  # in Prefect's folder of the home: for when the record is away
VARIABLE: Final = "COHORT_INSTALLATION"
_LONGEST: Final = 60
_NO_NAME: Final = re.compile(r"[^\w .,'’-]+")  # Prefect allows no / & % < > in a name


@dataclass(frozen=True)
class Installation:
    """An installation, as Prefect knows it."""

    install_id: str
    practice: str
    runs_as: str = "process"  # processes of a machine, or containers: docker, kubernetes

    @property
    def key(self) -> str:
        """Short, and no other installation's."""
        return self.install_id.replace("-", "")[:8]

    @property
    def pool(self) -> str:
        """The work pool of its workers; one of another type cannot become this one."""
        return POOL + self.key + ("" if self.runs_as == "process" else f"-{self.runs_as}")

    @property
    def other_pools(self) -> list[str]:
        """Those that it would have if its runs were started as something else."""
        kinds = [kind for kind in ("process", "docker", "kubernetes") if kind != self.runs_as]
        return [Installation(self.install_id, self.practice, kind).pool for kind in kinds]

    @property
    def tag(self) -> str:
        """On its deployments and runs."""
        return TAG + self.key

    @property
    def label(self) -> str:
        """As people read it in the Prefect UI, behind a deployment's name."""
        name = " ".join(_NO_NAME.sub(" ", self.practice).split())[:_LONGEST].strip()
        return f"{name}, {self.key}" if name else self.key

    def owns(self, tags: list[str]) -> bool:
        """Whether a run or deployment with these tags is this installation's, and no other's besides."""
        return {tag for tag in tags if tag.startswith(TAG)} == {self.tag}

    def variables(self) -> dict[str, str]:
        """What prefect.yaml is filled in with."""
        return {"COHORT_POOL": self.pool, "COHORT_TAG": self.tag, "COHORT_LABEL": self.label}


def of(record: Record, settings: Settings) -> Installation:
    """The installation that a record is; a record that has no name yet gets one."""
    with record.read() as connection:
        found = connection.execute(sa.select(installation.c.install_id)).scalar_one_or_none()
    name = found or install(record, SystemClock())
    return Installation(name, settings.organisation.name, settings.runs.pool)


def read(settings: Settings) -> Installation:
    """
    The installation that these settings lead to.

    Raises:
        NotSetUp: there is no record yet
        RecordUnsafe: it cannot be read now
    """
    if not settings.record_url and not (settings.home / "record.db").exists():
        raise _not_set_up(settings)
    record = Record.open(settings.database_url)
    try:
        return of(record, settings)
    except (OperationalError, ProgrammingError) as error:
        raise outage(error) or _not_set_up(settings) from None
    finally:
        record.close()


def known(settings: Settings) -> Installation | None:
    """The same where the record can be read, or was when it was deployed from here; None: never yet."""
    note = prefect_home(settings) / NOTE
    try:
        return read(settings)
    except CohortError:
        found = note.read_text(encoding="ascii").strip() if note.exists() else ""
    return Installation(found, settings.organisation.name, settings.runs.pool) if found else None


def _not_set_up(settings: Settings) -> NotSetUp:
    return NotSetUp(
        "not-set-up",
        f"there is no record in {settings.home.resolve()} yet, so nothing was done; run: cohort init",
    )


def in_force_there(settings: Settings) -> Settings:
    """The settings with what the record governs; as they are where there is none, or it cannot be read."""
    if not settings.record_url and not (settings.home / "record.db").exists():
        return settings
    record = Record.open(settings.database_url)
    try:
        return in_force(record, settings).settings
    except (OperationalError, ProgrammingError):
        return settings
    finally:
        record.close()
