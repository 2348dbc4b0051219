"""Brings new checkpoints to a witness, and keeps what it cosigns: c2sp.org/tlog-witness.

Each witness is asked in a thread and a session of its own, so that none waits for another, and
nothing waits for any. What a witness answers is believed only as far as its key has signed it.
"""

from __future__ import annotations

import logging
import time
from threading import Event
from typing import NamedTuple
from uuid import UUID

import httpx
import psycopg

from domain.transparency.merkle import consistency_proof
from domain.transparency.signed_note import (
    Checkpoint,
    Note,
    NoteRefused,
    Signature,
    consistency_file,
    cosigned_at,
    is_decimal,
    read_checkpoint,
    read_note,
    read_signature,
)
from domain.transparency.trust_policy import TrustPolicy, Witness
from infra.database import Connection, Database
from infra.http_client import excerpt
from infra.http_deadline import within
from infra.leading import leading_connection
from infra.transparency.log_tables import ALONE, Hashes, HashesMissing

ROUND_SECONDS = 60.0
ANSWER_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 65_536
AHEAD_SECONDS_MAX = 600
FAULTS_MAX = 3
"""After so many logs in a row without an answer, a witness has its peace until the next round."""
SIZE_TYPE = "text/x.tlog.size"
log = logging.getLogger(__name__)

# The newest checkpoint of each log, where this witness has not cosigned it, and what it has.
WAITING = """
    WITH RECURSIVE logs AS (
        (SELECT seller_id FROM tlog_checkpoints ORDER BY seller_id LIMIT 1)
        UNION ALL
        SELECT (SELECT c.seller_id FROM tlog_checkpoints c WHERE c.seller_id > logs.seller_id
                ORDER BY c.seller_id LIMIT 1)
        FROM logs WHERE logs.seller_id IS NOT NULL
    )
    SELECT logs.seller_id, newest.size, newest.note, coalesce(last.size, 0)
    FROM logs
    CROSS JOIN LATERAL (
        SELECT size, note FROM tlog_checkpoints c
        WHERE c.seller_id = logs.seller_id ORDER BY size DESC LIMIT 1
    ) AS newest
    LEFT JOIN LATERAL (
        SELECT size FROM tlog_cosignatures k
        WHERE k.seller_id = logs.seller_id AND k.witness = %s ORDER BY size DESC LIMIT 1
    ) AS last ON true
    WHERE newest.size > coalesce(last.size, 0)
"""

# The checkpoint too: of a busy log it was thinned out while the witness was asked.
KEEP_CHECKPOINT = """
    INSERT INTO tlog_checkpoints (seller_id, size, note) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING
"""
KEEP_COSIGNATURE = """
    INSERT INTO tlog_cosignatures (seller_id, size, witness, line) VALUES (%s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""


class WitnessFault(Exception):
    """The witness gave no cosignature; the message says why, and what to do."""


class WitnessSilent(WitnessFault):
    """No answer that can be read: it may be down, and is likely to be so for the next log."""


class WitnessBehind(Exception):
    """It has cosigned another size than was thought."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Waiting(NamedTuple):
    """A checkpoint to be cosigned, and the last size that the witness has cosigned."""

    seller_id: UUID
    size: int
    note: str
    old_size: int


