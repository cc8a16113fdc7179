"""
The suites: what is expected of a list as a whole, as tables, from which the expectations are made.

Two suites. *Intake* asks, before a row is judged, whether the file is a list of patients of the layout
that the organisation uses. *Screening* asks, after all rows are judged, whether so many broke one rule
that the list itself must be wrong: another practice's, last year's, a sheet sorted by one column only.

Great Expectations sees one row of counts (intake) and columns of True and False (screening), never a
heading or a value of the file. It is imported inside the functions: its import costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from clinic.cohort.columns import REQUIRED
from clinic.settings import Gate, Layout
from data_checks.eligibility.dummies import MANY
from data_checks.gate.expectations import load
from data_checks.gate.verdict import Severity

MOST_ROWS = 1_000_000  # the largest campaign_cap that the settings take
FEWEST_FOR_SHARES = 20  # below it one row is over 5%: a share says nothing about the list


@dataclass(frozen=True)
class Ceiling:
    """At most a share of rows may fail `flag`, a column of True and False (True = passes)."""

    name: str
    flag: str
    what: str  # "12 of 40 rows …"
    do: str
    allowed: Callable[[Gate], float]
    severity: Severity = "critical"
    asks_record: bool = False  # cannot be told from the list alone
    fewest: int = FEWEST_FOR_SHARES  # rows from which on it is judged
    spared: int = 0  # so many rows break nothing, however small a list they are of


CEILINGS: tuple[Ceiling, ...] = (
    Ceiling(
        "unidentified",
        "identified",
        "do not say for certain whose they are",
        "Look at the commonest error in the outcomes: the list may be another practice's, or its ids "
        "were changed by a spreadsheet.",
        lambda gate: gate.unidentified,
    ),
    Ceiling(
        "not_found",
        "patient_not_found",
        "match no patient of this record",
        "Make sure that the list is this practice's, and that the patients were imported lately.",
        lambda gate: gate.not_found,
        asks_record=True,
    ),
    Ceiling(
        "birth_date_differs",
        "birth_date_differs",
        "have another date of birth than the patient",
        "Rows may have slipped against each other: a sheet sorted by one column only. Export it again.",
        lambda gate: gate.birth_date_differs,
        asks_record=True,
    ),
    Ceiling(
        "number_of_another",
        "number_of_another",
        "have a number or address that is another patient's on the record",
        "The column may have been sorted by itself, so that messages go to others. Export the list again.",
        lambda gate: gate.number_of_another,
        asks_record=True,
        fewest=3,
        spared=1,
    ),
    Ceiling(
        "name_differs",
        "name_differs",
        "have names unlike the patient's",
        "Ids and names may have slipped against each other: a sheet sorted by one column. Export it again.",
        lambda gate: gate.name_differs,
        asks_record=True,
        fewest=3,
        spared=1,
    ),
    Ceiling(
        "number_differs",
        "number_differs",
        "have another number or address than the record",
        "Look at the examples: where the list's are right, take them over into the record: "
        "cohort list take-over CAMPAIGN.",
        lambda gate: 0.0,
        "warning",
        asks_record=True,
        fewest=1,
    ),
    Ceiling(
        "list_says_unclear",
        "list_says_unclear",
        "have a cell that may say not to message them, and is not understood",
        "Look at them in the outcomes. Write yes or no in a column that says so (died, left, declined, "
        "sensitive, do not contact, consent), take it out of the list, or leave the row out where a note "
        "says so.",
        lambda gate: 0.0,
        asks_record=True,
        fewest=1,
    ),
    Ceiling(
        "had_this_lately",
        "had_this_lately",
        "are of patients who had this template or text within contact.same_days",
        "The list may be one that was sent, changed a little. If only the others are to have it: --accept "
        "had_this_lately=REASON; if all are to have it once more, ask with --again.",
        lambda gate: gate.had_this_lately,
        asks_record=True,
        fewest=3,
        spared=1,
    ),
    Ceiling(
        "outside_template",
        "inside_template",
        "are of patients whom the template is not for",
        "It may be the wrong template, or the wrong list: compare whom it is for (cohort templates show KEY) "
        "with who is on the list.",
        lambda gate: gate.outside_template,
        asks_record=True,
        fewest=3,
        spared=1,
    ),
    Ceiling(
        "dead",
        "patient_dead",
        "are of deceased patients",
        "The list is likely to be old. Export it again.",
        lambda gate: gate.dead,
        asks_record=True,
    ),
    Ceiling(
        "dummies",
        "no_dummy",
        f"have a placeholder for an address, or one that {MANY} or more patients share",
        "These are not the patients' own. Correct them at their source.",
        lambda gate: gate.dummies,
    ),
    Ceiling(
        "errors",
        "no_error",
        "have an error",
        "They are not messaged: see the outcomes for who is to be contacted another way.",
        lambda gate: gate.errors,
        "warning",
    ),
    Ceiling(
        "placeholders",
        "placeholder",
        "have a placeholder for a number or address (07700 000000, noemail@…)",
        "Correct them at their source: the owner of such a number would get these messages.",
        lambda gate: 0.0,
        "warning",
        fewest=1,
    ),
    Ceiling(
        "shared",
        "shared",
        f"have a number or address that {MANY} or more patients of the list share",
        "Make sure that it is theirs, a care home's for example, and was not typed to fill the field.",
        lambda gate: 0.0,
        "warning",
        fewest=1,
    ),
    Ceiling(
        "unreadable",
        "unreadable_row",
        "have more or fewer cells than the heading",
        "Look at these rows in the file: each may hide a patient.",
        lambda gate: 0.0,
        "warning",
    ),
    Ceiling(
        "duplicates",
        "duplicate",
        "repeat a patient of an earlier row",
        "Make sure that the list is of patients, not of appointments or prescriptions.",
        lambda gate: 0.2,
        "warning",
    ),
)

# What can be told of a list without the record (data_checks/lists/list_quality.py)
LIST_ALONE: tuple[Ceiling, ...] = tuple(c for c in CEILINGS if not c.asks_record)

ID_FIELDS: frozenset[str] = frozenset({"nhs_number", "local_id"})


def needed_columns(scheme: Layout, present: Set[str]) -> tuple[str, ...]:
    """
    The fields that a list of this layout must have (ACX-18 to ACX-20, PAT-8).

    Where a layout has alternatives, the one of which the list lacks least (and has most): an EMIS list
    without an EMIS number is told of that number, not of the six columns that would do instead.
    """
    return min(REQUIRED[scheme], key=lambda f: (len(set(f) - present), -len(set(f) & present)))


def screening_suite(ceilings: tuple[Ceiling, ...], allowed: dict[str, float]) -> Any:
    """The suite for a frame of flags. `allowed`: the share that may break each ceiling, by its name."""
    load()
    import great_expectations as gx
    import great_expectations.expectations as gxe

    from data_checks.gate.flags import ExpectFlagToHold

    shares = [
        ExpectFlagToHold(
            column=ceiling.flag,
            value_set=[True],
            # 1 - 0.42 in floats is a hair above 0.58, and 42 of 100 would fail a ceiling of 42%
            mostly=round(1 - allowed[ceiling.name], 6),
            severity=ceiling.severity,
            meta={"check": ceiling.name},
        )
        for ceiling in ceilings
    ]
    somebody = gxe.ExpectColumnDistinctValuesToContainSet(
        column="accepted", value_set=[True], severity="warning", meta={"check": "somebody"}
    )
    # On no rows at all every share passes: the row count is what catches an empty list
    rows = gxe.ExpectTableRowCountToBeBetween(
        min_value=1, max_value=MOST_ROWS, severity="critical", meta={"check": "rows"}
    )
    return gx.ExpectationSuite(name="screening", expectations=[rows, *shares, somebody])


def intake_suite(scheme: Layout, needed: tuple[str, ...]) -> Any:
    """The suite for one row of counts: a column a field that was found, `rows`, `ids`, `values`."""
    load()
    import great_expectations as gx

    from data_checks.gate.flags import ExpectCountToBeWithin, ExpectFieldToBeThere

    def between(column: str, least: int, most: int, severity: Severity = "critical") -> Any:
        return ExpectCountToBeWithin(
            column=column,
            min_value=least,
            max_value=most,
            severity=severity,
            meta={"check": column},
        )

    present = [
        ExpectFieldToBeThere(column=field, severity="critical", meta={"check": f"column_{field}"})
        for field in needed
    ]
    counts = [
        between("rows", 1, MOST_ROWS),
        between("ids", 1, len(ID_FIELDS)),
        between("values", 0, 0, "warning"),
    ]
    return gx.ExpectationSuite(name=f"intake_{scheme}", expectations=[*counts, *present])
