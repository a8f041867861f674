"""Signs of the severities, and plain ASCII. Apart from `lines`, so that `status` need not load all of that."""

from __future__ import annotations

from liqtui.core.states import Severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

GLYPHS: Mapping[Severity, str] = {
    Severity.LIQUIDATED: "✖",
    Severity.LIQUIDATABLE: "✖",
    Severity.CRITICAL: "▲",
    Severity.WARN: "◆",
    Severity.BLIND: "◌",
    Severity.UNKNOWN: "?",
    Severity.OK: "●",
}
ASCII_GLYPHS: Mapping[Severity, str] = dict(zip(GLYPHS, "XX!~??.", strict=True))
_PLAIN = str.maketrans("−–σ·×≈≠", "--s.x~?") | str.maketrans({"∞": "inf", "→": "->", "…": ".."})


_SIGNS = str.maketrans({GLYPHS[severity]: sign for severity, sign in ASCII_GLYPHS.items()} | {"“": '"', "”": '"'})


def spelling() -> str:
    """Name of an error handler for encodings that lack our signs: it writes their likenesses."""
    import codecs

    def likeness(fault: UnicodeError) -> tuple[str, int]:
        if not isinstance(fault, UnicodeEncodeError):
            raise fault
        return plain(fault.object[fault.start : fault.end].translate(_SIGNS)), fault.end

    codecs.register_error("liqtui", likeness)
    return "liqtui"


def plain(text: str) -> str:
    """The same in ASCII."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()
