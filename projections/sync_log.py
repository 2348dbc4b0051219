"""Sync log: one line for every attempt that failed, was retried or changed something (SPEC §8).

Lines carry values, not sentences: the ways in say them in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain import arbitrage, submission
from domain.asin_binding import facts as binding
from domain.breaker import Paused, Resumed
from domain.facts import Fact, Recorded
from domain.rules.repricing import PriceReason
from domain.sync_sweep import BrakeApplied, DelayForeseen, PageFailed, Skipped
from domain.sync_sweep import Finished as SweepFinished
from domain.values import binding_id_of
from projections.table import Key, Rows, Table

REFUSED = "E-903"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line. `outcome` is ok, failed or retrying; `detail` holds the values seen."""

    position: int
    number: int
    time: datetime
    seller_id: UUID
    operation: str
    outcome: str
    asin: str | None
    binding_id: UUID | None
    error_code: str | None
    detail: dict[str, Any]
    correlation_id: UUID


TABLE = Table("sync_log", LogRow, ("position", "number"), is_log=True)


@dataclass(frozen=True, slots=True)
class AsinRow:
    """The ASIN of a binding, so that each of its later lines can say it."""

    binding_id: UUID
    seller_id: UUID
    asin: str


ASINS = Table("sync_log_asins", AsinRow, ("binding_id",))


@dataclass(frozen=True, slots=True)
class Line:
    """What a fact contributes to the log, before its place and time are added."""

    operation: str
    outcome: str
    detail: dict[str, Any]
    error_code: str | None = None
    asin: str | None = None
    binding_id: UUID | None = None


class SyncLog:
    """Appends lines; a fact that changed nothing for the outside has none."""

    name: ClassVar[str] = "sync_log"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table, ...]] = (TABLE, ASINS)

    def keys(self, recorded: Recorded) -> Iterable[tuple[Table, Key]]:
        if recorded.fact.TOPIC.startswith("asin_binding."):
            yield ASINS, (recorded.originator_id,)

    def fold(self, rows: Rows, recorded: Recorded) -> None:
        fact, asin, binding_id = recorded.fact, None, None
        if fact.TOPIC.startswith("asin_binding."):
            binding_id = recorded.originator_id
            asin = asin_of(rows, recorded)
        for number, line in enumerate(lines_of(fact, recorded.seller_id)):
            rows.put(
                TABLE,
                LogRow(
                    position=recorded.position,
                    number=number,
                    time=recorded.recorded_at,
                    seller_id=recorded.seller_id,
                    operation=line.operation,
                    outcome=line.outcome,
                    asin=line.asin or asin,
                    binding_id=line.binding_id or binding_id,
                    error_code=line.error_code,
                    detail=line.detail,
                    correlation_id=fact.stamp.cause.correlation_id,
                ),
            )


def asin_of(rows: Rows, recorded: Recorded) -> str | None:
    """The binding's ASIN; its first fact tells it."""
    if isinstance(recorded.fact, binding.Requested):
        row = AsinRow(recorded.originator_id, recorded.seller_id, recorded.fact.asin)
        rows.put(ASINS, row)
        return row.asin
    known = rows.get(ASINS, recorded.originator_id)
    return known.asin if known else None


def lines_of(fact: Fact, seller_id: UUID) -> list[Line]:
    """The lines of one fact, in order."""
    if fact.TOPIC.startswith("asin_binding."):
        return binding_lines(fact)
    match fact:
        case PageFailed():
            return [
                Line(
                    f"sweep.{fact.kind}", "retrying", {"upstream": each.detail}, each.code,
                    each.asin, binding_id_of(seller_id, each.asin),
                )
                for each in fact.failures
            ]  # fmt: skip
        case SweepFinished():
            tally = fact.tally
            detail = {
                "bindings": tally.bindings, "changed": tally.changed, "failed": tally.failed,
                "stopped_by": fact.stopped_by,
            }  # fmt: skip
            outcome = "ok" if tally.failed == 0 else "failed"
            code = next(iter(tally.counts_by_code), None)
            return [Line(f"sweep.{fact.kind}", outcome, detail, code)]
        case BrakeApplied():
            counts = {
                "drastic": fact.drastic, "limit": fact.limit, "listings": fact.listings,
                "confirmed": fact.confirmed, "held": fact.held_count,
            }  # fmt: skip
            outcome, code = ("retrying", "E-905") if fact.held_count else ("ok", None)
            return [Line(f"brake.{fact.kind}", outcome, counts, code)]
        case DelayForeseen():
            foreseen = {
                "promised_at": fact.promised_at.isoformat(), "done": fact.done,
                "projected_at": fact.projected_at.isoformat(), "listings": fact.listings,
            }  # fmt: skip
            return [Line(f"delay.{fact.kind}", "retrying", foreseen, "E-907")]
        case Skipped():
            running = {"running_since": fact.running_since.isoformat()}
            return [Line(f"skip.{fact.kind}", "failed", running, "E-907")]
        case Paused():
            why = {
                "upstream": fact.reason, "since": fact.since.isoformat(), "tries": fact.tries,
                "retry_at": fact.retry_at.isoformat(),
            }  # fmt: skip
            return [Line(f"pause.{fact.marketplace}", "retrying", why, fact.code)]
        case Resumed():
            return [Line(f"resume.{fact.marketplace}", "ok", {"since": fact.since.isoformat()})]
        case arbitrage.Terminated():
            return [Line("terminate", "failed", {"cause": fact.cause}, fact.code)]
        case arbitrage.BindingsWoundUp():
            return [Line(f"wind_up.{fact.ending}", "ok", {"bindings": fact.bindings})]
        case submission.Refused():
            keys = {"filename": fact.filename, "faults": [each.key for each in fact.faults]}
            return [Line("upload", "failed", keys, "E-400")]
        case submission.RowsSettled():
            return [
                Line("upload", "failed", {"row": fate.number, "text": fate.asin,
                     "fault": fate.detail}, fate.codes[0] if fate.codes else None, fate.asin)
                for fate in fact.fates
                if fate.fate == "refused"
            ]  # fmt: skip
        case submission.CheckPostponed():
            tried = {
                "rows": len(fact.numbers), "upstream": fact.detail,
                "retry_at": fact.retry_at.isoformat(),
            }  # fmt: skip
            return [Line("check", "retrying", tried, fact.code)]
        case submission.Finished():
            return [Line("upload", "ok", {"counts": dict(fact.counts)})]
        case _:
            return []


