"""Images that a real engine runs for a moment: what they do is seen, and nothing of them is left."""

from estate.containers.trial import judge_trial
from infra.lab.docker_engine import DockerEngine
from tasks.containers.trial import try_image


def made(engine: DockerEngine, name: str, does: str, user: str = "app") -> str:
    engine.docker(
        "build",
        "--network=none",
        "--tag",
        name,
        "-",
        given=f'FROM busybox:lab\nUSER {user}\nCMD ["sh", "-c", "{does}"]\n'.encode(),
    )
    return engine.docker("inspect", "--format", "{{.Id}}", name)


def tried(engine, name: str, does: str, user: str = "app"):
    word = judge_trial(try_image(engine.where, made(engine, name, does, user), 2))
    assert "roundsman-gate" not in engine.docker("ps", "--all")
    return word


def test_an_image_that_only_works_has_nothing_against_it(engine):
    word = tried(engine, "trial/quiet:1", "exec sleep 600")
    assert (word.reasons, word.warnings, word.blind) == ((), (), ())


def test_a_crash_is_a_reason_and_an_early_end_a_remark(engine):
    assert "ended with code 7" in tried(engine, "trial/crash:1", "exit 7").reasons[0]
    ended = tried(engine, "trial/short:1", "exit 0")
    assert ended.reasons == ()
    assert "ended by itself" in ended.warnings[0]


def test_a_program_that_is_written_is_a_reason_and_a_file_a_remark(engine):
    writes = "echo x > /tmp/file; cp /bin/busybox /tmp/prog; chmod 755 /tmp/prog; exec sleep 600"
    word = tried(engine, "trial/writes:1", writes, "root")
    assert any("writes programs" in reason and "/tmp/prog" in reason for reason in word.reasons)
    assert "it runs as root" in word.warnings
    assert any("/tmp/file" in warning for warning in word.warnings)


def test_what_cannot_be_started_is_refused(engine):
    engine.docker("build", "--network=none", "--tag", "trial/none:1", "-", given=b'FROM busybox:lab\nCMD ["/none"]\n')
    word = judge_trial(try_image(engine.where, "trial/none:1", 2))
    assert "does not start" in word.reasons[0]


def test_where_it_listens_is_told(engine):
    word = tried(engine, "trial/listens:1", "exec busybox nc -l -p 8080")
    assert word.reasons == ()
    assert "it listens on tcp/8080" in word.warnings


def test_it_has_no_network_and_no_capability(engine):
    names = "grep -q '^CapEff:.0*$' /proc/self/status && test $(ls /sys/class/net | wc -l) = 1 && exec sleep 600"
    assert tried(engine, "trial/locked:1", names, "root").reasons == ()
