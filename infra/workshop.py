"""What every job works with."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from domain.application import AsinSync
from domain.ports import Clock
from infra.database import Database
from infra.erasure import Erasure
from infra.installation import Installation
from infra.messages import Mailing
from infra.shops import LinkedShops
from infra.webhooks.courier import Tell, WebhookCourier

ACTOR = "asin-sync"


@dataclass(frozen=True)
class Workshop:
    """The database, the histories, the marketplaces, the clock and the messengers of one worker."""

    database: Database
    app: AsinSync
    shops: LinkedShops
    clock: Clock
    stop: Event
    mailing: Mailing
    courier: WebhookCourier
    erasure: Erasure


def workshop_of(
    installation: Installation, shops: LinkedShops, clock: Clock, stop: Event, tell: Tell
) -> Workshop:
    """The workshop of an installation; `tell` writes an event as receivers get it."""
    return Workshop(
        database=installation.database,
        app=installation.app,
        shops=shops,
        clock=clock,
        stop=stop,
        mailing=installation.mailing(),
        courier=installation.courier(clock, tell, stop),
        erasure=installation.erasure(),
    )
