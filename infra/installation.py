"""One installation: its database, keys and stores, brought up from the settings.

`prepare` starts the embedded Postgres where there is no other, makes roles and migrates; `connect`
finds what is running already.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from domain.application import AsinSync
from domain.people import CALLBACK_PATH, Provider
from domain.ports import Clock
from domain.rules.repricing import OwnPrice
from infra.amazon.consent import AmazonConsents, ConsentAccess
from infra.api_keys import ApiKeys
from infra.budgets import Budgets
from infra.contacts import Contacts
from infra.database import Database
from infra.embedded_postgres import EmbeddedPostgres, running_url
from infra.erasure import Erasure
from infra.event_store import EventStoreFactory
from infra.evidence_store import EvidenceStore
from infra.http_deadline import open_client
from infra.images.inspector import MainImageInspector
from infra.keys import InstallationKeys, load_keys
from infra.messages import Mailing
from infra.migrate import FIRST_CELL, migrate
from infra.oidc import OidcAccess, OidcProvider
from infra.people import Holders, People
from infra.personal_data import PersonalData
from infra.roles import LOGINS, ensure_roles, read_passwords, role_urls
from infra.sandbox.identity import ISSUER_PATH
from infra.seller_secrets import SellerSecrets
from infra.settings import (
    AMAZON_CONSENT_URL,
    AMAZON_LWA_URL,
    AMAZON_SPAPI_URL,
    MERCARI_GRAPHQL_URL,
    Settings,
)
from infra.shops import LinkedShops, UpstreamUrls
from infra.sign_ins import SignIns
from infra.transparency.log_keys import LogKeys, load_log_keys
from infra.transparency.seen_checkpoints import SeenCheckpoints
from infra.webhooks.courier import Tell, WebhookCourier
from infra.webhooks.sender import WebhookSender
from projections import channel_prices

EMBEDDED_DATABASE = "asin_sync"
SANDBOX_APPLICATION = "amzn1.sp.solution.sandbox"
SANDBOX_CLIENT = "asin-sync"
JOB_PATIENCE_SECONDS = 60.0
WEB_PATIENCE_SECONDS = 5.0


class NotRunning(Exception):
    """There is no service to work with; the message says how to start one."""


@dataclass(frozen=True)
class Installation:
    """What web, worker and operators share; each process has its own."""

    settings: Settings
    database: Database
    keys: InstallationKeys
    app: AsinSync
    secrets: SellerSecrets
    api_keys: ApiKeys
    evidence: EvidenceStore
    budgets: Budgets
    contacts: Contacts
    personal_data: PersonalData
    log_keys: LogKeys

    def mailing(self) -> Mailing:
        """What sends mails, by the server that is set; none where there is none."""
        return Mailing(self.database, self.settings.mail_server, self.settings.base_url)

    def shops(self, clock: Clock, stop: Event, patience_seconds: float) -> LinkedShops:
        """The sellers' marketplaces: the sandbox's, or the real ones."""
        return LinkedShops(
            upstream_urls(self.settings), self.secrets, self.budgets, self.app, clock,
            self.images(), patience_seconds=patience_seconds, stop=stop,
        )  # fmt: skip

    def consents(self, clock: Clock) -> AmazonConsents:
        """What asks sellers for their permission at Amazon; whoever takes it closes it."""
        return AmazonConsents(
            consent_access(self.settings), self.database, self.secrets,
            Holders(self.api_keys, self.people(clock)), self.app, clock,
        )  # fmt: skip

    def people(self, clock: Clock) -> People:
        """Who may sign in, at the provider that is set now."""
        access = oidc_access(self.settings)
        return People(self.database, self.app, access.issuer if access else None, clock)

    def sign_ins(self, people: People, clock: Clock) -> SignIns:
        """What lets people in; whoever takes it closes it."""
        access = oidc_access(self.settings)
        return SignIns(
            self.database, people, OidcProvider(access, clock) if access else None,
            provider_of(self.settings), access, self.keys.session, clock,
        )  # fmt: skip

    def images(self) -> MainImageInspector:
        """A new inspector of main images; whoever takes it closes it."""
        return MainImageInspector(
            open_client(), image_origins(self.settings), self.database,
            is_wanted=self.settings.images != "no",
        )  # fmt: skip

    def sender(self) -> WebhookSender:
        """A new client for sellers' receivers; whoever takes it closes it."""
        return WebhookSender(may_be_loopback=self.settings.is_sandbox)

    def courier(self, clock: Clock, tell: Tell, stop: Event) -> WebhookCourier:
        return WebhookCourier(
            self.database, self.app, self.secrets, self.sender(), tell, clock, stop
        )

    def signed_checkpoints(self) -> SeenCheckpoints:
        """The signer's memory; whoever takes it closes it."""
        return SeenCheckpoints(self.settings.keys_folder / "signed.sqlite")

    def erasure(self) -> Erasure:
        return Erasure(self.database, self.app, self.personal_data)

    def close(self) -> None:
        self.app.close()
        self.database.close()


