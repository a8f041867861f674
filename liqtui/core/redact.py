"""One place that makes endpoint URLs, addresses of alert services and keys safe to show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}:(?:\\?/){2}[^\s\"'<>)}]*[^\s\"'<>)}.,;:]", re.IGNORECASE)
"""Of any scheme, also where JSON wrote the slashes as "\\/", and where a word runs into the scheme."""
_WEB = ("http", "https", "ws", "wss")
_SECRET_SIZE = 4
"""Shorter parts of a URL ("v2", "rpc") are no secrets."""


def redact_url(url: str) -> str:
    """Scheme and host only: "https://user:pw@node.example/v2/KEY?x" → "https://node.example/…".

    Of anything that is no web address the scheme alone: in "tgram://TOKEN/chat" the token stands where a host would.
    """
    from urllib.parse import urlsplit  # rarely needed, and every start loads this module

    try:
        parts = urlsplit(url.replace("\\/", "/"))
        if parts.scheme not in _WEB:
            return f"{parts.scheme}://…" if parts.scheme else "…"
        host, port = parts.hostname or "?", f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(unreadable URL)"
    rest = "/…" if parts.path.strip("/") or parts.query or parts.username or parts.fragment else ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{rest}"


def web_host(url: str) -> str:
    """Host of a web address, which may be shown; empty for anything else."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in _WEB else ""


def redact(text: str) -> str:
    """Text with every URL in it cut to scheme and host."""
    return _URL.sub(_cut, text)


def _cut(found: re.Match[str]) -> str:
    """Where a word ran into the scheme ("seehttps://…"), the word stays and the endpoint is cut as it is alone."""
    url = found.group()
    scheme = url.partition(":")[0].lower()
    known = next((web for web in ("https", "http", "wss", "ws") if scheme.endswith(web)), "")
    word = url[: len(scheme) - len(known)] if known else ""
    return word + redact_url(url[len(word) :])


def secret_parts(url: str) -> frozenset[str]:
    """The parts of an address that may be secret, each as it stands, unquoted and quoted.

    The host of a web address may be shown; of any other address every part may be a token.
    """
    from urllib.parse import quote, unquote

    scheme, _, rest = url.partition("://")
    if scheme.lower() in _WEB:
        host, slash, path = re.split(r"([/?#]|$)", rest, maxsplit=1)
        rest = f"{host.rpartition('@')[0]}{slash}{path}"
    pieces = (rest, rest.partition("?")[2], *re.split(r"[/?&=:@#,;]", rest))
    return frozenset(form for piece in pieces for form in (piece, unquote(piece), quote(piece, safe="")))


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that takes these out of a text, the longest first, in capitals or not."""
    ordered = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    if not ordered:
        return str
    known = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)
    return lambda text: known.sub("…", text)


def scrubber(url: str, secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that takes the parts of `url` that may be secret, and `secrets`, out of a text."""
    from urllib.parse import quote

    forms = {*secret_parts(url), *(form for secret in secrets for form in (secret, quote(secret, safe="")))}
    return hider(form for form in forms if len(form) >= _SECRET_SIZE)
