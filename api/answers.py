"""The JSON shapes of answers: rows of the projections under the names of INTERFACE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from api.ids import public_id
from api.l10n import L10n
from api.log_text import (
    action_on,
    actions_for,
    row_in_words,
    rule_in_words,
    seen_in_words,
    suggested_action,
    what_happened,
    who_acts,
)
from domain.asin_binding import Status
from domain.bindings import DryRun
from domain.error_codes import Language, reason
from domain.facts import Recorded
from domain.policy import policy_of
from domain.rules.categories import answer_of
from domain.rules.fees import Shipping, proceeds_of
from domain.rules.findings import Check
from domain.rules.images import state_in_words
from domain.stamps import event_id_of
from domain.texts import rule_text
from projections.audit_trail import AuditRow
from projections.bindings import BindingRow
from projections.health_score import (
    IMAGE_COMPLIANCE_RATE_TARGET,
    PRICE_DEVIATION_RATE_TARGET,
    SYNC_SUCCESS_RATE_TARGET,
    Failing,
    Health,
)
from projections.submissions import RowRow, SubmissionRow
from projections.sync_log import LogRow

STATUSES: tuple[Status, ...] = (
    "requested", "rejected", "validated", "mapped", "unmapped", "listed", "suspended", "blocked",
    "withdrawn",
)  # fmt: skip


def binding_answer(row: BindingRow, l10n: L10n) -> dict[str, Any]:
    """One binding. `price_jpy` and `stock` are decided, `shown_*` is what Mercari shows."""
    return {
        "id": public_id("bnd", row.binding_id),
        "seller_id": public_id("sel", row.seller_id),
        "asin": row.asin,
        "status": row.status,
        "sku": row.sku,
        "title": row.title,
        "image_url": row.image_url,
        "mercari_category_id": row.mercari_category_id,
        "category_path": row.category_path,
        "match_rate": row.match_rate,
        "listing_id": row.listing_id,
        "is_on_sale": row.is_on_sale,
        "is_closed_by_hand": row.is_closed_by_hand,
        "price_jpy": row.price_jpy,
        "shown_price_jpy": row.shown_price_jpy,
        "amazon_price_jpy": row.amazon_price_jpy,
        "float_pct": row.float_pct,
        "stock": row.stock,
        "shown_stock": row.shown_stock,
        "amazon_quantity": row.amazon_quantity,
        "stock_threshold": row.stock_threshold,
        "error_codes": row.error_codes or [],
        "warning_codes": row.warning_codes or [],
        "findings": [finding_answer(each, l10n.language) for each in row.findings or ()],
        "is_in_review": row.is_in_review,
        "image_verdict": row.image_verdict,
        "proofs": row.proofs,
        "version": row.version,
        "position": row.position,
        "updated_at": row.updated_at,
        "observed_at": row.observed_at,
    }


def differences_between(before: BindingRow, after: BindingRow, l10n: L10n) -> list[dict[str, Any]]:
    """What differs between two instants of a binding, field by field."""
    earlier, later = binding_answer(before, l10n), binding_answer(after, l10n)
    return [
        {"field": name, "from": earlier[name], "to": later[name]}
        for name in earlier
        if earlier[name] != later[name]
    ]


def history_answer(recorded: Recorded) -> dict[str, Any]:
    """One event of a history."""
    stamp = recorded.fact.stamp
    return {
        "id": event_id_of(recorded.originator_id, recorded.version),
        "position": recorded.position,
        "version": recorded.version,
        "type": recorded.fact.TOPIC,
        "recorded_at": recorded.recorded_at,
        "decided_at": stamp.decided_at,
        "observed_at": stamp.observed_at,
        "actor": stamp.actor,
        "cause": stamp.cause.model_dump(),
        "policy": stamp.policy,
        "data": recorded.fact.model_dump(mode="json", exclude={"stamp"}),
    }


def log_answer(row: LogRow, l10n: L10n) -> dict[str, Any]:
    """One line of the sync log, said in the reader's language."""
    code = row.error_code
    return {
        "position": row.position,
        "time": row.time,
        "seller_id": public_id("sel", row.seller_id),
        "asin": row.asin,
        "binding_id": public_id("bnd", row.binding_id) if row.binding_id else None,
        "operation": row.operation,
        "outcome": row.outcome,
        "error_code": code,
        "detail": what_happened(row, l10n),
        "seen": row.detail,
        "suggested_action": suggested_action(code, l10n.language) if code else None,
        "who_acts": who_acts(code) if code else None,
        "correlation_id": row.correlation_id,
    }


def audit_answer(row: AuditRow) -> dict[str, Any]:
    """One line of the audit trail; the content is in the subject's history."""
    return {
        "position": row.position,
        "seller_id": public_id("sel", row.seller_id),
        "recorded_at": row.recorded_at,
        "decided_at": row.decided_at,
        "observed_at": row.observed_at,
        "type": row.type,
        "subject": row.subject,
        "version": row.version,
        "actor": row.actor,
        "cause": {"correlation_id": row.correlation_id, "causation_id": row.causation_id},
        "policy": row.policy,
    }


def submission_answer(row: SubmissionRow, rows: Sequence[RowRow], l10n: L10n) -> dict[str, Any]:
    """An upload and the fate of each of its rows."""
    identity = public_id("sub", row.submission_id)
    return {
        "id": identity,
        "filename": row.filename,
        "status": row.status,
        "row_count": row.row_count,
        "settled_count": row.settled_count,
        "counts": row.counts,
        "errors": [
            {"code": fault["code"], "key": fault["key"],
             "detail": reason(fault["key"], l10n.language, **fault["values"])}
            for fault in row.faults
        ],
        "received_at": row.received_at,
        "finished_at": row.finished_at,
        "position": row.position,
        "rows": [row_answer(each, l10n) for each in rows],
        "links": {
            "events": f"/v1/submissions/{identity}/events",
            "failure_report": f"/v1/failure-report.csv?submission_id={identity}",
        },
    }  # fmt: skip


