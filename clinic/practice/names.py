"""Names for people who do not exist: Welsh, accented, hyphenated, apostrophed, as a real list has them."""

from __future__ import annotations

from typing import Final

FEMALE: Final = (
    "Aisha", "Alys", "Amélie", "Angharad", "Beatriz", "Bethan", "Catrin", "Ceri", "Chloë", "Eirlys",
    "Elen", "Emily", "Fatima", "Ffion", "Grace", "Gwenllian", "Hannah", "Heledd", "Ingrid", "Jane",
    "Kasia", "Lleucu", "Lowri", "Mair", "Małgorzata", "Mari", "Mary-Ann", "Megan", "Meleri", "Nia",
    "Non", "Olivia", "Priya", "Rhian", "Sadiya", "Siân", "Siôned", "Sophie", "Tegan", "Zoë",
)  # fmt: skip
MALE: Final = (
    "Aled", "Alun", "Arash", "Ben", "Carwyn", "Dafydd", "David", "Dylan", "Emrys", "Francesco",
    "Gareth", "George", "Gethin", "Gruffudd", "Gŵyr", "Hywel", "Ieuan", "Iolo", "Iwan", "Jack",
    "James", "José", "Jürgen", "Kofi", "Llŷr", "Llywelyn", "Łukasz", "Mohammed", "Ned", "Oisín",
    "Osian", "Owain", "Rhodri", "Rhys", "Samuel", "Siôn", "Tomos", "Wei", "William", "Ynyr",
)  # fmt: skip
FAMILY: Final = (
    "ap Gwilym", "Ahmed", "Begum", "Bevan", "Bowen", "Brown", "Chowdhury", "Clarke", "Davies",
    "de Souza", "Edwards", "Ellis", "Evans", "Fernández", "Griffiths", "Gwyn", "Harris", "Hughes",
    "Huws", "Ifans", "Islam", "James", "Jenkins", "John", "Jones", "Kaur", "Khan", "Kowalski",
    "Lewis", "Llewellyn", "Llwyd", "Llŷn", "Lloyd", "MacLeod", "Morgan", "Morris", "Müller",
    "Nowak", "Nwosu", "O'Brien", "O’Neill", "Owen", "Parry", "Patel", "Phillips", "Powell",
    "Price", "Pritchard", "Prys-Jones", "Rees", "Richards", "Roberts", "Rowlands", "Singh",
    "Smith", "Taylor", "Thomas", "Tŵr", "Vaughan", "Watkins", "Williams", "Wynne", "Yılmaz", "Zhang",
)  # fmt: skip
STREETS: Final = (
    "Heol y Bont", "Stryd Fawr", "Ffordd y Môr", "Maes-y-Dŵr", "Church Street", "Station Road",
    "Lôn Glas", "Bryn Awel", "Mill Lane", "Castle Terrace", "Pen-y-Bryn", "Chapel Row",
)  # fmt: skip
TOWNS: Final = ("Llanfair-y-Bryn", "Pont-y-Gŵr", "Abergelyn", "Trefynwy Fach")
