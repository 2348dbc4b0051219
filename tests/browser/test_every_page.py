"""Every page for everyone who may open it: quiet, accessible, still, small, in their words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from api.app import build_app
from domain.error_codes import LANGUAGES, Language
from tests.browser.census import ALL, CENSUS, EMPTY, NOBODY, NOT_PAGES, PROBLEMS, Sight, across
from tests.browser.stage import STAFF, Rooms, Stage

SIGHTS = (
    *(sight for group in CENSUS.values() for sight in group), *PROBLEMS,
    *(across(address, ("newcomer",)) for address in EMPTY),
)  # fmt: skip
SHAPES = (("light", 1440), ("dark", 390), ("light", 390), ("dark", 1440))
"""The first two have both schemes and both widths, and so have the last two."""
AXE_TURNS = 2
"""axe is asked in two languages of three: what it looks at is the same in each."""


class Row(NamedTuple):
    """One reader's look at one page."""

    sight: Sight
    role: str
    language: Language
    scheme: str
    width: int
    is_asked_of_axe: bool


def rows() -> Iterator[Row]:
    """Pairwise: each page in every language, both schemes and both widths; its states in turns."""
    firsts = [group[0] for group in CENSUS.values()]
    for place, sight in enumerate(SIGHTS):
        readers = [each for each in sight.roles if each not in STAFF]
        staff = [each for each in sight.roles if each in STAFF]
        if staff:
            readers.append(staff[place % len(staff)])
        for turn, role in enumerate(readers):
            times = len(LANGUAGES) if sight in firsts and role not in STAFF else 1
            for number in range(times):
                shape = SHAPES[(2 * place + turn + number) % len(SHAPES)]
                language = LANGUAGES[(place + turn + number) % len(LANGUAGES)]
                yield Row(sight, role, language, *shape, number < AXE_TURNS)


def named(row: Row) -> str:
    return " ".join([row.sight.address, *map(str, row[1:-1])])


def address_of(sight: Sight, role: str) -> str:
    if role not in STAFF or not sight.is_of_one_seller:
        return sight.address
    return f"{sight.address}{'&' if '?' in sight.address else '?'}seller_id={{seller}}"


def test_the_census_holds_every_page_and_no_other(stage: Stage) -> None:
    routes = {
        context.path for context in iter_route_contexts(build_app(stage.desk).routes)
        if "GET" in context.methods and not context.path.startswith("/v1/")
        and not context.include_in_schema
    }  # fmt: skip
    assert routes == set(CENSUS) | NOT_PAGES


@pytest.mark.parametrize("row", list(rows()), ids=named)
def test_a_page_is_as_it_should_be(furnished: Stage, rooms: Rooms, row: Row) -> None:
    look = rooms.look(row.role, row.language, row.scheme, row.width)
    look.open(furnished.url(address_of(row.sight, row.role)), row.sight.status)
    faults = look.faults(row.language)
    assert faults + (look.violations() if row.is_asked_of_axe else []) == []
    assert (look.page.locator(".timebar").count() == 1) is row.sight.is_past
    if row.sight.status >= 400:
        assert look.page.locator("a.btn.primary").count() == 1, "no clear next step"


def test_a_page_opens_for_those_whom_it_is_for_and_for_no_other(
    furnished: Stage, rooms: Rooms
) -> None:
    firsts = [group[0] for group in CENSUS.values() if group[0].roles != NOBODY]
    wrong = [
        (sight.address, role, status)
        for sight in firsts for role in ALL
        if ((status := answer_to(furnished, rooms, sight, role)) == sight.status)
        is not (role in sight.roles)
    ]  # fmt: skip
    assert wrong == []


def answer_to(stage: Stage, rooms: Rooms, sight: Sight, role: str) -> int:
    cookies = {str(each["name"]): str(each["value"]) for each in rooms.cookies_of(role)}
    address = stage.url(address_of(sight, role))
    return httpx.get(address, cookies=cookies, timeout=10).status_code


@pytest.mark.parametrize("address", EMPTY)
def test_a_page_is_whole_without_javascript(furnished: Stage, rooms: Rooms, address: str) -> None:
    place = EMPTY.index(address)
    language = LANGUAGES[place % len(LANGUAGES)]
    look = rooms.look("seller", language, *SHAPES[place % len(SHAPES)], is_scripted=False)
    look.open(furnished.url(address))
    assert look.said == []
    assert look.page.evaluate("document.documentElement.scrollWidth") <= look.width
    inert = look.page.locator("[data-pause], [data-conn], [data-views], .bulk label, .bulk .meta")
    assert inert.locator("visible=true").count() == 0
    assert look.page.locator("form button").locator("visible=true").count() >= 1
