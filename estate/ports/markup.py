"""XML from strangers, read in pieces: repaired where scanners write it wrong, refused where it is an attack."""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from estate.errors import BadReport
from estate.text import printable

_PIECE = 128 * 1024
# The code points that XML 1.0 forbids even as references (section 2.2, production Char).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_BYTES = bytes(code for code in range(32) if code not in b"\t\n\r")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,12})|([0-9]{1,12}));")
_LONGEST_REFERENCE = 17
_ENDED_EARLY = "truncated"

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a report is believed; past any of them it is refused, never read in part.

    A token is one tag, comment or instruction; names are distinct names of elements and attributes.
    """

    max_bytes: int = 2 << 30
    max_token_bytes: int = 4 << 20
    max_depth: int = 100
    max_names: int = 2_000
    max_hosts: int = 1 << 25
    max_ports_per_host: int = 4 * 65536
    max_text_per_host: int = 64 << 20
    max_skipped: int = 1 << 20


class Malformed(Exception):
    """What stands here is XML, but not a report: reading ends as if the XML itself ended."""


class Markup:
    """One XML document that is fed to handlers piece by piece.

    nmap (7.94 and earlier, nmap/nmap#2657) writes what a banner sends as references to characters that XML forbids;
    other tools pass on bytes that are no UTF-8. Both become visible escapes here, since one bad banner must not cost
    the report. Entities, which no scanner writes, and documents that bring their own rules are refused.
    """

    def __init__(self, stream: BinaryIO, start: Start, end: End, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._names: dict[str, str] = {}
        # What a piece says of its encoding is settled before the parser sees it.
        self.parser = parser = expat.ParserCreate("utf-8", intern=self._names)
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._entity
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = ""
        self._read = 0
        self._parsed = 0
        self.feed: Callable[[str, bool], None] = lambda text, _: self.parse(text)
        self.lines_not_parsed = 0
        self.ended = False
        self.fault = ""

    def advance(self) -> bool:
        """Feed one more piece; False when there is none, or none that can be read: `fault` says why.

        Raises:
            BadReport: an attack, or more than the limits allow.
        """
        if self.ended:
            return False
        piece = self._stream.read(_PIECE)
        text = self._decoded(piece)
        try:
            self.feed(text, not piece)
            if not piece:
                self.ended = True
                self._finish()
        except expat.ExpatError as error:
            self._stop(error.lineno)
        except Malformed:
            self._stop(self.parser.CurrentLineNumber)
        if len(self._names) > self._limits.max_names:
            self.refuse(f"more than {self._limits.max_names:,} names of elements and attributes")
        return not self.ended

    def parse(self, text: str) -> None:
        """Give text to the parser, repaired."""
        if "&#" in text:
            text = _REFERENCE.sub(_legal, text)
        size = len(text)
        if not text.isascii() or len(text.encode().translate(None, _FORBIDDEN_BYTES)) < size:
            text = _FORBIDDEN.sub(_shown, text)
            size = len(text.encode())
        self.parser.Parse(text, False)
        self._parsed += size
        # The parser stands at the start of a tag whose end it waits for, and keeps all of it until then.
        if self._parsed - self.parser.CurrentByteIndex > self._limits.max_token_bytes:
            self.refuse(f"a single tag is longer than {self._limits.max_token_bytes:,} bytes")

    def _finish(self) -> None:
        try:
            self.parser.Parse("", True)
        except expat.ExpatError:
            self.fault = _ENDED_EARLY

    def _stop(self, line: int) -> None:
        self.ended = True
        self.fault = f"malformed: line {line + self.lines_not_parsed}"

    def refuse(self, why: str) -> NoReturn:
        """Give up on the whole document, naming the line."""
        raise BadReport(f"line {self.parser.CurrentLineNumber}: {why}")

    def _decoded(self, piece: bytes) -> str:
        self._read += len(piece)
        if self._read > self._limits.max_bytes:
            self.refuse(f"the report is longer than {self._limits.max_bytes:,} bytes")
        if self._decoder is None:
            if 0 < len(piece) < 4:
                piece += self._stream.read(4 - len(piece))
            # PowerShell redirects in UTF-16; the declaration inside still says UTF-8.
            wide = piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            self._decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")("backslashreplace")
        text = self._held + self._decoder.decode(piece, not piece)
        self._held = ""
        if piece:
            cut = text.rfind("&", -_LONGEST_REFERENCE)
            if cut >= 0 and ";" not in text[cut:]:
                text, self._held = text[:cut], text[cut:]
        return text

    def _doctype(self, name: str, system: str | None, public: str | None, rules: int) -> None:
        if rules or system or public:
            self.refuse(f"the document type {printable(name, 40)!r} brings its own rules, which no scanner does")

    def _entity(self, *_: object) -> int:
        self.refuse("the document defines entities, which no scanner does")


def _legal(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    if code > 0x10FFFF:
        return f"\\u{code:x}"
    return _shown_code(code) if _FORBIDDEN.match(chr(code)) else match[0]


def _shown(match: re.Match[str]) -> str:
    return _shown_code(ord(match[0]))


def _shown_code(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
