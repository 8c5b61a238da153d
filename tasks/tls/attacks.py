"""Two old holes that are tried by going on with a handshake: the early ChangeCipherSpec, and insecure renegotiation."""

from struct import pack

from tasks.tls.client_hello import VERSIONS, Offer, build, offer_of
from tasks.tls.connect import connect
from tasks.tls.converse import Conversation
from tasks.tls.failures import Garbage, NoConversation, Silent
from tasks.tls.flight import ALERTS, Flight
from tasks.tls.question import TlsQuestion
from tasks.tls.session12 import GROUPS, SUITES, Session

_ALERT, _CHANGE, _DATA, _HANDSHAKE = 21, 20, 23, 22
_BAD_RECORD_MAC = 20


def early_change(question: TlsQuestion, version: str) -> tuple[Flight, str]:
    """CVE-2014-0224: change the cipher before there are keys, then send a record that nobody could have sealed.

    A server that takes the change tries to open the record, and says `bad_record_mac`; others object to the change.

    Returns:
        The server's first flight, and what it said then; empty if the flight never came to where it waits for us.

    Raises:
        NoConversation: nothing that is TLS came back.
    """
    with connect(question) as stream:
        flight = Conversation(stream, offer_of(version, question.name), "flight").run()
        if not flight.complete or flight.version != version:
            return flight, ""
        number = VERSIONS[version]
        try:
            stream.send(pack(">BHH", _CHANGE, number, 1) + b"\1" + pack(">BHH", _DATA, number, 2) + b"\0\0")
            record = stream.read(7)
        except Silent:
            return flight, "silence"
        except NoConversation:
            return flight, "the end of the connection"
    if record[0] != _ALERT:
        return flight, f"a record of kind {record[0]}"
    return flight, ALERTS.get(record[6], str(record[6]))


def insecure_renegotiation(question: TlsQuestion, version: str) -> tuple[Flight, str]:
    """Renegotiate as a client that never heard of RFC 5746, in a session of its own.

    Returns:
        The server's first flight, and what it said to the second hello: `accepted`, an alert, or how it ended; empty if
        it never came to a session.

    Raises:
        NoConversation: nothing that is TLS came back.
    """
    offer = Offer((version,), SUITES, question.name, groups=GROUPS, old=True)
    with connect(question) as stream:
        conversation = Conversation(stream, offer, "flight")
        flight = conversation.run()
        if not flight.complete or flight.version != version or flight.suite not in SUITES:
            return flight, ""
        try:
            session = Session(stream, conversation, flight)
        except NoConversation as failure:
            flight.ended = str(failure)
            return flight, ""
        try:
            session.say(build(offer)[0])
            for _ in range(20):
                kind, body = session.hear()
                if kind == _HANDSHAKE and body[:1] == b"\2":
                    return flight, "accepted"
                if kind == _ALERT:
                    return flight, ALERTS.get(body[1], str(body[1])) if len(body) > 1 else "an alert"
        except Garbage as failure:
            return flight, str(failure)
        except Silent:
            return flight, "silence"
        except NoConversation:
            return flight, "the end of the connection"
    return flight, "something else"
