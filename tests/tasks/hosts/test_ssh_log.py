"""What becomes of a connection in ways that no server here can be made to show."""

import pytest

from tasks.hosts.ssh_log import explain_ssh
from tasks.hosts.transport import Came
from tasks.supervisor import Ended

LET_IN = (
    "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.9\r\n"
    'Authenticated to 10.0.0.7 ([10.0.0.7]:22) using "publickey".\r\n'
    "debug1: Sending command: sh -c 'exec sh'\r\n"
)


def explained(log: str, stderr: str = "", said: str = "", code: int | None = 255, framed: bool = False):
    ended = Ended(code, None if code is not None else 9, "", "", stderr, 1.0)
    return explain_ssh(Came(ended, framed, said, log))


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("ssh: connect to host 10.0.0.7 port 22: No route to host", "unreachable"),
        ("ssh: connect to host 10.0.0.7 port 22: Network is unreachable", "unreachable"),
        ("ssh: connect to host 10.0.0.7 port 22: Connection timed out", "timeout"),
        ("Connection timed out during banner exchange\nConnection to 10.0.0.7 port 22 timed out", "timeout"),
        ("ssh: Could not resolve hostname web-7: Temporary failure in name resolution", "unreachable"),
        ("kex_exchange_identification: read: Connection reset by peer", "unreachable"),
        ("Connection closed by 10.0.0.7 port 22", "unreachable"),
        ("Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures", "auth-failed"),
        ("scan@10.0.0.7: Permission denied (publickey,password).", "auth-failed"),
        ("Unable to negotiate with 10.0.0.7 port 22: no matching host key type found. Their offer: ssh-dss", "failed"),
        ("/tmp/x.config: line 30: Bad configuration option: usekeychain", "failed"),
        ("No user exists for uid 1234", "failed"),
        ("No ED25519 host key is known for 10.0.0.7 and you have requested strict checking.", "host-key-unknown"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "host-key-changed"),
        ("something that no version says", "failed"),
        ("", "failed"),
    ],
)
def test_before_anybody_is_let_in_the_clients_words_decide(log, error):
    outcome = explained("debug1: Connecting to 10.0.0.7 [10.0.0.7] port 22.\r\n" + log + "\r\n")

    assert outcome.error == error
    assert "debug1" not in outcome.detail
    assert outcome.detail


def test_what_a_servers_banner_says_of_refusals_does_not_count():
    banner = "Permission denied to all but staff. REMOTE HOST IDENTIFICATION HAS CHANGED\n"

    assert explained("Connection closed by 10.0.0.7 port 22\r\n", stderr=banner).error == "unreachable"


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("Timeout, server 10.0.0.7 not responding.", "timeout"),
        ("Connection reset by 10.0.0.7 port 22", "unreachable"),
        ("client_loop: send disconnect: Broken pipe", "unreachable"),
        ("debug1: Exit status -1", "unreachable"),
        ("exec request failed on channel 0", "refused"),
        ("debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\ndebug1: Exit status -1", "refused"),
        ("debug1: Exit status 255", "refused"),
    ],
)
def test_after_being_let_in_a_lost_connection_is_told_from_a_refusal(log, error):
    assert explained(LET_IN + log + "\r\n").error == error


def test_a_hosts_own_words_are_no_evidence_of_a_lost_connection():
    outcome = explained(LET_IN + "debug1: Exit status 1\r\n", stderr="Connection reset by 10.0.0.7 port 22\n", code=1)

    assert outcome.error == "refused"


def test_what_a_host_says_is_safe_to_show_and_short():
    outcome = explained(LET_IN + "debug1: Exit status 1\r\n", said="\x1b[2J\u202e" + "x" * 10_000, code=1)

    assert "\x1b" not in outcome.detail
    assert "\u202e" not in outcome.detail
    assert len(outcome.detail) <= 600


def test_a_collection_bears_a_remark_only_where_our_line_made_one():
    warned = "sudo: unable to resolve host web-7: Name or service not known\n"
    refused = warned + "sudo: a password is required\nroundsman: sudo -n ended with 1\n"

    assert explained(LET_IN, stderr=warned, code=0, framed=True).detail == ""
    told = explained(LET_IN, stderr=refused, code=0, framed=True).detail
    assert told.endswith("sudo: a password is required; sudo -n ended with 1")
