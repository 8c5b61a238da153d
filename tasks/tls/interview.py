"""The whole interview of one server that speaks TLS: the order of the questions, and what an accident spoils."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from estate.tls.evidence import (
    VERSIONS,
    Check,
    CheckName,
    ClientCertificate,
    Curves,
    Failure,
    Hsts,
    Protocol,
    Suite,
    TlsEvidence,
    Version,
)
from tasks.tls import probes
from tasks.tls.chains import all_chains
from tasks.tls.client_hello import offer_of
from tasks.tls.document import blind, now
from tasks.tls.handover import Handover
from tasks.tls.hsts import ask_hsts, hsts_of, request_for
from tasks.tls.offers import list_groups, list_suites, probe_version
from tasks.tls.patience import OutOfTime, Patience
from tasks.tls.revocation import revocation_of
from tasks.tls.sslyze_checks import Checked, Known, ask_checks, ask_more, ask_suites, client_certificate, talk
from tasks.tls.trust import mozilla_trust

_NOT_YET = "the scan ended before this was asked"
_MOST_HTTP_SECONDS = 20.0
_SLOWNESS = 2.0
_MANY = 4
"""So many timeouts must fit before what cannot be interrupted begins."""
_SLOW = 1.0
"""Seconds of a first answer from which on only that is asked which a grade needs."""


def interview(handover: Handover, until: float) -> Iterator[TlsEvidence]:
    """Ask a server, and yield the document whenever more of it is settled; the last one is the whole.

    Args:
        handover: the endpoint, with the profile `full` or `watch`, and its first answer.
        until: when all of it has to be done, on the monotonic clock.
    """
    began = time.monotonic() - handover.took
    with ThreadPoolExecutor(handover.question.per_server, "hello") as pool:
        for document in _Interview(handover, until, pool).run():
            yield replace(document, seconds=round(time.monotonic() - began, 3))


class _Interview:
    """One server, from its first answer to the last canary."""

    def __init__(self, handover: Handover, until: float, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._first = handover.flight
        self._slow = handover.took > _SLOW
        # A server that thinks for five seconds before it speaks is slow each time, and not silent.
        patient = max(handover.question.timeout, _SLOWNESS * handover.took)
        self._question = replace(handover.question, timeout=patient)
        self._patience = Patience(self._question, until)
        if self._first.suite is not None and self._first.version is not None:
            self._patience.canary = offer_of(self._first.version, self._question.name, (self._first.suite,))
        self._document = blind(self._question, now() - timedelta(seconds=int(handover.took)), handover.hello, _NOT_YET)
        self._protocols: dict[Version, Protocol] = dict(self._document.protocols)
        self._checks: dict[CheckName, Check] = dict(self._document.checks)
        self._by_silence: set[CheckName] = set()
        self._failures: list[Failure] = []

    def run(self) -> Iterator[TlsEvidence]:
        """What a grade needs first, so that it is there when time runs out."""
        self._protocols |= zip(VERSIONS, self._pool.map(self._version, VERSIONS), strict=True)
        self._ask_certificates()
        yield self._now()
        offered = [version for version in self._offered() if version != "SSL2"]
        self._protocols |= zip(offered, self._pool.map(self._with_suites, offered), strict=True)
        known = self._ask_hellos()
        yield self._now()
        if not self._patience.lost:
            self._take(ask_checks(self._question, self._until(), self._protocols, known))
        self._document = replace(self._document, hsts=self._ask_hsts())
        self._canaries()
        yield self._now()
        if not self._slow:
            self._document = replace(self._document, curves=self._ask_curves())
        if not self._patience.lost and not self._slow:
            self._take(ask_more(self._question, self._until(), self._protocols, known))
        self._canaries()
        if self._question.profile == "full" and not self._slow and not self._patience.disturbed:
            self._ask_second_opinion()
            self._canaries()
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
        found = all_chains(self._patience, best, self._first, self._pool)
        judged = tuple(replace(each, trust=(("mozilla", mozilla_trust(each.chain)),)) for each in found.deployments)
        certificates = replace(found, deployments=judged)
        hosts = self._question.revocation_hosts
        client = ClientCertificate("blind", self._patience.lost or _NOT_YET)
        if self._patience.left() > _MANY * self._question.timeout and not self._patience.lost:
            client = client_certificate(self._question, self._first)
        self._document = replace(
            self._document,
            certificates=certificates,
            revocation=revocation_of(certificates, hosts, self._question.timeout, now()),
            client_certificate=client,
        )

    def _ask_hellos(self) -> Known:
        """All that hellos tell, and what two of them tell that go on; whether heartbeats are accepted is no verdict."""
        patience, old = self._patience, self._old()
        extensions = self._pool.submit(probes.from_hello, patience, old)
        fallback = self._pool.submit(probes.fallback_scsv, patience, self._protocols)
        quantum = self._pool.submit(probes.post_quantum, patience, self._protocols["TLS1.3"])
        modern = self._pool.submit(probes.modern_client, patience)
        change = self._pool.submit(probes.ccs_injection, patience, old)
        legacy = self._pool.submit(probes.legacy_renegotiation, patience, old)
        told = extensions.result()
        self._checks |= told.checks
        self._checks |= {
            "fallback_scsv": fallback.result(),
            "post_quantum": quantum.result(),
            "ccs_injection": change.result(),
        }
        self._document = replace(self._document, modern=modern.result())
        unnamed = any(not each.with_sni for each in self._document.certificates.deployments)
        return Known(
            heartbeats=told.heartbeats,
            secure_renegotiation=self._checks["secure_renegotiation"],
            legacy_renegotiation=legacy.result(),
            client=self._document.client_certificate,
            always_named=self._question.name is not None and not unnamed,
        )

    def _ask_second_opinion(self) -> None:
        """All of sslyze's suites, last, since their number is what wakes rate limiters; it only ever adds."""
        found, failures = ask_suites(self._question, self._until(), self._protocols)
        self._failures += failures
        for version, suites in found.items():
            self._add_suites(version, suites)

    def _add_suites(self, version: Version, suites: tuple[Suite, ...]) -> None:
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

    def _take(self, checked: Checked) -> None:
        self._checks |= checked.checks
        self._by_silence |= checked.by_silence
        self._failures += checked.failures

    def _canaries(self) -> None:
        """Two connections in a row, so that not every second one can be the one that fails."""

        def one(_: int) -> None:
            with suppress(OutOfTime):
                self._patience.check_canary()

        list(self._pool.map(one, range(2)))

    def _until(self) -> float:
        return self._patience.until - _MANY * self._question.timeout

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
        """The document; where a canary failed at any time, silence has proved nothing."""
        disturbed = self._patience.disturbed
        checks = {
            name: Check("blind", disturbed)
            if disturbed and name in self._by_silence and check.state in {"no", "not-applicable"}
            else check
            for name, check in self._checks.items()
        }
        failures = (*self._failures, Failure("canary", disturbed)) if disturbed else tuple(self._failures)
        protocols = {version: self._believed(version, protocol) for version, protocol in self._protocols.items()}
        return replace(self._document, protocols=protocols, checks=checks, errors=failures)

    def _believed(self, version: Version, protocol: Protocol) -> Protocol:
        if protocol.state != "not-offered":
            return protocol
        if version in {self._document.hello.version, self._document.modern.version}:
            return Protocol("blind", "declined when asked for alone, and chosen for a client that offered more")
        if self._patience.disturbed and protocol.reason.startswith("each time"):
            return Protocol("blind", self._patience.disturbed)
        return protocol

    def _fail(self, command: str, reason: str) -> None:
        self._failures.append(Failure(command, reason[:500]))


def _within(seconds: float, act: Callable[[], Hsts]) -> Hsts | None:
    found: list[Hsts] = []
    thread = threading.Thread(target=lambda: found.append(act()), daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None
