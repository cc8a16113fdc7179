"""What a command takes of whoever types it, once somebody was added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinic.govern.people.roles import Right


@dataclass(frozen=True)
class Need:
    """
    Of one command.

    right: None: any proven person's
    anew: the password is asked for also of who is signed in
    only_with: the parameter without which it takes nothing; "" for none
    whole: it is of the patients of all facilities: nobody's who is tied to some (cli/door/reach.py)
    """

    path: str
    right: Right | None
    anew: bool = False
    only_with: str = ""
    whole: bool = False