def row_answer(row: RowRow, l10n: L10n) -> dict[str, Any]:
    """One row's fate; `fate` is null while it is open."""
    codes = row.codes or []
    return {
        "row": row.number,
        "asin": row.asin,
        "fate": row.fate,
        "codes": codes,
        "detail": row_in_words(row, l10n) or None,
        "suggested_action": actions_for(codes, l10n.language) or None,
        "findings": [finding_answer(each, l10n.language) for each in row.findings or ()],
        "binding_id": public_id("bnd", row.binding_id) if row.binding_id else None,
    }


def health_answer(health: Health, position: int) -> dict[str, Any]:
    """The score and what it is made of; rates are fractions, null where nothing was counted."""
    return {
        "window": health.window,
        "score": health.score,
        "sync_success_rate": health.sync_success_rate,
        "price_deviation_rate": health.price_deviation_rate,
        "price_deviating_share": health.price_deviating_share,
        "image_compliance_rate": health.image_compliance_rate,
        "targets": {
            "sync_success_rate": SYNC_SUCCESS_RATE_TARGET,
            "price_deviation_rate": PRICE_DEVIATION_RATE_TARGET,
            "image_compliance_rate": IMAGE_COMPLIANCE_RATE_TARGET,
        },
        "attempts": health.attempts,
        "failed": health.failed,
        "failures_allowed": health.failures_allowed,
        "failures_left": health.failures_left,
        "listings": health.listings,
        "images_inspected": health.images_inspected,
        "images_compliant": health.images_compliant,
        "statuses": health.statuses,
        "composite": [{**part.model_dump(), "points": part.points} for part in health.parts],
        "worst_hours": [
            {"hour": each.hour, "attempts": each.attempts, "failed": each.failed,
             "success_rate": each.success_rate, "codes": each.codes}
            for each in health.worst_hours
        ],
        "failing": [failing_answer(each) for each in health.failing],
        "as_of_position": position,
    }  # fmt: skip


def failing_answer(failing: Failing) -> dict[str, Any]:
    """A code, who acts on it, and the bindings that it holds now."""
    ids = [public_id("bnd", each) for each in failing.binding_ids]
    return {
        "code": failing.code,
        "who_acts": who_acts(failing.code),
        "failures": failing.failures,
        "bindings": failing.bindings,
        "asins": list(failing.asins),
        "binding_ids": ids,
    }


def judgement_answer(dry_run: DryRun, language: Language, on: date) -> dict[str, Any]:
    """A dry run: gates, category, compliance, image and warranty (DECISIONS 24)."""
    judgement, product, image = dry_run.judgement, dry_run.product, dry_run.image
    policy = dry_run.policy
    leaves = {path: category_id for category_id, path in dry_run.tree.items()}
    line_pct = policy_of(policy).categories.match_rate_pct_min
    by_name = {check.name: check_answer(check, language, policy) for check in judgement.checks}
    category = judgement.category
    matched = {
        **(answer_of(category, line_pct, language, leaves) if category else NO_MATCH),
        "path": list(judgement.category_path),
        **by_name.get("category", {"verdict": "unknown", "findings": []}),
    }
    price = product.price_jpy
    said = state_in_words(image, judgement.check("image"))
    return {
        "asin": product.asin,
        "title": product.title,
        "verdict": judgement.verdict,
        "policy": policy,
        "gates": [by_name[name] for name in GATES if name in by_name],
        "category": matched,
        "compliance": [by_name["compliance"], by_name["localisation"]],
        "image": {
            **by_name["image"],
            "url": product.image_url,
            "is_inspected": image.status == "inspected",
            "status": image.status,
            "engine": image.facts.engine if image.facts else None,
            "said": rule_text(said, {}, language) if said else None,
        },
        "warranty": by_name["warranty"],
        "proceeds": proceeds_answer(price, on) if price else None,
        "observed_at": product.observed_at,
    }


NO_MATCH: Mapping[str, Any] = {"match_rate": None, "reason": None, "alternatives": []}
GATES = (
    "asin_state", "fulfilment", "supported", "brand_registered", "brand_authorised", "price",
)  # fmt: skip


def proceeds_answer(price_jpy: int, on: date) -> dict[str, Any]:
    """What a sale at Amazon's own price leaves, by each way of shipping, at the fees of a day."""
    ways: tuple[Shipping, ...] = ("mercari", "self")
    fees = policy_of().repricing
    return {way: proceeds_of(fees, price_jpy, on, way).model_dump(mode="json") for way in ways}


def check_answer(check: Check, language: Language, policy: str) -> dict[str, Any]:
    return {
        "name": check.name,
        "verdict": check.verdict,
        "is_advisory": check.is_advisory,
        "findings": [
            {**finding_answer(found.model_dump(), language), "policy": policy}
            for found in check.findings
        ],
    }


def finding_answer(found: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """What was found, with its rule and next step in the reader's language."""
    return {
        "code": found["code"],
        "field": found["field"],
        "seen": seen_in_words(found["seen"], language),
        "rule": rule_in_words(found, language),
        "rule_key": found["rule"],
        "source": found["source"],
        "who_acts": who_acts(found["code"]),
        "action": action_on(found, language),
    }
