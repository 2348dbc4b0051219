"""Settings: environment variables with their defaults, read once at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from domain.transparency.trust_policy import PolicyRefused, TrustPolicy, read_policy
from infra.mail_server import MailServer, mail_server_from

AMAZON_SPAPI_URL = "https://sellingpartnerapi-fe.amazon.com"
AMAZON_LWA_URL = "https://api.amazon.com/auth/o2/token"
AMAZON_CONSENT_URL = "https://sellercentral.amazon.co.jp/apps/authorize/consent"
MERCARI_GRAPHQL_URL = "https://api.mercari-shops.com/v1/graphql"
PAGE_BEGINNINGS = ("https://", "http://127.0.0.1:", "http://localhost:")


def setting(name: str, default: str, meaning: str) -> Any:
    """A field that `name` in the environment sets."""
    return field(default=default, metadata={"name": name, "meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """What can be set. An upstream address left empty means the built-in sandbox."""

    database_url: str = setting(
        "DATABASE_URL", "", "Postgres 15 or newer, used only to migrate; empty = embedded"
    )
    role_prefix: str = setting("ASIN_SYNC_ROLE_PREFIX", "asin_sync", "names of database roles")
    port: str = setting("ASIN_SYNC_PORT", "8000", "port of the web server")
    host: str = setting("ASIN_SYNC_HOST", "127.0.0.1", "address the web server listens on")
    data: str = setting("ASIN_SYNC_DATA", "./var", "folder of data, keys and passwords")
    keys: str = setting("ASIN_SYNC_KEYS", "", "folder of keys; empty = keys in the data folder")
    amazon_spapi_url: str = setting("AMAZON_SPAPI_URL", "", f"for example {AMAZON_SPAPI_URL}")
    amazon_lwa_url: str = setting("AMAZON_LWA_URL", "", f"for example {AMAZON_LWA_URL}")
    amazon_lwa_client_id: str = setting("AMAZON_LWA_CLIENT_ID", "sandbox", "of your application")
    amazon_lwa_client_secret: str = setting(
        "AMAZON_LWA_CLIENT_SECRET", "sandbox", "of your application; never printed"
    )
    amazon_consent_url: str = setting(
        "AMAZON_CONSENT_URL", "",
        f"default {AMAZON_CONSENT_URL}; add ?version=beta while your application is a draft",
    )  # fmt: skip
    amazon_application_id: str = setting(
        "AMAZON_APPLICATION_ID", "", "of your application, amzn1.sp.solution.…; for the consent"
    )
    mercari_graphql_url: str = setting(
        "MERCARI_GRAPHQL_URL", "", f"for example {MERCARI_GRAPHQL_URL}"
    )
    mercari_api_client_name: str = setting(
        "MERCARI_API_CLIENT_NAME", "asin-sync", "assigned by Mercari with the contract"
    )
    image_hosts: str = setting(
        "IMAGE_HOSTS", "m.media-amazon.com", "hosts that pages may show images from"
    )
    log_name: str = setting(
        "ASIN_SYNC_LOG_NAME", "",
        "name of the transparency logs, for example audit.example.com; used at the first start",
    )  # fmt: skip
    witnesses: str = setting(
        "ASIN_SYNC_WITNESSES", "", "file with a C2SP tlog-policy: who cosigns the checkpoints"
    )
    images: str = setting("IMAGES", "yes", "no = main images are not inspected")
    smtp_url: str = setting(
        "SMTP_URL", "", "smtp://user:password@host:587?from=address, or smtps://; never printed"
    )
    oidc_issuer: str = setting(
        "OIDC_ISSUER", "", "identity provider that people sign in with; empty = keys alone"
    )
    oidc_client_id: str = setting("OIDC_CLIENT_ID", "", "of this service at the provider")
    oidc_client_secret: str = setting(
        "OIDC_CLIENT_SECRET", "", "of this service at the provider; never printed"
    )
    url: str = setting("ASIN_SYNC_URL", "", "where CLI, links in mails and sign-ins lead to")
    requests_a_minute: str = setting(
        "API_REQUESTS_A_MINUTE", "6000", "how many each API key may send; 0 = any number"
    )
    key: str = setting("ASIN_SYNC_KEY", "", "the API key the CLI uses; never printed")

    @property
    def data_folder(self) -> Path:
        return Path(self.data).resolve()

    @property
    def keys_folder(self) -> Path:
        return Path(self.keys).resolve() if self.keys else self.data_folder / "keys"

    @property
    def mail_server(self) -> MailServer | None:
        """None where no mail is to be sent. Raises ValueError; `faults` says so before."""
        return mail_server_from(self.smtp_url)

    @property
    def trust_policy(self) -> TrustPolicy | None:
        """None where no witness is asked. Raises ValueError; `faults` says so before."""
        if not self.witnesses:
            return None
        try:
            return read_policy(Path(self.witnesses).read_bytes())
        except OSError as error:
            raise ValueError(f"ASIN_SYNC_WITNESSES can't be read: {error}") from None
        except PolicyRefused as error:
            raise ValueError(f"ASIN_SYNC_WITNESSES, {self.witnesses}, {error}") from None

    @property
    def base_url(self) -> str:
        """How links in mails begin, and the address that Amazon's consent leads back to."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return (self.url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def is_sandbox(self) -> bool:
        """True when no real upstream is named; naming one only is refused by `faults`."""
        return not (self.amazon_spapi_url or self.amazon_lwa_url or self.mercari_graphql_url)

    def faults(self) -> list[str]:
        """What can't work, each with what to do."""
        upstreams = {
            "AMAZON_SPAPI_URL": self.amazon_spapi_url,
            "AMAZON_LWA_URL": self.amazon_lwa_url,
            "MERCARI_GRAPHQL_URL": self.mercari_graphql_url,
        }
        missing = [name for name, value in upstreams.items() if not value]
        found = []
        if 0 < len(missing) < len(upstreams):
            found.append(f"set {', '.join(missing)} too, or none of the three for the sandbox")
        if not (self.port.isdigit() and 0 <= int(self.port) < 65536):
            found.append(f"ASIN_SYNC_PORT is {self.port!r}: give a number from 0 to 65535")
        if not (self.requests_a_minute.isascii() and self.requests_a_minute.isdecimal()):
            found.append(f"API_REQUESTS_A_MINUTE is {self.requests_a_minute!r}: give a number")
        if self.amazon_consent_url and not self.amazon_consent_url.startswith(PAGE_BEGINNINGS):
            found.append("AMAZON_CONSENT_URL is no address of a page: begin it with https://")
        found += self._oidc_faults()
        for read in (lambda: self.mail_server, lambda: self.trust_policy):
            try:
                read()
            except ValueError as error:
                found.append(str(error))
        return found

    def _oidc_faults(self) -> list[str]:
        values = {
            "OIDC_ISSUER": self.oidc_issuer,
            "OIDC_CLIENT_ID": self.oidc_client_id,
            "OIDC_CLIENT_SECRET": self.oidc_client_secret,
        }
        missing = [name for name, value in values.items() if not value]
        found = []
        if 0 < len(missing) < len(values):
            found.append(f"set {', '.join(missing)} too, or no OIDC_… for keys alone")
        beginnings = PAGE_BEGINNINGS if self.is_sandbox else PAGE_BEGINNINGS[:1]
        if self.oidc_issuer and not self.oidc_issuer.startswith(beginnings):
            found.append("OIDC_ISSUER is no provider for real data: begin it with https://")
        return found


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings as the environment has them; a variable set to nothing counts as not set."""
    values = {
        each.name: environment[each.metadata["name"]]
        for each in fields(Settings)
        if environment.get(each.metadata["name"])
    }
    return Settings(**values)


def described(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each setting; secrets are masked."""
    secret = (
        "AMAZON_LWA_CLIENT_SECRET", "ASIN_SYNC_KEY", "DATABASE_URL", "OIDC_CLIENT_SECRET",
        "SMTP_URL",
    )  # fmt: skip
    rows = []
    for each in fields(Settings):
        name, value = each.metadata["name"], getattr(settings, each.name)
        shown = "(set)" if name in secret and value else value
        rows.append((name, shown, each.metadata["meaning"]))
    return rows
