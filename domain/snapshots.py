"""Judging without Amazon: a product as somebody wrote it down, with what else the rules look at.

One JSON object a line; `json_schema` describes it, and a copy of that is committed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, Field

from domain.bindings import DryRun
from domain.images import ImageReading
from domain.policy import Policy
from domain.product import Product
from domain.reference_tree import reference_tree
from domain.rules.brands import BrandAuthorisation
from domain.rules.precheck import Circumstances, Terms, judge
from domain.rules.proofs import Proof
from domain.rules.warranty import Warranty
from domain.values import Value

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SnapshotProduct(Product):
    """The product's fields; when it was seen is not needed to judge it."""

    observed_at: AwareDatetime = LONG_AGO


class Snapshot(Value):
    """A line of `validate --facts`: a product, the category chosen for it, and its circumstances.

    `mercari_category` is a path, names joined by ` > `. Without it the category is not judged.
    """

    product: SnapshotProduct
    mercari_category: str | None = Field(
        None, examples=["ファッション > レディース > バッグ > ハンドバッグ"]
    )
    suggested_price_jpy: int | None = None
    stock_threshold: int = 0
    default_float_rate: Decimal = Decimal(0)
    warranty: Warranty = Warranty()
    authorisations: tuple[BrandAuthorisation, ...] = ()
    proofs: tuple[Proof, ...] = ()
    image: ImageReading = ImageReading(status="not_installed")


def judge_snapshot(policy: Policy, snapshot: Snapshot) -> DryRun:
    """Judge it by the reference tree; a path that the tree lacks is no leaf (E-403)."""
    tree = reference_tree()
    terms = None
    if snapshot.mercari_category is not None:
        ids = {" > ".join(path): category_id for category_id, path in tree.items()}
        terms = Terms(
            mercari_category_id=ids.get(snapshot.mercari_category, snapshot.mercari_category),
            suggested_price_jpy=snapshot.suggested_price_jpy,
            stock_threshold=snapshot.stock_threshold,
        )
    around = Circumstances(
        warranty=snapshot.warranty, default_float_rate=snapshot.default_float_rate,
        authorisations=snapshot.authorisations, proofs=snapshot.proofs, image=snapshot.image,
    )  # fmt: skip
    judgement = judge(policy, snapshot.product, terms, around, tree)
    return DryRun(judgement, snapshot.product, snapshot.image, policy.version, tree)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    schema = Snapshot.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
