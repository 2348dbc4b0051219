"""Which addresses a webhook may have: https, a public name, no odd port, nothing hidden in it.

The name's addresses are checked again whenever a connection is made (`infra/public_addresses.py`).
"""

from __future__ import annotations

import re

LENGTH_MAX = 2000
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"(?=.{{4,253}}(?:[:/?]|$))(?:{_LABEL}\.)+(?:xn--[a-z0-9-]{{1,59}}|[a-z]{{2,63}})"
_REST = r"(?:[/?][A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*)?"
_PUBLIC = re.compile(rf"(?i:https://{_NAME})(?::(?:443|8443))?{_REST}", re.ASCII)
_LOOPBACK = re.compile(
    rf"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::([1-9][0-9]{{0,4}}))?{_REST}", re.ASCII
)


def is_allowed(url: str, *, may_be_loopback: bool) -> bool:
    """`may_be_loopback`: the sandbox is in use, and a receiver on this computer may be tried."""
    if len(url) > LENGTH_MAX:
        return False
    if _PUBLIC.fullmatch(url):
        return True
    form = _LOOPBACK.fullmatch(url)
    return may_be_loopback and form is not None and int(form[1] or 80) < 65536
