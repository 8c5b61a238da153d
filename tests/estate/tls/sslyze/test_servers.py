"""What real reports of sslyze prove, and above all what they do not."""

import pytest

HOLES = ("compression", "heartbleed", "ccs_injection", "robot", "secure_renegotiation", "client_renegotiation")


def grade(server):
    return server.judged.rating.grade


def verdict(reading, item):
    """positive, or what was said of the one key that ends so."""
    if any(key.endswith(item) for key in reading.present):
        return "positive"
    (look,) = (look for look in reading.looks for key in look.keys if key.endswith(item) and "+other" not in key)
    return f"{look.verdict.word}: {look.reason}"


def without(command):
    """As if it had not been asked."""

    def change(server):
        server["scan_result"][command] = {
            "status": "NOT_SCHEDULED", "error_reason": None, "error_trace": None, "result": None
        }  # fmt: skip

    return change


def failing(command, reason="CONNECTIVITY_ISSUE"):
    def change(server):
        server["scan_result"][command] |= {"status": "ERROR", "error_reason": reason, "result": None}

    return change


def test_a_perfect_server_has_the_grade_that_we_would_give(reports):
    server = reports.one("perfect")
    assert (grade(server), server.judged.rating.not_gradable) == ("A+", "")
    assert verdict(server.tls, "protocol/TLS1.3") == "positive"
    assert verdict(server.tls, "protocol/TLS1.0") == "negative: not-offered"
    assert verdict(server.tls, "protocol/SSL2") == "negative: not-offered"
    assert any(key.startswith("certificate/") for key in server.certificates.present)
    assert not any("/problem/" in key for key in server.certificates.present)


def test_without_the_labs_root_the_same_server_is_not_trusted(reports):
    (server,) = type(reports)(reports.folder, type(reports.roots).of()).read(reports.told("perfect")).values()
    assert (grade(server), server.judged.rating.grade_trust_ignored) == ("T", "A+")


