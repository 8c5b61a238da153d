"""The plaintext that comes before TLS in mail, file, directory and database protocols, from the server's side."""

import socket
from collections.abc import Callable, Mapping


def _line(connection: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n") and len(said) < 4096:
        more = connection.recv(1)
        if not more:
            raise ConnectionError("hung up")
        said += more
    return said


def _exactly(connection: socket.socket, size: int) -> bytes:
    said = b""
    while len(said) < size:
        more = connection.recv(size - len(said))
        if not more:
            raise ConnectionError("hung up")
        said += more
    return said


def _smtp(connection: socket.socket) -> None:
    """RFC 3207."""
    connection.sendall(b"220-lab.example ESMTP\r\n220 ready\r\n")
    while True:
        verb = _line(connection).upper()
        if verb.startswith(b"EHLO"):
            connection.sendall(b"250-lab.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n")
        elif verb.startswith(b"STARTTLS"):
            connection.sendall(b"220 2.0.0 go ahead\r\n")
            return
        else:
            connection.sendall(b"500 5.5.1 unknown\r\n")


def _smtp_without(connection: socket.socket) -> None:
    """A mail server that knows no TLS."""
    connection.sendall(b"220 lab.example ESMTP\r\n")
    while True:
        known = _line(connection).upper().startswith(b"EHLO")
        connection.sendall(b"250-lab.example\r\n250 8BITMIME\r\n" if known else b"502 5.5.1 not implemented\r\n")


def _imap(connection: socket.socket) -> None:
    """RFC 9051 6.2.1."""
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
    while True:
        tag, verb = (*_line(connection).split(), b"", b"")[:2]
        if verb.upper() == b"STARTTLS":
            connection.sendall(tag + b" OK begin\r\n")
            return
        if verb.upper() == b"CAPABILITY":
            connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n")
        else:
            connection.sendall(tag + b" BAD unknown\r\n")


def _pop3(connection: socket.socket) -> None:
    """RFC 2595 4."""
    connection.sendall(b"+OK ready\r\n")
    while True:
        verb = _line(connection).upper()
        if verb.startswith(b"STLS"):
            connection.sendall(b"+OK begin\r\n")
            return
        connection.sendall(b"+OK\r\nSTLS\r\n.\r\n" if verb.startswith(b"CAPA") else b"-ERR unknown\r\n")


def _ftp(connection: socket.socket) -> None:
    """RFC 4217."""
    connection.sendall(b"220 ready\r\n")
    while True:
        verb = _line(connection).upper()
        if verb.startswith(b"AUTH TLS"):
            connection.sendall(b"234 go ahead\r\n")
            return
        connection.sendall(
            b"211-Features:\r\n AUTH TLS\r\n211 End\r\n" if verb.startswith(b"FEAT") else b"500 what\r\n"
        )


def _ldap(connection: socket.socket) -> None:
    """RFC 4511 4.14: an extended response with success, to whatever extended request comes first."""
    head = _exactly(connection, 2)
    body = _exactly(connection, head[1])
    number = body[: 2 + body[1]]
    response = b"\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
    connection.sendall(b"\x30" + bytes([len(number) + len(response)]) + number + response)


def _postgres(connection: socket.socket) -> None:
    """The SSLRequest of PostgreSQL's protocol 3."""
    if _exactly(connection, 8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f":
        connection.sendall(b"S")
    else:
        raise ConnectionError("not an SSLRequest")


def _xmpp(connection: socket.socket) -> None:
    """RFC 6120 5."""
    _until(connection, b">", b"<stream:stream")
    connection.sendall(
        b"<?xml version='1.0'?><stream:stream from='lab.example' id='1' version='1.0' xmlns='jabber:client'"
        b" xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
    )
    _until(connection, b">", b"<starttls")
    connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")


def _until(connection: socket.socket, end: bytes, after: bytes) -> None:
    said = b""
    while after not in said or not said.endswith(end):
        said += _exactly(connection, 1)
        if len(said) > 4096:
            raise ConnectionError("too much")


def _mysql(connection: socket.socket) -> None:
    """The greeting of protocol 10 with CLIENT_SSL among its capabilities, and the SSLRequest that answers it."""
    greeting = (
        b"\x0a8.0.36-lab\0" + b"\x01\0\0\0" + b"saltsalt\0" + b"\xff\xff" + b"\x21" + b"\x02\0" + b"\xff\xdf" + b"\x15"
        + bytes(10) + b"saltsaltsalt\0" + b"mysql_native_password\0"
    )  # fmt: skip
    connection.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
    head = _exactly(connection, 4)
    _exactly(connection, int.from_bytes(head[:3], "little"))


PREAMBLES: Mapping[str, Callable[[socket.socket], None]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "ldap": _ldap,
    "postgres": _postgres,
    "xmpp": _xmpp,
    "mysql": _mysql,
}
WITHOUT_TLS = _smtp_without
