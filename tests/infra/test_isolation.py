"""Row-level security, tried as the very roles that the service logs in with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from domain import seller, uploads
from domain.application import AsinSync, Change, acting_for
from domain.arbitrage import ArbitrageSuspected, Terminated
from domain.asin_binding.facts import Listed, Rejected, Requested, StockAdjusted, Validated
from domain.channel_prices import enter_prices
from domain.contacts import Contact
from domain.facts import Cause, Fact, Stamp
from domain.ports import MercariListing
from domain.product import Product
from domain.rules.precheck import Finding, Terms
from domain.rules.repricing import ChannelPrice
from domain.stamps import Work
from domain.sync_sweep import Finished, Tally
from domain.ticket.decisions import Open
from domain.tickets import start_ticket
from domain.values import binding_id_of, sku_code_of, sweep_id_of
from infra.call_counts import add_calls
from infra.database import Connection, Database
from infra.hint_intake import HintIntake
from infra.installation import Installation, opened
from infra.projection_engine import ProjectionEngine
from infra.roles import UnsafeRole, role_name
from infra.settings import Settings
from infra.sweep_runs import SweepRuns
from infra.webhooks import rows as webhook_rows
from infra.webhooks.sender import Reply
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

# What no role of a tenant may read at all, or holds nothing of a seller.
WITHOUT_SELLERS = {
    "cell", "projections", "projection_positions", "budget", "api_key", "seller_secret", "consent",
    "image_facts", "webhook_follower", "personal_key", "person", "person_session", "sign_in",
    "setup_code", "request_budget",
}  # fmt: skip
EVIDENCE = b"%PDF-1.7 the same file from each seller %%EOF"
TENANT_ROLES = ("reader", "writer")
SEES_EVERY_SELLER = ("projector", "auditor_sql", "integrator")

# Tables and views of the cell and of the control schema, with what guards them.
RELATIONS = """
    SELECT n.nspname, c.relname, c.relkind, c.relrowsecurity AND c.relforcerowsecurity,
           (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid),
           coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('cell_1', 'asin_sync') AND c.relkind IN ('r', 'p', 'v', 'm')
"""


def stamp() -> Stamp:
    return Stamp(
        decided_at=datetime.now(UTC), actor="test", policy="2026-11",
        cause=Cause(correlation_id=uuid4()),
    )  # fmt: skip


def sold(before: int, after: int) -> StockAdjusted:
    """Stock that raises an alert, or ends it."""
    return StockAdjusted(
        stamp=stamp(), from_stock=before, to_stock=after, amazon_quantity=after, stock_threshold=0
    )


def fill_every_view(app: AsinSync, seller_id: UUID, work: Work) -> None:
    """Facts of one seller that give each view table at least one row."""
    asin = "B0TENANT01"
    binding_id = binding_id_of(seller_id, asin)
    moment = datetime.now(UTC)
    product = Product(
        asin=asin, status="active", sku="S", title="皿", price_jpy=1_000, quantity=4,
        browse_path=("食器",), channel="fba", observed_at=moment,
    )  # fmt: skip
    shown = MercariListing(
        listing_id="m1", sku_code=sku_code_of(asin, binding_id), title="皿", price_jpy=1_000,
        stock=4, is_on_sale=True, observed_at=moment,
    )  # fmt: skip
    found = Finding(code="E-403", field="category", seen="x", rule="y", source="z")
    facts: list[Fact] = [
        Requested(stamp=stamp(), asin=asin, sku="S", terms=Terms(mercari_category_id="c")),
        Rejected(stamp=stamp(), product=product, findings=(found,)),
        Requested(stamp=stamp(), asin=asin, sku="S", terms=Terms(mercari_category_id="c")),
        Validated(stamp=stamp(), product=product, warnings=(), float_rate="0", price_jpy=1_000,
                  stock=4),
        Listed(stamp=stamp(), listing=shown),
        sold(4, 0),
        sold(0, 4),
    ]  # fmt: skip
    ended = Finished(
        stamp=stamp(), kind="status", due_at=moment, started_at=moment, tally=Tally(bindings=1)
    )
    with acting_for(seller_id):
        app.record(Change(binding_id, 0, facts))
        app.record(Change(sweep_id_of(seller_id, "status", datetime.now(UTC)), 0, [ended]))
        content = b"asin,mercari_category_id\nB0TENANT02,c\n"
        uploads.receive_file(app, app.seller(seller_id), "a.csv", content, "k", work)
    own = ChannelPrice(asin=asin, channel="rakuten", price_jpy=1_000)
    enter_prices(app, seller_id, (own,), work)
    end_status(app, seller_id)


def end_status(app: AsinSync, seller_id: UUID) -> None:
    """A suspicion, and the seller's termination."""
    suspected = ArbitrageSuspected(
        stamp=stamp(), suspicion_id=uuid4(), rule="no_own_offer", evidence=()
    )
    ended = Terminated(stamp=stamp(), code="E-415", cause="fraud", reason="a reviewer's words")
    with acting_for(seller_id):
        app.record(Change(seller_id, app.seller(seller_id).version, [suspected, ended]))


