"""Servers on tlslite-ng, which still speaks SSL 3, RC4 and 3DES, and which can be bent into servers of the past."""

import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import CipherSuite, ExtensionType
from tlslite.errors import TLSError
from tlslite.messages import ServerHello
from tlslite.recordlayer import RecordLayer
from tlslite.utils.codec import Parser
from tlslite.utils.cryptomath import bytesToNumber, numberToByteArray

from infra.lab.tls.case import Plan
from infra.lab.tls.primes import PRIMES
from infra.lab.tls.python_servers import page
from infra.lab.tls.raw_servers import linger

_VERSIONS = {"SSLv3": (3, 0), "TLSv1": (3, 1), "TLSv1_1": (3, 2), "TLSv1_2": (3, 3), "TLSv1_3": (3, 4)}
_DEFLATE = 1


def handler(plan: Plan, folder: Path) -> Callable[[socket.socket, int], None]:
    """What serves one connection of this plan."""
    chain = X509CertChain()
    chain.parsePemList((folder / "chain.pem").read_text())
    key = parsePEMKey((folder / "key.pem").read_text(), private=True, implementations=["python"])
    if plan.trick == "robot":
        _tell_padding(key)
    settings = _settings(plan)

    def serve(connection: socket.socket, _number: int) -> None:
        stream = _Connection(connection, plan)
        try:
            stream.handshakeServer(certChain=chain, privateKey=key, settings=settings)
        except (TLSError, OSError):
            # The last word, be it an alert or silence, must not be overtaken by a reset.
            linger(connection)
            return
        if stream.read(4096, 1):
            stream.write(page(plan.hsts or ()))
        stream.close()

    return serve


def _settings(plan: Plan) -> HandshakeSettings:
    settings = HandshakeSettings()
    settings.minVersion = _VERSIONS[plan.settings.get("least", "TLSv1_2")]
    settings.maxVersion = _VERSIONS[plan.settings.get("most", "TLSv1_3")]
    settings.versions = [each for each in settings.versions if settings.minVersion <= each <= settings.maxVersion]
    for field, name in (("ciphers", "cipherNames"), ("macs", "macNames"), ("exchanges", "keyExchangeNames")):
        if field in plan.settings:
            setattr(settings, name, plan.settings[field].split())
    if "dh" in plan.settings:
        settings.dhParams = (2, PRIMES[int(plan.settings["dh"])])
    return settings


class _Connection(TLSConnection):  # type: ignore[misc]  # tlslite ships no types
    """A connection with the plan's quirks."""

    def __init__(self, connection: socket.socket, plan: Plan) -> None:
        super().__init__(connection)
        self._plan = plan
        if plan.trick == "compression":
            self._recordLayer = _Deflating(connection)

    def _server_select_certificate(self, settings: Any, client_hello: Any, cipher_suites: list[int], *rest: Any) -> Any:
        """Prefer the suites with this cipher, which no setting of tlslite does."""
        first = self._plan.settings.get("first")
        if first is not None:
            cipher_suites = sorted(cipher_suites, key=lambda suite: CipherSuite.canonicalCipherName(suite) != first)
        if self._plan.trick == "compression" and isinstance(self._recordLayer, _Deflating):
            self._recordLayer.wanted = _DEFLATE in client_hello.compression_methods
        return super()._server_select_certificate(settings, client_hello, cipher_suites, *rest)

    def _sendMsg(self, msg: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: N802  # tlslite's name
        if isinstance(msg, ServerHello):
            if self._plan.trick == "no-renegotiation" and msg.extensions:
                msg.extensions = [each for each in msg.extensions if each.extType != ExtensionType.renegotiation_info]
            if getattr(self._recordLayer, "wanted", False):
                msg.compression_method = _DEFLATE
        return super()._sendMsg(msg, *args, **kwargs)  # type: ignore[no-any-return]  # tlslite ships no types


class _Deflating(RecordLayer):  # type: ignore[misc]  # tlslite ships no types
    """Records that are compressed (RFC 3749) as soon as they are encrypted, if that was agreed."""

    wanted = False
    _out: Any = None
    _in: Any = None

    def changeWriteState(self) -> None:  # noqa: N802  # tlslite's name
        super().changeWriteState()
        self._out = zlib.compressobj() if self.wanted else None

    def changeReadState(self) -> None:  # noqa: N802  # tlslite's name
        super().changeReadState()
        self._in = zlib.decompressobj() if self.wanted else None

    def sendRecord(self, msg: Any, *rest: Any) -> Iterator[Any]:  # noqa: N802  # tlslite's name
        if self._out is not None:
            msg = _Squeezed(msg, self._out)
        return super().sendRecord(msg, *rest)  # type: ignore[no-any-return]  # tlslite ships no types

    def recvRecord(self) -> Iterator[Any]:  # noqa: N802  # tlslite's name
        for result in super().recvRecord():
            if self._in is not None and isinstance(result, tuple):
                header, parser = result
                yield header, Parser(bytearray(self._in.decompress(bytes(parser.bytes))))
            else:
                yield result


class _Squeezed:
    """A message whose bytes went through DEFLATE."""

    def __init__(self, msg: Any, deflate: Any) -> None:
        self.contentType = msg.contentType
        self._data = bytearray(deflate.compress(bytes(msg.write())) + deflate.flush(zlib.Z_SYNC_FLUSH))

    def write(self) -> bytearray:
        return self._data


def _tell_padding(key: Any) -> None:
    """Bleichenbacher's oracle: hang up on wrong padding, and only complain later where it was right."""
    whole = key.decrypt

    def decrypt(secret: bytearray) -> Any:
        size = len(numberToByteArray(key.n))
        plain = numberToByteArray(key._rawPrivateKeyOp(bytesToNumber(secret)), size)
        if plain[0] != 0 or plain[1] != 2 or len(plain) - plain.rfind(0) - 1 != 48:
            raise ConnectionError("wrong padding")
        return whole(secret)

    key.decrypt = decrypt
