"""What each operation answers with when it succeeds: a shape, or the media type of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel

from api.openapi import case_shapes as case
from api.openapi import people_shapes as people
from api.openapi import shapes

STREAM = "text/event-stream"
CSV, HTML, TEXT, FILE = "text/csv", "text/html", "text/plain", "*/*"
ZIP, TRAILS = "application/zip", ("application/jsonl", CSV, "application/vnd.apache.parquet")


class Answer(NamedTuple):
    """A shape in JSON, other media types, or both; the names of headers beyond the usual ones."""

    shape: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    is_kept: bool = False
    """It says 304 to who holds its version."""


def page(shape: type[BaseModel]) -> Answer:
    return Answer(shape, headers=("Link",))


def tagged(shape: type[BaseModel], *headers: str) -> Answer:
    return Answer(shape, headers=("ETag", *headers))


def kept(shape: type[BaseModel]) -> Answer:
    return Answer(shape, headers=("ETag",), is_kept=True)


RECORDED = Answer(shapes.Recorded)
RECORDED_VERSION = tagged(shapes.RecordedVersion)
ANSWERS: Mapping[str, Answer] = {
    "GET /v1/submissions": Answer(shapes.SubmissionList),
    "POST /v1/submissions": Answer(shapes.SubmissionAccepted, headers=("Location",)),
    "GET /v1/submissions/template.csv": Answer(None, (CSV,)),
    "GET /v1/submissions/{submission_id}": kept(shapes.Submission),
    "GET /v1/submissions/{submission_id}/events": Answer(None, (STREAM,)),
    "GET /v1/bindings": page(shapes.BindingPage),
    "GET /v1/bindings/{binding_id}": kept(shapes.BindingThen),
    "GET /v1/bindings/{binding_id}/history": Answer(shapes.History),
    "GET /v1/bindings/{binding_id}/diff": Answer(shapes.Diff),
    "POST /v1/bindings/{binding_id}/remap": RECORDED_VERSION,
    "POST /v1/bindings/{binding_id}/resubmit": RECORDED_VERSION,
    "POST /v1/bindings/{binding_id}/withdraw": RECORDED_VERSION,
    "POST /v1/bindings/{binding_id}/image-review": RECORDED_VERSION,
    "POST /v1/bindings/{binding_id}/proofs": RECORDED_VERSION,
    "GET /v1/bindings/{binding_id}/proofs/{sha256}": Answer(None, (FILE,)),
    "POST /v1/validator": Answer(shapes.Judgement),
    "GET /v1/sync-log": page(shapes.LogPage),
    "GET /v1/sync-log/stream": Answer(None, (STREAM,)),
    "GET /v1/failure-report.csv": Answer(None, (CSV,)),
    "GET /v1/health-score": Answer(shapes.HealthScore),
    "GET /v1/audit-trail": page(shapes.AuditPage),
    "GET /v1/audit-trail/export": Answer(None, TRAILS),
    "GET /v1/bindings/{binding_id}/evidence": Answer(None, (ZIP,)),
    "GET /v1/checkpoint": Answer(None, (TEXT,)),
    "GET /v1/checkpoint/keys": Answer(None, (TEXT,)),
    "GET /v1/fees": Answer(shapes.Proceeds),
    "GET /v1/sellers/{seller_id}": kept(people.Seller),
    "POST /v1/sellers/{seller_id}/review": RECORDED,
    "POST /v1/sellers/{seller_id}/erasure": RECORDED,
    "GET /v1/sellers/{seller_id}/settings": kept(people.Settings),
    "PUT /v1/sellers/{seller_id}/settings": RECORDED,
    "GET /v1/sellers/{seller_id}/warranty": kept(people.Warranty),
    "PUT /v1/sellers/{seller_id}/warranty": RECORDED,
    "GET /v1/sellers/{seller_id}/brands": Answer(people.Brands),
    "POST /v1/sellers/{seller_id}/brands": RECORDED,
    "DELETE /v1/sellers/{seller_id}/brands/{brand}": RECORDED,
    "POST /v1/sweeps": RECORDED,
    "GET /v1/upstream-calls": Answer(people.UpstreamCalls),
    "POST /v1/sellers/{seller_id}/amazon-link": Answer(people.Linking),
    "POST /v1/sellers/{seller_id}/mercari-link": RECORDED,
    "GET /v1/pricing-rules": tagged(people.Pricing),
    "PUT /v1/pricing-rules": RECORDED,
    "POST /v1/pricing-rules/dry-run": Answer(people.PricingTrial),
    "POST /v1/pricing-rules/channel-prices": Answer(shapes.Entered),
    "POST /v1/notifications/amazon": Answer(people.Taken),
    "POST /v1/notifications/mercari/{token}": Answer(people.Taken),
    "GET /v1/notifications": Answer(people.Notifications),
    "GET /v1/sellers/{seller_id}/mercari-webhook": Answer(people.MercariWebhook),
    "GET /v1/stock-alerts": page(shapes.StockAlertPage),
    "GET /v1/sellers/{seller_id}/contacts": Answer(people.Contacts),
    "PUT /v1/sellers/{seller_id}/contacts": Answer(people.Contacts),
    "GET /v1/events": Answer(people.Events, (STREAM,), ("Link",)),
    "GET /v1/webhooks": Answer(people.Webhooks),
    "POST /v1/webhooks": Answer(people.NewWebhook, headers=("Location",)),
    "GET /v1/webhooks/{webhook_id}": tagged(people.WebhookShown),
    "PUT /v1/webhooks/{webhook_id}": RECORDED,
    "DELETE /v1/webhooks/{webhook_id}": RECORDED,
    "GET /v1/webhooks/{webhook_id}/attempts": page(people.Attempts),
    "POST /v1/webhooks/{webhook_id}/resend": Answer(people.Resent),
    "POST /v1/webhooks/{webhook_id}/test": Answer(people.Attempt),
    "GET /v1/sync-state": Answer(people.SyncState),
    "POST /v1/sellers": Answer(case.Applied, headers=("Location",)),
    "GET /v1/sellers/{seller_id}/application": Answer(case.Application),
    "PUT /v1/sellers/{seller_id}/application": RECORDED,
    "GET /v1/undertaking-template": Answer(None, (HTML,)),
    "POST /v1/sellers/{seller_id}/documents": RECORDED,
    "POST /v1/sellers/{seller_id}/undertaking": RECORDED,
    "POST /v1/sellers/{seller_id}/asin-list": RECORDED,
    "GET /v1/sellers/{seller_id}/documents/{sha256}": Answer(None, (FILE,)),
    "GET /v1/applications": Answer(case.Queue),
    "GET /v1/applications/figures": Answer(case.ApplicationFigures),
    "GET /v1/sellers/{seller_id}/arbitrage": Answer(case.Arbitrage),
    "POST /v1/sellers/{seller_id}/arbitrage-review": RECORDED,
    "POST /v1/sellers/{seller_id}/termination": RECORDED,
    "POST /v1/sellers/{seller_id}/looks": Answer(people.Look),
    "GET /v1/looks": page(people.Looks),
    "POST /v1/tickets": tagged(case.Ticket, "Location"),
    "GET /v1/tickets": page(case.TicketPage),
    "GET /v1/tickets/figures": Answer(case.TicketFigures),
    "GET /v1/tickets/{ticket_id}": kept(case.Ticket),
    "GET /v1/tickets/{ticket_id}/attachments/{sha256}": Answer(None, (FILE,)),
    "POST /v1/tickets/{ticket_id}/replies": tagged(case.Ticket),
    "POST /v1/tickets/{ticket_id}/hand-over": tagged(case.Ticket),
    "POST /v1/tickets/{ticket_id}/resolution": tagged(case.Ticket),
    "GET /v1/keys": Answer(people.Keys),
    "POST /v1/keys": Answer(people.NewKey),
    "DELETE /v1/keys/{key_id}": RECORDED,
    "GET /livez": Answer(None, (TEXT,)),
    "GET /readyz": Answer(None, (TEXT,)),
    "GET /metrics": Answer(None, (TEXT,)),
}
"""By method and path. A test names an operation that is missing here."""