@pytest.mark.parametrize(
    "command",
    [
        "certificate_info", "ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites",
        "tls_1_1_cipher_suites", "tls_1_2_cipher_suites", "tls_1_3_cipher_suites", "tls_compression", "heartbleed",
        "openssl_ccs_injection", "robot", "session_renegotiation", "http_headers",
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", [without, failing])
def test_without_any_part_of_a_grade_there_is_none(reports, command, how):
    server = reports.one("perfect", how(command))
    assert grade(server) is None
    assert server.judged.rating.not_gradable.startswith("not gradable: could not determine ")


@pytest.mark.parametrize(
    "command", ["tls_fallback_scsv", "session_resumption", "tls_1_3_early_data", "elliptic_curves"]
)
def test_what_no_grade_needs_may_be_missing(reports, command):
    assert grade(reports.one("perfect", without(command))) == "A+"
    assert grade(reports.one("perfect", failing(command))) == "A+"


def test_a_command_that_a_version_does_not_have_was_not_asked(reports):
    server = reports.one("perfect", lambda told: told["scan_result"].pop("tls_extended_master_secret"))
    assert verdict(server.tls, "check/extended_master_secret") == "blind: not asked"


def test_servers_that_failed_are_blind_and_the_others_are_read(reports):
    found = reports.read(reports.told("several"))
    assert {name.partition(".")[0]: grade(server) for name, server in found.items()} == {
        "tls10-on": "B", "tls13-only": None, "closed": None, "plaintext": None
    }  # fmt: skip
    closed = found["closed.lab.example"]
    assert not closed.seen
    assert {(look.verdict.word, look.reason) for look in closed.tls.looks} == {("blind", "connection-rejected")}
    assert closed.certificates.present == {}
    assert {look.reason for look in found["plaintext.lab.example"].tls.looks} == {"no-handshake"}
    assert found["tls13-only.lab.example"].judged.rating.not_gradable.endswith("hsts (not asked)")


def test_a_reset_is_no_answer_and_nothing_that_did_not_happen_then_counts(reports):
    server = reports.one("rate_limited")
    assert grade(server) is None
    assert verdict(server.tls, "protocol/TLS1.0") == "positive"
    assert verdict(server.tls, "protocol/SSL3").startswith("blind: suites without an answer")
    assert verdict(server.tls, "protocol/SSL2").startswith("blind: ")
    for check in HOLES:
        assert verdict(server.tls, f"check/{check}").startswith("blind: "), check


@pytest.mark.parametrize(
    "message",
    [
        "Server rejected the connection", "Connection to server timed out during the TLS handshake",
        "Server interrupted the TLS handshake", "TLS alert: Internal error", "what no version of sslyze says",
    ],
)  # fmt: skip
def test_one_suite_without_an_answer_leaves_its_version_unknown(reports, message):
    def change(server):
        server["scan_result"]["tls_1_1_cipher_suites"]["result"]["rejected_cipher_suites"][7]["error_message"] = message

    server = reports.one("perfect", change)
    assert grade(server) is None
    assert verdict(server.tls, "protocol/TLS1.1").startswith("blind: ")
    assert verdict(server.tls, "protocol/TLS1.0") == "negative: not-offered"


def test_ssl_2_that_ends_in_different_ways_is_unknown(reports):
    def change(server):
        server["scan_result"]["ssl_2_0_cipher_suites"]["result"]["rejected_cipher_suites"][0]["error_message"] = (
            "Connection to server timed out during the TLS handshake"
        )

    assert verdict(reports.one("perfect", change).tls, "protocol/SSL2").startswith("blind: ")


def test_what_speaks_no_http_needs_no_hsts(reports):
    server = reports.one("smtp_starttls")
    assert (grade(server), server.evidence.asked.starttls) == ("A", "smtp")
    assert verdict(server.tls, "hsts") == "negative: not-http"


def test_an_expired_certificate_is_a_problem_and_a_t_whatever_was_not_asked(reports):
    server = reports.one("expired")
    assert (grade(server), server.judged.rating.grade_trust_ignored) == ("T", None)
    assert verdict(server.certificates, "problem/expired") == "positive"


def test_a_revocation_counts_where_sslyze_vouches_for_it(reports):
    server = reports.one("revoked")
    assert (grade(server), verdict(server.certificates, "problem/revoked")) == ("T", "positive")
    assert verdict(server.certificates, "problem/must-staple-without-staple") == "blind: staple-not-kept"


def test_a_revocation_by_a_stranger_may_be_true(reports):
    server = reports.one("revoked_says_a_stranger")
    assert grade(server) is None
    assert "revocation" in server.judged.rating.not_gradable
    assert verdict(server.certificates, "problem/revoked") == "blind: staple-not-kept"


def test_commands_that_wanted_a_client_certificate_are_blind_with_that_reason(reports):
    server = reports.one("client_certificate")
    assert server.evidence.client_certificate.state == "required"
    assert verdict(server.tls, "hsts") == "blind: sslyze failed"
    assert {failure.reason for failure in server.evidence.errors} == {"CLIENT_CERTIFICATE_NEEDED"}


def test_weak_suites_without_the_servers_preference_leave_the_grade_open(reports):
    server = reports.one("small_blocks")
    assert server.judged.rating.not_gradable == "not gradable: could not determine preferred suite of TLS1.2"


def test_one_version_alone_shows_its_suites_and_no_grade(reports):
    server = reports.one("nothing_but_tls12")
    (suites,) = (dict(value)["suites"] for key, value in server.tls.present.items() if key.endswith("TLS1.2"))
    assert "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" in suites
    assert grade(server) is None


@pytest.mark.parametrize(
    ("header", "path", "state"),
    [
        ({"max_age": None, "preload": False, "include_subdomains": False}, "/", "blind"),
        ({"max_age": 60, "preload": False, "include_subdomains": False}, "/", "present"),
        ({"max_age": 60, "preload": False, "include_subdomains": False}, "/login", "present"),
        (None, "/", "absent"),
        (None, "/login", "blind"),
    ],
)
def test_hsts_is_what_a_browser_would_have_seen(reports, header, path, state):
    def change(server):
        server["scan_result"]["http_headers"]["result"] |= {
            "strict_transport_security_header": header, "http_path_redirected_to": path
        }  # fmt: skip

    assert reports.one("perfect", change).evidence.hsts.state == state


def test_an_answer_that_is_no_http_is_no_silence(reports):
    def change(trace):
        def inner(server):
            server["scan_result"]["http_headers"]["result"] |= {
                "http_error_trace": trace, "strict_transport_security_header": None
            }  # fmt: skip

        return inner

    spoken = reports.one("perfect", change("…\nsslyze…NotAValidHttpResponseError\n"))
    assert (spoken.evidence.hsts.state, grade(spoken)) == ("not-http", "A")
    silent = reports.one("perfect", change("…\nTimeoutError: timed out\n"))
    assert (silent.evidence.hsts.state, grade(silent)) == ("blind", None)


@pytest.mark.parametrize(
    ("word", "grade_then"),
    [
        ("VULNERABLE_STRONG_ORACLE", "F"), ("VULNERABLE_WEAK_ORACLE", "F"), ("NOT_VULNERABLE_NO_ORACLE", "A+"),
        ("UNKNOWN_INCONSISTENT_RESULTS", None), ("what the next version says", None),
    ],
)  # fmt: skip
def test_robot_is_told_by_its_word(reports, word, grade_then):
    def change(server):
        server["scan_result"]["robot"]["result"]["robot_result"] = word

    assert grade(reports.one("perfect", change)) == grade_then


def test_a_hole_that_is_there_is_an_f(reports):
    def change(server):
        server["scan_result"]["heartbleed"]["result"]["is_vulnerable_to_heartbleed"] = True

    assert grade(reports.one("perfect", change)) == "F"


def test_insecure_renegotiation_needs_one_that_was_done(reports):
    def change(done):
        def inner(server):
            server["scan_result"]["session_renegotiation"]["result"] |= {
                "supports_secure_renegotiation": False, "client_renegotiations_success_count": done
            }  # fmt: skip

        return inner

    assert grade(reports.one("perfect", change(1))) == "F"
    assert grade(reports.one("perfect", change(0))) == "A-"


def test_an_address_is_not_taken_for_a_name(reports):
    def change(server):
        server["network_configuration"]["tls_server_name_indication"] = "127.0.80.1"

    server = reports.one("perfect", change)
    assert server.evidence.asked.name is None
    assert grade(server) == "A+"


def test_behind_a_proxy_the_name_stands_for_the_address(reports):
    def change(server):
        server["server_location"] |= {"ip_address": None, "connection_type": "HTTP_PROXY"}

    assert reports.one("perfect", change).tls.subject == "perfect.lab.example"


def test_chains_that_cannot_be_read_are_blind(reports):
    def change(server):
        deployment = server["scan_result"]["certificate_info"]["result"]["certificate_deployments"][0]
        deployment["received_certificate_chain"][0]["as_pem"] = "-----BEGIN CERTIFICATE-----\nAAAA\n"

    server = reports.one("perfect", change)
    assert grade(server) is None
    assert server.certificates.present == {}
    assert {look.verdict.word for look in server.certificates.looks} == {"blind"}
