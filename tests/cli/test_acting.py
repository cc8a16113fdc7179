"""In whose name each command acts, over every command that the program has (cli/acting.py)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import pytest
import sqlalchemy as sa

from cli.acting import ACTING, LOOKING, OPEN, UPKEEP, How, declare, leaves, need_of
from cli.door.need import Need
from cli.program import COMMANDS
from clinic.clock import SystemClock
from clinic.govern.people.refused import REFUSED as REFUSAL
from clinic.govern.people.roles import Role, has_right
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.base import METADATA
from clinic.record.schema.govern import audit_act, operator
from tests.cli.govern.test_sign_in import enter
from tests.cli.named_commands import _choices
from tests.cli.office import SECRET, Office, hire, signed_in
from tests.fakes import quick_hash

WORDS = {
    "patients import": "nowhere.csv",
    "import": "consents nowhere.csv",
    "imports undo": "77 --yes",
    "patients confirm-number": "9990000018",
    "patients erase": "9990000018 --ground order --yes",
    "patients restrict": "9990000018 --ground order",
    "patients reinstate": "9990000018 --ground back",
    "list delete": "77 --reason wrong",
    "list take-over": "77 --yes",
    "list add": "none.csv --name x",
    "retention hold": "list 77 --reason inquiry",
    "retention lift": "77",
    "retention ask": "replies --reason over",
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
    "questionnaires add": "own.json",
    "questionnaires retire": "phq-9",
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
    "operators mfa": "mia --code 000000",
    "operators review": "--done",
    "operators facilities": "ann --all",
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
    "record resend": "",
    "sources sync": "",
    "gateways test": "http-sms --to +447700900555",
    "attachments unlock": "77 --row 2",
    "attachments revoke": "77 --reason r",
    "sources accept": "emis appointments --reason moved",
    "record report": "77",
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
    with record.write() as connection:
        for name, role, active in (("eve", "auditor", True), ("bob", "manager", False)):
            values = {"name": name, "role": role, "active": active, "created_by": "root"}
            row = {**values, "secret_hash": quick_hash(SECRET), "created_at": SystemClock().now()}
            connection.execute(operator.insert().values(**row))
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


# Who is refused, by the name they give; what they are told, in short
REFUSED = {
    "unproven": ("mia", "sign-in-needed"),
    "unknown": ("nobody-here", "operator-nobody"),
    "disabled": ("bob", "sign-in-needed"),
    "an operator": ("ann", "right-missing"),
    "a manager": ("mia", "right-missing"),
    "an auditor": ("eve", "right-missing"),
    "an admin": ("root", "right-missing"),
}


def typed_after(path: str, command: Any) -> list[str]:
    """Words that parse, made of what the command itself says that it takes."""
    words = path.split()
    for param in command.params:
        if not param.required:
            continue
        kind = str(param.type_descriptor.annotation)
        choices = _choices(param.type_descriptor.annotation)
        value = choices[0] if choices else "2031-03-03" if "date" in kind else "77"
        words += [value] if param.param_type_name == "argument" else [param.opts[0], value]
    need = need_of(path)
    return [*words, f"--{need.only_with}", "--reason", "r"] if need and need.only_with else words


def guarded() -> dict[str, Any]:
    """Every command that takes somebody, from the program's own definition."""
    found = [leaf for name, each in COMMANDS.items() for leaf in leaves(name, each.load(name))]
    return {path: command for path, command in found if need_of(path) is not None}


@pytest.mark.parametrize("who", REFUSED)
def test_who_may_not_is_refused_by_every_command_and_it_is_on_the_trail(
    office: Office, who: str
) -> None:
    """NEW-38: nothing is shown and nothing written but the refusal; a command that is added is in it."""
    name, code = REFUSED[who]
    role = who.split()[-1]
    commands = guarded()
    if code == "right-missing":
        lacks = {p for p in commands if not has_right(cast(Role, role), needed(p).right)}
        commands = {path: command for path, command in commands.items() if path in lacks}
    assert len(commands) > 2
    before, number = contents(office), refusals(office)
    proven = signed_in(office, name) if who not in ("unproven", "unknown") else nullcontext()
    office.looks = False
    environment = {"COHORT_OPERATOR": name}
    with proven:
        for path, command in commands.items():
            anew = needed(path).anew
            words = typed_after(path, command)
            if path in ("operators secret", "operators mfa"):
                words[-1] = name
            # What asks again is typed with a password: a wrong one, or that of who may not all the same
            secret = (f"{SECRET}!" if who == "unproven" else SECRET) if anew else None
            refused = office.run(*words, secret=secret, environment=environment)
            assert (refused.exit_code, refused.stdout) == (3, ""), (path, refused.output)
            told = (code, "operator-unproven") if anew else (code,)
            assert any(word in refused.output for word in told), (path, refused.output)
    after = contents(office)
    assert refusals(office) - number == len(commands)
    tried = ("operator",) if who == "unproven" else ()  # wrong passwords are counted
    for table in ("audit_block", "audit_act", *tried):
        del before[table], after[table]
    assert after == before


def needed(path: str) -> Need:
    need = need_of(path)
    assert need is not None
    return need


def refusals(office: Office) -> int:
    record = office.open()
    with record.read() as connection:
        refused = audit_act.c.operation_type.in_((REFUSAL, "operator.unproven"))
        found = sa.select(sa.func.count()).select_from(audit_act).where(refused)
        number = int(connection.execute(found).scalar_one())
    record.close()
    return number


def test_what_is_open_shows_nothing_of_a_patient_and_asks_for_nobody(office: Office) -> None:
    """NEW-38: the installation's own state is the account's to see."""
    assert OPEN < LOOKING
    for path in ("templates list", "operators list", "settings", "sending status", "help"):
        assert office.run(*path.split()).exit_code == 0, path


def test_a_name_or_a_variable_is_no_proof(office: Office) -> None:
    """NEW-38, NEW-2: neither by option nor by environment, for what acts."""
    for path in PROVEN:
        words = [*path.split(), *WORDS[path].split()]
        for given in (("--operator", "max"), ("--operator", "nobody-here")):
            refused = office.run(*words, *given)
            asked = refused.output.rstrip().endswith("Aborted.") and "Password of" in refused.output
            assert refused.exit_code == (1 if asked else 3), (path, refused.output)
            assert asked or any(code in refused.output for code in NOT_PROVEN), refused.output


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
