"""
Makes up people: the same seed and size give the same practice on every machine.

No number or address here reaches anybody. NHS numbers are of 999 000 0000 to 999 999 9999, which is
never issued; mobiles of 07700 900000 to 900999 and landlines of 020 7946 0000 to 0999 and 029 2018 0000
to 0999, which Ofcom keeps for drama; e-mail addresses end in example.org (RFC 2606). The drama range
has a thousand mobiles, so that patients share them as families do, only more; a gateway refuses them
unless the setting `phones.test_range` is on, as it is in the demo.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from clinic.practice.names import FAMILY, FEMALE, MALE, STREETS, TOWNS

if TYPE_CHECKING:
    import numpy.typing as npt

# Half a second of work and a transaction that is over before anybody waits for it
BLOCK = 20_000
FACILITIES = 4
PROVIDERS = 25
_EPOCH = date(1921, 1, 1)  # nobody was born before
_NONE = np.array(None, dtype=object)
_Array: TypeAlias = "npt.NDArray[Any]"
_Columns = dict[str, _Array]


@dataclass(frozen=True)
class Practice:
    """
    A practice that does not exist.

    seed: whose people; patients: how many, at most 1,000,000;
    today: the day on which ages and dates are right
    """

    seed: int = 2026
    patients: int = 10_000
    today: date = date(2026, 3, 2)


def check_digits(bodies: _Array) -> _Array:
    """
    The check digits of nine-digit numbers: weights 10 to 2, modulo 11; 10 says "never issued".

    Source: NHS Data Dictionary, NHS NUMBER.
    """
    total = np.zeros_like(bodies)
    rest = bodies.copy()
    for weight in range(2, 11):
        total += weight * (rest % 10)
        rest //= 10
    digits: _Array = (11 - total % 11) % 11
    return digits


@cache
def _synthetic_numbers() -> _Array:
    """All 909,091 valid numbers of the range that is never issued, ascending."""
    bodies = np.arange(999_000_000, 1_000_000_000, dtype=np.int64)
    digits = check_digits(bodies)
    found: _Array = (bodies * 10 + digits)[digits != 10]
    return found


def nhs_numbers(ids: _Array, patients: int) -> _Array:
    """
    Each patient's NHS number, spread over the synthetic range in the order of their ids.

    The range holds 909,091 numbers: patients beyond them have none, only the practice's own id.
    """
    numbers = _synthetic_numbers()
    spread = max(1, len(numbers) // patients)
    where = (ids - 1) * spread
    found: _Array = numbers[np.minimum(where, len(numbers) - 1)].astype("U10").astype(object)
    found[where >= len(numbers)] = None
    return found


def blocks(practice: Practice, *, after: int = 0) -> Iterator[pd.DataFrame]:
    """The practice's people from patient id `after + 1` on, `BLOCK` at a time; see `people`."""
    for first in range(after + 1, practice.patients + 1, BLOCK):
        yield people(practice, first=first)


def people(practice: Practice, *, first: int = 1) -> pd.DataFrame:
    """
    Up to `BLOCK` people, from patient id `first` (1, 20001, …) on.

    Columns: those of the table `patient` (Python values, missing ones None); `facility_id` and
    `provider_id` count from 1; provider 25 works at no facility and has no patients.
    """
    count = min(BLOCK, practice.patients - first + 1)
    # A block's people depend on nothing before them: any block can be made alone
    rng = np.random.default_rng([practice.seed, first])
    ids = np.arange(first, first + count, dtype=np.int64)
    household = np.cumsum(rng.random(count) < 0.42)
    ages = _ages(rng, count)
    female = rng.random(count) < 0.51
    columns = _identity(rng, ids, household, female, practice)
    columns |= _dates(rng, ages, practice.today)
    columns |= _home(rng, household)
    columns["mobile"] = mobiles(rng, household, ages)
    columns["email"] = _emails(rng, columns)
    columns |= _standing(rng, columns)
    return pd.DataFrame(columns, dtype=object)


def _ages(rng: np.random.Generator, count: int) -> _Array:
    return np.clip(rng.triangular(0, 38, 104, count), 0, 104).astype(np.int64)


def _pick(rng: np.random.Generator, words: tuple[str, ...], count: int) -> _Array:
    return np.array(words, dtype=object)[rng.integers(0, len(words), count)]


def _identity(
    rng: np.random.Generator,
    ids: _Array,
    household: _Array,
    female: _Array,
    practice: Practice,
) -> _Columns:
    count = len(ids)
    number = nhs_numbers(ids, practice.patients)
    number[rng.random(count) < 0.01] = None  # not traced yet
    family = _pick(rng, FAMILY, household[-1] + 1)[household]
    titles = _pick(rng, ("Ms", "Mrs", "Miss", "Dr"), count)
    return {
        "id": ids,
        "nhs_number": number,
        "local_id": (1_000_000 + ids).astype("U7").astype(object),
        "title": np.where(female, titles, "Mr"),
        "given_name": np.where(female, _pick(rng, FEMALE, count), _pick(rng, MALE, count)),
        "family_name": family,
        "sex": np.where(female, "female", "male").astype(object),
    }