def passwords_file(settings: Settings) -> Path:
    return settings.data_folder / "database-passwords.json"


def sandbox_url_file(settings: Settings) -> Path:
    return settings.data_folder / "sandbox" / "url"


def embedded(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.data_folder / "postgres")


def prepare(settings: Settings) -> Installation:
    """Start what is missing, migrate, connect. Raises PostgresUnavailable, KeysMissing."""
    admin_url = settings.database_url or own_database(embedded(settings).start())
    passwords = ensure_roles(admin_url, settings.role_prefix, passwords_file(settings))
    migrate(admin_url, settings.role_prefix)
    urls = urls_of(settings, admin_url, passwords)
    return opened(settings, urls)


def connect(settings: Settings) -> Installation:
    """Connect to what `prepare` has brought up in another process. Raises NotRunning."""
    admin_url = settings.database_url
    if not admin_url:
        found = running_url(settings.data_folder / "postgres")
        if found is None:
            raise NotRunning("no server is running here: start one with `make run`")
        admin_url = make_conninfo(found, dbname=EMBEDDED_DATABASE)
    passwords = read_passwords(passwords_file(settings))
    return opened(settings, urls_of(settings, admin_url, passwords))


def own_database(superuser_url: str) -> str:
    """The embedded server's database for us, made at its first start."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (EMBEDDED_DATABASE,)).fetchone() is None:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(EMBEDDED_DATABASE)))
    return make_conninfo(superuser_url, dbname=EMBEDDED_DATABASE)


def urls_of(settings: Settings, admin_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """A connection string for each role; `ASIN_SYNC_<ROLE>_URL` goes before."""
    urls = role_urls(admin_url, settings.role_prefix, passwords)
    given = {role: os.environ.get(f"ASIN_SYNC_{role.upper()}_URL") for role in LOGINS}
    return urls | {role: url for role, url in given.items() if url}


def opened(settings: Settings, urls: Mapping[str, str]) -> Installation:
    """Raises NotRunning without logins, UnsafeRole for one that the service must not use."""
    if "writer" not in urls:
        raise NotRunning("the database roles' passwords are not here: run `asin-sync serve` first")
    database = Database(urls, FIRST_CELL)
    database.ensure_safe()
    keys = load_keys(settings.keys_folder, may_create=not has_keys_in_use(database))
    personal_data = PersonalData(database, keys.vault)
    app = AsinSync(EventStoreFactory(database.url("writer"), FIRST_CELL, personal_data))
    app.own_prices_of = partial(own_prices_of, database)
    return Installation(
        settings=settings,
        database=database,
        keys=keys,
        app=app,
        secrets=SellerSecrets(database, keys.vault),
        api_keys=ApiKeys(database, keys.pepper),
        evidence=EvidenceStore(database, personal_data, keys.vault),
        budgets=Budgets(database),
        contacts=Contacts(database),
        personal_data=personal_data,
        log_keys=load_log_keys(
            settings.keys_folder, settings.log_name, may_create=not has_checkpoints(database)
        ),
    )


def own_prices_of(database: Database, seller_id: UUID) -> Mapping[str, tuple[OwnPrice, ...]]:
    """The seller's own prices on other channels, from the view."""
    with database.reading_for(seller_id) as connection:
        return channel_prices.known(connection)


