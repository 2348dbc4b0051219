"""Personal data is sealed under a key of the seller's own, and gone with it."""

from __future__ import annotations

from typing import cast
from uuid import uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from eventsourcing.persistence import StoredEvent

from domain import seller
from domain.admission import Applied
from domain.application import Change, acting_for
from domain.errors import SellerLeft, VersionConflict
from domain.sellers import change_seller
from domain.stamps import Work
from infra.demo import sample_application
from infra.event_codec import FactMapper, decode
from infra.installation import Installation
from infra.key_rotation import rotate
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

CANARY = "示例法人"
"""What the sample application names its legal representative."""


@pytest.fixture
def applicant(installation: Installation, sandbox: SandboxServer, work: Work) -> LinkedSeller:
    return linked_seller(installation, sandbox, work)


def applied_of(installation: Installation, applicant: LinkedSeller) -> Applied:
    with acting_for(applicant.seller_id):
        facts = installation.app.facts_of(applicant.seller_id)
    return next(fact for fact in facts if isinstance(fact, Applied))


def stored_events(installation: Installation, applicant: LinkedSeller) -> list[StoredEvent]:
    with acting_for(applicant.seller_id):
        return list(installation.app.recorder.select_events(applicant.seller_id))


def test_it_is_read_with_the_key_and_nowhere_in_the_log(
    installation: Installation, applicant: LinkedSeller
) -> None:
    assert applied_of(installation, applicant).representative_name == CANARY
    events = stored_events(installation, applicant)
    assert all(CANARY.encode() not in event.state for event in events)
    sealed = next(event for event in events if event.topic == "seller.applied")
    assert cast(Applied, decode(sealed.topic, sealed.state)).representative_name is None


def test_after_an_erasure_it_reads_as_nothing_and_the_history_still_folds(
    installation: Installation, applicant: LinkedSeller
) -> None:
    before = stored_events(installation, applicant)
    installation.personal_data.destroy(applicant.seller_id)
    fact = applied_of(installation, applicant)
    assert (fact.representative_name, fact.contact_name, fact.contact_email) == (None, None, None)
    assert fact.company_name
    assert stored_events(installation, applicant) == before
    with acting_for(applicant.seller_id):
        assert installation.app.seller(applicant.seller_id).is_sync_enabled


def test_no_key_is_ever_made_again_for_who_was_erased(
    installation: Installation, applicant: LinkedSeller
) -> None:
    stranger = uuid4()
    for seller_id in (applicant.seller_id, stranger):
        for _ in range(2):
            installation.personal_data.destroy(seller_id)
        with acting_for(seller_id), pytest.raises(SellerLeft):
            installation.personal_data.seal(b"again", "here")


def test_what_is_sealed_opens_in_no_other_event_and_for_no_other_seller(
    installation: Installation, applicant: LinkedSeller
) -> None:
    mapper = FactMapper(installation.personal_data)
    event = next(
        event for event in stored_events(installation, applicant) if event.topic == "seller.applied"
    )
    moved = StoredEvent(uuid4(), event.originator_version, event.topic, event.state)
    later = StoredEvent(event.originator_id, 99, event.topic, event.state)
    for elsewhere in (moved, later):
        with acting_for(applicant.seller_id), pytest.raises(InvalidTag):
            mapper.to_domain_event(elsewhere)


def test_an_answer_lost_on_its_way_is_known_again_in_spite_of_a_new_nonce(
    installation: Installation, work: Work
) -> None:
    seller_id = uuid4()
    command = sample_application("店", work)
    fact = Applied.model_validate(command.model_dump())
    with acting_for(seller_id):
        change = Change(seller_id, 0, [fact])
        position = installation.app.record(change)
        assert installation.app.record(change) == position
        other = fact.model_copy(update={"contact_name": "别人"})
        with pytest.raises(VersionConflict):
            installation.app.record(Change(seller_id, 0, [other]))


def test_a_rotation_seals_everything_anew_and_destroys_the_old_key(
    installation: Installation, applicant: LinkedSeller
) -> None:
    folder = installation.settings.keys_folder
    old = (folder / "kek").read_bytes()
    file = installation.evidence.store(applicant.seller_id, b"%PDF-1.4 x %%EOF")
    rotated = rotate(installation)
    assert (rotated.epoch, rotated.destroyed) == (2, [1])
    assert (rotated.personal_keys, rotated.secrets) == (1, 2)
    assert not (folder / "kek").exists()
    assert (folder / "kek.2").read_bytes() != old
    installation.personal_data.destroy(uuid4())  # empties what is remembered of opened keys
    assert applied_of(installation, applicant).representative_name == CANARY
    assert installation.secrets.find(applicant.seller_id, "amazon_refresh_token")
    found = installation.evidence.find(applicant.seller_id, file.sha256)
    assert found == ("application/pdf", b"%PDF-1.4 x %%EOF")


def test_a_file_of_before_there_were_own_keys_still_opens_and_is_taken_along(
    installation: Installation, applicant: LinkedSeller
) -> None:
    content = b"%PDF-1.4 old %%EOF"
    file = installation.evidence.store(applicant.seller_id, content)
    place = f"{applicant.seller_id}|evidence|{file.sha256}"
    sealed = installation.keys.vault.seal(content, place.encode())
    with psycopg.connect(installation.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE cell_1.evidence_files SET key_id = NULL, content = %s WHERE sha256 = %s",
            (sealed.nonce + sealed.ciphertext, file.sha256),
        )
    assert installation.evidence.find(applicant.seller_id, file.sha256) is not None
    assert rotate(installation).files == 1
    found = installation.evidence.find(applicant.seller_id, file.sha256)
    assert found == ("application/pdf", content)


def test_a_service_that_runs_on_finds_the_new_key_without_a_restart(
    installation: Installation, applicant: LinkedSeller, work: Work
) -> None:
    rotate(installation)
    installation.secrets.store(applicant.seller_id, "amazon_refresh_token", "after")
    assert installation.secrets.find(applicant.seller_id, "amazon_refresh_token") == "after"
    command = seller.LinkAmazon(stamp=work.stamp())
    change_seller(installation.app, applicant.seller_id, lambda it: seller.link_amazon(it, command))
