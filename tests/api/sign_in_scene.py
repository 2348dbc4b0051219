"""People who sign in with the sandbox's provider, at a clock that can be put forward."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from domain.application import acting_for
from domain.facts import Fact
from domain.people import CALLBACK_PATH, Person
from domain.stamps import Work
from infra.installation import Installation
from infra.sandbox.identity import PEOPLE
from infra.web_desk import WebDesk
from tests.sandbox_server import SandboxServer

START = "/sign-in/start"
TLS = httpx.create_ssl_context()
"""Made once: it takes longer than a sign-in, and everything here is plain http."""


class Watch:
    """The real clock, put forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class SignInScene:
    """A served installation, and browsers that find their way through the provider."""

    installation: Installation
    sandbox: SandboxServer
    desk: WebDesk
    watch: Watch
    address: str
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, language: str = "en") -> httpx.Client:
        headers = {"accept-language": language}
        made = httpx.Client(base_url=self.address, headers=headers, verify=TLS)
        self.browsers.append(made)
        return made

    def work(self) -> Work:
        return Work(self.watch, "test", uuid4())

    def invite(self, who: str, role: str, seller_id: UUID | None = None) -> Person:
        return self.desk.people.invite(PEOPLE[who].email, role, seller_id, self.work())[0]

    def way_back(self, browser: httpx.Client, following: str = "/", **answer: object) -> str:
        """Path and query that the provider leads this browser back to."""
        away = browser.get(START, params={"next": following})
        assert away.status_code == 303, away.text
        said = {"url": away.headers["location"], **answer}
        told = browser.post(f"{self.sandbox.url}/_sandbox/identity", json=said)
        assert told.status_code == 200, told.text
        parts = urlsplit(told.json()["leads_to"])
        assert parts.path == CALLBACK_PATH
        return f"{parts.path}?{parts.query}"

    def signed_in(self, who: str, following: str = "/review") -> httpx.Client:
        browser = self.browser()
        back = browser.get(self.way_back(browser, following, person=who))
        assert (back.status_code, back.headers["location"]) == (303, following), back.text
        return browser

    def of(self, who: str) -> Person:
        email = PEOPLE[who].email
        return next(each for each in self.desk.people.all() if each.email == email)

    def facts_of(self, person: Person) -> list[Fact]:
        with acting_for(person.log_id):
            return self.installation.app.facts_of(person.person_id)

    def revoke_all(self) -> None:
        """Nobody may sign in, so that each test invites its own."""
        for each in self.desk.people.all():
            if each.revoked_at is None:
                revoke = self.installation.people(self.watch).revoke
                revoke(each.person_id, self.work(), may_be_last=True)


def is_signed_in(browser: httpx.Client) -> bool:
    """A page of a signed-in reader answers, whatever it asks staff."""
    away = browser.get("/review").headers.get("location", "")
    return not away.startswith("/sign-in")
