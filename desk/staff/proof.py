"""A password again, of whoever is signed in and decides over patients (ASVS 7.5.3)."""

from __future__ import annotations

from clinic.govern.people.operators import Operator, prove
from desk.staff.sign_in import AT_ONCE
from desk.web.visit import Visit


def prove_again(visit: Visit) -> Operator:
    """
    Whoever is signed in, proven by the password in this form's field `password`.

    Raises:
        NotAllowed: it is not theirs; the try counts and is on the trail
    """
    parts = visit.desk.parts
    with AT_ONCE:
        return prove(
            parts.record, visit.person.name, visit.said("password"), clock=parts.clock,
            signed_in=True,
        )  # fmt: skip
