"""Evidence bundles, checked by the verifier that shares no code with what makes them."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.verifier.check import verify, verify_files
from domain.errors import EvidenceBroken, NeverSigned, NotFound, NothingSigned
from domain.transparency.bundle import proof_files
from domain.transparency.signed_note import COSIGNATURE, Checkpoint, Signer
from infra.installation import Installation
from infra.transparency.log_keys import LogKeys
from tests.infra.transparency_scene import TransparencyScene, as_superuser

Files = dict[str, bytes]
FLIPPED_BITS = 1_000


@pytest.fixture(scope="module")
def scene(module_installation: Installation) -> Iterator[TransparencyScene]:
    made = TransparencyScene(module_installation)
    yield made
    made.close()


@pytest.fixture
def seller_id() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
def grown(scene: TransparencyScene) -> tuple[Files, str, str]:
    """A bundle, a checkpoint that somebody kept from before, and the log's key."""
    seller_id = uuid4()
    scene.binding(seller_id, 3)
    stream = scene.binding(seller_id, 2)
    scene.sign()
    old = scene.checkpoint(seller_id)
    scene.bindings(seller_id, 60, 5)
    last = scene.more(seller_id, stream, 2, 4)
    scene.sign()
    bundle = scene.bundle(seller_id, stream, int(old.text.split("\n")[1]))
    assert len(bundle.events) == last
    return dict(proof_files(bundle)), str(old), bundle.vkeys[0]


def test_a_bundle_verifies_and_says_what_is_proved_and_what_is_not(
    grown: tuple[Files, str, str],
) -> None:
    files, old, key = grown
    whole = verify_files(files, key=key, held=old)
    assert whole.fault is None
    assert len(whole.events) == 6
    assert any("none missing" in line for line in whole.proved)
    assert any("is the beginning of it" in line for line in whole.proved)
    alone = verify_files(files)
    assert alone.fault is None
    assert len(alone.unproved) == len(whole.unproved) + 2


def test_one_flipped_bit_anywhere_is_always_found(grown: tuple[Files, str, str]) -> None:
    files, old, key = grown
    sizes = {name: len(content) for name, content in files.items() if name != "log.vkey"}
    chance = random.Random(20261126)
    names = chance.choices(list(sizes), weights=list(sizes.values()), k=FLIPPED_BITS)
    unseen = []
    for name in names:
        place = chance.randrange(sizes[name])
        damaged = bytearray(files[name])
        damaged[place] ^= 1 << chance.randrange(8)
        if verify_files(files | {name: bytes(damaged)}, key, old).fault is None:
            unseen.append((name, place))
    assert unseen == []


def test_a_bundle_without_its_last_event_is_refused_by_the_signed_head(
    grown: tuple[Files, str, str],
) -> None:
    files, _, key = grown
    numbers = sorted(int(name.partition("/")[2]) for name in files if name.startswith("leaves/"))
    cut = {f"leaves/{numbers[-1]}", f"proofs/{numbers[-1]}.tlog-proof", "events/6.json"}
    verdict = verify_files({k: v for k, v in files.items() if k not in cut}, key=key)
    assert verdict.fault == "the history ends with version 6, not 5"


def test_a_bundle_without_an_event_in_the_middle_is_refused(grown: tuple[Files, str, str]) -> None:
    files, _, key = grown
    numbers = sorted(int(name.partition("/")[2]) for name in files if name.startswith("leaves/"))
    cut = {f"leaves/{numbers[2]}", f"proofs/{numbers[2]}.tlog-proof", "events/3.json"}
    verdict = verify_files({k: v for k, v in files.items() if k not in cut}, key=key)
    assert verdict.fault == "version 3 is missing"


def test_two_bundles_mixed_are_refused(scene: TransparencyScene, seller_id: UUID) -> None:
    streams = [scene.binding(seller_id, count) for count in (3, 3)]
    scene.sign()
    one, other = (dict(proof_files(scene.bundle(seller_id, each))) for each in streams)
    assert "another" in str(verify_files(one | other).fault)
    assert "is of another history" in str(verify_files(one | {"head": other["head"]}).fault)
    swapped = one | {"events/2.json": one["events/1.json"]}
    assert verify_files(swapped).fault == "events/2.json is not what was logged"