def fill_tickets(app: AsinSync, seller_id: UUID, work: Work) -> None:
    asked = Open(stamp=work.stamp(), subject="help", text="It fails.")
    start_ticket(app, seller_id, "k", asked)


def fill_contacts(installation: Installation, seller_id: UUID) -> None:
    """A contact that both sellers have, and a mail to it."""
    installation.contacts.replace(seller_id, [Contact(email="both@shop.example")])
    with installation.database.connect("jobs") as connection:
        connection.execute(
            "INSERT INTO asin_sync.mailing (contact_id, seller_id, topic)"
            " SELECT contact_id, seller_id, 'stock' FROM asin_sync.contact WHERE seller_id = %s",
            (seller_id,),
        )


def add_transparency_log(installation: Installation, seller_id: UUID) -> None:
    """A row in each table of the transparency log."""
    rows = {
        "integrator": (
            "INSERT INTO tlog_leaves SELECT %(seller)s, 0, coalesce(max(position), 0) + 1,"
            " sha256('') FROM tlog_leaves",
            "INSERT INTO tlog_subtrees VALUES (%(seller)s, 1, 0, sha256(''))",
        ),
        "signer": (
            "INSERT INTO tlog_checkpoints (seller_id, size, note) VALUES (%(seller)s, 1, '')",
            "INSERT INTO tlog_cosignatures VALUES (%(seller)s, 1, 'witness', '')",
        ),
    }
    for role, statements in rows.items():
        with installation.database.connect(role) as connection:
            for statement in statements:
                connection.execute(statement, {"seller": seller_id})


def add_webhook_rows(installation: Installation, seller_id: UUID) -> None:
    """A row in each table of webhooks."""
    webhook_id = uuid4()
    with installation.database.connect("integrator") as connection:
        connection.execute(
            "INSERT INTO webhook_endpoints VALUES (%s, %s, '{}', true)", (webhook_id, seller_id)
        )
        connection.execute(
            "INSERT INTO webhook_deliveries VALUES (%s, 1, %s, 'seller.registered')",
            (webhook_id, seller_id),
        )
        webhook_rows.add_attempt(
            connection, seller_id, webhook_id, 1, "seller.registered", datetime.now(UTC),
            Reply(204, None, 1), "delivered",
        )  # fmt: skip


@pytest.fixture
def tenants(
    installation: Installation, sandbox: SandboxServer, seller: LinkedSeller, work: Work
) -> tuple[UUID, UUID]:
    """Two sellers, each with rows in every table, all folded into the views."""
    other = linked_seller(installation, sandbox, work)
    for each in (seller.seller_id, other.seller_id):
        fill_every_view(installation.app, each, work)
        with installation.database.connect("jobs") as connection:
            add_calls(connection, {(each, "getListingsItem"): 1}, datetime.now(UTC))
        SweepRuns(installation.database).begin(
            each, "status", datetime.now(UTC), 1, datetime.now(UTC)
        )
        installation.evidence.store(each, EVIDENCE)
        fill_contacts(installation, each)
        fill_tickets(installation.app, each, work)
        add_webhook_rows(installation, each)
        add_transparency_log(installation, each)
    engine = ProjectionEngine(installation.database)
    assert engine.lead()
    while engine.run_once():
        continue
    engine.close()
    intake = HintIntake(installation.database, b"secret", work.clock)
    intake.take_mercari(intake.mercari_token(seller.seller_id), b"{}")
    intake.take_mercari(intake.mercari_token(other.seller_id), b"{}")
    return seller.seller_id, other.seller_id


