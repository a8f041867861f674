"""One place that makes endpoint URLs and keys safe to show."""

from __future__ import annotations

import re

_URL = re.compile(r"(?:https?|wss?):(?:\\?/){2}[^\s\"'<>)}]*[^\s\"'<>)}.,;:]", re.IGNORECASE)
"""Also where JSON wrote the slashes as "\\/", and where a word runs into the scheme."""


def redact_url(url: str) -> str:
    """Scheme and host only: "https://user:pw@node.example/v2/KEY?x" → "https://node.example/…"."""
    from urllib.parse import urlsplit  # rarely needed, and every start loads this module

    try:
        parts = urlsplit(url.replace("\\/", "/"))
        host, port = parts.hostname or "?", f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(unreadable URL)"
    rest = "/…" if parts.path.strip("/") or parts.query or parts.username or parts.fragment else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{rest}"


def redact(text: str) -> str:
    """Text with every URL in it cut to scheme and host."""
    return _URL.sub(lambda found: redact_url(found.group()), text)
