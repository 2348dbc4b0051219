"""One seller's uploads, received and checked in this process through the real adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from domain import uploads
from domain.seller import Seller
from domain.stamps import Work
from domain.submission import Submission
from infra.installation import Installation
from infra.sandbox.sample import csv_of, row_of
from infra.shops import LinkedShops
from tests.sellers import LinkedSeller


class UploadDesk(NamedTuple):
    """One seller, her shops, and the work in hand."""

    installation: Installation
    shops: LinkedShops
    seller: LinkedSeller
    work: Work

    @property
    def owner(self) -> Seller:
        return self.installation.app.seller(self.seller.seller_id)

    def upload(self, numbers: Sequence[int], stock_threshold: int = 1) -> UUID:
        """Receive and check these rows; nothing is listed yet."""
        app, shops = self.installation.app, self.shops
        rows = [(*row_of(self.seller.name, number)[:3], stock_threshold) for number in numbers]
        received = uploads.receive_file(
            app, self.owner, "a.csv", csv_of(rows), uuid4().hex, self.work
        )
        uploads.check_page(
            app, self.owner, shops.sources(self.owner), received.submission_id,
            range(1, len(numbers) + 1), self.work,
        )  # fmt: skip
        return received.submission_id

    def fates(self, submission_id: UUID) -> list[tuple[str, tuple[str, ...]]]:
        upload = self.submission(submission_id)
        return [(upload.fates[n].fate, upload.fates[n].codes) for n in sorted(upload.fates)]

    def submission(self, submission_id: UUID) -> Submission:
        found = self.installation.app.submission(submission_id)
        assert found is not None
        return found
