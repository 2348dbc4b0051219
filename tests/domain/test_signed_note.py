"""Signed notes and what is built of them: strict to read, and signed by whom they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transparency.signed_note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteRefused,
    Signer,
    consistency_file,
    cosigned_at,
    read_checkpoint,
    read_consistency_file,
    read_note,
    read_vkey,
)

SEED = bytes(range(32))
CHECKPOINT = Checkpoint("audit.example/asin/7", 20_852_163, bytes(32))

# c2sp.org/signed-note, its example: a key that is not ours.
PUBLISHED = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501
)


def test_a_note_of_other_hands_is_read_and_verified() -> None:
    note, key = read_note(PUBLISHED_NOTE), read_vkey(PUBLISHED)
    assert str(note) == PUBLISHED_NOTE
    assert note.signed_by([key]) == [key]
    assert note._replace(text=note.text.replace("is the", "is an")).signed_by([key]) == []


def test_a_key_reads_back_as_it_was_written() -> None:
    for kind in (1, COSIGNATURE):
        verifier = Signer("a.example/log", SEED, kind).verifier
        assert read_vkey(verifier.vkey) == verifier
        with pytest.raises(NoteRefused):
            read_vkey(verifier.vkey.replace("a.example", "b.example"))


def test_a_cosignature_says_when_and_is_of_this_checkpoint_only() -> None:
    witness = Signer("witness.example", SEED, COSIGNATURE)
    signature = witness.cosign(CHECKPOINT.text, 1_800_000_000)
    assert cosigned_at(signature) == 1_800_000_000
    assert witness.verifier.has_signed(CHECKPOINT.text, signature)
    later = signature._replace(content=b"\0" * 8 + signature.content[8:])
    assert not witness.verifier.has_signed(CHECKPOINT.text, later)
    assert not witness.verifier.has_signed(CHECKPOINT.text, signature._replace(content=b"short"))
    grown = CHECKPOINT._replace(size=CHECKPOINT.size + 1)
    assert not witness.verifier.has_signed(grown.text, signature)


def test_files_read_back_as_they_were_written() -> None:
    note = Note(CHECKPOINT.text, [Signer(CHECKPOINT.origin, SEED).sign(CHECKPOINT.text)])
    assert read_note(str(note)) == note
    assert read_checkpoint(note.text) == CHECKPOINT
    hashes = [bytes([n] * 32) for n in range(3)]
    assert read_consistency_file(consistency_file(9, hashes, str(note))) == (9, hashes, str(note))


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\n\n", "\n1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=", "a\n" + "9" * 30 + "\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n",
        "a\n1\n" + "A" * 42 + "B=\n", "a\n１\n" + "A" * 43 + "=\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        read_checkpoint(text)


@given(st.text(max_size=200))
def test_any_text_is_a_note_or_refused(text: str) -> None:
    for read in (read_note, read_checkpoint, read_vkey, read_consistency_file):
        try:
            read(text)
        except NoteRefused:
            continue
