"""What the operations page reads across sellers: views, jobs, webhooks, mails, call budgets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, dict_row

from domain.operations import BudgetLevel, FailingEndpoint, JobCount, ServiceState, ViewState
from infra.budgets import UTILISATION, Rate
from infra.database import Connection, Database
from infra.feed import log_head
from infra.messages import mail_state
from infra.projection_commands import STATUS
from infra.shops import AMAZON_RATES, MERCARI_POINTS_AN_HOUR

ENDPOINTS_MAX = 100
CALLS_SINCE = timedelta(hours=24)
MERCARI_BUCKET = "points"
MERCARI_RATE = Rate(MERCARI_POINTS_AN_HOUR / 3600, MERCARI_POINTS_AN_HOUR)

# Jobs that are not done, by kind and state; one that is put off is for later.
JOBS = """
    SELECT j.task_name AS name,
           CASE WHEN j.status = 'todo' AND j.scheduled_at > %(now)s THEN 'later'
                ELSE j.status::text END AS state,
           count(*) AS count,
           min((SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)) AS oldest_at
    FROM procrastinate_jobs j WHERE j.status IN ('todo', 'doing', 'failed')
    GROUP BY 1, 2 ORDER BY 1, 2
"""

# Endpoints whose last attempts only failed, with what they still have to be told.
ENDPOINTS = """
    SELECT e.seller_id, e.webhook_id, e.is_enabled, e.failing_since,
           count(d.position) FILTER (WHERE d.state = 'waiting') AS waiting,
           count(d.position) FILTER (WHERE d.state = 'given_up') AS given_up
    FROM webhook_endpoints e
    LEFT JOIN webhook_deliveries d
        ON d.webhook_id = e.webhook_id AND d.state IN ('waiting', 'given_up')
    WHERE e.failing_since IS NOT NULL
    GROUP BY e.seller_id, e.webhook_id, e.is_enabled, e.failing_since
    ORDER BY e.failing_since LIMIT %s
"""

BUDGETS = "SELECT owner, operation, tokens, refilled_at FROM asin_sync.budget WHERE owner = ANY(%s)"

CALLS = """
    SELECT operation, sum(calls)::bigint FROM asin_sync.upstream_calls
    WHERE seller_id = %s AND hour >= %s GROUP BY 1
"""


def service_state(database: Database, now: datetime) -> ServiceState:
    """One reading after the other: figures of different moments, each of its own."""
    with database.pool("projector").connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        views = tuple(ViewState.model_validate(row) for row in cursor.execute(STATUS).fetchall())
        head = log_head(connection)
    with database.pool("jobs").connection() as connection:
        jobs = rows_of(connection, JobCount, JOBS, {"now": now})
        mails = mail_state(connection, now)
    with database.pool("integrator").connection() as connection:
        endpoints = rows_of(connection, FailingEndpoint, ENDPOINTS, (ENDPOINTS_MAX,))
    return ServiceState(
        position=head, views=views, jobs=tuple(jobs),
        endpoints=tuple(endpoints), mails=mails,
    )  # fmt: skip


def rows_of(connection: Connection, row: type[Any], query: str, parameters: Any) -> list[Any]:
    return connection.cursor(row_factory=class_row(row)).execute(query, parameters).fetchall()


def budgets_of(database: Database, seller_id: UUID, now: datetime) -> list[BudgetLevel]:
    """What the seller's budgets hold now, of the operations that it has ever called."""
    owners = [f"amazon:{seller_id}", f"mercari:{seller_id}"]
    with database.pool("jobs").connection() as connection:
        buckets = connection.execute(BUDGETS, (owners,)).fetchall()
        calls = dict(connection.execute(CALLS, (seller_id, now - CALLS_SINCE)).fetchall())
    levels = [
        level_of(owner.partition(":")[0], operation, tokens, now.timestamp() - refilled_at, calls)
        for owner, operation, tokens, refilled_at in buckets
        if owner.startswith("mercari:") or operation in AMAZON_RATES
    ]
    return sorted(levels, key=lambda level: (level.marketplace, level.operation))


def level_of(
    marketplace: str, operation: str, tokens: float, seconds: float, calls: dict[str, int]
) -> BudgetLevel:
    """A bucket as it has filled up since; all of Mercari's operations spend from one."""
    is_amazon = marketplace == "amazon"
    rate = AMAZON_RATES[operation] if is_amazon else MERCARI_RATE
    filled = tokens + max(0.0, seconds) * rate.per_second * UTILISATION
    shared = sum(number for name, number in calls.items() if name not in AMAZON_RATES)
    return BudgetLevel(
        marketplace=marketplace,
        operation=operation,
        left=max(0.0, min(float(rate.burst), filled)),
        burst=rate.burst,
        per_second=rate.per_second,
        calls=calls.get(operation, 0) if is_amazon else shared,
    )