def because(reasons: Iterable[PriceReason]) -> dict[str, Any]:
    """What the seller's rules did to the price; nothing where they did nothing."""
    told = [each.model_dump() for each in reasons]
    return {"reasons": told} if told else {}


def binding_lines(fact: Fact) -> list[Line]:
    match fact:
        case binding.Rejected():
            return [Line("check", "failed", each.model_dump(), each.code) for each in fact.findings]
        case binding.ReviewRequested():
            return [
                Line("review", "retrying", each.model_dump(), each.code) for each in fact.findings
            ]
        case binding.ImageReviewed():
            return [Line("reviewed", "ok", fact.review.model_dump())]
        case binding.ProofAdded():
            return [Line("proof", "ok", fact.proof.model_dump(mode="json"))]
        case binding.ImageJudged():
            outcome = "ok" if fact.verdict == "pass" else "failed"
            found = fact.findings[0].model_dump() if fact.findings else {}
            code = fact.findings[0].code if fact.findings else None
            return [Line("image", outcome, {"verdict": fact.verdict, **found}, code)]
        case binding.Listed():
            shown = fact.listing
            return [Line("list", "ok", {"price_jpy": shown.price_jpy, "stock": shown.stock})]
        case binding.PriceAdjusted():
            if fact.from_price_jpy == fact.to_price_jpy and not fact.reasons:
                return []
            moved_price = {"from": fact.from_price_jpy, "to": fact.to_price_jpy}
            return [Line("price", "ok", moved_price | because(fact.reasons))]
        case binding.StockAdjusted():
            code = fact.warning.code if fact.warning else None
            return [Line("stock", "ok", {"from": fact.from_stock, "to": fact.to_stock}, code)]
        case binding.DriftFound():
            return [Line("drift", "ok", each.model_dump(), "W-106") for each in fact.differences]
        case binding.ContentRefreshed():
            return [Line("content", "ok", {"title": fact.title})]
        case binding.TermsChanged():
            amounts = {"price_jpy": fact.price_jpy, "stock": fact.stock}
            return [Line("terms", "ok", amounts | because(fact.reasons))]
        case binding.ListingConfirmed():
            shown = fact.listing
            seen = {"price_jpy": shown.price_jpy, "stock": shown.stock, "on_sale": shown.is_on_sale}
            return [Line(fact.effect, "ok", seen)]
        case binding.MappingBroken():
            moved = {
                "from": " > ".join(fact.from_browse_path),
                "to": " > ".join(fact.to_browse_path),
            }
            return [Line("category", "failed", moved, fact.finding.code)]
        case binding.Suspended():
            why: dict[str, Any] = {"status": fact.amazon_status, "reason": fact.reason}
            return [Line("suspend", "ok", why, fact.code)]
        case binding.Reinstated():
            return [Line("reinstate", "ok", {"reason": fact.reason})]
        case binding.Blocked():
            return [Line("block", "failed", fact.finding.model_dump(), fact.code)]
        case binding.Withdrawn():
            return [Line("withdraw", "ok", {"reason": fact.reason})]
        case binding.CheckPostponed():
            retry_at = fact.retry_at.isoformat() if fact.retry_at else None
            asked = {"upstream": fact.detail, "attempt": fact.attempt, "retry_at": retry_at}
            return [Line("check", "retrying" if fact.retry_at else "failed", asked, fact.code)]
        case binding.AttemptFailed():
            outcome = "failed" if fact.code == REFUSED else "retrying"
            tried: dict[str, Any] = {
                "upstream": fact.detail,
                "attempt": fact.attempt,
                "retry_at": fact.retry_at.isoformat(),
            }
            return [Line(fact.operation, outcome, tried, fact.code)]
        case _:
            return []


