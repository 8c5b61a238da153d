"""The whole interview of one server that speaks TLS: the order of the questions, and what an accident spoils."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from estate.tls.evidence import (
    VERSIONS,
    Check,
    CheckName,
    ClientCertificate,
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
from tasks.tls.hello import say_hello
from tasks.tls.hsts import ask_hsts, hsts_of, request_for
from tasks.tls.offers import list_groups, list_suites, probe_version
from tasks.tls.patience import OutOfTime, Patience
from tasks.tls.question import TlsQuestion
from tasks.tls.sslyze_checks import Checked, Known, ask_checks, ask_suites, client_certificate, talk
from tasks.tls.trust import mozilla_trust

_NOT_YET = "the scan ended before this was asked"
_MOST_HTTP_SECONDS = 20.0
_SLOWNESS = 2.0
_MANY = 4
"""So many timeouts must fit before what cannot be interrupted begins."""


def interview(question: TlsQuestion, hello: Hello, until: float) -> Iterator[TlsEvidence]:
    """Ask a server, and yield the document whenever more of it is settled; the last one is the whole.

    Args:
        question: the endpoint, with the profile `full` or `watch`.
        hello: what it answered first, which was TLS.
        until: when all of it has to be done, on the monotonic clock.
    """
    started, began = now(), time.monotonic()
    with ThreadPoolExecutor(question.per_server, "hello") as pool:
        for document in _Interview(question, until, blind(question, started, hello, _NOT_YET), pool).run():
            yield replace(document, seconds=round(time.monotonic() - began, 3))


class _Interview:
    """One server, from the first hello to the last canary."""

    def __init__(self, question: TlsQuestion, until: float, document: TlsEvidence, pool: ThreadPoolExecutor) -> None:
        self._document = document
        self._pool = pool
        self._protocols: dict[Version, Protocol] = dict(document.protocols)
        self._checks: dict[CheckName, Check] = dict(document.checks)
        self._failures: list[Failure] = []
        began = time.monotonic()
        hello, self._first = say_hello(question)
        # A server that thinks for five seconds before it speaks is slow each time, and not silent.
        took = time.monotonic() - began
        self._question = replace(question, timeout=max(question.timeout, _SLOWNESS * took))
        self._patience = Patience(self._question, until)
        if self._first is None:
            self._fail("hello", f"TLS was spoken a moment ago, and now: {hello.outcome}: {hello.detail}")
        elif self._first.suite is not None and self._first.version is not None:
            self._patience.canary = offer_of(self._first.version, question.name, (self._first.suite,))

    def run(self) -> Iterator[TlsEvidence]:
        self._protocols |= zip(VERSIONS, self._pool.map(self._version, VERSIONS), strict=True)
        self._ask_certificates()
        yield self._now()
        offered = [version for version in self._offered() if version != "SSL2"]
        self._protocols |= zip(offered, self._pool.map(self._with_suites, offered), strict=True)
        heartbeats = self._ask_own_checks()
        yield self._now()
        checked = self._ask_sslyze(heartbeats)
        self._document = replace(self._document, hsts=self._ask_hsts(), curves=self._ask_curves())
        self._settle(checked)
        yield self._now()

    def _version(self, version: Version) -> Protocol:
        return probe_version(self._patience, version)

    def _with_suites(self, version: Version) -> Protocol:
        suites, why = list_suites(self._patience, version)
        protocol = self._protocols[version]
        if not why:
            return replace(protocol, suites=suites)
        self._fail(f"suites of {version}", why)
        return replace(protocol, suites=(), reason=f"its suites are not known: {why}")

    def _ask_certificates(self) -> None:
        best = next((version for version in reversed(self._offered()) if version != "SSL2"), None)
        found = all_chains(self._patience, best, self._first)
        judged = tuple(replace(each, trust=(("mozilla", mozilla_trust(each.chain)),)) for each in found.deployments)
        certificates = replace(found, deployments=judged)
        client = ClientCertificate("blind", self._patience.lost or _NOT_YET)
        if self._patience.left() > _MANY * self._question.timeout and not self._patience.lost:
            client = client_certificate(self._question, self._first)
        self._document = replace(
            self._document,
            certificates=certificates,
            revocation=revocation_of(certificates),
            client_certificate=client,
        )

    def _ask_own_checks(self) -> Check:
        """All that hellos tell; whether heartbeats are accepted is no verdict yet."""
        patience, old = self._patience, self._old()
        if isinstance(old, Check):
            heartbeats: Future[Check] = self._pool.submit(lambda: old)
            self._checks |= dict.fromkeys(probes.OF_OLD_VERSIONS, old)
        else:
            heartbeats = self._pool.submit(probes.heartbeats, patience, old)
            compression = self._pool.submit(probes.compression, patience, old)
            extensions = self._pool.submit(probes.from_hello, patience, old)
            self._checks |= {"compression": compression.result(), **extensions.result()}
        fallback = self._pool.submit(probes.fallback_scsv, patience, self._protocols)
        quantum = self._pool.submit(probes.post_quantum, patience, self._protocols["TLS1.3"])
        modern = self._pool.submit(probes.modern_client, patience)
        self._checks |= {"fallback_scsv": fallback.result(), "post_quantum": quantum.result()}
        self._document = replace(self._document, modern=modern.result())
        return heartbeats.result()

    def _ask_sslyze(self, heartbeats: Check) -> Checked:
        """What only sslyze knows how to ask; all its suites last, since their number is what wakes rate limiters."""
        self._canaries()
        if self._patience.lost:
            return Checked(checks={"heartbleed": heartbeats} if heartbeats.state == "blind" else {})
        unnamed = any(not each.with_sni for each in self._document.certificates.deployments)
        until = self._patience.until - _MANY * self._question.timeout
        checked = ask_checks(
            self._question,
            until,
            self._protocols,
            Known(heartbeats, self._checks["secure_renegotiation"], self._document.client_certificate),
            always_named=self._question.name is not None and not unnamed,
        )
        self._failures += checked.failures
        self._canaries()
        if self._question.profile == "full" and not self._patience.disturbed:
            found, failures = ask_suites(self._question, until, self._protocols)
            self._failures += failures
            for version, suites in found.items():
                self._add_suites(version, suites)
        return checked

    def _add_suites(self, version: Version, suites: tuple[Suite, ...]) -> None:
        """What sslyze had accepted and we had not; never the other way round."""
        protocol = self._protocols[version]
        known = {suite.name for suite in protocol.suites}
        more = tuple(suite for suite in suites if suite.name not in known)
        if more and (protocol.suites or protocol.state != "offered"):
            self._fail(f"suites of {version}", f"only sslyze was accepted with {', '.join(each.name for each in more)}")
            self._protocols[version] = replace(protocol, state="offered", reason="", suites=protocol.suites + more)

    def _ask_curves(self) -> Curves:
        """Of TLS 1.3, and of the best version before it."""
        unknown = [version for version in VERSIONS if self._protocols[version].state == "blind"]
        old = self._old()
        asked: list[Version] = ["TLS1.3"] if self._protocols["TLS1.3"].state == "offered" else []
        if isinstance(old, str) and any("ECDHE" in suite.name for suite in self._protocols[old].suites):
            asked.append(old)
        found = list(self._pool.map(lambda version: list_groups(self._patience, version), asked))
        names = tuple(dict.fromkeys(name for names, _ in found for name in names))
        why = next((why for _, why in found if why), "" if asked or not unknown else f"{unknown[0]} is not known")
        return Curves("blind", names, why) if why else Curves("known", names)

    def _ask_hsts(self) -> Hsts:
        """In a thread that may be left behind: a server can send a header that never ends."""
        seconds = min(_MOST_HTTP_SECONDS, self._patience.left() - self._question.timeout)
        if self._patience.lost or seconds < self._question.timeout:
            return Hsts("blind", reason=self._patience.lost or _NOT_YET)
        found = _within(seconds, lambda: ask_hsts(self._question)) or Hsts("blind", reason="no end of the response")
        spoken = [version for version in self._offered() if version != "SSL2"]
        if found.state != "blind" or not spoken or self._patience.left() < _MANY * self._question.timeout:
            return found
        # httpx cannot speak as old as some servers are, and waits for a blank line from who speaks another protocol.
        until = self._patience.until - self._question.timeout
        head, why = talk(self._question, until, spoken[-1], request_for(self._question))
        return hsts_of(head, self._question.port, why)

    def _settle(self, checked: Checked) -> None:
        """Look at the canary for a last time; where it failed at any time, silence has proved nothing."""
        self._canaries()
        disturbed = self._patience.disturbed
        for name, check in checked.checks.items():
            spoilt = disturbed and check.state in {"no", "not-applicable"} and name in checked.by_silence
            self._checks[name] = Check("blind", disturbed) if spoilt else check
        chosen = {self._document.hello.version, self._document.modern.version}
        for version, protocol in self._protocols.items():
            if version in chosen and protocol.state == "not-offered":
                words = "declined when asked for alone, and chosen for a client that offered more"
                self._protocols[version] = Protocol("blind", words)
        if not disturbed:
            return
        self._fail("canary", disturbed)
        for version, protocol in self._protocols.items():
            if protocol.state == "not-offered" and protocol.reason.startswith("each time"):
                self._protocols[version] = Protocol("blind", disturbed)

    def _canaries(self) -> None:
        """Two in a row, so that not every second connection can be the one that fails."""
        with suppress(OutOfTime):
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