def test_a_checkpoint_of_another_seller_or_a_swapped_key_is_refused(
    scene: TransparencyScene, seller_id: UUID, grown: tuple[Files, str, str]
) -> None:
    files, old, _ = grown
    other = dict(proof_files(scene.bundle(seller_id, signed_stream(scene, seller_id))))
    foreign = verify_files(files | {"checkpoint": other["checkpoint"]})
    assert "is not signed by" in str(foreign.fault)
    swapped = files | {name: other[name] for name in ("checkpoint", "log.vkey")}
    assert "is of another checkpoint" in str(verify_files(swapped).fault)
    assert "is not signed by" in str(verify_files(other, held=old).fault)
    stranger = Signer(old.split("\n")[0], bytes(32)).verifier.vkey
    assert "is not signed by" in str(verify_files(files, key=stranger).fault)


def signed_stream(scene: TransparencyScene, seller_id: UUID) -> UUID:
    stream = scene.binding(seller_id, 3)
    scene.sign()
    return stream


def test_a_checkpoint_kept_from_a_history_that_was_rewritten_since_is_refused(
    installation: Installation, seller_id: UUID
) -> None:
    scene = TransparencyScene(installation)
    stream = signed_stream(scene, seller_id)
    kept = str(scene.checkpoint(seller_id))
    with as_superuser(installation) as connection:
        connection.execute(
            "UPDATE asin_sync_events SET state = replace(convert_from(state, 'UTF8'),"
            " '12000', '99000')::bytea WHERE originator_id = %s", (stream,),
        )  # fmt: skip
        connection.execute("TRUNCATE tlog_leaves, tlog_subtrees, tlog_checkpoints CASCADE")
    with pytest.raises(NothingSigned):
        scene.bundle(seller_id, stream)
    scene.binding(seller_id, 4)
    scene.forget("emptied.sqlite")
    scene.sign()
    size = int(kept.split("\n")[1])
    files = dict(proof_files(scene.bundle(seller_id, stream, size)))
    assert verify_files(files).fault is None
    assert "the log was rewritten" in str(verify_files(files, held=kept).fault)
    scene.close()


def test_the_consistency_must_begin_at_the_checkpoint_that_was_kept(
    grown: tuple[Files, str, str],
) -> None:
    files, old, key = grown
    without = {name: content for name, content in files.items() if name != "consistency"}
    assert verify_files(without, held=old).fault == "the bundle has no consistency"
    another = files["consistency"].replace(b"old 5\n", b"old 4\n")
    assert "export the bundle with --since" in str(
        verify_files(files | {"consistency": another}, key=key, held=old).fault
    )


def test_a_kept_checkpoint_of_nothing_must_have_the_root_of_nothing(
    scene: TransparencyScene, seller_id: UUID
) -> None:
    files = dict(proof_files(scene.bundle(seller_id, signed_stream(scene, seller_id))))
    origin = files["checkpoint"].decode().split("\n")[0]
    for root, is_right in ((hashlib.sha256().digest(), True), (bytes(32), False)):
        text = Checkpoint(origin, 0, root).text
        held = str(scene.keys.sign(seller_id, text))
        assert (verify_files(files, held=held).fault is None) == is_right


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checkpoint", b""), ("checkpoint", b"\xff\xfe"), ("checkpoint", b"a\nb\nc\n\n-- x y\n"),
        ("head", b"\n\n"), ("log.vkey", b""), ("log.vkey", b"a+b+c\n"), ("leaves/0", b"[" * 99_999),
        ("leaves/0", b'{"v":1}'), ("proofs/0.tlog-proof", b"c2sp.org/tlog-proof@v1"),
        ("proofs/zero.tlog-proof", b"c2sp.org/tlog-proof@v1\nindex 0\n\n"), ("consistency", b"new"),
        ("events/1.json", b""), ("events/7.json", b"{}"), ("leaves/9999", b"{}"),
    ],
)  # fmt: skip
def test_a_damaged_file_gets_a_verdict_and_never_a_traceback(
    scene: TransparencyScene, seller_id: UUID, name: str, content: bytes
) -> None:
    old = str(scene.checkpoint(seller_id)) if scene.binding(seller_id, 2) and scene.sign() else ""
    stream = signed_stream(scene, seller_id)
    files = dict(proof_files(scene.bundle(seller_id, stream, 2)))
    first = min(int(each.partition("/")[2]) for each in files if each.startswith("leaves/"))
    place = name.replace("/0", f"/{first}")
    fault = verify_files(files | {place: content}, held=old).fault
    assert fault is not None


def test_a_bundle_is_read_from_a_zip_file_or_its_folder(
    tmp_path: Path, grown: tuple[Files, str, str]
) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for name, content in grown[0].items():
            archive.writestr(name, content)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path / "folder")
    for bundle in (tmp_path / "bundle.zip", tmp_path / "folder"):
        verdict = verify(bundle)
        assert (verdict.fault, len(verdict.events)) == (None, 6)


