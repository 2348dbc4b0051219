"""A process that delivers to one endpoint and ends; a test kills it on the way."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from threading import Event
from uuid import UUID

from api.cloud_events import message_of
from infra.installation import connect
from infra.settings import read_settings

if __name__ == "__main__":
    courier = connect(read_settings()).courier(lambda: datetime.now(UTC), message_of, Event())
    courier.deliver(UUID(sys.argv[1]), UUID(sys.argv[2]))