@cache
def _days() -> _Array:
    return np.array([_EPOCH + timedelta(days=n) for n in range(60_000)], dtype=object)


def _dates(rng: np.random.Generator, ages: _Array, today: date) -> _Columns:
    count, now = len(ages), (today - _EPOCH).days
    born = np.maximum(now - ages * 365 - rng.integers(0, 365, count) - ages // 4, 0)
    dead = rng.random(count) < np.where(ages > 70, 0.05, 0.002)
    died = _days()[np.maximum(born, now - rng.integers(1, 2000, count))]
    joined = born + ((now - born) * rng.random(count)).astype(np.int64)
    left = rng.random(count) < 0.008
    return {
        "birth_date": _days()[born],
        "death_date": np.where(dead, died, _NONE),
        "registered_on": _days()[joined],
        "deregistered_on": np.where(left, _days()[now - rng.integers(1, 400, count)], _NONE),
    }


def _home(rng: np.random.Generator, household: _Array) -> _Columns:
    homes = household[-1] + 1
    door = rng.integers(1, 140, homes).astype("U3").astype(object)
    town = rng.integers(0, len(TOWNS), homes)
    address = door + " " + _pick(rng, STREETS, homes) + ", " + np.array(TOWNS, dtype=object)[town]
    # ZZ99 is the postcode area that stands for "no such place" in NHS data
    sector = "ZZ99 " + rng.integers(1, 10, homes).astype("U1").astype(object)
    # A family goes to one surgery, and mostly to one of its doctors
    facility = town[household] % FACILITIES + 1
    each = PROVIDERS // FACILITIES
    provider = (facility - 1) * each + rng.integers(1, each + 1, homes)[household]
    return {
        "address": address[household],
        "postcode": (sector + _pick(rng, ("AA", "BX", "GW", "LL"), homes))[household],
        "facility_id": facility,
        "provider_id": np.where(rng.random(len(household)) < 0.03, _NONE, provider),
    }


def mobiles(rng: np.random.Generator, household: _Array, ages: _Array) -> _Array:
    """
    Telephone numbers as people type them: 88 % can be texted, the rest are missing, landlines or wrong.

    Under 16 and over 80 it is the household's number, as it often is.
    """
    count = len(household)
    shared = rng.integers(0, 1000, household[-1] + 1)[household]
    own = np.where((ages < 16) | (ages > 80), shared, rng.integers(0, 1000, count))
    tail = np.char.zfill(own.astype("U3"), 3).astype(object)
    found: _Array = _pick(rng, _MOBILE_STARTS, count) + tail
    kind = rng.random(count)
    found = np.where(kind < 0.12, _pick(rng, _WRONG, count), found)
    found = np.where(kind < 0.095, _pick(rng, ("020 7946 0", "029 2018 0"), count) + tail, found)
    return np.where(kind < 0.065, _NONE, found)


_MOBILE_STARTS = ("07700 900", "07700900", "+44 7700 900", "(07700) 900-", "0044 7700 900")
_WRONG = (
    "0770O900123", "07700 90012", "07700 9001234", "ask wife", "n/a", "+1 202 555 0147",
    "00000000000", "07700 9oo 456", "no mobile", "999",
)  # fmt: skip


def _emails(rng: np.random.Generator, columns: _Columns) -> _Array:
    names = {name: _ascii(name) for name in (*FEMALE, *MALE, *FAMILY)}
    people_named = zip(columns["given_name"], columns["family_name"], columns["id"], strict=True)
    made = [f"{names[given]}.{names[family]}{n}@example.org" for given, family, n in people_named]
    kind = rng.random(len(made))
    wrong = _pick(rng, ("not given", "me@example", "a..b@example.org", "@example.org"), len(made))
    found: _Array = np.where(kind < 0.01, wrong, np.array(made, dtype=object))
    return np.where(kind > 0.74, _NONE, found)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.lower().replace("ł", "l").replace("ı", "i"))
    return "".join(c for c in plain if "a" <= c <= "z")


def _standing(rng: np.random.Generator, columns: _Columns) -> _Columns:
    count = len(columns["id"])
    kind = rng.random(count)
    status = np.full(count, "active", dtype=object)
    status[kind < 0.05] = "discharged"
    status[kind < 0.02] = "on_hold"
    status[columns["death_date"] != _NONE] = "discharged"
    wish = rng.random(count)
    preferred = np.full(count, None, dtype=object)
    for channel, below in (("email", 0.3), ("sms", 0.22), ("voice", 0.025), ("none", 0.01)):
        preferred[wish < below] = channel
    fictitious = rng.random(count) < 0.003
    return {
        "status": status,
        "preferred_channel": preferred,
        "fictitious": fictitious,
        "family_name": np.where(fictitious, "ZZTest", columns["family_name"]),
        "insurance_plan": _pick(rng, ("NHS", "NHS", "NHS", "private"), count),
        "version": np.ones(count, dtype=np.int64),
    }
