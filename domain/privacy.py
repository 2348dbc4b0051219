"""What is read from Amazon and why, what is held and for how long: two tables, each the only one.

A data set that no purpose names can't be asked for (infra.amazon.allowed). Every table of the
database and every fact is held under one entry, or holds nothing of a seller. The words are in
texts/privacy.toml, by the key: what it is, and under `<key>_why`, what for.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Source = Literal["amazon", "mercari", "seller", "staff", "service"]
Protection = Literal["log", "rows", "sealed", "own_key", "digest", "keystore", "nobodys"]
End = Literal[
    "history", "tombstone", "days", "over", "removed", "replaced", "revoked", "forgotten",
    "erasure", "nobodys",
]  # fmt: skip
Law = Literal[
    "gdpr_minimisation", "gdpr_storage", "gdpr_erasure", "gdpr_security", "appi_deletion",
    "appi_security", "appi_request", "amazon_policy",
]  # fmt: skip


class Read(NamedTuple):
    """What one operation may read; an entry for each data set that may be chosen."""

    operation: str
    key: str
    data_set: str | None = None


class Held(NamedTuple):
    """One kind of data. `topics` are facts, each by name or as all that begin with a `name.`"""

    key: str
    sources: tuple[Source, ...]
    protection: Protection
    end: End
    laws: tuple[Law, ...]
    tables: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    is_personal: bool = False
    kept_days: int | None = None


_LISTING = {
    "summaries": "read_listing_summaries",
    "offers": "read_listing_offers",
    "fulfillmentAvailability": "read_listing_stock",
    "issues": "read_listing_issues",
}
READS: tuple[Read, ...] = (
    *(Read("searchListingsItems", key, each) for each, key in _LISTING.items()),
    Read("searchListingsItems", "read_listing_attributes", "attributes"),
    *(Read("getListingsItem", key, each) for each, key in _LISTING.items()),
    Read("getInventorySummaries", "read_fba_quantity"),
    Read("searchCatalogItems", "read_catalogue_summaries", "summaries"),
    Read("searchCatalogItems", "read_catalogue_images", "images"),
    Read("searchCatalogItems", "read_catalogue_classifications", "classifications"),
    Read("searchCatalogItems", "read_catalogue_product_types", "productTypes"),
    Read("searchCatalogItems", "read_catalogue_attributes", "attributes"),
    Read("getMarketplaceParticipations", "read_account_suspended"),
    Read("createReport", "read_report_request"),
    Read("getReport", "read_report_state"),
    Read("getReportDocument", "read_report_address"),
    Read("reportDocument", "read_report_rows"),
    Read("getAccessToken", "read_access_token"),
    Read("exchangeCode", "read_code_exchange"),
)

_NEEDED_ONLY: tuple[Law, ...] = ("gdpr_minimisation", "amazon_policy")
_PERSONS: tuple[Law, ...] = (
    "gdpr_minimisation", "gdpr_storage", "gdpr_erasure", "appi_deletion", "appi_request",
)  # fmt: skip
_SECRETS: tuple[Law, ...] = ("gdpr_security", "appi_security", "amazon_policy")
LOG_TABLE = "asin_sync_events"
"""All facts; what each is held for stands at its topic."""

HELD: tuple[Held, ...] = (
    Held(
        "held_bindings", ("amazon", "mercari", "seller"), "log", "history", _NEEDED_ONLY,
        tables=(
            "bindings", "binding_counts", "binding_codes", "effects", "price_bases",
            "stock_watched", "stock_alerts_ended",
        ),
        topics=("asin_binding.",),
    ),
    Held(
        "held_sync_record", ("service",), "log", "history", _NEEDED_ONLY,
        tables=(
            "sync_log", "sync_log_asins", "health_hours", "health_bindings", "health_totals",
            "health_codes", "conditions",
        ),
        topics=("sync_sweep.", "breaker.", "seller.sweep_requested"),
    ),
    Held(
        "held_sweeps", ("service",), "rows", "over", ("gdpr_storage",), tables=("sweep_run",),
    ),
    Held(
        "held_uploads", ("seller",), "log", "history", ("gdpr_minimisation",),
        tables=("submissions", "submission_rows"), topics=("submission.",),
    ),
    Held(
        "held_channel_prices", ("seller",), "log", "history", ("gdpr_minimisation",),
        tables=("channel_prices",), topics=("seller.channel_prices_entered",),
    ),
    Held(
        "held_account", ("seller", "staff"), "log", "history", ("gdpr_minimisation",),
        tables=("sellers",),
        topics=(
            "seller.registered", "seller.amazon_linked", "seller.mercari_linked",
            "seller.sync_enabled", "seller.sync_disabled", "seller.settings_changed",
            "seller.warranty_changed", "seller.pricing_rules_changed", "seller.brands_authorised",
            "seller.brand_authorisation_ended",
        ),
    ),
    Held(
        "held_application", ("seller", "staff"), "own_key", "erasure",
        (*_PERSONS, "appi_security"), tables=("applications", "application_items"),
        topics=("seller.applied", "seller.document_filed", "seller.undertaking_filed",
                "seller.asin_list_filed", "seller.review_requested",
                "seller.application_approved", "seller.application_returned"),
        is_personal=True,
    ),
    Held(
        "held_tickets", ("seller", "staff"), "own_key", "erasure", (*_PERSONS, "appi_security"),
        tables=("tickets",), topics=("ticket.", "seller_look."), is_personal=True,
    ),
    Held(
        "held_requests", ("seller", "staff"), "own_key", "erasure", _PERSONS,
        topics=("request.",), is_personal=True,
    ),
    Held(
        "held_suspicions", ("service", "staff"), "own_key", "erasure",
        (*_PERSONS, "appi_security"),
        tables=("arbitrage_signs", "suspicions", "terminations"),
        topics=("seller.arbitrage_suspected", "seller.arbitrage_dismissed",
                "seller.arbitrage_confirmed", "seller.terminated", "seller.bindings_wound_up"),
        is_personal=True,
    ),
    Held(
        "held_erasure", ("service",), "sealed", "tombstone",
        ("gdpr_erasure", "appi_deletion", "appi_request"), tables=("personal_key",),
        topics=("seller.erasure_requested", "seller.personal_data_erased"),
    ),
    Held(
        "held_consents", ("seller",), "digest", "days", ("gdpr_storage", "amazon_policy"),
        tables=("consent",), kept_days=1,
    ),
    Held(
        "held_secrets", ("seller", "service"), "sealed", "replaced", _SECRETS,
        tables=("seller_secret",),
    ),
    Held(
        "held_api_keys", ("staff",), "digest", "revoked", ("gdpr_security", "appi_security"),
        tables=("api_key",), topics=("seller.key_issued", "seller.key_revoked"),
    ),
    Held(
        "held_people", ("staff",), "keystore", "forgotten", (*_PERSONS, "appi_security"),
        tables=("person",), topics=("person.",), is_personal=True,
    ),
    Held(
        "held_sign_ins", ("service",), "keystore", "days", (*_PERSONS, "appi_security"),
        tables=("person_session", "sign_in"), is_personal=True, kept_days=1,
    ),
    Held(
        "held_evidence", ("seller",), "sealed", "erasure", (*_PERSONS, "appi_security"),
        tables=("evidence_files",), is_personal=True,
    ),
    Held(
        "held_contacts", ("seller",), "rows", "removed", _PERSONS,
        tables=("contact", "mailing"), is_personal=True,
    ),
    Held(
        "held_mails", ("service",), "rows", "days", ("gdpr_storage", "appi_deletion"),
        tables=("message", "message_sent"), is_personal=True, kept_days=30,
    ),
    Held(
        "held_webhooks", ("seller",), "log", "history", ("gdpr_minimisation",),
        tables=("webhook_endpoints",),
        topics=("seller.webhook_registered", "seller.webhook_changed", "seller.webhook_disabled",
                "seller.webhook_removed"),
    ),
    Held(
        "held_deliveries", ("service",), "rows", "days", ("gdpr_storage",),
        tables=("webhook_deliveries", "webhook_attempts"), kept_days=30,
    ),
    Held(
        "held_notifications", ("amazon", "mercari"), "rows", "days",
        ("gdpr_storage", "amazon_policy"), tables=("notification",), kept_days=14,
    ),
    Held(
        "held_counts", ("service",), "rows", "history", ("gdpr_minimisation",),
        tables=("notification_count", "upstream_calls"),
    ),
    Held(
        "held_audit_trail", ("service",), "log", "history", ("gdpr_security", "appi_security"),
        tables=("audit_trail",),
    ),
    Held(
        "held_transparency_log", ("service",), "rows", "history",
        ("gdpr_security", "appi_security"),
        tables=("tlog_leaves", "tlog_subtrees", "tlog_checkpoints", "tlog_cosignatures"),
    ),
    Held(
        "held_image_facts", ("amazon",), "nobodys", "nobodys", _NEEDED_ONLY,
        tables=("image_facts",),
    ),
    Held(
        "held_categories", ("mercari",), "log", "history", ("gdpr_minimisation",),
        topics=("category_tree.",),
    ),
)  # fmt: skip

TABLES_OF_NOBODY = (
    "asin_sync_migration", "budget", "cell", "request_budget", "follower", "procrastinate_events",
    "procrastinate_jobs", "procrastinate_periodic_defers", "procrastinate_workers",
    "projection_positions", "projections", "setup_code", "sweep_schedule", "webhook_follower",
)  # fmt: skip
"""Positions, schedules, jobs and budgets: they name sellers by id at most, and hold nothing."""


def data_sets_of(operation: str) -> frozenset[str]:
    """What may be named by `includedData`."""
    return frozenset(
        read.data_set for read in READS if read.operation == operation and read.data_set
    )


def kept_under(topic: str) -> tuple[Held, ...]:
    """The entries that a fact of this name is held under; there is one."""
    return tuple(
        held
        for held in HELD
        if any(
            topic.startswith(each) if each.endswith(".") else topic == each for each in held.topics
        )
    )
