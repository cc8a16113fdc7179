"""
The one vocabulary of outcomes: every input row ends with exactly one of these (NEW-6).

Each is a code for programs and a sentence that tells a person what to do. Before sending a row is
`accepted` or has a reason; after it, an accepted row has what became of its message.
docs/rules.md is made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Outcome:
    """A row's outcome. `kind`: ready, left_out, error (ARC-9, 12, 13 count as errors), sent, failed, open."""

    code: str
    kind: str
    says: str


_BEFORE = (
    Outcome("accepted", "ready", "Will be messaged."),
    Outcome(
        "unreadable_row",
        "error",
        "The row has more or fewer cells than the heading. Fix the file.",
    ),
    Outcome(
        "other_organisation",
        "error",
        "The row is of an organisation whose patients this installation may not hold (organisation.codes).",
    ),
    Outcome(
        "nhs_number_missing",
        "error",
        "No NHS number and no other id. Contact another way, or add it.",
    ),
    Outcome(
        "nhs_number_invalid",
        "error",
        "The NHS number's check digit is wrong. Look it up and correct it.",
    ),
    Outcome(
        "ids_contradict",
        "error",
        "The row's ids contradict each other: the NHS number is not that of the patient with this record "
        "number. Look up who is meant and correct the list.",
    ),
    Outcome(
        "patient_not_found",
        "error",
        "No patient of this record has this id. Check the list's source.",
    ),
    Outcome(
        "other_facility",
        "left_out",
        "The patient is of another facility than those that whoever asks is tied to. Let somebody of that "
        "facility message them; who is tied to what: cohort operators list.",
    ),
    Outcome(
        "birth_date_missing",
        "error",
        "No date of birth, and this list needs one to make sure who is meant. Add it.",
    ),
    Outcome(
        "birth_date_invalid",
        "error",
        "The date of birth cannot be read, or could be two days. Write it as 1980-12-31.",
    ),
    Outcome(
        "birth_date_differs",
        "error",
        "The date of birth is not this patient's. Make sure who is meant.",
    ),
    Outcome(
        "name_differs",
        "error",
        "Neither name is this patient's. Make sure who is meant: names may have slipped against ids.",
    ),
    Outcome(
        "number_of_another",
        "error",
        "The list's number or address is another patient's on the record, and not this one's. Make sure "
        "whose it is: a column may have been sorted by itself.",
    ),
    Outcome(
        "patient_dead",
        "left_out",
        "The patient is deceased. Nothing is sent; correct the list's source.",
    ),
    Outcome(
        "sensitive_visit",
        "left_out",
        "The place or type of the visit is sensitive, and there is no neutral reminder. Remind in another way, "
        "or set content.neutral_reminder.",
    ),
    Outcome("patient_fictitious", "left_out", "A test patient of the record. Nothing is sent."),
    Outcome(
        "patient_deregistered",
        "left_out",
        "The patient is no longer registered here. Nothing is sent.",
    ),
    Outcome(
        "status_not_messaged",
        "left_out",
        "The settings do not message patients of this status (messaged_statuses).",
    ),
    Outcome(
        "opted_out", "left_out", "The patient does not want this channel. Contact another way."
    ),
    Outcome(
        "no_consent",
        "left_out",
        "The message is marketing, and the patient has not consented to that by this channel. Where they do: "
        "cohort objection NHS-NUMBER --purpose marketing --consent",
    ),
    Outcome(
        "held_by_reply",
        "left_out",
        "A reply says that the number is another person's, or that the patient may be deceased. Nothing is "
        "sent until somebody decides: cohort holds.",
    ),
    Outcome(
        "restricted",
        "left_out",
        "The use of this patient's data is restricted: nothing is sent, listed or exported. See: cohort "
        "patients restrict --help.",
    ),
    Outcome(
        "no_contact",
        "left_out",
        "The record says not to contact the patient, or not this way. Do not message.",
    ),
    Outcome(
        "place_of_stay",
        "left_out",
        "The patient stays in a prison, on a ward or in a care home, where others may read it. Contact them "
        "through that place.",
    ),
    Outcome(
        "prefers_other",
        "left_out",
        "The patient prefers to be contacted in another way. Do so, or send a campaign by that channel.",
    ),
    Outcome(
        "needs_interpreter",
        "left_out",
        "The patient needs another language, and the template is not there in it. Contact them with an "
        "interpreter, or add the template in that language.",
    ),
    Outcome(
        "needs_format",
        "left_out",
        "The patient needs another format (easy read, large print, letter, call …), and the template is not "
        "there in it. Contact them in that form.",
    ),
    Outcome(
        "list_says_dead",
        "left_out",
        "The list itself says that the patient is deceased. Nothing is sent; look at the record.",
    ),
    Outcome(
        "list_says_sensitive",
        "left_out",
        "The list itself marks the patient as sensitive or at risk. Do not message; contact with care.",
    ),
    Outcome(
        "list_says_no_contact",
        "left_out",
        "The list itself says not to contact the patient so. Do not message.",
    ),
    Outcome(
        "list_says_left",
        "left_out",
        "The list itself says that the patient is no longer registered. Nothing is sent; look at the record.",
    ),
    Outcome(
        "list_says_declined",
        "left_out",
        "The list itself says that the patient declined. Contact another way.",
    ),
    Outcome(
        "list_says_unclear",
        "error",
        "A cell may say not to message, and is not understood. Write yes or no in a column that says so, or "
        "take it out; of a note, look whether the patient may be messaged.",
    ),
    Outcome(
        "child_contact",
        "left_out",
        "A child on a number that others have too, or too young for one of their own: the text is sensitive, "
        "or not for a parent. Contact another way.",
    ),
    Outcome(
        "shared_number",
        "left_out",
        "Another adult has the same number or address, and the text is sensitive or names the patient. Contact "
        "another way.",
    ),
    Outcome(
        "number_unconfirmed",
        "left_out",
        "The number was recorded before the patient's 13th or 16th birthday, and the text is sensitive. Ask "
        "whose it is, and confirm it: cohort patients confirm-number.",
    ),
    Outcome(
        "not_for_patient",
        "left_out",
        "Staff decided that this patient never gets this template (cohort templates exceptions KEY).",
    ),
    Outcome(
        "in_excluded_group",
        "left_out",
        "The patient is in a group that the template leaves out. Contact with care, or not at all.",
    ),
    Outcome(
        "has_excluded_code",
        "left_out",
        "The record has a code for which the template leaves the patient out. Contact with care or not.",
    ),
    Outcome(
        "not_for_sex",
        "left_out",
        "The template is for the other sex, or the record does not say the patient's. Where it is right for "
        "them: cohort templates patient KEY ID --despite sex.",
    ),
    Outcome(
        "not_for_age",
        "left_out",
        "The template is for another age, or the record has no date of birth. Where it is right for them: "
        "cohort templates patient KEY ID --despite age.",
    ),
    Outcome(
        "coded_since",
        "left_out",
        "The record says that the patient has had it. Nothing is sent.",
    ),
    Outcome("phone_missing", "error", "No mobile number. Contact another way, or add one."),
    Outcome("phone_invalid", "error", "The number is not valid. Correct it in the record."),
    Outcome(
        "phone_not_mobile",
        "error",
        "The number cannot receive texts. Contact another way, or add a mobile.",
    ),
    Outcome(
        "phone_not_allowed",
        "error",
        "Numbers of this country or kind are switched off in the settings.",
    ),
    Outcome("email_missing", "error", "No e-mail address. Contact another way, or add one."),
    Outcome("email_invalid", "error", "The e-mail address is not valid. Correct it in the record."),
    Outcome(
        "duplicate", "left_out", "The patient appears in an earlier row of this list, which counts."
    ),
    Outcome(
        "deselected",
        "left_out",
        "A person left this visit out of this run. A later run may remind of it.",
    ),
    Outcome(
        "variable_missing", "error", "The template needs a value that this patient does not have."
    ),
    Outcome(
        "value_too_long",
        "error",
        "A value that the template prints is longer than organisation.longest_value; it is never cut. "
        "Shorten it.",
    ),
    Outcome(
        "date_gone_by",
        "error",
        "The message would ask the patient to keep a day that has gone by. Correct the list; if it is right, "
        "accept it with a reason: --accept date_gone_by=REASON.",
    ),
    Outcome(
        "message_blank",
        "error",
        "With this patient's values the message is empty. Fix the template.",
    ),
    Outcome(
        "message_too_long",
        "error",
        "The message needs more segments than may be sent: organisation.most_segments, or most_segments of the "
        "campaign's gateway where that is fewer. Shorten the text; the detail says how many it needs.",
    ),
    Outcome(
        "over_cap",
        "error",
        "The campaign has more recipients than the cap allows: nobody was messaged.",
    ),
    Outcome(
        "list_refused",
        "error",
        "The list as a whole was refused: nobody was messaged. See its checks.",
    ),
    Outcome(
        "had_this_lately",
        "left_out",
        "Had this template or text lately, or is about to have it from another campaign. Nothing is sent "
        "twice; to send it to all of them once more, ask with --again.",
    ),
    Outcome("recently_contacted", "left_out", "Messaged often enough lately (the frequency cap)."),
    Outcome(
        "likely_to_fail",
        "left_out",
        "The last message to this number failed for good. Check the number.",
    ),
)

