"""The conversation with SSL Labs: slow, patient up to a limit, and without a way to fail."""

import json
from threading import Event

import pytest

from estate.tls.ssllabs import Given, read_ssllabs
from infra.lab.ssllabs import EMAIL, fake_ssllabs
from tasks.tls.ssllabs import SslLabs

NAME, ADDRESS = "www.roundsman.dev", "198.41.0.4"


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.slept.append(seconds)
        return False


@pytest.fixture
def server():
    with fake_ssllabs() as fake:
        fake.grades[NAME] = {ADDRESS: "A", "198.41.0.5": None}
        yield fake


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def api(server, clock):
    return SslLabs(server.url, EMAIL, 24, 3_600.0, Event(), clock.wait, lambda: clock.now)


def opinion(api, folder, name=NAME):
    evidence = api.ask(name, folder)
    assert evidence.media == "ssllabs"
    with evidence.path.open("rb") as stream:
        return read_ssllabs(stream)


def test_an_assessment_is_followed_until_it_is_ready(api, server, clock, tmp_path):
    found = opinion(api, tmp_path)
    assert found.at(ADDRESS) == Given("A", "A")
    assert found.at("198.41.0.5") == "Unable to connect to the server"
    assert clock.slept == [5.0, 10.0]
    calls = [call for call, *_ in server.heard]
    assert calls == ["info", "analyze", "analyze", "analyze"]
    first, *later = (question for call, question, _ in server.heard if call == "analyze")
    assert first == {"host": NAME, "fromCache": "on", "maxAge": "24", "all": "done"}
    assert later == [{"host": NAME, "all": "done"}] * 2


def test_only_who_is_registered_is_named_and_only_where_it_is_needed(api, server, tmp_path):
    opinion(api, tmp_path)
    assert {(call, email) for call, _, email in server.heard} == {("info", ""), ("analyze", EMAIL)}


def test_new_assessments_wait_for_the_cool_off(api, server, clock, tmp_path):
    server.grades["b.roundsman.dev"] = {ADDRESS: "B"}
    server.cool_off = 60_000
    opinion(api, tmp_path)
    assert opinion(api, tmp_path, "b.roundsman.dev").at(ADDRESS) == Given("B", "B")
    assert clock.slept == [5.0, 10.0, 45.0, 5.0, 10.0]


def test_nothing_new_is_begun_while_there_is_no_place(api, server, clock, tmp_path):
    server.most, server.current = 2, 4
    assert opinion(api, tmp_path).at(ADDRESS) == Given("A", "A")
    assert clock.slept == [30.0, 30.0, 5.0, 10.0]
    assert [call for call, *_ in server.heard][:4] == ["info", "info", "info", "analyze"]


def test_who_may_begin_nothing_does_not_wait(api, server, clock, tmp_path):
    server.most = 0
    assert "no assessments" in opinion(api, tmp_path).at(ADDRESS)
    assert clock.slept == []
    assert server.asked == ()


@pytest.mark.parametrize(("code", "least"), [(429, 60), (500, 10), (503, 900), (529, 1_800)])
def test_who_is_sent_away_comes_back_after_a_time_that_is_not_everybodys(api, server, clock, tmp_path, code, least):
    server.failing = [code]
    assert opinion(api, tmp_path).at(ADDRESS) == Given("A", "A")
    pause = clock.slept[0]
    assert least < pause < 1.5 * least


def test_who_is_sent_away_again_and_again_gives_up(api, server, clock, tmp_path):
    server.failing = [529] * 10
    api.until = 10_000.0
    assert opinion(api, tmp_path).at(ADDRESS) == "SSL Labs answers with 529: come back later"
    assert len(server.failing) == 7


def test_patience_has_an_end_and_its_reason_is_kept(api, server, clock, tmp_path):
    server.failing = [503]
    api.until = 600.0
    words = "SSL Labs answers with 503: come back later, and no more time to wait for one"
    assert opinion(api, tmp_path).at(ADDRESS) == words
    assert clock.slept == []


def test_who_is_not_registered_is_told_so_at_once(api, server, clock, tmp_path):
    api.email = "bob@roundsman.dev"
    assert opinion(api, tmp_path).at(ADDRESS) == "SSL Labs answers with 441: email not registered"
    assert clock.slept == []


@pytest.mark.parametrize("said", [b"<html>", b"[]", b'{"status": "READY"}', b"\xff\xfe", b"[" * 100_000])
def test_whatever_it_says_the_document_can_be_written(api, server, tmp_path, said):
    server.said = said
    path = api.ask(NAME, tmp_path).path
    assert json.loads(path.read_text())["asked"] == NAME


def test_an_answer_without_end_is_cut_off(api, server, tmp_path):
    server.said = b'{"x": "' + b"x" * (17 * 1024 * 1024) + b'"}'
    assert opinion(api, tmp_path).at(ADDRESS) == "SSL Labs answers without end"


def test_where_nobody_listens_there_is_a_reason_after_three_tries(clock, tmp_path):
    api = SslLabs("http://127.0.0.1:1/api/v4/", EMAIL, 24, 3_600.0, Event(), clock.wait, lambda: clock.now)
    assert opinion(api, tmp_path).at(ADDRESS) == "SSL Labs cannot be reached: ConnectError"
    assert len(clock.slept) == 2


def test_the_end_of_the_round_ends_the_waiting(api, server, tmp_path):
    api.wait = lambda _seconds: True
    assert opinion(api, tmp_path).at(ADDRESS) == "the round was ended"