def relations(database_url: str) -> list[tuple[str, str, str, bool, int, bool]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(RELATIONS).fetchall()


def sellers_seen(connection: Connection, schema: str, name: str) -> set[UUID]:
    chosen = sql.SQL("SELECT DISTINCT seller_id FROM {}").format(sql.Identifier(schema, name))
    return {row[0] for row in connection.execute(chosen)}


def readable(connection: Connection, database_url: str) -> Iterator[tuple[str, str]]:
    """What the role may read and what holds rows of sellers."""
    for schema, name, *_ in relations(database_url):
        allowed = connection.execute(
            "SELECT has_table_privilege(%s, 'SELECT')", (f"{schema}.{name}",)
        ).fetchone()
        if allowed and allowed[0] and name not in WITHOUT_SELLERS:
            yield schema, name


def test_every_table_of_sellers_is_isolated_and_every_view_asks_as_its_reader(
    database_url: str,
) -> None:
    found = relations(database_url)
    open_tables = [
        f"{schema}.{name}"
        for schema, name, kind, is_guarded, policies, _ in found
        if kind in "rp" and name not in WITHOUT_SELLERS and not (is_guarded and policies)
    ]
    open_views = [
        name for _, name, kind, _, _, is_invoker in found if kind in "vm" and not is_invoker
    ]
    assert (open_tables, open_views) == ([], [])
    assert len(found) > 20


def test_a_table_without_a_policy_would_be_noticed(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CREATE TABLE cell_1.forgotten (seller_id uuid)")
    with pytest.raises(AssertionError, match="forgotten"):
        test_every_table_of_sellers_is_isolated_and_every_view_asks_as_its_reader(database_url)


@pytest.mark.parametrize("role", TENANT_ROLES)
def test_a_tenant_role_sees_rows_of_its_seller_only(
    tenants: tuple[UUID, UUID], installation: Installation, database_url: str, role: str
) -> None:
    with installation.database.connect(role) as connection:
        names = list(readable(connection, database_url))
        assert ("cell_1", "asin_sync_events") in names
        for mine in tenants:
            connection.execute("SELECT set_config('app.seller', %s, false)", (str(mine),))
            seen = {name: sellers_seen(connection, *name) for name in names}
            assert seen == {name: {mine} for name in names}


@pytest.mark.parametrize("role", TENANT_ROLES)
def test_a_tenant_role_sees_nothing_before_a_seller_is_named(
    tenants: tuple[UUID, UUID], installation: Installation, database_url: str, role: str
) -> None:
    with installation.database.connect(role) as connection:
        for name in readable(connection, database_url):
            assert sellers_seen(connection, *name) == set(), name


def test_staff_see_their_own_lists_of_every_seller_and_nothing_else(
    tenants: tuple[UUID, UUID], installation: Installation, database_url: str
) -> None:
    open_to_staff = {"applications", "suspicions", "terminations", "tickets"}
    open_to_staff |= {f"live_{name}" for name in open_to_staff}
    with installation.database.reading_for_staff() as connection:
        names = list(readable(connection, database_url))
        seen = {name: sellers_seen(connection, *name) for name in names}
    assert {name for (_, name), sellers in seen.items() if sellers} == open_to_staff
    assert all(sellers == set(tenants) for sellers in seen.values() if sellers)


@pytest.mark.parametrize("role", SEES_EVERY_SELLER)
def test_roles_that_follow_the_log_see_every_seller(
    tenants: tuple[UUID, UUID], installation: Installation, role: str
) -> None:
    with installation.database.connect(role) as connection:
        assert sellers_seen(connection, "cell_1", "asin_sync_events") >= set(tenants)


def test_the_writer_can_neither_write_for_another_seller_nor_change_or_date_a_fact(
    tenants: tuple[UUID, UUID], installation: Installation
) -> None:
    mine, other = tenants
    fields = "(originator_id, originator_version, topic, state"
    forbidden = [
        f"INSERT INTO asin_sync_events {fields}, seller_id) VALUES"
        f" (gen_random_uuid(), 1, 't', '', '{other}')",
        f"INSERT INTO asin_sync_events {fields}, recorded_at) VALUES"
        " (gen_random_uuid(), 1, 't', '', '2020-01-01')",
        "UPDATE asin_sync_events SET topic = 'x'",
        "DELETE FROM asin_sync_events",
        "TRUNCATE asin_sync_events",
        "DELETE FROM bindings",
    ]
    with installation.database.connect("writer") as connection:
        connection.execute("SELECT set_config('app.seller', %s, false)", (str(mine),))
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        assert connection.execute("SELECT count(*) > 0 FROM asin_sync_events").fetchone() == (True,)


def test_one_sellers_history_is_empty_for_another(
    tenants: tuple[UUID, UUID], installation: Installation
) -> None:
    mine, other = tenants
    with acting_for(other):
        assert installation.app.facts_of(binding_id_of(other, "B0TENANT01"))
    with acting_for(mine):
        assert installation.app.facts_of(binding_id_of(other, "B0TENANT01")) == []
        assert installation.app.seller(other) == seller.fold(other, [])


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
@pytest.mark.parametrize("role", ["reader", "writer", "projector", "jobs"])
def test_a_role_that_sees_past_row_level_security_is_refused(
    database: Database, database_url: str, role_prefix: str, power: str, role: str
) -> None:
    name = sql.Identifier(role_name(role_prefix, role))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE {} " + power).format(name))
        try:
            with pytest.raises(UnsafeRole):
                database.connect(role)
        finally:
            admin.execute(sql.SQL("ALTER ROLE {} NO" + power).format(name))
        database.connect(role).close()


@pytest.mark.parametrize("role", ["writer", "reader", "keystore"])
def test_the_service_does_not_start_with_a_superuser_as_one_of_its_roles(
    settings: Settings, role_urls: dict[str, str], role: str
) -> None:
    with pytest.raises(UnsafeRole):
        opened(settings, {**role_urls, role: settings.database_url})
    opened(settings, role_urls).close()
