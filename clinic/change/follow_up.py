"""What people must still do after an operation (ALC-23): the codes, as people are told of them."""

from __future__ import annotations

from typing import Final

SAYS: Final = {
    "notify_facility": "Tell the facility of its new patients.",
    "notify_provider": "Tell the provider of their new patients.",
    "review_visits": "Look at visits that could not move along.",
    "assign_provider": "Choose a provider for patients who have none now.",
    "reschedule_visits": "Book the cancelled visits anew.",
}
