"""Ask TLS endpoints, each in a way that can be ended, and bring one document for each, whatever happened."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import tasks
from estate.errors import ToolFailed
from estate.evidence import Evidence
from estate.tls.evidence import ClientCertificate, Failure, Hello, TlsEvidence
from tasks.supervisor import supervise
from tasks.tls.chains import certificates_of
from tasks.tls.document import add_failure, blind, now, write
from tasks.tls.flight import Flight
from tasks.tls.handover import Handover
from tasks.tls.hello import say_hello
from tasks.tls.nursery import Nursery
from tasks.tls.question import TlsQuestion
from tasks.tls.revocation import revocation_of
from tasks.tls.turnstile import waited

_HOUSE = Path(tasks.__file__).parents[1]
_SPARE = 2.0
"""Seconds in which the child stops by itself before it is stopped."""
_NOT_ASKED = "the profile does not ask this"


def ask_tls(
    question: TlsQuestion,
    folder: Path,
    *,
    cancelled: threading.Event | None = None,
    scans: threading.Semaphore | None = None,
    children: Nursery | None = None,
) -> Evidence:
    """One endpoint, one document of the media `tls`: also where no TLS is spoken, or the scan died.

    Who does not speak TLS is told from here within seconds. The rest of `full` and `watch` runs in a process of its
    own, since what it uses can hang or crash on hostile servers; if that dies, the document says so, and is blind.

    Args:
        question: what to ask.
        folder: where the document is written.
        cancelled: set by who wants no more.
        scans: a slot of these is taken for that process, where many are asked who may not speak TLS at all.
        children: starts that process faster than a new one is.
    """
    work = Path(mkdtemp(prefix="tls-", dir=folder))
    path = work / "evidence.json"
    started, began, stood = now(), time.monotonic(), waited()
    if cancelled is not None and cancelled.is_set():
        document = blind(question, started, Hello("silent", "not asked"), "cancelled before it was asked")
        write(document, path)
        return Evidence("tls", path, ended="cancelled")
    hello, flight = say_hello(question)
    if hello.outcome != "tls" or flight is None:
        document = blind(question, started, hello, f"{hello.outcome}: {hello.detail}")
    else:
        document = blind(question, started, hello, _NOT_ASKED)
        if question.profile != "certificate":
            took = time.monotonic() - began - (waited() - stood)
            with scans or nullcontext():
                return _ask_child(Handover(question, hello, flight, took), document, work, cancelled, children)
        document = _with_certificates(document, flight, question)
    write(replace(document, seconds=round(time.monotonic() - began, 3)), path)
    return Evidence("tls", path)


def ask_many(
    questions: Iterable[TlsQuestion],
    folder: Path,
    *,
    at_once: int = 4,
    slots: threading.Semaphore | None = None,
    scans: threading.Semaphore | None = None,
    children: Nursery | None = None,
    on_done: Callable[[TlsQuestion, Evidence], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Iterator[Evidence]:
    """Many endpoints, a few at once, each document as soon as it is there; questions are taken one by one.

    Args:
        questions: what to ask.
        folder: where the documents are written.
        at_once: how many of these are asked side by side.
        slots: shared with others who ask meanwhile; each question takes one while it is asked.
        scans: see `ask_tls`.
        children: see `ask_tls`.
        on_done: told of each.
        cancelled: set by who wants no more.
    """
    stop = cancelled or threading.Event()
    free = slots or threading.Semaphore(at_once)

    def ask(question: TlsQuestion) -> Evidence:
        with free:
            return ask_tls(question, folder, cancelled=stop, scans=scans, children=children)

    waiting = iter(questions)
    running: dict[Future[Evidence], TlsQuestion] = {}
    with ThreadPoolExecutor(at_once, "tls") as pool:
        try:
            while True:
                while len(running) < at_once and (question := next(waiting, None)) is not None:
                    running[pool.submit(ask, question)] = question
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    question = running.pop(future)
                    evidence = future.result()
                    if on_done is not None:
                        on_done(question, evidence)
                    yield evidence
        finally:
            if running:
                stop.set()


def _with_certificates(document: TlsEvidence, flight: Flight, question: TlsQuestion) -> TlsEvidence:
    """All that one handshake shows."""
    certificates = certificates_of(flight, question.name)
    client = document.client_certificate
    if flight.complete:
        client = (
            ClientCertificate("blind", "one is asked for; whether the server insists was not tried")
            if flight.certificate_requested
            else ClientCertificate("none")
        )
    revocation = revocation_of(certificates, question.revocation_hosts, question.timeout, document.started)
    return replace(document, certificates=certificates, revocation=revocation, client_certificate=client)


def _ask_child(
    handover: Handover, document: TlsEvidence, work: Path, cancelled: threading.Event | None, children: Nursery | None
) -> Evidence:
    """Let a process of its own do the rest, and answer for it when it cannot."""
    asking, path = work / "handover.json", work / "evidence.json"
    asking.write_text(handover.to_json(), "utf-8")
    began, left = time.monotonic() - handover.took, max(1.0, handover.question.deadline - handover.took)
    try:
        if children is not None:
            reason, said = children.run(asking, path, left - _SPARE, deadline=left, cancelled=cancelled)
        else:
            ended = supervise(
                (sys.executable, "-m", "tasks.tls.child", str(asking), str(path), f"{left - _SPARE:.3f}"),
                deadline=left,
                cancelled=cancelled,
                cwd=work,
                env={"PYTHONPATH": str(_HOUSE)},
            )
            reason, said = ended.reason, ended.stderr_tail
    except ToolFailed as error:
        reason, said = "exit 1", str(error)
    said = said.strip().rpartition("\n")[2][:300]
    asking.unlink()
    words = f"the scan ended before its time: {reason or 'it brought nothing'}"
    failure = Failure("scan", f"{words}; {said}" if said else words)
    if not path.exists():
        dead = blind(handover.question, document.started, document.hello, words)
        write(replace(dead, seconds=round(time.monotonic() - began, 3), errors=(failure,)), path)
        return Evidence("tls", path, ended=reason or "exit 0")
    if reason:
        add_failure(path, failure)
    return Evidence("tls", path, ended=reason)
