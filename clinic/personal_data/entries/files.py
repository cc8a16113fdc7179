"""Files of an installation, by where they are; and what Prefect keeps of its runs."""

from __future__ import annotations

from typing import Final

from clinic.personal_data.held import FileHeld, PrefectHeld
from clinic.personal_data.kinds import Erasure, Kind, Purpose, Retention, Section

_NOBODY: Final = "nothing of one person"
_TABLES: Final = "its tables are listed one by one"

FILES: Final = (
    FileHeld(
        folder="home", pattern="record.db*", kind=Kind.CONTENT, purpose=Purpose.CARE,
        about="the record, where it is SQLite, with its write-ahead log", retention=Retention.RECORD,
        why_not=_TABLES, erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="exports/*", kind=Kind.CONTENT, purpose=Purpose.CHANGES,
        about="files of data exports", retention=Retention.FILES, section=Section.FILES, erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="not-accepted/*", kind=Kind.CONTENT, purpose=Purpose.MESSAGING,
        about="rows of a list that got no message, for whoever sent it", retention=Retention.FILES,
        section=Section.FILES, erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="sent-unknown-*.csv", kind=Kind.CONTENT, purpose=Purpose.MESSAGING,
        about="messages of which nobody knows whether they were sent", retention=Retention.FILES,
        section=Section.FILES, erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="flu-clinic.csv", kind=Kind.CONTENT, purpose=Purpose.RUNNING,
        about="the demonstration's list of people who do not exist", retention=Retention.INSTALLATION,
        section=Section.FILES, erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="answers/*", kind=Kind.EVENT, purpose=Purpose.MESSAGING,
        about="a gateway's answers until they are in the record: keys of messages, states and its words",
        retention=Retention.RECEIPTS, why_not="goes into the record within minutes", erasure=Erasure.KEEP,
        because="keys and states; gone once the record has them",
    ),
    FileHeld(
        folder="home", pattern="before-upgrade/*", kind=Kind.CONTENT, purpose=Purpose.RUNNING,
        about="a copy of the record from before an upgrade", retention=Retention.BACKUPS,
        why_not="a copy of the record, beyond use", erasure=Erasure.KEEP,
        because="beyond use, and gone after its days; what was erased since is erased again after a restore",
    ),
    FileHeld(
        folder="elsewhere", pattern="cohort-*.tar", kind=Kind.CONTENT, purpose=Purpose.RUNNING,
        about="backups: the record, its key and settings, where the practice keeps them",
        retention=Retention.BACKUPS, why_not="a copy of the record, beyond use", erasure=Erasure.KEEP,
        because="beyond use; what was erased since is erased again after a restore",
    ),
    FileHeld(
        folder="home", pattern="drafts/*", kind=Kind.CONTENT, purpose=Purpose.RUNNING,
        about="a library's drafts while a file is read or written", retention=Retention.FILES,
        why_not="gone at the end of the command", erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="uploads/*/*", kind=Kind.CONTENT, purpose=Purpose.MESSAGING,
        about="a list uploaded at the desk, until it is checked", retention=Retention.FILES,
        why_not="gone once it is checked; what was imported is listed where it is kept", erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="sources/*/*/*", kind=Kind.CONTENT, purpose=Purpose.RUNNING,
        about="what was fetched from another system, while it is imported", retention=Retention.FILES,
        why_not="gone at the end of the import; what was imported is listed where it is kept",
        erasure=Erasure.FILE,
    ),
    FileHeld(
        folder="home", pattern="sources/*/*.lock", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="that a program works on what it fetched: empty", retention=Retention.LOGS,
        why_not=_NOBODY, erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="audit.*", kind=Kind.SECRET, purpose=Purpose.ACCOUNTABILITY,
        about="the key of the audit trail, and its last seal", retention=Retention.TRAIL,
        why_not="would let the trail be forged", erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="erased.list", kind=Kind.EVENT, purpose=Purpose.ACCOUNTABILITY,
        about="the list of erasures and restrictions: keyed digests of whom, who decided it, why",
        retention=Retention.STUBS, why_not="a digest tells nobody's name", erasure=Erasure.KEEP,
        because="by it a restored backup is erased again",
    ),
    FileHeld(
        folder="home", pattern="signed-in-*", kind=Kind.SECRET, purpose=Purpose.SECURITY,
        about="the token of whoever gave their password within the hour", retention=Retention.INSTALLATION,
        why_not="would let others in", erasure=Erasure.KEEP, because="staff's",
    ),
    FileHeld(
        folder="home", pattern="installation.json", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="which record and machine this is", retention=Retention.INSTALLATION, why_not=_NOBODY,
        erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="workers/*", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="which process sends, and its last submission: keys and times", retention=Retention.LOGS,
        why_not=_NOBODY, erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="notes", pattern="*", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="what this machine was about to send: keys of submissions and times", retention=Retention.LOGS,
        why_not=_NOBODY, erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="logs/*", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="what the program said while it worked: keys, counts and codes", retention=Retention.LOGS,
        why_not=_NOBODY, erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="prefect/*", kind=Kind.WORK, purpose=Purpose.RUNNING,
        about="Prefect's own database, logs and settings", retention=Retention.PREFECT,
        why_not="what is in it is listed by itself", erasure=Erasure.KEEP, because=_NOBODY,
    ),
    FileHeld(
        folder="home", pattern="cohort.toml", kind=Kind.PRACTICE, purpose=Purpose.RUNNING,
        about="the practice's settings, also where they stand elsewhere", retention=Retention.INSTALLATION,
        why_not="the practice's own", erasure=Erasure.KEEP, because="the practice's own",
    ),
)  # fmt: skip

PREFECT: Final = (
    PrefectHeld(thing="flow run", about="its name, state, times, tags: keys and counts"),
    PrefectHeld(thing="flow run parameters", about="keys, settings and codes"),
    PrefectHeld(thing="task run", about="its name, state and times: numbers of batches and chunks"),
    PrefectHeld(thing="results", about="none is kept but keys and counts"),
    PrefectHeld(thing="logs", about="keys, counts, codes, durations"),
    PrefectHeld(thing="artifacts", about="counts of a campaign or operation, and the review without names"),
    PrefectHeld(thing="events", about="that a run began, waited, ended; what `cohort health` found"),
    PrefectHeld(
        thing="deployments, schedules, automations, variables",
        about="the installation's own", kind=Kind.PRACTICE,
    ),
    PrefectHeld(thing="workers and work pools", about="when each was last there", kind=Kind.WORK),
)  # fmt: skip