def test_what_is_no_bundle_gets_a_verdict(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 not really")
    assert str(verify(tmp_path / "no.zip").fault).startswith("damaged")
    assert str(verify(tmp_path / "nothing-here").fault).startswith("damaged")
    assert verify(tmp_path).fault == "the bundle has no log.vkey"


def test_a_policy_wants_its_quorum_of_witnesses(grown: tuple[Files, str, str]) -> None:
    files, _, _ = grown
    names = ("one", "two", "three")
    witnesses = {name: Signer(f"{name}.example", bytes([n] * 32), COSIGNATURE) for n, name in
                 enumerate(names)}  # fmt: skip
    policy = "".join(f"witness {name} {it.verifier.vkey}\n" for name, it in witnesses.items())
    policy += "group most 2 one two three\nquorum most\n"
    text = files["checkpoint"].decode().partition("\n\n")[0] + "\n"
    for count in range(4):
        lines = "".join(witnesses[name].cosign(text, 1_800_000_000).line for name in names[:count])
        signed = {
            name: content.replace(files["checkpoint"], files["checkpoint"] + lines.encode())
            for name, content in files.items()
        }
        verdict = verify_files(signed, policy=policy)
        assert (verdict.fault is None) == (count >= 2), verdict.fault
    one = witnesses["one"].verifier.vkey
    twice = f"witness a {one}\nwitness b {one}\ngroup g 2 a b\nquorum g\n"
    again = policy.replace("quorum most", "group more 2 most one\nquorum more")
    for wrong in (
        twice,
        again,
        "quorum nobody\n",
        "group a 2 a\nquorum a\n",
        "",
        "witness x y\n",
        "vote 3\n",
    ):
        assert verify_files(files, policy=wrong).fault is not None


def test_while_a_key_is_rotated_the_older_and_the_newer_both_verify(
    installation: Installation, seller_id: UUID
) -> None:
    scene = TransparencyScene(installation)
    scene.binding(seller_id, 2)
    scene.sign()
    kept = str(scene.checkpoint(seller_id))
    older = installation.log_keys.verifiers(seller_id)[0].vkey
    both = LogKeys(installation.log_keys.name, {**installation.log_keys.seeds, 2: bytes(32)})
    scene.rotate(both)
    stream = signed_stream(scene, seller_id)
    files = dict(proof_files(scene.bundle(seller_id, stream, 2)))
    newer = both.verifiers(seller_id)[1].vkey
    for key in (older, f"{older}\n{newer}"):
        assert verify_files(files, key=key, held=kept).fault is None
    assert verify_files(files, key=newer).fault is None
    scene.close()


def test_a_stored_event_that_is_not_the_logged_one_gives_no_bundle(
    installation: Installation, seller_id: UUID
) -> None:
    scene = TransparencyScene(installation)
    stream = signed_stream(scene, seller_id)
    with as_superuser(installation) as connection:
        connection.execute(
            "UPDATE asin_sync_events SET recorded_at = recorded_at - interval '1 day'"
            " WHERE originator_id = %s AND originator_version = 2", (stream,),
        )  # fmt: skip
    with pytest.raises(EvidenceBroken, match="position 2 is not the one"):
        scene.bundle(seller_id, stream)
    scene.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tlog_leaves SET hash = sha256(hash) WHERE number = {number}",
        "DELETE FROM tlog_leaves WHERE number = {number}",
    ],
)
def test_a_log_whose_tables_do_not_lead_to_what_was_signed_gives_no_bundle(
    installation: Installation, seller_id: UUID, change: str
) -> None:
    scene = TransparencyScene(installation)
    stream = signed_stream(scene, seller_id)
    signed_stream(scene, seller_id)
    last = scene.bundle(seller_id, stream).checkpoint.size - 1
    with as_superuser(installation) as connection:
        connection.execute(change.format(number=last))
    for old_size in (None, last):
        with pytest.raises(EvidenceBroken, match="what was signed"):
            scene.bundle(seller_id, stream, old_size)
    scene.close()


def test_a_history_that_is_not_the_sellers_is_not_found(
    scene: TransparencyScene, seller_id: UUID
) -> None:
    stream = signed_stream(scene, uuid4())
    signed_stream(scene, seller_id)
    with pytest.raises(NotFound):
        scene.bundle(seller_id, stream)
    with pytest.raises(NeverSigned):
        scene.bundle(seller_id, signed_stream(scene, seller_id), 1_000_000)
