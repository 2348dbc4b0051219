"""A shop of 100,000 bindings with 1,000,000 lines in its log, and smaller ones beside it.

The facts of 500 bindings go through the application and the projection engine; what becomes of
them, events and rows of the views alike, is then multiplied in SQL, each copy four hours later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from domain import submission
from domain.admissions import apply_as_seller
from domain.application import AsinSync, Change, acting_for
from domain.asin_binding import facts
from domain.facts import Cause, Fact, Stamp
from domain.policy import CURRENT_VERSION
from domain.rules.findings import Finding
from domain.stamps import Work
from domain.ticket import facts as ticket
from domain.ticket.state import ticket_id_of
from domain.values import binding_id_of, seller_id_of, submission_id_of
from infra.demo import admit, sample_application
from infra.installation import Installation
from infra.migrate import FIRST_CELL
from infra.projection_engine import ProjectionEngine
from projections import ALL
from tests.bench.ground import adjusted, history

TEMPLATES = 500
COPIES = 200
STEP_HOURS = 4
NEIGHBOURS = 5
NEIGHBOUR_BINDINGS = 60
UPLOADS = 12
UPLOAD_ROWS = 500
TICKETS = 400
LONG_HISTORY = 1_500
"""Facts of the binding that has lived longest: four prices a day for a year."""
ACCOUNT = {"refresh_token": "r", "mercari_token": "m", "shop_id": "shop"}


class Shop(NamedTuple):
    """The large seller, its keys and ids that pages are asked for."""

    seller_id: UUID
    key: str
    staff_key: str
    binding_id: UUID
    long_binding_id: UUID
    upload_id: UUID
    ticket_id: UUID


# --- facts --------------------------------------------------------------------------------------


def stamp(number: int, actor: str = "worker") -> Stamp:
    """Within the last hours; each piece of work has a few events."""
    return Stamp(
        decided_at=datetime.now(UTC) - timedelta(hours=number % STEP_HOURS), actor=actor,
        policy=CURRENT_VERSION, cause=Cause(correlation_id=UUID(int=number + 1)),
    )  # fmt: skip


def life(binding_id: UUID, asin: str, number: int) -> list[Fact]:
    """Ten or eleven lines of the log: seven of ten go well, the others fail in different ways."""
    begun = [
        each.model_copy(update={"stamp": stamp(number + at, actor)})
        for at, (each, actor) in enumerate(zip(history(binding_id, asin, 4), ACTORS, strict=True))
    ]
    match number % 10:
        case 7:
            return [*begun[:1], rejected(begun, number), *begun[:1], rejected(begun, number)] * 2
        case 8:
            failed = [attempt_failed(number + at) for at in range(8)]
            return [*begun, *failed, suspended(number)]
        case 9:
            return [*begun, *([drifted(begun, number), attempt_failed(number)] * 4), price(number)]
        case _:
            confirmed = facts.ListingConfirmed(
                stamp=stamp(number), effect="update", listing=listing_in(begun)
            )
            prices = [price(number + at) for at in range(7)]
            return [*begun, *prices, confirmed, stock(number, 3), stock(number, number % 10)]


ACTORS = ("key:0123456789ab", "worker", "worker", "worker")


def listing_in(begun: Sequence[Fact]) -> Any:
    return next(each.listing for each in begun if isinstance(each, facts.Listed))


def price(number: int) -> Fact:
    moved = adjusted(9_480 + number % 7, 9_481 + number % 9)
    return moved.model_copy(update={"stamp": stamp(number)})


def stock(number: int, quantity: int) -> Fact:
    seen = Finding(code="W-103", field="quantity", seen=str(quantity), rule="≥ 1", source="SPEC")
    return facts.StockAdjusted(
        stamp=stamp(number), from_stock=4, to_stock=quantity, amazon_quantity=quantity,
        stock_threshold=1, warning=seen if quantity <= 1 else None,
    )  # fmt: skip


def rejected(begun: Sequence[Fact], number: int) -> Fact:
    product = next(each.product for each in begun if isinstance(each, facts.Validated))
    found = [
        Finding(code=code, field="title", seen="マグカップ", rule="≥ 92 %", source="v2.1")
        for code in ("E-403", "E-410", ("E-406", "E-504")[number // 10 % 2])
    ]
    return facts.Rejected(stamp=stamp(number), product=product, findings=tuple(found))


def attempt_failed(number: int) -> Fact:
    return facts.AttemptFailed(
        stamp=stamp(number), operation="update", code=("E-901", "E-902", "E-903")[number % 3],
        detail="timed out", attempt=1, retry_at=datetime.now(UTC),
    )  # fmt: skip


def suspended(number: int) -> Fact:
    return facts.Suspended(
        stamp=stamp(number), code="E-404", amazon_status="inactive", reason="blocked"
    )


def drifted(begun: Sequence[Fact], number: int) -> Fact:
    seen = listing_in(begun).model_copy(update={"price_jpy": 9_000 + 40 * (number // 10)})
    found = facts.Difference(field="price_jpy", expected="9480", seen="9000", outcome="put_back")
    return facts.DriftFound(
        stamp=stamp(number), listing=seen, differences=(found,), price_jpy=9_480,
        float_rate=Decimal("0.05"), is_closed_by_hand=False,
    )  # fmt: skip


def asin_at(number: int) -> str:
    return f"B0{number:08d}"


def lives(seller_id: UUID, numbers: Sequence[int]) -> list[Change]:
    found = []
    for number in numbers:
        asin = asin_at(number)
        binding_id = binding_id_of(seller_id, asin)
        found.append(Change(binding_id, 0, life(binding_id, asin, number)))
    return found


def upload(seller_id: UUID, number: int) -> Change:
    """A file of 500 rows; of the first one half are settled, of the others all."""
    rows = tuple(
        submission.Row(number=at + 1, asin=asin_at(at), terms=TERMS) for at in range(UPLOAD_ROWS)
    )
    received = submission.Received(
        stamp=stamp(number), filename=f"{number}.csv", content_sha256=uuid4().hex, rows=rows
    )
    settled = rows[: UPLOAD_ROWS // 2] if number == 0 else rows
    fates = tuple(fate_of(seller_id, row) for row in settled)
    done = submission.RowsSettled(stamp=stamp(number), fates=fates)
    counts = {"listed": UPLOAD_ROWS - UPLOAD_ROWS // 5, "rejected": UPLOAD_ROWS // 5}
    finished = [submission.Finished(stamp=stamp(number), counts=counts)] if number else []
    upload_id = submission_id_of(seller_id, f"bench-{number}")
    return Change(upload_id, 0, [received, done, *finished])


def fate_of(seller_id: UUID, row: submission.Row) -> submission.RowFate:
    binding_id = binding_id_of(seller_id, row.asin)
    if row.number % 5:
        return submission.RowFate(
            number=row.number, asin=row.asin, fate="listed", binding_id=binding_id
        )
    return submission.RowFate(
        number=row.number, asin=row.asin, fate="rejected", codes=("E-403",), binding_id=binding_id,
        findings=(Finding(code="E-403", field="title", seen="x", rule="≥ 92 %", source="v2.1"),),
    )  # fmt: skip


TERMS = history(UUID(int=1), asin_at(1), 1)[0].terms  # type: ignore[attr-defined]


def asked_for_help(seller_id: UUID, number: int) -> Change:
    """Of three tickets one waits, one is answered, one is resolved."""
    due_at = datetime.now(UTC) + timedelta(hours=number - TICKETS // 2)
    opened = ticket.Opened(
        stamp=stamp(number), subject="Timed out", text="It failed again.", log_line=None,
        asin=asin_at(number), binding_id=None, answer_due_at=due_at,
    )  # fmt: skip
    replied = ticket.Replied(
        stamp=stamp(number), text="We look.", is_from_staff=True, is_first_answer=True
    )
    resolved = ticket.Resolved(stamp=stamp(number), cause="amazon", text="It answers again.")
    told = [opened, replied, resolved][: 1 + number % 3]
    return Change(ticket_id_of(seller_id, f"bench-{number}"), 0, list[Fact](told))


# --- the shop -----------------------------------------------------------------------------------


def filled(installation: Installation, admin_url: str) -> Shop:
    """Everything recorded, folded and multiplied; who may ask for it."""
    app = installation.app
    seller_id = admitted(installation, "A1BENCHMILLION")
    record(app, seller_id, lives(seller_id, range(TEMPLATES)))
    fold(installation)
    multiply(admin_url, seller_id)
    for number in range(NEIGHBOURS):
        other = admitted(installation, f"A1BENCHOTHER{number}")
        record(app, other, lives(other, range(NEIGHBOUR_BINDINGS)))
    record(app, seller_id, [upload(seller_id, each) for each in range(UPLOADS)])
    record(app, seller_id, [asked_for_help(seller_id, each) for each in range(TICKETS)])
    long_lived = binding_id_of(seller_id, "B0LONGLIFE")
    moved = [price(number) for number in range(LONG_HISTORY - 4)]
    record(app, seller_id, [
        Change(long_lived, 0, [*history(long_lived, "B0LONGLIFE", 4), *moved])
    ])  # fmt: skip
    fold(installation)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE")
    keys = installation.api_keys
    return Shop(
        seller_id, keys.create("seller", seller_id, "bench")[1],
        keys.create("admin", None, "bench")[1],
        binding_id_of(seller_id, asin_at(TEMPLATES * COPIES // 2)), long_lived,
        submission_id_of(seller_id, "bench-0"), ticket_id_of(seller_id, "bench-1"),
    )  # fmt: skip


def admitted(installation: Installation, name: str) -> UUID:
    """A seller that was approved and linked, to accounts that are never asked."""
    work = Work(lambda: datetime.now(UTC), "bench", uuid4())
    seller_id = apply_as_seller(installation.app, name, name, sample_application(name, work), work)
    assert seller_id == seller_id_of(name)
    admit(installation, seller_id, ACCOUNT, work)
    return seller_id


def record(app: AsinSync, seller_id: UUID, changes: Sequence[Change]) -> None:
    with acting_for(seller_id):
        for at in range(0, len(changes), 100):
            app.record(*changes[at : at + 100])


def fold(installation: Installation) -> None:
    """Every view up to the end of the log."""
    engine = ProjectionEngine(installation.database)
    assert engine.lead()
    while engine.run_once():
        continue
    engine.close()


# --- many of it ---------------------------------------------------------------------------------

STREAM_COLUMNS = {"asin_sync_events": "originator_id", "audit_trail": "subject"}
KEPT = ("submission_rows", "tickets")
"""These name a binding and belong to another stream."""

TOTALS = {"binding_counts": "by_status", "health_totals": "figures"}
"""The tables whose rows are sums over a seller's bindings."""