# --- queries ------------------------------------------------------------------------------------

# Lines by filters, of which those that are null are not applied. A binding's lines are found by its
# ASIN, for which there is an index.
FILTERED = """
    SELECT * FROM live_sync_log
    WHERE (%(asin)s::text IS NULL OR asin = %(asin)s)
      AND (%(code)s::text IS NULL OR error_code = %(code)s)
      AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
      AND (%(binding_id)s::uuid IS NULL OR (binding_id = %(binding_id)s AND asin = (
          SELECT asin FROM live_sync_log_asins WHERE binding_id = %(binding_id)s)))
"""

# A page of the log, newest first.
PAGE = f"""{FILTERED}
      AND (%(before)s::bigint IS NULL OR (position, number) < (%(before)s, %(before_number)s))
    ORDER BY position DESC, number DESC LIMIT %(limit)s
"""

# The same of a time, in the order of time: an index leads to where it ends. The page before ended
# at a position, whose time is looked up.
PAGE_IN_TIME = f"""{FILTERED}
      AND (%(since)s::timestamptz IS NULL OR time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR time < %(until)s)
      AND (%(before)s::bigint IS NULL OR (time, position, number) < (
          (SELECT time FROM live_sync_log WHERE position <= %(before)s
           ORDER BY position DESC LIMIT 1), %(before)s, %(before_number)s))
    ORDER BY time DESC, position DESC, number DESC LIMIT %(limit)s
"""  # noqa: S608

# The lines of one fact.
AT = "SELECT * FROM live_sync_log WHERE position = %s ORDER BY number LIMIT %s"

# The lines of several facts.
AT_POSITIONS = "SELECT * FROM live_sync_log WHERE position = ANY(%s) ORDER BY position, number"

# What came after a place in the log, oldest first: the live tail.
AFTER = """
    SELECT * FROM live_sync_log WHERE (position, number) > (%(position)s, %(number)s)
    ORDER BY position, number LIMIT %(limit)s
"""


# What failed or is retried in a time, newest first.
FAILURES = """
    SELECT * FROM live_sync_log
    WHERE outcome IN ('failed', 'retrying')
      AND (%(since)s::timestamptz IS NULL OR time >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR time < %(until)s)
    ORDER BY position DESC, number DESC LIMIT %(limit)s
"""
FAILURE_COUNTS = f"SELECT error_code, count(*) FROM ({FAILURES}) AS failures GROUP BY 1"  # noqa: S608


@dataclass(frozen=True)
class Filter:
    """What to show of the log; None is no filter. Times are UTC."""

    asin: str | None = None
    code: str | None = None
    outcome: str | None = None
    binding_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    connection: Connection[Any],
    wanted: Filter,
    *,
    before: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[LogRow]:
    """Newest first; `before` is (position, number) of the last line of the page before."""
    position, number = before or (None, None)
    parameters = {
        "asin": wanted.asin, "code": wanted.code, "outcome": wanted.outcome,
        "binding_id": wanted.binding_id, "since": wanted.since, "until": wanted.until,
        "before": position, "before_number": number, "limit": limit,
    }  # fmt: skip
    query = PAGE if wanted.since is None and wanted.until is None else PAGE_IN_TIME
    return connection.cursor(row_factory=class_row(LogRow)).execute(query, parameters).fetchall()


def failures(
    connection: Connection[Any], since: datetime | None, until: datetime | None, limit: int
) -> list[LogRow]:
    """What failed or is retried from `since` on and before `until`, newest first."""
    wanted = {"since": since, "until": until, "limit": limit}
    return connection.cursor(row_factory=class_row(LogRow)).execute(FAILURES, wanted).fetchall()


def failure_counts(
    connection: Connection[Any], since: datetime | None, until: datetime | None, limit: int
) -> dict[str | None, int]:
    """How many of the newest of them have each code."""
    wanted = {"since": since, "until": until, "limit": limit}
    return dict(connection.execute(FAILURE_COUNTS, wanted).fetchall())


def after(
    connection: Connection[Any], position: int, number: int, limit: int = 500
) -> list[LogRow]:
    """Oldest first, for followers of the live log."""
    place = {"position": position, "number": number, "limit": limit}
    return connection.cursor(row_factory=class_row(LogRow)).execute(AFTER, place).fetchall()


def at(connection: Connection[Any], position: int, limit: int = 1_000) -> list[LogRow]:
    """The lines of the fact at this position, in order; none where it is another seller's."""
    return (
        connection.cursor(row_factory=class_row(LogRow)).execute(AT, (position, limit)).fetchall()
    )


def at_positions(connection: Connection[Any], positions: list[int]) -> list[LogRow]:
    """The lines of the facts at these positions, oldest first."""
    cursor = connection.cursor(row_factory=class_row(LogRow))
    return cursor.execute(AT_POSITIONS, (positions,)).fetchall()
