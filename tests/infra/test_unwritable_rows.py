"""An event whose rows Postgres does not take stops the views that hold them, and no other."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import psycopg
import pytest

from domain import seller
from domain.application import acting_for
from domain.errors import TextRefused
from domain.sellers import change_seller
from domain.stamps import Work
from infra.event_codec import encode
from infra.installation import Installation
from infra.projection_commands import status
from infra.projection_engine import ProjectionEngine
from tests.sandbox_server import SandboxServer
from tests.sellers import linked_seller

# As an event of before such texts were refused: the log itself holds any bytes.
APPEND = """
    INSERT INTO cell_1.asin_sync_events (originator_id, originator_version, topic, state, seller_id)
    VALUES (%(id)s, 1, 'seller.registered', %(state)s, %(id)s) RETURNING notification_id
"""


@pytest.mark.parametrize("later", [0, 3])
def test_the_event_is_named_and_the_other_views_go_on(
    installation: Installation, sandbox: SandboxServer, work: Work, later: int
) -> None:
    known = linked_seller(installation, sandbox, work)
    named = "evil?name"
    fact = seller.Registered(stamp=work.stamp(), amazon_seller_id="A1EVIL", shop_name=named)
    state = encode(fact).replace(b"evil?name", rb"evil\u0000name")
    with psycopg.connect(installation.settings.database_url, autocommit=True) as admin:
        row = admin.execute(APPEND, {"id": uuid4(), "state": state}).fetchone()
    assert row is not None
    for units in range(later):
        change = seller.ChangeSettings(stamp=work.stamp(), last_units=units + 1)
        change_seller(
            installation.app, known.seller_id, partial(seller.change_settings, command=change)
        )
    engine = ProjectionEngine(installation.database)
    assert engine.lead()
    while engine.run_once():
        continue
    stopped = {each["name"]: each["stopped_at_position"] for each in status(installation.database)}
    assert stopped.pop("sellers") == row[0]
    assert not {name for name, position in stopped.items() if position is not None}
    engine.close()


def test_nothing_of_the_kind_gets_into_the_log_any_more(
    installation: Installation, sandbox: SandboxServer, work: Work
) -> None:
    known = linked_seller(installation, sandbox, work)
    with acting_for(known.seller_id):
        before = installation.app.facts_of(known.seller_id)
    command = seller.LinkMercari(stamp=work.stamp(), shop_id="shop\x00")
    with pytest.raises(TextRefused):
        change_seller(
            installation.app, known.seller_id, lambda it: seller.link_mercari(it, command)
        )
    with acting_for(known.seller_id):
        assert installation.app.facts_of(known.seller_id) == before
