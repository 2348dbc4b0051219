"""Facts once measured, by the image's bytes and the engine: a changed title needs no new look."""

from __future__ import annotations

import orjson

from domain.images import ImageFacts
from infra.database import Database

_FIND = "SELECT facts FROM asin_sync.image_facts WHERE sha256 = %s AND engine = %s"
_KEEP = """
INSERT INTO asin_sync.image_facts (sha256, engine, facts) VALUES (%s, %s, %s)
ON CONFLICT (sha256, engine) DO NOTHING
"""


class FactsCache:
    """The table `asin_sync.image_facts`, for all sellers: an image's content names none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, sha256: str, engine: str) -> ImageFacts | None:
        with self._database.pool("jobs").connection() as connection:
            row = connection.execute(_FIND, (sha256, engine)).fetchone()
        return ImageFacts.model_validate(row[0]) if row else None

    def keep(self, facts: ImageFacts) -> None:
        """Facts that are there already stay: the same bytes and engine give the same."""
        content = orjson.dumps(facts.model_dump(mode="json")).decode()
        with self._database.pool("jobs").connection() as connection:
            connection.execute(_KEEP, (facts.sha256, facts.engine, content))
