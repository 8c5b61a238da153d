"""Servers on loopback, honest and crooked ones, and the question that they are asked."""

import importlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from estate.tls.evidence import TlsEvidence, read_tls
from tasks.tls import TlsQuestion, ask_tls

NAME = "a.example"
Handler = Callable[[socket.socket, int], None]


@dataclass(frozen=True)
class Identity:
    """A leaf for a.example with its chain, in files."""

    chain: Path
    rest: Path
    key: Path


@pytest.fixture(scope="session")
def identity(tmp_path_factory) -> Identity:
    return issue(tmp_path_factory.mktemp("identity"), trustme.KeyType.RSA)


@pytest.fixture(scope="session")
def ecdsa_identity(tmp_path_factory) -> Identity:
    return issue(tmp_path_factory.mktemp("ecdsa"), trustme.KeyType.ECDSA)


def issue(folder: Path, kind: trustme.KeyType) -> Identity:
    leaf = trustme.CA(key_type=kind).create_child_ca(key_type=kind).issue_cert(NAME, key_type=kind)
    chain, rest, key = folder / "chain.pem", folder / "rest.pem", folder / "key.pem"
    rest.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems[1:]))
    chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    return Identity(chain, rest, key)


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start a TCP server that does to each connection (numbered from 1) what it is told; its port."""
    with ExitStack() as stack:
        yield lambda handler, address="127.0.0.1": _listen(stack, handler, address)


def _listen(stack: ExitStack, handler: Handler, address: str) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = stack.enter_context(socket.create_server((address, 0), family=family, backlog=128))
    over = threading.Event()
    open_ones: list[socket.socket] = []

    def one(sock: socket.socket, number: int) -> None:
        with sock, suppress(OSError):
            handler(sock, number)

    def loop() -> None:
        number = 0
        with suppress(OSError):
            while not over.is_set():
                sock, _ = listener.accept()
                number += 1
                open_ones.append(sock)
                threading.Thread(target=one, args=(sock, number), daemon=True).start()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()

    def stop() -> None:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for sock in open_ones:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    stack.callback(stop)
    return int(listener.getsockname()[1])


@pytest.fixture
def openssl(identity: Identity) -> Iterator[Callable[..., int]]:
    """Start `openssl s_server` with more options; its port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str, chain: Path = identity.chain, key: Path = identity.key) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        tool = shutil.which("openssl") or "openssl"
        base = (tool, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(chain), "-key", str(key), "-quiet")
        process = subprocess.Popen(
            (*base, "-cert_chain", str(identity.rest), *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return port
            time.sleep(0.02)
        raise AssertionError(f"openssl s_server {options} did not start")

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def tlslite(serve: Callable[..., int], identity: Identity) -> Callable[..., int]:
    """Start a tlslite-ng server, which still knows what OpenSSL forgot; its port."""
    with warnings.catch_warnings():
        # It imports asyncore, which we do not use.
        warnings.simplefilter("ignore", DeprecationWarning)
        api = importlib.import_module("tlslite.api")
    chain = api.X509CertChain()
    chain.parsePemList(identity.chain.read_text())
    key = api.parsePEMKey(_pkcs8(identity.key), private=True)

    def start(**settings: Any) -> int:
        wanted = api.HandshakeSettings()
        for name, value in settings.items():
            setattr(wanted, name, value)

        def handle(sock: socket.socket, _number: int) -> None:
            # Whatever a client's hello breaks in it must not reach the test.
            with suppress(Exception):
                connection = api.TLSConnection(sock)
                connection.handshakeServer(certChain=chain, privateKey=key, settings=wanted)
                connection.read(max=4096, min=1)
                connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                connection.close()
            time.sleep(0.02)

        return serve(handle)

    return start


def _pkcs8(path: Path) -> str:
    key = load_pem_private_key(path.read_bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def forward() -> Callable[[socket.socket, int], None]:
    """Pass a connection on to a port of loopback, until either side ends."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def start(sock: socket.socket, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            back = threading.Thread(target=pump, args=(upstream, sock), daemon=True)
            back.start()
            pump(sock, upstream)
            back.join(5)

    return start


@pytest.fixture
def reset() -> Callable[[socket.socket], None]:
    """End a connection with a RST."""

    def now(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    return now


@pytest.fixture
def wrapped(identity: Identity) -> Callable[[socket.socket], ssl.SSLSocket]:
    """Answer a connection with TLS by Python's own ssl."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.chain, identity.key)
    return lambda sock: context.wrap_socket(sock, server_side=True)


@pytest.fixture
def question() -> Callable[..., TlsQuestion]:
    """A question to a port of loopback, by name, and with little patience."""

    def make(port: int, **more: Any) -> TlsQuestion:
        return TlsQuestion(**{"address": "127.0.0.1", "port": port, "name": NAME, "timeout": 2.0, **more})

    return make


@pytest.fixture
def ask(question: Callable[..., TlsQuestion], tmp_path: Path) -> Callable[..., TlsEvidence]:
    """Ask a port, and read the evidence as the estate reads it."""

    def now(port: int, **more: Any) -> TlsEvidence:
        evidence = ask_tls(question(port, **more), tmp_path)
        with evidence.path.open("rb") as stream:
            return read_tls(stream)

    return now
