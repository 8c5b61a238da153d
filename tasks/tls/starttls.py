"""Ask for TLS inside the plaintext protocols that offer it, forgiving in their words and strict about a yes."""

import re
from collections.abc import Callable

from tasks.tls.failures import Garbage, NoConversation, Plaintext, Reset, StarttlsRefused
from tasks.tls.stream import Stream

_MOST_LINES = 200
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL protocol, SSLRequest
_LDAP_OID = b"1.3.6.1.4.1.1466.20037"  # RFC 4511 4.14.1
_LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _LDAP_OID
# MS-RDPBCGR 2.2.1.1: an X.224 connection request that offers TLS (1) and CredSSP over TLS (2).
_RDP_REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
# CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, 16 MB packets, utf8mb4.
_MYSQL_REQUEST = bytes.fromhex("20000001008a0000000000012d") + bytes(23)
_MYSQL_SSL = 0x0800


def start_tls(stream: Stream, protocol: str, name: str | None) -> None:
    """Bring a fresh connection to the point where a client hello is expected.

    Raises:
        StarttlsRefused: the protocol is spoken, TLS is not offered.
        NoConversation: something else went wrong.
    """
    _PREAMBLES[protocol](stream, name)


def _smtp(stream: Stream, _name: str | None) -> None:
    """RFC 3207; replies are bytes to us, since servers greet in Latin-1."""
    code, _ = _smtp_reply(stream)
    if code != 220:
        raise StarttlsRefused(f"SMTP greets with {code}")
    stream.send(b"EHLO roundsman.invalid\r\n")
    code, lines = _smtp_reply(stream)
    if code != 250 or not any(line.upper().split()[:1] == [b"STARTTLS"] for line in lines):
        raise StarttlsRefused(f"SMTP does not offer STARTTLS (EHLO: {code})")
    stream.send(b"STARTTLS\r\n")
    code, _ = _smtp_reply(stream)
    if code != 220:
        raise StarttlsRefused(f"SMTP answers STARTTLS with {code}")


def _smtp_reply(stream: Stream) -> tuple[int, list[bytes]]:
    lines: list[bytes] = []
    while len(lines) < _MOST_LINES:
        line = stream.line()
        match = re.match(rb"(\d{3})([ -]|\Z)", line)
        if not match:
            raise _other(line)
        lines.append(line[4:])
        if match[2] != b"-":
            return int(match[1]), lines
    raise Garbage("an SMTP reply without end")


def _imap(stream: Stream, _name: str | None) -> None:
    """RFC 9051 6.2.1."""
    _greeting(stream, b"* OK", "IMAP")
    stream.send(b"a1 STARTTLS\r\n")
    for _ in range(_MOST_LINES):
        line = stream.line()
        if line.upper().startswith(b"A1 "):
            _yes(line.upper(), b"A1 OK", "IMAP")
            return
    raise Garbage("an IMAP reply without end")


def _pop3(stream: Stream, _name: str | None) -> None:
    """RFC 2595 4."""
    _greeting(stream, b"+OK", "POP3")
    stream.send(b"STLS\r\n")
    _yes(stream.line(), b"+OK", "POP3")


def _ftp(stream: Stream, _name: str | None) -> None:
    """RFC 4217 4."""
    code, _ = _ftp_reply(stream)
    if code != b"220":
        raise StarttlsRefused(f"FTP greets with {_shown(code)}")
    stream.send(b"AUTH TLS\r\n")
    code, line = _ftp_reply(stream)
    if code != b"234":
        raise StarttlsRefused(f"FTP answers AUTH TLS with {_shown(line)}")


def _ftp_reply(stream: Stream) -> tuple[bytes, bytes]:
    """RFC 959 4.2: lines between `220-` and `220 ` may say anything."""
    first = line = stream.line()
    if not re.match(rb"\d{3}[ -]|\d{3}\Z", first):
        raise _other(first)
    for _ in range(_MOST_LINES):
        if line[:3] == first[:3] and line[3:4] != b"-":
            return line[:3], line
        line = stream.line()
    raise Garbage("an FTP reply without end")


def _ldap(stream: Stream, _name: str | None) -> None:
    """RFC 4511 4.14: an extended response whose result code is 0."""
    stream.send(_LDAP_REQUEST)
    head = stream.read(2)
    if head[0] != 0x30:
        raise _other(stream.peek())
    length = head[1]
    if length & 0x80:
        if not 1 <= length & 0x7F <= 3:
            raise Garbage("an LDAP answer with an absurd length")
        length = int.from_bytes(stream.read(length & 0x7F), "big")
    if length > 65_536:
        raise Garbage("an LDAP answer with an absurd length")
    body = stream.read(length)
    match = re.match(rb"\x02[\x01-\x04].{1,4}?\x78(?:[\x00-\x7f]|[\x81-\x83].{1,3}?)\x0a\x01(.)", body, re.DOTALL)
    if not match:
        raise Garbage("the answer is no LDAP extended response")
    if match[1] != b"\0":
        raise StarttlsRefused(f"LDAP answers StartTLS with result code {match[1][0]}")


