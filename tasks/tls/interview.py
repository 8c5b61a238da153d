"""The whole interview of one server that speaks TLS: the order of the questions, and what an accident spoils."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from estate.tls.evidence import (
    VERSIONS,
    Certificates,
    Check,
    CheckName,
    Curves,
    Failure,
    Hello,
    Hsts,
    Protocol,
    Suite,
    TlsEvidence,
    Version,
)
from tasks.tls import probes
from tasks.tls.chains import all_chains, revocation_of
from tasks.tls.client_hello import offer_of
from tasks.tls.document import blind, now
from tasks.tls.flight import Flight
from tasks.tls.hello import say_hello
from tasks.tls.hsts import ask_hsts
from tasks.tls.offers import list_groups, list_suites, probe_version
from tasks.tls.patience import Patience
from tasks.tls.question import TlsQuestion
from tasks.tls.sslyze_checks import Checked, ask_checks, ask_suites, client_certificate
from tasks.tls.trust import mozilla_trust

_NOT_YET = "the scan ended before this was asked"
_MOST_HTTP_SECONDS = 20.0


def interview(question: TlsQuestion, hello: Hello, until: float) -> Iterator[TlsEvidence]:
    """Ask a server, and yield the document whenever more of it is settled; the last one is the whole.

    Args:
        question: the endpoint, with the profile `full` or `watch`.
        hello: what it answered first, which was TLS.
        until: when all of it has to be done, on the monotonic clock.
    """
    started, began = now(), time.monotonic()
    for document in _Interview(question, until, blind(question, started, hello, _NOT_YET)).run():
        yield replace(document, seconds=round(time.monotonic() - began, 3))


class _Interview:
    """One server, from the first hello to the last canary."""

    def __init__(self, question: TlsQuestion, until: float, document: TlsEvidence) -> None:
        self._question = question
        self._document = document
        self._patience = Patience(question, until)
        self._protocols: dict[Version, Protocol] = dict(document.protocols)
        self._checks: dict[CheckName, Check] = dict(document.checks)
        self._failures: list[Failure] = []

    def run(self) -> Iterator[TlsEvidence]:
        flight = self._begin()
        self._ask_protocols()
        yield self._now()
        self._ask_certificates(flight)
        self._ask_own_checks()
        yield self._now()
        checked = self._ask_sslyze(flight)
        self._ask_curves()
        self._document = replace(self._document, hsts=self._ask_hsts())
        self._settle(checked)
        yield self._now()

    def _begin(self) -> Flight | None:
        """Find a hello that works, which is the canary from here on."""
        hello, flight = say_hello(self._question)
        if flight is None:
            self._fail("hello", f"TLS was spoken a moment ago, and now: {hello.outcome} {hello.detail}")
        elif flight.suite is not None and flight.version is not None:
            self._patience.canary = offer_of(flight.version, self._question.name, (flight.suite,))
        return flight

    def _ask_protocols(self) -> None:
        """Versions first, newest first, then the suites of each."""
        for version in reversed(VERSIONS):
            self._protocols[version] = probe_version(self._patience, version)
        for version in self._offered():
            if version == "SSL2":
                continue
            suites, why = list_suites(self._patience, version)
            protocol = self._protocols[version]
            if why:
                self._fail(f"suites of {version}", why)
                self._protocols[version] = replace(protocol, suites=(), reason=f"its suites are not known: {why}")
            else:
                self._protocols[version] = replace(protocol, suites=suites)

    def _ask_certificates(self, flight: Flight | None) -> None:
        best = next((version for version in reversed(self._offered()) if version != "SSL2"), None)
        found = all_chains(self._question, best, flight)
        judged = tuple(replace(each, trust=(("mozilla", mozilla_trust(each.chain)),)) for each in found.deployments)
        certificates = Certificates(found.state, found.reason, judged)
        self._document = replace(
            self._document,
            certificates=certificates,
            revocation=revocation_of(certificates),
            client_certificate=client_certificate(self._question, flight),
        )

    def _ask_own_checks(self) -> None:
        patience = self._patience
        old = self._old()
        if isinstance(old, Check):
            asked: dict[CheckName, Check] = dict.fromkeys(probes.OF_OLD_VERSIONS, old)
        else:
            asked = {"compression": probes.compression(patience, old), "heartbleed": probes.heartbeats(patience, old)}
            asked |= probes.from_hello(patience, old)
        asked["fallback_scsv"] = probes.fallback_scsv(patience, self._protocols)
        asked["post_quantum"] = probes.post_quantum(patience, self._protocols["TLS1.3"])
        self._checks |= asked
        self._document = replace(self._document, modern=probes.modern_client(patience))

    def _ask_sslyze(self, flight: Flight | None) -> Checked:
        """What only sslyze knows how to ask; all its suites last, since their number is what wakes rate limiters."""
        unnamed = any(not each.with_sni for each in self._document.certificates.deployments)
        checked = ask_checks(
            self._question,
            self._patience.until,
            self._protocols,
            self._checks,
            self._document.client_certificate,
            always_named=self._question.name is not None and not unnamed,
        )
        self._canaries()
        if self._question.profile == "full" and not self._patience.disturbed:
            found, failures = ask_suites(self._question, self._patience.until, self._protocols)
            self._failures += failures
            for version, suites in found.items():
                self._add_suites(version, suites)
        self._failures += checked.failures
        return checked

    def _add_suites(self, version: Version, suites: tuple[Suite, ...]) -> None:
        """What sslyze had accepted and we had not; never the other way round."""
        protocol = self._protocols[version]
        known = {suite.name for suite in protocol.suites}
        more = tuple(suite for suite in suites if suite.name not in known)
        if more and (protocol.suites or protocol.state != "offered"):
            self._fail(f"suites of {version}", f"only sslyze was accepted with {', '.join(each.name for each in more)}")
            self._protocols[version] = replace(protocol, state="offered", reason="", suites=protocol.suites + more)

    def _ask_curves(self) -> None:
        """Of the best version, and of TLS 1.2 too where both are there."""
        names: list[str] = []
        for version in ("TLS1.3", "TLS1.2", "TLS1.1", "TLS1.0"):
            protocol = self._protocols[version]
            elliptic = version == "TLS1.3" or any("ECDHE" in suite.name for suite in protocol.suites)
            if protocol.state != "offered" or not elliptic:
                continue
            found, why = list_groups(self._patience, version)
            names += [name for name in found if name not in names]
            if why:
                self._document = replace(self._document, curves=Curves("blind", tuple(names), why))
                return
            if version != "TLS1.3":
                break
        unknown = [version for version, protocol in self._protocols.items() if protocol.state == "blind"]
        state = "blind" if unknown and not names else "known"
        self._document = replace(self._document, curves=Curves(state, tuple(names)))

    def _ask_hsts(self) -> Hsts:
        """In a thread that may be left behind: a server can send a header that never ends."""
        if self._patience.left() < self._question.timeout:
            return Hsts("blind", reason=_NOT_YET)
        seconds = min(_MOST_HTTP_SECONDS, self._patience.left())
        return _within(seconds, lambda: ask_hsts(self._question)) or Hsts("blind", reason="no end of the response")

    def _settle(self, checked: Checked) -> None:
        """Look at the canary for a last time; where it failed at any time, silence has proved nothing."""
        self._canaries()
        disturbed = self._patience.disturbed
        for name, check in checked.checks.items():
            spoilt = disturbed and check.state in {"no", "not-applicable"} and name in checked.by_silence
            self._checks[name] = Check("blind", disturbed) if spoilt else check
        if not disturbed:
            return
        self._fail("canary", disturbed)
        for version, protocol in self._protocols.items():
            if protocol.state == "not-offered" and protocol.reason.startswith("each time"):
                self._protocols[version] = Protocol("blind", disturbed)

    def _canaries(self) -> None:
        """Two in a row, so that not every second connection can be the one that fails."""
        if self._patience.canary is not None and self._patience.left() > 3 * self._question.timeout:
            self._patience.check_canary()
            self._patience.check_canary()

    def _offered(self) -> tuple[Version, ...]:
        return tuple(version for version in VERSIONS if self._protocols[version].state == "offered")

    def _old(self) -> Version | Check | None:
        """The best version before TLS 1.3: None where there is surely none, a check where that is not known."""
        old = [version for version in self._offered() if version not in {"SSL2", "TLS1.3"}]
        if old:
            return old[-1]
        for version in ("TLS1.2", "TLS1.1", "TLS1.0", "SSL3"):
            if self._protocols[version].state == "blind":
                return Check("blind", f"{version} is not known: {self._protocols[version].reason}")
        return None if "TLS1.3" in self._offered() else Check("blind", "no version of TLS could be used")

    def _now(self) -> TlsEvidence:
        return replace(
            self._document,
            protocols=dict(self._protocols),
            checks=dict(self._checks),
            errors=tuple(self._failures),
        )

    def _fail(self, command: str, reason: str) -> None:
        self._failures.append(Failure(command, reason[:500]))


def _within(seconds: float, act: Callable[[], Hsts]) -> Hsts | None:
    found: list[Hsts] = []
    thread = threading.Thread(target=lambda: found.append(act()), daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None
