"""One place that makes endpoint URLs and keys safe to show."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_URL = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>)\]}]+", re.IGNORECASE)


def redact_url(url: str) -> str:
    """Scheme and host only: "https://user:pw@node.example/v2/KEY?x" → "https://node.example/…"."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(unreadable URL)"
    rest = "/…" if parts.path.strip("/") or parts.query or parts.username or parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{rest}"


def redact(text: str) -> str:
    """Text with every URL in it cut to scheme and host."""
    return _URL.sub(lambda found: redact_url(found.group()), text)
