"""Which texts ask patients to call the practice, in English and Welsh."""

from __future__ import annotations

import pytest

from clinic.message.words.calling import judge_calling

ASKS = [
    "Please call Elm Tree Surgery to book.",
    "Your flu jab is due. Call us on 029 2018 0123",
    "Ring the surgery to make an appointment",
    "Phone us today to arrange your review",
    "CALL 02920 180123 TO BOOK",
    "Please ring after 10am",
    "Book by calling us",
    "Give us a call to book your smear",
    "Telephone reception on 01792 123456",
    "You need to ring us before 11",
    "Flu clinic on Saturday: call 07700 900123",
    "Call us to book. If you cannot come, please call us.",
    "Please contact the surgery to book your review",
    "Get in touch with us to arrange your smear",
    "Book by phone or in the app",
    "Pls call 029 2018 0123",
    "Ring Elm Tree Surgery on 029 2018 0123",
    "Book your jab: tel 01792 123456",
    "You can call reception from 8am",
    "Kindly ring at your earliest convenience",
    "Speak to a receptionist about your review",
    "Call the flu line",
    "Contact us to book",
    "Call us to book, or if you have any questions",
    "Please call us on 029 2018 0123 to arrange this or with any questions",
    "If you have any questions, or to book, call us now",
    "Phone in to make an appointment unless you can book online",
    "Cysylltwch â'r feddygfa i drefnu",
    "Ffoniwch y feddygfa i drefnu apwyntiad",
    "Gallwch drefnu drwy ffonio'r feddygfa",
    "Rhowch alwad i ni",
    "Your jab is due. Book on 0113 496 0000",
    "Flu clinic on Saturday, bookings 01134960000",
    "To book, dial 01633 960 123.",
    "Call or text us if you want the jab.",
    "Speak with our receptionist to move it.",
]
DOES_NOT = [
    "You have an appointment. If you cannot come, please call Elm Tree.",
    "Please call us if you cannot attend",
    "If you have any questions please ring the surgery",
    "If you cannot come, please call us to rearrange or to book another",
    "Please let us know if this is not convenient by calling us",
    "If you need to change it, contact the surgery on 029 2018 0123 to arrange another",
    "Any questions? See our website. We will get in touch.",
    "Call Elm Tree Surgery on 029 2018 0123 if you cannot attend",
    "Your review is a telephone call. The GP will phone you.",
    "This is an appointment by phone",
    "Contact us online at www.nhs.uk",
    "If you are worried about this, ring the practice",
    "We have been calling you. No need to call back: we need to call you again.",
    "The nurse will call you on Tuesday",
    "We'll ring you between 9 and 12. We tried to call you today.",
    "Please do not call the surgery about this",
    "Call 111 if you feel worse. In an emergency call 999.",
    "Book at www.nhs.uk/flu",
    "Your jab is due. Book on 5 December",
    "A phone appointment is booked for 5 May",
    "Please ring the bell at the side door",
    "Os na allwch ddod, ffoniwch y feddygfa",
    "Peidiwch â ffonio'r feddygfa. Mewn argyfwng ffoniwch 999",
    "In an emergency dial 999.",
]


@pytest.mark.parametrize("text", ASKS)
def test_what_asks_to_call_is_found(text: str) -> None:
    (hit,) = judge_calling(["Hello", text])
    assert hit.places.tolist() == [1]


@pytest.mark.parametrize("text", DOES_NOT)
def test_what_asks_nobody_to_call_at_once_is_not(text: str) -> None:
    assert judge_calling([text]) == []
