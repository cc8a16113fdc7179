"""The items of a questionnaire, in the order in which patients come to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clinic.ask.fhir import NOT_ASKED, Item, Questionnaire


def walk(
    items: Sequence[Item], above: tuple[Item, ...] = ()
) -> Iterator[tuple[Item, tuple[Item, ...]]]:
    """Each item with the groups that it is in, outermost first; a group comes before what is in it."""
    for item in items:
        yield item, above
        yield from walk(item.item, (*above, item))


def questions(questionnaire: Questionnaire) -> dict[str, Item]:
    """What is asked, by linkId, in order."""
    return {i.link_id: i for i, _ in walk(questionnaire.item) if i.type not in NOT_ASKED}
