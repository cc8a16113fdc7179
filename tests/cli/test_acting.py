"""In whose name each command acts, over every command that the program has (cli/acting.py)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from cli.acting import ACTING, LOOKING, UPKEEP, How, declare, leaves
from cli.program import COMMANDS
from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.base import METADATA
from tests.cli.govern.test_sign_in import enter
from tests.cli.office import SECRET, Office, hire

WORDS = {
    "patients import": "nowhere.csv",
    "import": "consents nowhere.csv",
    "patients confirm-number": "9990000018",
    "patients erase": "9990000018 --ground order --yes",
    "patients restrict": "9990000018 --ground order",
    "list delete": "77 --reason wrong",
    "list take-over": "77 --yes",
    "list add": "none.csv --name x",
    "retention hold": "list 77 --reason inquiry",
    "retention lift": "77",
    "retention ask": "--reason over",
    "list missing": "77 --status active",
    "message": "nowhere.csv --name Flu --template flu-invite --yes",
    "remind": "--yes",
    "pause": "77",
    "patients safe-contact set": "9990000018 --reason asked",
    "patients safe-contact show": "9990000018 --reason care",
    "patients safe-contact lift": "9990000018 --reason asked",
    "resume": "77",
    "cancel": "77 --yes",
    "sending allow": "--reason compared",
    "sending ask": "",
    "resend": "77 --yes",
    "correct": "77 --text Sorry --yes",
    "unknown ask": "77 --as sent --reason telephoned",
    "unknown settle": "77 --as sent",
    "templates add": "come --purpose care --text Come",
    "templates patient": "flu-invite 9990000018 --never --reason asked",
    "templates for": "flu-invite --age 65+",
    "groups add": "carers --name Carers --ids-from -",
    "groups remove": "carers --ids-from -",
    "groups delete": "carers --yes",
    "practice move": "moved.tar",
    "practice remove": "--confirm Nobody",
    "server resume": "",
    "approvals resume": "77",
    "confirm": "77",
    "approve": "77",
    "reject": "77 --note no",
    "audit list": "--patient 9990000018 --reason audit",
    "audit who-saw": "9990000018 --reason audit",
    "audit odd-looks": "",
    "audit show": "77",
    "audit anchor": "--anew --reason lost",
    "audit export": "out.csv",
    "operators add": "zoe --role operator",
    "operators disable": "ann",
    "operators secret": "ann",
    "operators unlock": "ann",
    "operators clinician": "ann --registration GMC1",
    "operations select": "--ids-from -",
    "operations status": "77 --to on_hold --reason r --yes",
    "operations provider": "77 --reason r --yes",
    "operations facility": "77 --to F1 --reason r --yes",
    "operations tag": "77 --add recall --reason r --yes",
    "operations attribute": "77 --field postcode --clear --reason r --yes",
    "operations export": "77 --reason r --purpose care --recipient ICB --yes",
    "operations visit": "77 --type flu --from 2031-03-03 --to 2031-03-07 --reason r --yes",
    "operations undo": "77 --reason r --yes",
    "operations rerun": "77 --yes",
    "operations resume": "77",
    "operations withdraw": "77",
    "settings ask": "release.approval_above 5 --reason r",
    "follow-ups tick": "7.2",
    "follow-ups untick": "7.2",
    "patients needs": "9990010064 --language pl",
    "objection": "9990000018 --purpose feedback",
    "pseudonymise": "--to copy.db",
    "subject-access": "9990000018 --reason asked --to answers",
    "templates variant": "flu-cy --of flu-invite --language cy",
    "follow-ups give": "c7.2 --to reception",
    "tags add": "recall",
    "places facility": "F9 --name North",
    "places provider": "P9 --name Who",
    "notify": "77 --to internal --reason r --yes",
    "reply take": "77",
    "reply give": "77 ann",
    "reply done": "77 --note rung",
    "reply reopen": "77",
    "reply decide": "77 9990000018 keep",
    "holds release": "77 --note rung",
    "holds keep": "77 --note rung",
}
"""What is typed after each: it parses, and would do something."""
NOT_PROVEN = ("sign-in-needed", "operator-nobody", "operator-unproven", "secret-unread")
PROVEN = [path for path, how in ACTING.items() if how is not How.NEVER_WAITS]


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(tmp_path)
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    record = office.open()
    install(record, SystemClock())
    record.close()
    return office


def every_command() -> list[str]:
    return [path for name, each in COMMANDS.items() for path, _ in leaves(name, each.load(name))]


def contents(office: Office) -> dict[str, list[Any]]:
    """All that the record holds, but for who was refused a look."""
    record = office.open()
    with record.read() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in METADATA.sorted_tables
            if not table.name.startswith("access_")
        }
    record.close()
    return found


def test_every_command_says_in_whose_name_it_acts() -> None:
    """NEW-2: and nothing is declared that is not there."""
    assert sorted(every_command()) == sorted([*ACTING, *LOOKING, *UPKEEP])
    assert sorted(WORDS) == sorted(PROVEN)


def test_what_is_not_declared_cannot_be_called() -> None:
    command = COMMANDS["tags"].load("tags")
    with pytest.raises(LookupError, match="labels list"):
        declare("labels", command)
    with pytest.raises(LookupError, match="no --operator"):
        declare("pause", COMMANDS["campaigns"].load("campaigns"))


def test_what_acts_takes_no_name_that_is_not_proven(office: Office) -> None:
    """NEW-2: neither by environment nor by option, and nothing is written."""
    before = contents(office)
    for path in PROVEN:
        words = [*path.split(), *WORDS[path].split()]
        for given in ((), ("--operator", "max"), ("--operator", "nobody-here")):
            refused = office.run(*words, *given)
            asked = refused.output.rstrip().endswith("Aborted.") and "Password of" in refused.output
            assert refused.exit_code == (1 if asked else 3), (path, refused.output)
            assert asked or any(code in refused.output for code in NOT_PROVEN), refused.output
        assert contents(office) == before, path


def test_what_acts_takes_who_signed_in_or_gives_the_secret(office: Office) -> None:
    """Once an hour is enough; what asks anew takes the secret."""
    nowhere = {"COHORT_PREFECT_API_URL": "http://127.0.0.1:9/api"}
    enter(office, "mia")
    for path in PROVEN:
        words = [*path.split(), *WORDS[path].split()]
        secret = SECRET if ACTING[path] is How.ASKS_ANEW else None
        done = office.run(*words, secret=secret, typed="", environment=nowhere)
        assert "Password of mia" not in done.output, (path, done.output)
        assert not any(code in done.output for code in NOT_PROVEN), (path, done.output)


def test_the_help_of_what_acts_says_how_it_asks(office: Office) -> None:
    for path in ("groups add", "approve", "sending stop"):
        told = " ".join(office.run(*path.split(), "--help").output.replace("│", " ").split())
        assert ACTING[path].value in told, told
