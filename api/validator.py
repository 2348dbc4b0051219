"""The dry run of the pre-check, for the JSON route and the page: nothing is bound by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.answers import judgement_answer
from api.desk import Desk
from domain import bindings
from domain.application import acting_for
from domain.error_codes import Language
from domain.errors import NotAJapaneseAsin
from domain.rules.fees import day_in_japan
from domain.stamps import Work
from domain.values import NotAnAsin, asin_from


def asin_of(text: str) -> str:
    """Raises NotAJapaneseAsin."""
    try:
        return asin_from(text)
    except NotAnAsin:
        raise NotAJapaneseAsin(f"{text[:40]!r} is not an ASIN") from None


def judgements(
    desk: Desk,
    seller_id: UUID,
    asins: Sequence[str],
    category_id: str | None,
    language: Language,
    work: Work,
) -> dict[str, dict[str, Any]]:
    """What a dry run has to say of each ASIN; one without a complete answer is left out.

    Raises SyncNotEnabled, UpstreamError.
    """
    with acting_for(seller_id):
        seller = desk.app.seller(seller_id)
        sources = desk.shops.sources(seller)
        judged = bindings.dry_runs(seller, sources, asins, category_id, work)
    today = day_in_japan(desk.clock())
    return {asin: judgement_answer(each, language, today) for asin, each in judged.items()}