_AFTER = (
    Outcome("waiting", "open", "Not sent yet."),
    Outcome(
        "in_flight",
        "open",
        "Being sent now, or its worker stopped: the next run reconciles it.",
    ),
    Outcome("sent", "sent", "The gateway accepted it; no delivery receipt yet."),
    Outcome("delivered", "sent", "Delivered."),
    Outcome(
        "told_together",
        "sent",
        "Told by the one message to a number that several patients have: the text is the same for all.",
    ),
    Outcome("would_be_sent", "sent", "A dry run: it would be sent. Nothing was sent."),
    Outcome("kept_in_outbox", "sent", "Kept in the outbox, not sent."),
    Outcome(
        "undelivered",
        "failed",
        "The network could not deliver it. Contact another way, or send again.",
    ),
    Outcome(
        "rejected",
        "failed",
        "The gateway refused it; see the error. Correct it, or contact another way.",
    ),
    Outcome(
        "unknown",
        "open",
        "Delivery status unknown. Wait for a delivery receipt, or resolve it with a second approver.",
    ),
    Outcome("suppressed", "left_out", "Left out at the moment of sending; the detail says why."),
    Outcome("cancelled", "left_out", "Cancelled before it was sent."),
    Outcome("expired", "failed", "Its time passed before it could be sent."),
    Outcome(
        "exhausted", "failed", "Tried as often as allowed, never accepted. Send the failures again."
    ),
)

