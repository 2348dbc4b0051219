"""The simulated listings report: asked for, done two seconds later, and true when downloaded.

Japanese headers in cp932, or English ones in UTF-8 where en_US was asked for; always gzipped.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.sandbox.amazon_answers import Json, rfc3339, status_of
from infra.sandbox.amazon_query import Query, Refused, invalid
from infra.sandbox.faults import errors_of, json_answer
from infra.sandbox.goods import asin_of
from infra.sandbox.world import Offer, Seller, World

REPORT_TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
READY_AFTER = timedelta(seconds=2)
_FIRST_ID = 50_000_000_000
_REPORT_ID = re.compile(r"[0-9]{1,15}")
_ROWS_AT_ONCE = 200
_GZIP_WINDOW = 31

_SCHEMA = """
CREATE TABLE IF NOT EXISTS report (
    number INTEGER PRIMARY KEY,
    seller INTEGER NOT NULL,
    locale TEXT NOT NULL,
    document_id TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);
"""
_COLUMNS = (
    ("item-name", "商品名"), ("listing-id", "出品ID"), ("seller-sku", "出品者SKU"),
    ("price", "価格"), ("quantity", "数量"), ("open-date", "出品日"),
    ("product-id-type", "商品IDタイプ"), ("item-condition", "コンディション"), ("asin1", "ASIN 1"),
    ("product-id", "商品ID"), ("pending-quantity", "在庫数"),
    ("fulfillment-channel", "フルフィルメント・チャンネル"),
    ("Deprecated column", "Deprecated column"), ("Deprecated column", "Deprecated column"),
    ("status", "ステータス"),
)  # fmt: skip
_ENGLISH, _JAPANESE = 0, 1
_WORDS = {True: ("Active", "出品中"), False: ("Inactive", "停止中")}


class Reports:
    """Asked for through the API's operations; the document itself is a plain download."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.database.executescript(_SCHEMA)

    def routes(self) -> list[Route]:
        return [Route("/documents/{document_id}", self._download)]

    def create(self, query: Query, seller: Seller) -> Json:
        """createReport"""
        asked = _specification(query.body)
        options = asked.get("reportOptions") or {}
        locale = options.get("preferredReportDocumentLocale", "ja_JP")
        number = self._world.database.execute(
            "INSERT INTO report (seller, locale, document_id, created_at) VALUES (?, ?, ?, ?)",
            (
                seller.number, locale, f"amzn1.spdoc.1.4.fe.{secrets.token_urlsafe(18)}",
                self._world.clock().isoformat(),
            ),
        ).lastrowid  # fmt: skip
        return {"reportId": str(_FIRST_ID + (number or 0))}

    def get(self, query: Query, seller: Seller) -> Json:
        """getReport"""
        report_id = query.path("reportId")
        number = int(report_id) - _FIRST_ID if _REPORT_ID.fullmatch(report_id) else 0
        row = self._row("number = ? AND seller = ?", number, seller.number)
        if row is None:
            raise Refused(404, "NotFound", f"Report {report_id} not found.")
        created_at = datetime.fromisoformat(row["created_at"])
        report: Json = {
            "reportId": report_id,
            "reportType": REPORT_TYPE,
            "marketplaceIds": [AMAZON_JP_MARKETPLACE_ID],
            "createdTime": rfc3339(created_at),
            "processingStatus": "IN_PROGRESS",
        }
        if self._world.clock() < created_at + READY_AFTER:
            return report
        return report | {"processingStatus": "DONE", "reportDocumentId": row["document_id"]}

    def document(self, query: Query, seller: Seller) -> Json:
        """getReportDocument"""
        document_id = query.path("reportDocumentId")
        if self._row("document_id = ? AND seller = ?", document_id, seller.number) is None:
            raise Refused(404, "NotFound", f"Document {document_id} not found.")
        return {
            "reportDocumentId": document_id,
            "url": f"{query.origin()}/documents/{document_id}",
            "compressionAlgorithm": "GZIP",
        }

    async def _download(self, request: Request) -> Response:
        row = self._row("document_id = ?", request.path_params["document_id"])
        seller = self._world.find_seller(row["seller"]) if row else None
        if row is None or seller is None:
            return json_answer(404, errors_of("NotFound", "There is no such document."))
        is_english = row["locale"] == "en_US"
        codec, label = ("utf-8", "UTF-8") if is_english else ("cp932", "Windows-31J")
        lines = self._lines(seller, _ENGLISH if is_english else _JAPANESE)
        return StreamingResponse(_packed(lines, codec), media_type=f"text/plain; charset={label}")

    def _lines(self, seller: Seller, language: int) -> Iterator[str]:
        yield "\t".join(names[language] for names in _COLUMNS)
        for number in range(seller.product_count):
            for offer in self._world.offers(seller, asin_of(number)):
                yield "\t".join(_cells(offer, seller, language))

    def _row(self, condition: str, *values: object) -> Any:
        statement = f"SELECT * FROM report WHERE {condition}"  # noqa: S608 - our own text
        return self._world.database.execute(statement, values).fetchone()


def _specification(body: bytes) -> Json:
    """The content of a createReport request. Raises Refused."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid("The body is not JSON.") from error
    if not isinstance(asked, dict) or asked.get("reportType") != REPORT_TYPE:
        raise invalid(f"The sandbox writes no report but {REPORT_TYPE}.")
    if asked.get("marketplaceIds") != [AMAZON_JP_MARKETPLACE_ID]:
        raise invalid(f"marketplaceIds must be {AMAZON_JP_MARKETPLACE_ID}.")
    return asked


def _cells(offer: Offer, seller: Seller, language: int) -> list[str]:
    """The quantity of what lies in Amazon's warehouse is blank; a closed offer has no price."""
    is_own = offer.channel == "DEFAULT"
    words = _WORDS["BUYABLE" in status_of(offer, seller)]
    return [
        offer.product.title, f"{offer.product.number:010d}", offer.sku,
        "" if offer.state == "closed" else str(offer.price_jpy),
        str(offer.quantity) if is_own else "",
        offer.created_at.strftime("%Y/%m/%d %H:%M:%S JST"), "1", "11",
        offer.product.asin, offer.product.asin, "0" if is_own else "", offer.channel, "", "",
        words[language],
    ]  # fmt: skip


async def _packed(lines: Iterator[str], codec: str) -> AsyncIterator[bytes]:
    """Gzipped in parts, between which other requests are answered."""
    packer = zlib.compressobj(wbits=_GZIP_WINDOW)
    for count, line in enumerate(lines, 1):
        yield packer.compress(f"{line}\r\n".encode(codec, "replace"))
        if count % _ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)
    yield packer.flush()
