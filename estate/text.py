"""Text that a stranger wrote, made safe to show: visible escapes for what a terminal or a page would obey."""

import re

_ELLIPSIS = "…"
# C0 and C1 controls, DEL, spaces that look like the usual one, soft hyphen, marks and overrides of direction, invisible
# joiners and separators, line and paragraph separators, byte order mark, interlinear marks, tags, lone surrogates and
# the two non-characters that XML forbids. A list of our own: asking the interpreter's Unicode tables would make a new
# Python look like a new banner.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]()#+!|~$^=@:]|(?<=www)\.", re.IGNORECASE)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def printable(value: str, limit: int = 512) -> str:
    """One line of at most `limit` characters in which nothing acts: `ESC` becomes the four characters `\\x1b`.

    Applying it twice changes nothing.
    """
    if len(value) <= limit and value.isascii() and value.isprintable():
        return value
    # Cut first: a megabyte is not worth escaping for the sake of its first line.
    shown = _OBEYED.sub(_escape, value[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + _ELLIPSIS


def escape_markdown_cell(value: str) -> str:
    """The same words inside a Markdown table cell: no markup, link, column or HTML comes of them."""
    line = _MARKDOWN.sub(_backslash, printable(value, max(len(value) * 10, 1)))
    return "".join(_HTML.get(character, character) for character in line)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _backslash(match: re.Match[str]) -> str:
    return "\\" + match[0]