# A dry run's gateway takes everything and nothing is sent: no word of the real ones may be said of it
REHEARSED: Final = "would_be_sent"
KEPT: Final = "kept_in_outbox"
TOGETHER: Final = "told_together"
# Why a message has the outcome that it has, where that is not the network's or the gateway's own word
_WHY = (
    Outcome(
        "appointment_changed",
        "left_out",
        "The visit was cancelled, moved or given to another place or person since, or has begun. A "
        "later run tells of it as it is then.",
    ),
    Outcome(
        "one_message",
        "sent",
        "Another patient of the number has the same text: one message tells both, and is on both records.",
    ),
    Outcome(
        "reached_meanwhile",
        "left_out",
        "The message by the first channel was delivered after all, or may have been. Nothing is sent by "
        "another.",
    ),
    Outcome(
        "clinical_late",
        "left_out",
        "Its class is clinical, and it was not sent within release.clinical_hours: it is worth nothing any "
        "more. Contact the patient in another way.",
    ),
    Outcome(
        "cohort_left",
        "left_out",
        "Does not match the filter, or is not in the group, any more that the campaign is for. Nothing to do.",
    ),
    Outcome(
        "no_answer",
        "open",
        "The gateway did not say whether it accepted it. Wait for a delivery receipt, or resolve it with a "
        "second approver.",
    ),
    Outcome(
        "set_back",
        "open",
        "The record was restored or failed over, and it may have been sent before that. Wait for a "
        "delivery receipt, or resolve it with a second approver.",
    ),
    Outcome(
        "tries_used_up",
        "failed",
        "The gateway never accepted it. Once it works again, send the failures again.",
    ),
)
_ASKED_AGAIN = (
    "patient_dead", "patient_fictitious", "patient_deregistered", "status_not_messaged", "restricted",
    "no_contact",
    "opted_out", "no_consent", "held_by_reply", "not_for_patient", "in_excluded_group", "has_excluded_code",
    "not_for_sex", "not_for_age", "coded_since", "date_gone_by", "had_this_lately", "recently_contacted",
    "child_contact",
    "shared_number", "number_unconfirmed", "phone_missing",
    "phone_invalid", "phone_not_mobile", "phone_not_allowed", "email_missing", "email_invalid", "place_of_stay",
)  # fmt: skip
BEFORE: dict[str, Outcome] = {outcome.code: outcome for outcome in _BEFORE}
AFTER: dict[str, Outcome] = {outcome.code: outcome for outcome in _AFTER}
OUTCOMES: dict[str, Outcome] = BEFORE | AFTER
# By the codes that stand as a message's reason
AT_SENDING: Final = {code: BEFORE[code] for code in _ASKED_AGAIN} | {why.code: why for why in _WHY}