MADE_POSITIONS = SQL("""
    UPDATE projection_positions SET position = (SELECT max(notification_id) FROM asin_sync_events)
""")


def multiply(admin_url: str, seller_id: UUID) -> None:
    """Copies of the bindings, of their events and of their rows in every view."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(SQL("SET search_path = {}").format(Identifier(FIRST_CELL)))
        admin.execute("SET synchronous_commit = off")
        admin.execute("SET maintenance_work_mem = '256MB'")
        write_copies(admin, seller_id)
        span = admin.execute(
            "SELECT max(notification_id) - min(notification_id) + 1 FROM asin_sync_events"
            " JOIN copies ON old = originator_id AND copy = 0"
        ).fetchone()
        assert span
        for table, stream in tables_of_bindings().items():
            multiply_table(admin, table, stream, int(span[0]))
        multiply_hours(admin, seller_id)
        for table, column in TOTALS.items():
            multiply_totals(admin, table, column, seller_id)
        admin.execute(
            "SELECT setval(pg_get_serial_sequence('asin_sync_events', 'notification_id'),"
            " (SELECT max(notification_id) FROM asin_sync_events))"
        )
        admin.execute(MADE_POSITIONS)


def write_copies(admin: psycopg.Connection[Any], seller_id: UUID) -> None:
    """Which binding becomes which: an id follows from seller and ASIN, which SQL can't compute."""
    admin.execute(
        "CREATE TEMP TABLE copies"
        " (copy int, old uuid, new uuid, old_asin text, new_asin text, PRIMARY KEY (old, copy))"
    )
    with admin.cursor().copy("COPY copies FROM STDIN (FORMAT BINARY)") as sink:
        sink.set_types(["int4", "uuid", "uuid", "text", "text"])
        for copy in range(COPIES):
            for number in range(TEMPLATES):
                asins = asin_at(number), asin_at(copy * TEMPLATES + number)
                sink.write_row((copy, *(binding_id_of(seller_id, each) for each in asins), *asins))
    admin.execute("ANALYZE copies")


