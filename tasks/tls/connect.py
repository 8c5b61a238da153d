"""Open a connection that is ready for a client hello: through a proxy and a plaintext protocol where asked."""

import re

from tasks.tls.failures import NoConversation, Unreachable
from tasks.tls.question import TlsQuestion, proxy_of
from tasks.tls.starttls import start_tls
from tasks.tls.stream import Stream
from tasks.tls.turnstile import wait_turn


def connect(question: TlsQuestion, seconds: float | None = None) -> Stream:
    """A stream on which TLS may begin.

    Args:
        question: the endpoint.
        seconds: how long everything on this connection may take; the question's timeout if unsaid.

    Raises:
        NoConversation: one of its kinds, which says how far we came.
    """
    patience = question.timeout if seconds is None else seconds
    wait_turn(question.turnstile, question.pace)
    if question.http_proxy is None:
        stream = Stream.open(question.address, question.port, patience)
    else:
        try:
            stream = Stream.open(*proxy_of(question.http_proxy), patience)
        except NoConversation as failure:
            # What ails the proxy proves nothing about the endpoint.
            raise Unreachable(f"the proxy: {failure}") from None
    try:
        if question.http_proxy is not None:
            _tunnel(stream, question.endpoint)
        if question.starttls is not None:
            start_tls(stream, question.starttls, question.name)
    except BaseException:
        stream.socket.close()
        raise
    return stream


def _tunnel(stream: Stream, endpoint: str) -> None:
    """RFC 9110 9.3.6, by address: the proxy must not choose another one than was admitted."""
    stream.send(f"CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n\r\n".encode())
    match = re.match(rb"HTTP/1\.[01] (\d{3})", stream.line())
    if not match:
        raise Unreachable("the proxy does not speak HTTP")
    for _ in range(200):
        if not stream.line():
            break
    if match[1] != b"200":
        raise Unreachable(f"the proxy answers CONNECT with {match[1].decode()}")
