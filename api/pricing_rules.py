"""JSON routes of pricing rules: show, change, try without saving; the seller's channel prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from api.ids import public_id
from api.openapi_extras import MAY_MATCH, json_body
from api.pricing_bodies import json_in, prices_in, rules_answer, rules_in
from api.pricing_trial import trial_answer, tried
from api.requests import Reception, Visit, version_named
from domain import pricing
from domain.application import acting_for
from domain.channel_prices import enter_prices
from domain.errors import PricingRefused
from domain.policy import policy_of
from domain.price_file import read_prices
from domain.rules.repricing import OwnPrice, PricingRules
from domain.sellers import Decide, change_seller
from domain.upload_file import BYTES_MAX
from projections import channel_prices

RULES = {"rules": {"floor_jpy": 1000, "overrides": []}}
RULES_CHANGED = {**MAY_MATCH, **json_body(RULES)}
PRICES = {"prices": [{"asin": "B0EXAMPLE1", "channel": "own_site", "price_jpy": 1980}]}


def build_pricing(reception: Reception) -> APIRouter:
    """Routes under /pricing-rules."""
    router = APIRouter(prefix="/pricing-rules", tags=["pricing"])

    @router.get("")
    def show(request: Request, response: Response) -> Any:
        """The rules, the channel prices known, and the endings to choose from.

        Its ETag is for changes of the rules; prices of channels move without it.
        """
        visit = reception.reading(request)
        with acting_for(visit.seller_id):
            known = visit.seller()
        rules = known.pricing_rules or PricingRules()
        response.headers["ETag"] = f'"v{known.version}"'
        with visit.desk.reading_for(visit.seller_id) as connection:
            own_prices = channel_prices.known(connection)
        shown = pricing_answer(rules, own_prices, visit.desk.position())
        return {**shown, "version": known.version}

    @router.put("", status_code=202, openapi_extra=RULES_CHANGED)
    async def change(request: Request) -> Any:
        """Change all rules at once; live listings are priced anew by a sweep that starts now."""
        content = await request.body()
        return await run_in_threadpool(changed_rules, reception, request, content)

    @router.post("/dry-run", openapi_extra=json_body(RULES))
    async def dry_run(request: Request) -> Any:
        """Which live listings these rules would change. Saves nothing, asks no marketplace."""
        content = await request.body()
        return await run_in_threadpool(tried_rules, reception, request, content)

    @router.post("/channel-prices", status_code=202, openapi_extra=json_body(PRICES))
    async def enter(request: Request) -> Any:
        """Enter own prices on other channels: JSON, or CSV as body or multipart `file`."""
        is_csv, content = await sent_prices(request)
        return await run_in_threadpool(entered, reception, request, content, is_csv=is_csv)

    return router


def changed_rules(reception: Reception, request: Request, content: bytes) -> dict[str, Any]:
    visit = reception.writing(request)
    command = pricing.ChangePricingRules(
        stamp=visit.work().stamp(), rules=rules_in(json_in(content))
    )
    return changed(visit, lambda it: pricing.change_rules(it, command))


def tried_rules(reception: Reception, request: Request, content: bytes) -> dict[str, Any]:
    visit = reception.reading(request)
    rules = rules_in(json_in(content))
    with acting_for(visit.seller_id):
        trial = tried(visit.desk, visit.seller(), rules, visit.work())
    answer = trial_answer(trial, visit.l10n.language)
    return {**answer, "position": visit.desk.position()}


async def sent_prices(request: Request) -> tuple[bool, bytes]:
    """Whether it is a CSV, and its bytes. Raises PricingRefused for a form without a file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return kind == "text/csv", await request.body()
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get("file")
        if isinstance(file, str) or file is None:
            raise PricingRefused("mend: file", rules={"file": "pricing_no_prices"})
        return True, await read_bounded(file)  # type: ignore[arg-type]


async def read_bounded(file: UploadFile) -> bytes:
    """One byte more than is allowed tells that there is too much."""
    return await file.read(BYTES_MAX + 1)


def entered(
    reception: Reception, request: Request, content: bytes, *, is_csv: bool
) -> dict[str, Any]:
    visit = reception.writing(request)
    prices = read_prices(content) if is_csv else prices_in(json_in(content))
    position = enter_prices(visit.desk.app, visit.seller_id, prices, visit.work())
    identity = public_id("sel", visit.seller_id)
    position = position or visit.desk.position()
    return {"id": identity, "position": position, "entered": len(prices)}


def changed(visit: Visit, decide: Decide) -> dict[str, Any]:
    expected = version_named(visit.request)
    position = change_seller(visit.desk.app, visit.seller_id, decide, expected)
    return {
        "id": public_id("sel", visit.seller_id),
        "position": position or visit.desk.position(),
    }


def pricing_answer(
    rules: PricingRules, own_prices: Mapping[str, tuple[OwnPrice, ...]], position: int
) -> dict[str, Any]:
    return {
        "rules": rules_answer(rules),
        "channel_prices": [
            {"asin": asin, **own.model_dump(mode="json")}
            for asin, prices in own_prices.items()
            for own in prices
        ],
        "charm_endings": policy_of().repricing.charm_endings,
        "position": position,
    }
