"""What a ticket test needs: a failed line of the log, staff of each kind, a ticket that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from api.ids import public_id
from domain.asin_binding.facts import AttemptFailed
from domain.seller import Role
from domain.values import binding_id_of
from infra.web_desk import WebDesk
from tests.api.page_data import listed_binding, record, stamp

ASIN = "B0TICKET01"
WORDS = {"subject": "It times out", "text": "The update of <b>this</b> product failed twice."}


@dataclass
class TicketScene:
    """One seller's failing product, seen through a client; times are the real ones."""

    desk: WebDesk
    client: httpx.Client
    seller_id: UUID

    def bearer(self, role: Role, seller_id: UUID | None = None) -> dict[str, str]:
        key = self.desk.keys.create(role, seller_id, "desk")[1]
        return {"Authorization": f"Bearer {key}"}

    @property
    def named(self) -> str:
        return public_id("sel", self.seller_id)

    def fail(self, asin: str = ASIN) -> int:
        """List a product and let an update of it fail; the position of that line."""
        listed_binding(self.desk, self.seller_id, asin)
        failed = AttemptFailed(
            stamp=stamp(), operation="update", code="E-901", detail="timed out", attempt=3,
            retry_at=datetime.now(UTC) + timedelta(minutes=5),
        )  # fmt: skip
        record(self.desk, self.seller_id, binding_id_of(self.seller_id, asin), 5, [failed])
        return self.desk.position()

    def open(self, **fields: Any) -> dict[str, Any]:
        """Open a ticket; its answer."""
        answer = self.client.post("/v1/tickets", json={**WORDS, **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        shown = self.client.get("/v1/tickets", params={"at_position": made["position"]})
        assert made["id"] in [each["id"] for each in shown.json()["items"]]
        return made

    def send(
        self, ticket: dict[str, Any], tail: str, body: Any, key: dict[str, str] | None = None
    ) -> httpx.Response:
        """Write to the ticket as it is now seen by this key."""
        path = f"/v1/tickets/{ticket['id']}"
        seen = self.client.get(path, headers=key)
        headers = {**(key or {}), "If-Match": seen.headers["etag"]}
        return self.client.post(f"{path}/{tail}", json=body, headers=headers)

    def later(self, **by: float) -> None:
        """From now on it is so much later."""
        self.desk.clock = lambda: datetime.now(UTC) + timedelta(**by)
