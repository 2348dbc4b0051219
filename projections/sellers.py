"""Sellers: who may sync, with which links and settings; what the scheduler goes by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain import arbitrage
from domain import seller as facts
from domain.facts import Recorded
from projections.table import Key, Rows, Table

_FACTS = get_args(facts.SellerFact)


@dataclass(frozen=True, slots=True)
class SellerRow:
    """One seller as it stands."""

    seller_id: UUID
    version: int
    position: int
    updated_at: datetime
    shop_name: str = ""
    amazon_seller_id: str = ""
    is_amazon_linked: bool = False
    is_mercari_linked: bool = False
    is_sync_enabled: bool = False
    default_float_pct: float = 0.0
    reinstatement: str = "manual"
    warranty_days: int = 7
    brake_pct: float = 10.0
    hand_edited_price: str = "put_back"
    last_units: int = 0


TABLE = Table("sellers", SellerRow, ("seller_id",))


class Sellers:
    """Folds each seller's facts into its row."""

    name: ClassVar[str] = "sellers"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (TABLE,)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if isinstance(recorded.fact, _FACTS):
            yield TABLE, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        if not isinstance(recorded.fact, _FACTS):
            return
        row = rows.get(TABLE, recorded.originator_id) or SellerRow(
            recorded.originator_id, 0, 0, recorded.recorded_at
        )
        changes = changes_by(cast(facts.SellerFact, recorded.fact))
        place: dict[str, Any] = {
            "version": recorded.version, "position": recorded.position,
            "updated_at": recorded.recorded_at,
        }  # fmt: skip
        rows.put(TABLE, replace(row, **place, **changes))


def changes_by(fact: facts.SellerFact) -> dict[str, Any]:
    """The columns that a fact changes."""
    match fact:
        case facts.Registered():
            return {"shop_name": fact.shop_name, "amazon_seller_id": fact.amazon_seller_id}
        case facts.SettingsChanged():
            return {
                "default_float_pct": percent(fact.default_float_rate),
                "reinstatement": fact.reinstatement,
                "brake_pct": percent(fact.brake_rate),
                "hand_edited_price": fact.hand_edited_price,
                "last_units": fact.last_units,
            }
        case facts.WarrantyChanged():
            return {"warranty_days": fact.warranty.days}
        case facts.AmazonLinked():
            return {"is_amazon_linked": True}
        case facts.MercariLinked():
            return {"is_mercari_linked": True}
        case facts.SyncEnabled():
            return {"is_sync_enabled": True}
        case facts.SyncDisabled() | facts.ErasureRequested() | arbitrage.Terminated():
            return {"is_sync_enabled": False}
        case facts.PersonalDataErased():
            return {"is_amazon_linked": False, "is_mercari_linked": False}
        case _:
            return {}


def percent(rate: Decimal) -> float:
    """A fraction as percent with two decimals."""
    return float(round(rate * 100, 2))


# --- queries ------------------------------------------------------------------------------------

ONE = "SELECT * FROM live_sellers WHERE seller_id = %s"

# Sellers whose bindings are swept; for a role that sees every seller.
ENABLED = "SELECT seller_id FROM live_sellers WHERE is_sync_enabled ORDER BY seller_id"


def one(connection: Connection[Any], seller_id: UUID) -> SellerRow | None:
    return connection.cursor(row_factory=class_row(SellerRow)).execute(ONE, (seller_id,)).fetchone()


def enabled(connection: Connection[Any]) -> list[UUID]:
    return [seller_id for (seller_id,) in connection.execute(ENABLED)]
