"""Say one client hello on a fresh connection, and read the server's answer; nothing is verified, nothing completed."""

import os
from struct import pack
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm

from tasks.tls.client_hello import Offer, build, build_ssl2
from tasks.tls.connect import connect
from tasks.tls.failures import Garbage, NoConversation, Plaintext, Reset
from tasks.tls.flight import ALERTS, MOST_BYTES, Flight, read_message, read_server_hello
from tasks.tls.groups import Share
from tasks.tls.question import TlsQuestion
from tasks.tls.secrets13 import Reader, handshake_reader, replaced_hello
from tasks.tls.stream import Stream

Until = Literal["hello", "flight"]

_ALERT, _HANDSHAKE, _SEALED = 21, 22, 23
_LONGEST_RECORD = 16_384 + 2_048
_MOST_RECORDS = 2_000


def converse(question: TlsQuestion, offer: Offer, until: Until = "flight", seconds: float | None = None) -> Flight:
    """One client hello and its answer.

    Args:
        question: the endpoint.
        offer: what the hello says.
        until: read to the server hello only, or to where the server waits for us.
        seconds: how long all of it may take.

    Returns:
        An answer, a refusal in TLS's own words (`alert`), or an answer that was cut short (`ended`).

    Raises:
        NoConversation: nothing that is TLS came back, and how so.
    """
    with connect(question, seconds) as stream:
        return Conversation(stream, offer, until).run()


def converse_ssl2(question: TlsQuestion) -> Flight | None:
    """Whether SSL 2 is spoken: a flight of version SSL2 with nothing else in it, an alert, or None for other answers.

    A server hello counts even where no suite is left in common: `complete` says that suites are named.

    Raises:
        NoConversation: nothing came back.
    """
    with connect(question) as stream:
        stream.send(build_ssl2())
        head = stream.peek(3)
        if head[:1] == b"\x15" and head[1:2] == b"\x03":
            record = stream.peek(7)
            return Flight(alert=ALERTS.get(record[6], str(record[6])) if len(record) > 6 else "unknown")
        if len(head) < 3 or not head[0] & 0x80 or head[2] != 4:
            return None
        length = int.from_bytes(stream.read(2), "big") & 0x7FFF
        if not 11 <= length <= 32_767:
            return None
        body = stream.read(length)
        if body[3:5] != b"\x00\x02":
            return None
        certificate, suites = (int.from_bytes(body[at : at + 2], "big") for at in (5, 7))
        listed = body[11 + certificate : 11 + certificate + suites]
        flight = Flight(version="SSL2", complete=bool(listed))
        flight.extensions = {index: listed[index : index + 3] for index in range(0, len(listed) - 2, 3)}
        return flight