class CheckpointWitnessing:
    """Asks one witness; only one process of a cell does at a time, by a session lock.

    The client is one of `http_deadline.open_client`, and may be others' too.
    """

    def __init__(
        self,
        database: Database,
        witness: Witness,
        client: httpx.Client,
        seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        self._database = database
        self._client = client
        self._seconds_max = seconds_max
        self._witness = witness
        self._connection: Connection | None = None
        self.faults: dict[UUID, str] = {}

    def run(self, stop: Event) -> None:
        """Ask once a minute until told to stop; a lost connection is made again."""
        while not stop.is_set():
            try:
                if self.lead():
                    self.ask_round(stop)
            except psycopg.OperationalError as error:
                log.warning("witnessing lost its connection: %s", error)
                self.close()
            stop.wait(ROUND_SECONDS)
        self.close()

    def lead(self) -> bool:
        """Take this witness's lock; False while another process holds it."""
        if self._connection is None:
            task = f"witness {self._witness.verifier.vkey}"
            self._connection = leading_connection(self._database, "signer", task)
        return self._connection is not None

    def ask_round(self, stop: Event) -> int:
        """Bring it all that it has not cosigned; return how many it did. `lead` must be True."""
        if self._connection is None:
            raise RuntimeError("this process does not lead for the witness")
        vkey = self._witness.verifier.vkey
        rows = self._connection.execute(WAITING, (vkey,), prepare=True).fetchall()
        kept = faults_in_a_row = 0
        for waiting in map(Waiting._make, rows):
            if stop.is_set() or faults_in_a_row == FAULTS_MAX:
                break
            try:
                keep(self._connection, waiting, vkey, self._cosigned(self._connection, waiting))
            except (WitnessFault, HashesMissing) as fault:
                faults_in_a_row += isinstance(fault, WitnessSilent)
                self._tell(waiting, str(fault))
            else:
                kept, faults_in_a_row = kept + 1, 0
                self.faults.pop(waiting.seller_id, None)
        return kept

    def _tell(self, waiting: Waiting, fault: str) -> None:
        """Log it once, until it is another or mended."""
        if self.faults.get(waiting.seller_id) != fault:
            name = excerpt(self._witness.name)
            told = "the witness %s has not cosigned %s leaves of the log of %s: %s"
            log.error(told, name, waiting.size, waiting.seller_id, fault)
        self.faults[waiting.seller_id] = fault

    def _cosigned(self, connection: Connection, waiting: Waiting) -> Signature:
        """What it signed, asked once more where its last size is another. Raises WitnessFault."""
        note = read_note(waiting.note)
        checkpoint = read_checkpoint(note.text)
        hashes = Hashes(connection, waiting.seller_id)
        try:
            return self._asked(waiting.old_size, note, checkpoint, hashes)
        except WitnessBehind as behind:
            old_size = behind.size
        if old_size > checkpoint.size:
            raise WitnessFault(
                f"it has cosigned {old_size} leaves already. Was a backup put back? Then run"
                " `asin-sync audit fsck`, and ask its operator for the checkpoint"
            )
        try:
            return self._asked(old_size, note, checkpoint, hashes)
        except WitnessBehind as behind:
            raise WitnessFault(
                f"it answered 409 twice, with {old_size} and {behind.size}: if this is said again"
                " in a minute, run `asin-sync audit fsck` and ask its operator"
            ) from None

    def _asked(
        self, old_size: int, note: Note, checkpoint: Checkpoint, hashes: Hashes
    ) -> Signature:
        """Raises WitnessBehind, WitnessFault."""
        proof = consistency_proof(old_size, checkpoint.size, hashes) if old_size else []
        status, content_type, answer = self._posted(consistency_file(old_size, proof, str(note)))
        if status == httpx.codes.OK:
            return self._signature_in(answer, note)
        size = answer.decode("ascii", "replace").removesuffix("\n")
        if status == httpx.codes.CONFLICT and content_type == SIZE_TYPE and is_decimal(size):
            raise WitnessBehind(int(size))
        if status in NEXT_STEPS:
            raise WitnessFault(NEXT_STEPS[status])
        raise WitnessSilent(f"it answered {status}: ask its operator if it lasts")

    def _posted(self, body: str) -> tuple[int, str, bytes]:
        """Status, media type and content of its answer. Raises WitnessSilent."""
        headers = {"User-Agent": "asin-sync", "Accept-Encoding": "identity"}
        try:
            with (
                within(self._seconds_max),
                self._client.stream(
                    "POST", f"{self._witness.url}/add-checkpoint", content=body.encode(),
                    headers=headers, timeout=self._seconds_max,
                ) as response,
            ):  # fmt: skip
                media_type = response.headers.get("content-type", "").partition(";")[0].strip()
                return response.status_code, media_type.lower(), bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            why = excerpt(f"{type(error).__name__}: {error}")
            raise WitnessSilent(f"{why}. Is its address right, and does it answer?") from error

    def _signature_in(self, answer: bytes, note: Note) -> Signature:
        """The line that the witness's key signed; lines of other keys are nothing to us."""
        try:
            lines = answer.decode().removesuffix("\n").split("\n")
            signatures = [read_signature(line) for line in lines]
        except (UnicodeDecodeError, NoteRefused) as error:
            raise WitnessFault(
                f"its answer is no cosignature: {excerpt(str(error))}. Is its address right?"
            ) from None
        for signature in signatures:
            if self._witness.verifier.has_signed(note.text, signature):
                ensure_not_in_future(cosigned_at(signature))
                return signature
        raise WitnessFault(
            "no line of its answer is signed by the key that ASIN_SYNC_WITNESSES has for it:"
            " compare the two keys"
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


NEXT_STEPS = {
    400: "it answered 400, that it can't read the request: ask its operator",
    403: "it answered 403, that it does not know the log's key: give it the log's newest key",
    404: "it answered 404, that it does not know the log: give its operator the log's name and key",
    409: "it answered 409, that it cosigned another tree of this size: run `asin-sync audit fsck`",
    422: "it answered 422, that the log does not go on from what it cosigned: run `asin-sync audit"
         " fsck`",
}  # fmt: skip


def witnessings(
    database: Database, policy: TrustPolicy | None, client: httpx.Client
) -> list[CheckpointWitnessing]:
    """One for each witness of the policy that has an address."""
    witnesses = policy.witnesses if policy else ()
    return [CheckpointWitnessing(database, each, client) for each in witnesses if each.url]


def ensure_not_in_future(at_second: int) -> None:
    """Raises WitnessFault."""
    if at_second > time.time() + AHEAD_SECONDS_MAX:
        raise WitnessFault("its clock, or this machine's, is wrong: it cosigned in the future")


def bounded(response: httpx.Response) -> bytes:
    """Raises httpx.DecodingError for an answer that is too large, or packed."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("a content encoding that was not asked for")
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise httpx.DecodingError(f"more than {ANSWER_BYTES_MAX} bytes")
    return bytes(body)


def keep(connection: Connection, waiting: Waiting, vkey: str, signature: Signature) -> None:
    """Add the cosignature, and again the checkpoint where it was let go in the meantime."""
    with connection.transaction():
        connection.execute(ALONE, prepare=True)
        connection.execute(KEEP_CHECKPOINT, (waiting.seller_id, waiting.size, waiting.note))
        line = (waiting.seller_id, waiting.size, vkey, signature.line)
        connection.execute(KEEP_COSIGNATURE, line)
