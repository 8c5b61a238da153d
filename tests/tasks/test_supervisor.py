"""Nothing of a tool is left running, whoever dies first."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from estate.errors import ToolFailed
from tasks.supervisor import end_all, supervise

CHECKOUT = Path(__file__).parents[2]

FAMILY = """
import os, signal, subprocess, sys, time
stubborn = len(sys.argv) > 2
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = [os.getpid(), subprocess.Popen(["sleep", "300"]).pid]
pids.append(subprocess.Popen(["setsid", "sleep", "300"]).pid)
if os.fork() == 0:
    if os.fork() == 0:
        # A daemon: another session, and its parent is gone.
        os.setsid()
        with open(sys.argv[1] + ".daemon", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".daemon", sys.argv[1] + ".daemon.pid")
        time.sleep(300)
    os._exit(0)
os.wait()
while not os.path.exists(sys.argv[1] + ".daemon.pid"):
    time.sleep(0.01)
with open(sys.argv[1] + ".tmp", "w") as file:
    file.write(" ".join(map(str, pids)))
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
print("family is complete", flush=True)
time.sleep(300)
"""

CALLER = """
import sys
from pathlib import Path
from tasks.supervisor import supervise
print(supervise([sys.executable, *sys.argv[1:]], deadline=120))
"""


@pytest.fixture
def family(tmp_path):
    """A tool with a child, a grandchild in another session, and a daemon: its argv, and where their pids will be."""
    program = tmp_path / "family.py"
    program.write_text(FAMILY)
    return [sys.executable, str(program), str(tmp_path / "pids")], tmp_path / "pids"


def pids_of(file: Path, within: float = 10.0) -> list[int]:
    until = time.monotonic() + within
    while not file.exists():
        assert time.monotonic() < until, "the family never came together"
        time.sleep(0.01)
    daemon = file.with_name(file.name + ".daemon.pid")
    return [int(word) for word in (file.read_text() + " " + daemon.read_text()).split()]


def alive(pids: list[int]) -> list[int]:
    living = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            living.append(pid)
    return living


def assert_gone(pids: list[int], within: float) -> None:
    until = time.monotonic() + within
    while alive(pids):
        assert time.monotonic() < until, f"{alive(pids)} of {pids} are still alive"
        time.sleep(0.02)


def supervisor_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class InThread:
    """A supervise call in another thread, with what came of it."""

    def __init__(self, argv, **options):
        self.result: object = None
        self._thread = threading.Thread(target=self._run, args=(argv,), kwargs=options)
        self._thread.start()

    def _run(self, argv, **options):
        try:
            self.result = supervise(argv, **options)
        except BaseException as error:  # noqa: BLE001 - it is what the test looks at
            self.result = error

    def join(self, within=10.0):
        self._thread.join(within)
        assert not self._thread.is_alive()
        return self.result


def test_a_tool_that_ends_by_itself_is_told_with_all_it_said():
    ended = supervise(["sh", "-c", "echo out; echo err >&2; exit 3"], deadline=10)

    assert (ended.exit_code, ended.signal, ended.why, ended.reason) == (3, None, "", "exit 3")
    assert (ended.stdout_tail, ended.stderr_tail) == ("out\n", "err\n")


def test_success_has_no_reason():
    assert supervise(["true"], deadline=10).reason == ""


def test_a_tool_that_dies_by_a_signal_is_not_taken_for_one_that_exits():
    ended = supervise(["sh", "-c", "kill -SEGV $$"], deadline=10)

    assert (ended.exit_code, ended.signal, ended.reason) == (None, signal.SIGSEGV, f"signal {signal.SIGSEGV:d}")


def test_lines_come_while_the_tool_runs_from_both_streams():
    came = []
    supervise(
        ["sh", "-c", "echo one; sleep 0.5; echo two >&2; printf three"],
        deadline=10,
        on_line=lambda line: came.append((line, time.monotonic())),
    )

    assert [line for line, _ in came] == ["one", "two", "three"]
    assert came[1][1] - came[0][1] > 0.3


def test_the_tool_reads_nothing_and_knows_none_of_our_secrets(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("PREFECT_API_KEY", "hunter3")

    ended = supervise(["sh", "-c", "cat; env"], deadline=10, env={"ASKED_FOR": "yes"})

    names = {line.partition("=")[0] for line in ended.stdout_tail.splitlines()}
    assert "hunter" not in ended.stdout_tail
    assert names <= {"PATH", "LANG", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "ASKED_FOR", "PWD", "SHLVL", "_", "OLDPWD"}
    assert "ASKED_FOR" in names


def test_a_tool_may_be_given_a_file_to_read(tmp_path, monkeypatch):
    (tmp_path / "given").write_bytes(b"words\n" * 50_000)
    monkeypatch.chdir(tmp_path)

    ended = supervise(["wc", "-l"], deadline=10, stdin=Path("given"), cwd=Path("/"))

    assert (ended.stdout_tail.strip(), ended.reason) == ("50000", "")


def test_a_file_to_read_that_is_not_there_starts_nothing(tmp_path):
    with pytest.raises(ToolFailed, match="wc cannot be started: No such file"):
        supervise(["wc"], deadline=10, stdin=tmp_path / "given")


def test_a_tool_that_writes_more_than_it_may_is_ended_with_just_that_much(tmp_path):
    ended = supervise(["dd", "if=/dev/zero", "bs=1000"], deadline=30, stdout=tmp_path / "flood", most=100_500)

    assert (ended.signal, ended.why) == (signal.SIGXFSZ, "")
    assert (tmp_path / "flood").stat().st_size == 100_500


def test_what_is_ignored_here_is_not_ignored_there():
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        ended = supervise(["sh", "-c", "grep SigIgn /proc/self/status"], deadline=10)
    finally:
        signal.signal(signal.SIGQUIT, before)

    # Signals 32 and 33 are the C library's own: nobody can set them back who inherits them ignored.
    assert int(ended.stdout_tail.split()[1], 16) & ~(0b11 << 31) == 0


def test_the_deadline_ends_the_whole_family(family):
    argv, file = family

    ended = supervise(argv, deadline=1.5)

    assert (ended.why, ended.reason) == ("deadline", "deadline")
    assert ended.signal == signal.SIGTERM
    assert not alive(pids_of(file))
    assert ended.seconds < 4


def test_a_tool_that_ignores_sigterm_is_killed_after_the_grace(family):
    argv, file = family
    call = InThread([*argv, "stubborn"], deadline=60, cancelled=(cancelled := threading.Event()))
    pids = pids_of(file)
    begun = time.monotonic()

    cancelled.set()
    ended = call.join()

    assert (ended.why, ended.signal) == ("cancelled", signal.SIGKILL)
    assert not alive(pids)
    assert time.monotonic() - begun < 2


def test_a_stopped_tool_is_ended_too():
    ended = supervise(["sh", "-c", "kill -STOP $$"], deadline=0.5)

    assert (ended.why, ended.signal) == ("deadline", signal.SIGKILL)


def test_what_a_finished_tool_leaves_behind_is_ended(family):
    argv, file = family
    program = f"{sys.executable} {argv[1]} {argv[2]} & while ! [ -e {file} ]; do sleep 0.05; done; exit 0"

    ended = supervise(["sh", "-c", program], deadline=20)

    assert (ended.exit_code, ended.why) == (0, "")
    assert not alive(pids_of(file))


def test_an_event_that_is_already_set_starts_nothing(tmp_path):
    cancelled = threading.Event()
    cancelled.set()

    ended = supervise(["touch", str(tmp_path / "made")], deadline=10, cancelled=cancelled)

    assert ended.reason == "cancelled"
    assert not (tmp_path / "made").exists()


def test_an_exception_in_the_callers_thread_ends_the_family(family):
    argv, file = family

    def fail(line):
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt, match="family is complete"):
        supervise(argv, deadline=60, on_line=fail)

    assert not alive(pids_of(file))


def test_a_signal_that_raises_in_the_main_thread_ends_the_family(family):
    argv, file = family

    def terminate(number, frame):
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, terminate)

    def kill_us():
        pids_of(file)
        os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=kill_us)
    killer.start()
    try:
        with pytest.raises(SystemExit):
            supervise(argv, deadline=60)
    finally:
        signal.signal(signal.SIGTERM, before)
        killer.join()

    assert not alive(pids_of(file))


def test_end_all_ends_the_tools_of_every_thread_at_once(tmp_path):
    calls = [InThread(["sh", "-c", f"echo > {tmp_path}/{name}; sleep 300"], deadline=60) for name in range(4)]
    while len(list(tmp_path.iterdir())) < 4:
        time.sleep(0.02)
    begun = time.monotonic()

    end_all()
    results = [call.join() for call in calls]

    assert [ended.why for ended in results] == ["cancelled"] * 4
    assert time.monotonic() - begun < 2


def test_end_all_leaves_later_tools_alone():
    end_all()

    assert supervise(["true"], deadline=10).reason == ""


def caller(argv: list[str]) -> subprocess.Popen[str]:
    """Another process that supervises this tool, as a flow's process does."""
    return subprocess.Popen(
        [sys.executable, "-c", CALLER, *argv[1:]],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("stubborn", [(), ("stubborn",)])
def test_the_family_dies_within_two_seconds_of_a_sigkill_of_our_process(family, stubborn):
    argv, file = family
    with caller([*argv, *stubborn]) as process:
        pids = pids_of(file)
        pids.append(supervisor_of(pids[0]))
        assert len(alive(pids)) == 5

        process.kill()
        process.wait()

        assert_gone(pids, within=2)


def test_the_family_dies_with_our_process_even_if_a_forked_relative_holds_the_leash(family):
    argv, file = family
    program = (
        "import os, sys, threading, time\n"
        "from tasks.supervisor import supervise\n"
        "threading.Thread(target=supervise, args=(sys.argv[1:],), kwargs={'deadline': 60}).start()\n"
        f"while not os.path.exists({str(file)!r}): time.sleep(0.02)\n"
        "relative = os.fork()\n"
        "print(relative, flush=True) if relative else None\n"
        "time.sleep(300)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, *argv]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        relative = int(process.stdout.readline())
        pids = pids_of(file)

        process.kill()
        try:
            assert_gone(pids, within=2)
        finally:
            os.kill(relative, signal.SIGKILL)


def test_the_family_dies_if_its_supervisor_is_killed(family):
    argv, file = family
    call = InThread(argv, deadline=60)
    pids = pids_of(file)

    os.kill(supervisor_of(pids[0]), signal.SIGKILL)
    ended = call.join()

    # The daemon and the child in another session were the supervisor's to find; they outlive it by nobody's fault.
    try:
        assert_gone(pids[:2], within=2)
        assert (ended.exit_code, ended.signal, ended.reason) == (None, signal.SIGKILL, "signal 9")
    finally:
        for pid in alive(pids):
            os.kill(pid, signal.SIGKILL)


def test_a_supervisor_that_is_told_to_stop_ends_its_family(family):
    argv, file = family
    call = InThread(argv, deadline=60)
    pids = pids_of(file)

    os.kill(supervisor_of(pids[0]), signal.SIGTERM)

    assert call.join().why == "cancelled"
    assert not alive(pids)


def test_our_process_group_may_be_signalled_without_touching_the_tool_first(family):
    argv, file = family
    with caller(argv) as process:
        pids = pids_of(file)

        assert {os.getpgid(pid) for pid in pids}.isdisjoint({process.pid})
        os.killpg(process.pid, signal.SIGTERM)

        assert_gone(pids, within=2)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # from Python 3.12 on, and rightly so
def test_a_forked_child_does_not_end_its_parents_tools(tmp_path):
    call = InThread(["sh", "-c", f"echo > {tmp_path}/up; sleep 1.5"], deadline=60)
    while not (tmp_path / "up").exists():
        time.sleep(0.02)
    child = os.fork()
    if child == 0:
        end_all()
        os._exit(0)
    os.waitpid(child, 0)

    assert call.join().reason == ""


def test_no_file_is_left_open_after_many_runs():
    supervise(["true"], deadline=10)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        supervise(["true"], deadline=10, cancelled=threading.Event())

    assert len(list(Path("/proc/self/fd").iterdir())) == before