class Conversation:
    """One connection's worth of reading; what was said is kept for who goes on with the handshake.

    Attributes:
        transcript: the handshake messages of both sides.
        messages: the server's, by kind.
    """

    def __init__(self, stream: Stream, offer: Offer, until: Until) -> None:
        self._stream = stream
        self._offer = offer
        self._until = until
        self._flight = Flight()
        self._pending = bytearray()
        self.transcript = b""
        self.messages: dict[int, bytes] = {}
        self._shares: tuple[Share, ...] = ()
        self._session = os.urandom(32) if "TLS1.3" in offer.versions else b""
        self._reader: Reader | None = None
        self._retried = False
        self._taken = 0

    def run(self) -> Flight:
        """Say hello, and read to where the server waits.

        Raises:
            NoConversation: nothing that is TLS came back.
        """
        self._say(self._offer)
        try:
            for _ in range(_MOST_RECORDS):
                if self._record():
                    break
        except NoConversation as failure:
            # Before the first word of TLS it is no conversation; after it, one that was cut short.
            if not self._flight.answered and self._flight.alert is None:
                raise
            self._flight.ended = str(failure)
            self._flight.closed = failure.outcome
        return self._flight

    def _say(self, offer: Offer) -> None:
        hello, self._shares = build(offer, self._session)
        self.transcript += hello
        record = 0x0300 if offer.best == "SSL3" else 0x0301
        self._stream.send(pack(">BHH", _HANDSHAKE, record, len(hello)) + hello)

    def _record(self) -> bool:
        """Read one record; whether we know enough."""
        _expect_tls(self._stream.peek(1))
        header = self._stream.peek(5)
        kind, length = header[0], int.from_bytes(header[3:5], "big")
        if len(header) < 5 or header[1] != 3 or length > _LONGEST_RECORD:
            raise Plaintext("words, not TLS") if header.isascii() and header.isalnum() else Garbage("no record of TLS")
        self._stream.read(5)
        self._taken += length
        if self._taken > MOST_BYTES:
            raise Garbage(f"more than {MOST_BYTES // 1024} KiB, which no chain of certificates needs")
        body = self._stream.read(length)
        if kind == _SEALED:
            if self._reader is None:
                raise Garbage("a sealed record before there are keys")
            kind, body = self._reader.open(body, header[:5])
        if kind == _ALERT:
            return self._alert(body)
        if kind == _HANDSHAKE:
            self._pending += body
            return self._messages()
        return False

    def _alert(self, body: bytes) -> bool:
        if len(body) < 2:
            raise Garbage("an alert that is none")
        self._flight.alert = ALERTS.get(body[1], str(body[1]))
        # A warning (a name it does not know) is followed by the answer; the end of the connection by nothing.
        return body[0] != 1 or body[1] == 0

    def _messages(self) -> bool:
        while len(self._pending) >= 4:
            length = int.from_bytes(self._pending[1:4], "big")
            if length > MOST_BYTES:
                raise Garbage(f"a message of {length} bytes")
            if len(self._pending) < 4 + length:
                return False
            message = bytes(self._pending[: 4 + length])
            del self._pending[: 4 + length]
            if self._message(message[0], message[4:], message):
                return True
        return False

    def _message(self, kind: int, body: bytes, message: bytes) -> bool:
        flight = self._flight
        before, self.transcript = self.transcript, self.transcript + message
        self.messages[kind] = body
        if kind != 2:
            if not flight.answered:
                raise Garbage("a handshake that does not begin with a server hello")
            read_message(flight, kind, body)
            return flight.complete
        if read_server_hello(flight, body):
            return self._retry(before, message)
        if self._until == "hello":
            return True
        if flight.version == "TLS1.3":
            self._agree(flight.extensions)
        return False

    def _retry(self, hello: bytes, message: bytes) -> bool:
        """The server wants another share: make it if we can."""
        flight = self._flight
        if self._until == "hello" or self._retried or flight.suite is None:
            return True
        wanted = flight.retry_group or 0
        offer = self._offer.retried(wanted, flight.cookie) if wanted else self._offer
        self.transcript = replaced_hello(flight.suite, hello) + message
        self._retried = True
        self._say(offer)
        if wanted and not self._shares:
            flight.group = wanted
            flight.ended = "a key exchange that we cannot do"
            return True
        return False

    def _agree(self, extensions: dict[int, bytes]) -> None:
        """Derive the keys that the certificates are sealed with."""
        share = extensions.get(51, b"")
        ours = next((ours for ours in self._shares if ours.group == int.from_bytes(share[:2], "big")), None)
        if ours is None or self._flight.suite is None:
            raise Garbage("the server chose a key exchange that was not offered")
        try:
            shared = ours.finish(share[4:])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise Garbage(f"a key share that is none: {error}") from None
        self._reader = handshake_reader(self._flight.suite, shared, self.transcript)


def _expect_tls(first: bytes) -> None:
    """Tell words from noise by the first byte.

    Raises:
        Plaintext, Garbage, Reset: it is not TLS.
    """
    if not first:
        raise Reset("the connection was closed")
    if first[0] in {20, _ALERT, _HANDSHAKE, _SEALED}:
        return
    if 32 <= first[0] < 127 or first[0] in b"\r\n\t":
        raise Plaintext("words, not TLS")
    raise Garbage(f"bytes that are no TLS (the first is 0x{first[0]:02x})")
