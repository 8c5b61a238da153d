"""Start the servers of the lab, know how to ask them, change one while it runs, and leave nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, create_connection, socket

from cryptography.hazmat.primitives.serialization import Encoding

from infra.lab.tls.authority import Authority, Issuer
from infra.lab.tls.case import Case, Plan
from infra.lab.tls.catalogue import PLANS
from infra.lab.tls.chains import RECIPES, reissue
from infra.lab.tls.nginx import configuration
from infra.lab.tls.programs import OPENSSL_CONF, dh_parameters, openssl_arguments, stunnel_configuration

_OWN = {"raw": "raw_servers", "python": "python_servers", "tlslite": "tlslite_servers"}
_HOUSE = Path(__file__).parents[3]
_PATIENCE = 15.0


@dataclass
class TlsLab:
    """A running lab.

    Attributes:
        cases: by name.
        roots: PEM of the roots to trust.
        intermediates: PEM of what an inventory of the other servers knows, and AIA would tell.
    """

    cases: dict[str, Case]
    roots: Path
    intermediates: Path
    folder: Path
    authority: Authority
    _plans: dict[str, Plan]
    _nginx: "subprocess.Popen[bytes] | None" = None

    def reconfigure(self, name: str, **settings: str) -> Case:
        """Give an nginx case other settings (`protocols`, `ciphers`, `hsts`), or another chain (`chain`) while it runs.

        `hsts=""` takes the header away, and `chain="reissued"` is a new certificate for the same key. What the case
        says of its grade stays: the caller knows what the change should do.
        """
        plan = self._plans[name]
        if plan.by != "nginx" or self._nginx is None:
            raise ValueError(f"{name} is not one of nginx's")
        wanted = dict(settings)
        hsts, chain = wanted.pop("hsts", None), wanted.pop("chain", None)
        plan = replace(plan, settings={**plan.settings, **wanted})
        if hsts is not None:
            plan = replace(plan, hsts=(hsts,) if hsts else ())
        if chain == "reissued":
            reissue(self.authority, plan.served, self.folder / name)
        elif chain is not None:
            RECIPES[chain](self.authority, plan.served).write(self.folder / name)
        self._plans[name] = plan
        old = _children(self._nginx.pid)
        _write_nginx(self._plans, self.cases, self.folder)
        self._nginx.send_signal(signal.SIGHUP)
        end = time.monotonic() + _PATIENCE
        while not (now := _children(self._nginx.pid)) or old & now:
            if time.monotonic() > end:
                raise TimeoutError("nginx keeps its old configuration: " + (self.folder / "nginx.log").read_text())
            time.sleep(0.05)
        return self.cases[name]


@contextmanager
def tls_lab(names: Iterable[str] | None = None) -> Iterator[TlsLab]:
    """Serve these cases, or all, until the block is left.

    Raises:
        KeyError: a name that is none.
        RuntimeError: a server does not come up.
    """
    chosen = {name: PLANS[name] for name in (PLANS if names is None else names)}
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="tls-lab-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        authority = Authority()
        for plan in chosen.values():
            RECIPES[plan.chain](authority, plan.served).write(folder / plan.name)
        cases = _place(chosen.values())
        roots, intermediates = folder / "roots.pem", folder / "intermediates.pem"
        roots.write_bytes(_pem(authority.root, authority.rsa_root))
        intermediates.write_bytes(_pem(authority.intermediate, authority.rsa_intermediate))
        lab = TlsLab(cases, roots, intermediates, folder, authority, chosen)
        _start(lab, stack)
        yield lab


def _start(lab: TlsLab, stack: ExitStack) -> None:
    folder, cases = lab.folder, lab.cases
    (folder / "openssl.cnf").write_text(OPENSSL_CONF)
    for bits in (1024, 2048):
        (folder / f"dh{bits}.pem").write_bytes(dh_parameters(bits))
    by: dict[str, list[Plan]] = {}
    for plan in lab._plans.values():
        by.setdefault(plan.by, []).append(plan)
    for kind, module in _OWN.items():
        if kind in by:
            _start_own(module, [cases[plan.name] for plan in by[kind]], folder, stack)
    if "nginx" in by:
        _write_nginx(lab._plans, cases, folder)
        lab._nginx = _run(("nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)), folder, "nginx", stack)
    for plan in by.get("openssl", []):
        _run(openssl_arguments(plan, cases[plan.name], folder), folder / plan.name, plan.name, stack)
    if "stunnel" in by:
        text, behind = stunnel_configuration([(plan, cases[plan.name]) for plan in by["stunnel"]], folder)
        (folder / "stunnel.conf").write_text(text)
        stack.callback(behind.close)
        _run(("stunnel", str(folder / "stunnel.conf")), folder, "stunnel", stack)
    for case in cases.values():
        if lab._plans[case.name].trick != "closed":
            _wait(case, folder)


def _write_nginx(plans: dict[str, Plan], cases: dict[str, Case], folder: Path) -> None:
    running = [(plan, cases[name]) for name, plan in plans.items() if plan.by == "nginx"]
    (folder / "nginx.conf").write_text(configuration(running, folder))


def _start_own(module: str, cases: Sequence[Case], folder: Path, stack: ExitStack) -> None:
    with (folder / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "infra.lab.tls.serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            cwd=_HOUSE, env=_environment(folder) | {"PYTHONPATH": str(_HOUSE)},
        )  # fmt: skip
    stack.callback(_stop, process)
    assert process.stdin is not None
    assert process.stdout is not None
    orders = {
        "module": f"infra.lab.tls.{module}",
        "folder": str(folder),
        "cases": [(case.name, case.address, case.port) for case in cases],
    }
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    process.stdin.flush()
    if process.stdout.readline() != b"ready\n":
        raise RuntimeError((folder / f"{module}.log").read_text())


def _run(argv: Sequence[str], cwd: Path, name: str, stack: ExitStack) -> "subprocess.Popen[bytes]":
    """A server program that ends with us, however we end."""
    with (cwd / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            ("setpriv", "--pdeathsig", "TERM", *argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            cwd=cwd, env=_environment(cwd if (cwd / "openssl.cnf").exists() else cwd.parent),
        )  # fmt: skip
    stack.callback(_stop, process)
    return process


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(folder / "openssl.cnf")}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _place(plans: Iterable[Plan]) -> dict[str, Case]:
    """An address for each, and a port that is free on it: all are held until all are found."""
    cases = {}
    with ExitStack() as held:
        for number, plan in enumerate(plans):
            address = "::1" if plan.ipv6 else f"127.0.{80 + number // 200}.{1 + number % 200}"
            holder = held.enter_context(socket(AF_INET6 if plan.ipv6 else AF_INET, SOCK_STREAM))
            holder.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            holder.bind((address, 0))
            cases[plan.name] = plan.case(address, holder.getsockname()[1])
    return cases


def _wait(case: Case, folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            create_connection((case.address, case.port), 1).close()
        except OSError:
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-500:] for path in folder.rglob("*.log") if path.stat().st_size)
                raise RuntimeError(f"{case.name} does not come up: {logs}") from None
            time.sleep(0.05)
        else:
            return


def _children(pid: int) -> set[int]:
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return set()


def _pem(*issuers: Issuer) -> bytes:
    return b"".join(each.certificate.public_bytes(Encoding.PEM) for each in issuers)
