"""A sandbox with one seller, and our real adapters pointed at it, every exchange checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.amazon.login import AmazonAccess
from infra.amazon.sp_api import AmazonSpApi
from infra.http_client import HttpSettings
from infra.http_deadline import open_client
from infra.mercari.calls import MercariAccess
from infra.mercari.shops import MercariShops
from tests.contracts.validators import CheckingTransport
from tests.sandbox_server import SandboxServer


class BriskClock:
    """Ten seconds pass whenever somebody looks, so no budget of the sandbox is ever short."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=10)
        return self.now


class FreeLimiter:
    """Lets everything through, and remembers it."""

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.rates: dict[str, float | None] = {}
        self.resets: dict[str, float | None] = {}
        self.pauses: list[tuple[str, float | None]] = []

    def wait(self, operation: str) -> None:
        self.waits.append(operation)

    def observe(
        self, operation: str, rate_per_second: float | None, reset_seconds: float | None
    ) -> None:
        self.rates[operation] = rate_per_second
        self.resets[operation] = reset_seconds

    def pause(self, operation: str, seconds: float | None) -> None:
        self.pauses.append((operation, seconds))


@dataclass(frozen=True)
class SandboxMarket:
    sandbox: SandboxServer
    seller: dict[str, Any]
    clock: BriskClock
    limiter: FreeLimiter
    transport: CheckingTransport
    amazon: AmazonSpApi
    mercari: MercariShops
    calls: list[str]


@contextmanager
def sandbox_market(folder: Path, *, is_checked: bool = True) -> Iterator[SandboxMarket]:
    """Unchecked, for outages: a spoilt answer keeps to no contract."""
    clock, limiter, calls = BriskClock(), FreeLimiter(), list[str]()
    with SandboxServer(folder, clock=clock) as sandbox, open_client() as client:
        transport = CheckingTransport(client._transport)
        if is_checked:
            client._transport = transport
        seller = sandbox.control("sellers", name="contract", product_count=500)
        access = AmazonAccess(
            client_id="client",
            client_secret="secret",
            refresh_token=seller["refresh_token"],
            amazon_seller_id=seller["amazon_seller_id"],
            api_url=sandbox.url,
            login_url=f"{sandbox.url}/auth/o2/token",
        )
        shop = MercariAccess(
            access_token=seller["mercari_token"],
            client_name="asin-sync",
            url=f"{sandbox.url}/v1/graphql",
        )
        settings = HttpSettings(timeout_seconds=5.0)
        yield SandboxMarket(
            sandbox=sandbox,
            seller=seller,
            clock=clock,
            limiter=limiter,
            transport=transport,
            amazon=AmazonSpApi(client, access, limiter, clock, settings, on_call=calls.append),
            mercari=MercariShops(client, shop, limiter, clock, settings, on_call=calls.append),
            calls=calls,
        )