def has_keys_in_use(database: Database) -> bool:
    """True once something in the database can be opened only with the keys."""
    with database.pool("keystore").connection() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM asin_sync.api_key)").fetchone()
    return bool(row and row[0])


def has_checkpoints(database: Database) -> bool:
    """True once somebody may hold a checkpoint, to be followed by checkpoints of the same log."""
    with database.pool("signer").connection() as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM tlog_checkpoints)").fetchone()
    return bool(row and row[0])


def upstream_urls(settings: Settings) -> UpstreamUrls:
    """The addresses as set, or the running sandbox's."""
    if settings.is_sandbox:
        file = sandbox_url_file(settings)
        base = file.read_text("utf-8").strip() if file.exists() else ""
        if not base:
            raise NotRunning("the sandbox is not running: start it with `make run`")
        spapi, lwa, graphql = base, f"{base}/auth/o2/token", f"{base}/v1/graphql"
    else:
        spapi = settings.amazon_spapi_url or AMAZON_SPAPI_URL
        lwa = settings.amazon_lwa_url or AMAZON_LWA_URL
        graphql = settings.mercari_graphql_url or MERCARI_GRAPHQL_URL
    return UpstreamUrls(
        amazon_spapi_url=spapi,
        amazon_lwa_url=lwa,
        amazon_lwa_client_id=settings.amazon_lwa_client_id,
        amazon_lwa_client_secret=settings.amazon_lwa_client_secret,
        mercari_graphql_url=graphql,
        mercari_api_client_name=settings.mercari_api_client_name,
    )


def consent_access(settings: Settings) -> ConsentAccess:
    """The page for consents as set, or the running sandbox's; there our application is a draft."""
    urls = upstream_urls(settings)
    page, application = settings.amazon_consent_url, settings.amazon_application_id
    if settings.is_sandbox:
        page = page or f"{urls.amazon_spapi_url}/apps/authorize/consent?version=beta"
        application = application or SANDBOX_APPLICATION
    return ConsentAccess(
        consent_url=page or AMAZON_CONSENT_URL,
        application_id=application,
        client_id=urls.amazon_lwa_client_id,
        client_secret=urls.amazon_lwa_client_secret,
        login_url=urls.amazon_lwa_url,
        base_url=settings.base_url,
    )


def oidc_access(settings: Settings) -> OidcAccess | None:
    """The provider as set, or the running sandbox's; None where people have keys alone."""
    callback_url = f"{settings.base_url}{CALLBACK_PATH}"
    if settings.oidc_issuer:
        return OidcAccess(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret,
            callback_url,
        )  # fmt: skip
    if settings.is_sandbox and sandbox_url_file(settings).exists():
        sandbox = sandbox_url_file(settings).read_text("utf-8").strip()
        issuer = f"{sandbox}{ISSUER_PATH}"
        return OidcAccess(issuer, SANDBOX_CLIENT, SANDBOX_CLIENT, callback_url)
    return None


def provider_of(settings: Settings) -> Provider | None:
    """How the provider is called on the sign-in page."""
    access = oidc_access(settings)
    if access is None:
        return None
    name = urlsplit(access.issuer).hostname or access.issuer
    return Provider(name=name, is_development=not settings.oidc_issuer)


def image_origins(settings: Settings) -> tuple[str, ...]:
    """Where pages may show images from: the allow-list, or the sandbox's exact loopback origin."""
    if settings.is_sandbox and sandbox_url_file(settings).exists():
        return (sandbox_url_file(settings).read_text("utf-8").strip(),)
    hosts = (host.strip() for host in settings.image_hosts.split(","))
    return tuple(f"https://{host}" for host in hosts if host)
