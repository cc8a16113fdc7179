"""What notices are for; a campaign's purpose says which rules hold for it."""

from __future__ import annotations

from typing import Final

# By a person, to staff: needs a manager's approval, however few it goes to (ALC-8)
NOTICE: Final = "staff notice"
# By the clock, to the practice's own team: numbers alone, nobody is asked
ALERT: Final = "staff alert"
# The source of a list of staff, which only notices.py makes
STAFF_LIST: Final = "staff"
