from estate.containers.engine import Container, Engine, Process, Written
from estate.containers.trial import Trial, judge_trial

ENGINE = Engine("docker")


def word(ended=None, listening=(), **more):
    return judge_trial(Trial(30, ENGINE, Container("c", "1", state="running", **more), "", ended, listening))


def test_a_quiet_run_says_nothing():
    found = word(processes=(Process("app", "sleep", "/bin/sleep"),))
    assert (found.reasons, found.warnings, found.blind) == ((), (), ())


def test_each_thing_that_it_does_is_told():
    found = word(
        listening=(22, 8080),
        processes=(Process("root", "sshd", "/usr/sbin/sshd"), Process("app", "miner", "/tmp/miner")),
        written=(Written("/tmp/miner", "added", True), Written("/var/log/x", "added", False)),
    )
    assert [reason.partition(":")[0] for reason in found.reasons] == [
        "it writes programs outside its volumes",
        "it runs an ssh server",
        "it runs programs from where anybody may write",
    ]
    assert set(found.warnings) == {
        "it runs as root",
        "it writes outside its volumes: /var/log/x",
        "it listens on tcp/22, tcp/8080",
    }


def test_what_could_not_be_asked_is_no_praise():
    assert word(unseen=(("diff", "busy"),)).blind
    assert word(listening=None).warnings == ("where it listens could not be seen",)


def test_what_did_not_start_or_crashed_is_refused():
    assert "no such program" in judge_trial(Trial(30, ENGINE, None, "no such program")).reasons[0]
    assert "code 3" in word(ended=3).reasons[0]
    assert word(ended=0).reasons == ()