def tables_of_bindings() -> dict[str, str]:
    """The tables with rows of a binding, each with the column that names it."""
    views = {
        table.name: "binding_id"
        for projection in ALL
        for table in projection.tables
        if "binding_id" in table.columns and table.name not in KEPT
    }
    return views | STREAM_COLUMNS


def multiply_table(admin: psycopg.Connection[Any], table: str, stream: str, span: int) -> None:
    """Insert the copies without the indexes, make these again, and move the first back in time."""
    columns = dict(admin.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        (FIRST_CELL, table),
    ).fetchall())  # fmt: skip
    indexes = admin.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = %s AND tablename = %s AND indexname NOT LIKE '%%_pkey'",
        (FIRST_CELL, table),
    ).fetchall()
    for name, _ in indexes:
        admin.execute(SQL("DROP INDEX {}").format(Identifier(name)))
    told = [copied(name, kind, stream, span) for name, kind in columns.items()]
    admin.execute(
        SQL(
            "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {told} FROM {table} t"
            " JOIN copies ON old = t.{stream} AND copy > 0 ORDER BY copy, {order}"
        ).format(
            table=Identifier(table), columns=SQL(", ").join(map(Identifier, columns)),
            told=SQL(", ").join(told), stream=Identifier(stream), order=order_of(columns),
        )
    )  # fmt: skip
    moved = [
        SQL("{name} = {name} - {back}").format(name=Identifier(name), back=shift(SQL("0")))
        for name, kind in columns.items() if kind.startswith("timestamp")
    ]  # fmt: skip
    if moved:
        admin.execute(
            SQL("UPDATE {} SET {} FROM copies WHERE old = {} AND copy = 0 AND new = old").format(
                Identifier(table), SQL(", ").join(moved), Identifier(stream)
            )
        )
    for _, definition in indexes:
        admin.execute(definition)