def _xmpp(kind: str) -> Callable[[Stream, str | None], None]:
    def preamble(stream: Stream, name: str | None) -> None:
        """RFC 6120 5.4; features and answers come in any number of pieces."""
        to = f" to='{name}'" if name else ""
        stream.send(
            f"<?xml version='1.0'?><stream:stream xmlns='jabber:{kind}'"
            f" xmlns:stream='http://etherx.jabber.org/streams'{to} version='1.0'>".encode()
        )
        said = _xml_until(stream, rb"</(?:\w+:)?features>|<(?:\w+:)?features\s*/>|<(?:\w+:)?error\b|</(?:\w+:)?stream>")
        if b"urn:ietf:params:xml:ns:xmpp-tls" not in said:
            raise StarttlsRefused("XMPP does not offer STARTTLS")
        stream.send(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        said = _xml_until(stream, rb"<proceed\b[^>]*>|<failure\b[^>]*>|<(?:\w+:)?error\b|</(?:\w+:)?stream>")
        if b"<proceed" not in said:
            raise StarttlsRefused("XMPP answers STARTTLS with a failure")
        if b"</proceed" not in said and not re.search(rb"<proceed\b[^>]*/>", said):
            _xml_until(stream, rb"</proceed\s*>")

    return preamble


def _xml_until(stream: Stream, pattern: bytes) -> bytes:
    while True:
        said = stream.peek()
        if not said.lstrip().startswith(b"<") and said[:1] != b"/":
            raise _other(said)
        if match := re.search(pattern, said):
            return stream.read(match.end())
        if len(said) > 65_536:
            raise Garbage("an XMPP stream without features")
        stream.peek(len(said) + 1)
        if len(stream.peek()) == len(said):
            raise Reset("the connection was closed")


def _rdp(stream: Stream, _name: str | None) -> None:
    """MS-RDPBCGR 2.2.1.2: TPKT, X.224 connection confirm, and a negotiation response that chooses TLS."""
    stream.send(_RDP_REQUEST)
    head = stream.read(4)
    length = int.from_bytes(head[2:], "big") - 4
    if head[:2] != b"\x03\x00":
        raise _other(head)
    if not 7 <= length <= 512:
        raise Garbage(f"an RDP answer of {length + 4} bytes")
    body = stream.read(length)
    if body[1] & 0xF0 != 0xD0:
        raise Garbage("the RDP answer is no connection confirm")
    if len(body) < 15 or body[7] != 2 or not int.from_bytes(body[11:15], "little") & 0x0B:
        raise StarttlsRefused("RDP does not choose TLS")


def _postgres(stream: Stream, _name: str | None) -> None:
    """PostgreSQL protocol 55.2.11: one byte, S or N; an old or foreign server sends an error."""
    stream.send(_SSL_REQUEST)
    answer = stream.read(1)
    if answer in {b"N", b"E"}:
        raise StarttlsRefused("PostgreSQL does not offer TLS")
    if answer != b"S":
        raise _other(answer + stream.peek(0))


def _mysql(stream: Stream, _name: str | None) -> None:
    """MySQL protocol 10: the server greets with its capabilities; a short handshake response asks for TLS."""
    head = stream.read(4)
    length = int.from_bytes(head[:3], "little")
    if not 1 <= length <= 4_096:
        raise _other(head)
    body = stream.read(length)
    if body[0] == 0xFF:
        raise StarttlsRefused("MySQL refuses us: it may not like our address")
    ended = body.find(b"\0")
    if body[0] != 10 or ended < 0 or len(body) < ended + 16:
        raise Garbage("the greeting is not MySQL's")
    capabilities = int.from_bytes(body[ended + 14 : ended + 16], "little")
    if not capabilities & _MYSQL_SSL:
        raise StarttlsRefused("MySQL does not offer TLS")
    stream.send(_MYSQL_REQUEST)


def _greeting(stream: Stream, wanted: bytes, protocol: str) -> None:
    line = stream.line()
    if not line.upper().startswith(wanted):
        if line.upper().startswith((b"* ", b"-ERR")):
            raise StarttlsRefused(f"{protocol} greets with {_shown(line)}")
        raise _other(line)


def _yes(line: bytes, wanted: bytes, protocol: str) -> None:
    if not line.upper().startswith(wanted):
        raise StarttlsRefused(f"{protocol} answers STARTTLS with {_shown(line)}")


def _other(said: bytes) -> NoConversation:
    """What speaks there is another protocol."""
    if (said[:60].isascii() and said[:1].isalnum()) or said[:1] in b"<*+-":
        return Plaintext(f"another protocol speaks: {_shown(said)}")
    return Garbage(f"another protocol speaks: {_shown(said)}")


def _shown(said: bytes) -> str:
    return ascii(said[:60].decode("latin-1"))


_PREAMBLES: dict[str, Callable[[Stream, str | None], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "ldap": _ldap,
    "xmpp": _xmpp("client"),
    "xmpp-server": _xmpp("server"),
    "rdp": _rdp,
    "postgres": _postgres,
    "mysql": _mysql,
}