def shift(copy: Composed | SQL) -> Composed:
    """By how much a copy's times lie after or before the template's."""
    return SQL("make_interval(hours => {step} * ({copy}))").format(
        step=Literal(STEP_HOURS), copy=SQL("{} - {}").format(Literal(COPIES), copy)
    )


def copied(name: str, kind: str, stream: str, span: int) -> Composed:
    """What a copy has in this column."""
    column = SQL("t.{}").format(Identifier(name))
    if name == stream:
        return SQL("{}").format(Identifier("new"))
    if name == "asin":
        return SQL("{}").format(Identifier("new_asin"))
    if name == "state":
        return SQL(
            "convert_to(replace(convert_from({}, 'UTF8'), old_asin, new_asin), 'UTF8')"
        ).format(column)
    if name in ("position", "notification_id") or name.endswith("_position"):
        return SQL("{} + copy * {}").format(column, Literal(span))
    if kind.startswith("timestamp"):
        return SQL("{} - {}").format(column, shift(SQL("copy")))
    return SQL("{}").format(column)


def order_of(columns: dict[str, str]) -> Composed:
    """As the log would have brought them."""
    places = [name for name in ("notification_id", "position") if name in columns]
    return SQL(", ").join(map(Identifier, places or [next(iter(columns))]))


def multiply_hours(admin: psycopg.Connection[Any], seller_id: UUID) -> None:
    """The hours of the health score are the seller's, not a binding's."""
    admin.execute(
        SQL(
            "INSERT INTO health_hours SELECT generation, seller_id, hour - {later}, attempts,"
            " failed, codes FROM health_hours, generate_series(1, {last}) copy"
            " WHERE seller_id = {seller}"
        ).format(
            later=shift(SQL("copy")), last=Literal(COPIES - 1), seller=Literal(seller_id)
        )
    )  # fmt: skip


def multiply_totals(
    admin: psycopg.Connection[Any], table: str, column: str, seller_id: UUID
) -> None:
    """The sums over so many copies."""
    admin.execute(
        SQL(
            "UPDATE {table} SET {column} = (SELECT jsonb_object_agg(key, value::bigint * {copies})"
            " FROM jsonb_each_text({column})) WHERE seller_id = {seller}"
        ).format(
            table=Identifier(table), column=Identifier(column), copies=Literal(COPIES),
            seller=Literal(seller_id),
        )
    )  # fmt: skip
