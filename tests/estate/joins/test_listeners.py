from estate.coverage import Verdict
from estate.joins.listeners import Standing, join_listeners

SSH, DB = (("process", "sshd"),), (("process", "postgres"),)


def standing(listeners, ports, looked, inside=Verdict.NEGATIVE) -> dict[str, Standing]:
    return {one.key: one.standing for one in join_listeners(listeners, inside, ports, looked)}


def test_a_port_that_both_looks_show_is_reachable() -> None:
    assert standing({"listener/tcp/22@0.0.0.0": SSH}, {"tcp/22": ()}, {}) == {"tcp/22": Standing.REACHABLE}


def test_what_listens_and_keeps_silent_from_outside_is_filtered() -> None:
    found = standing({"listener/tcp/5432@10.0.0.7": DB}, {}, {"tcp/5432": Verdict.SILENT})
    assert found == {"tcp/5432": Standing.FILTERED}


def test_what_listens_and_is_refused_from_outside_is_told_apart_from_that() -> None:
    found = standing({"listener/tcp/5432@[::]": DB}, {}, {"tcp/5432": Verdict.NEGATIVE})
    assert found == {"tcp/5432": Standing.REFUSED}


def test_what_nobody_asked_from_outside_is_said_to_be_that() -> None:
    assert standing({"listener/udp/123@0.0.0.0": ()}, {}, {}) == {"udp/123": Standing.UNASKED}
    blind = standing({"listener/udp/123@0.0.0.0": ()}, {}, {"udp/123": Verdict.BLIND})
    assert blind == {"udp/123": Standing.UNASKED}


def test_what_listens_on_loopback_alone_is_nobodys_outside() -> None:
    assert standing({"listener/tcp/5432@127.0.0.1": DB, "listener/tcp/5432@[::1]": DB}, {}, {}) == {}


def test_an_open_port_without_a_process_is_odd_only_where_the_list_was_whole() -> None:
    assert standing({}, {"tcp/8080": ()}, {}) == {"tcp/8080": Standing.NO_PROCESS}
    assert standing({}, {"tcp/8080": ()}, {}, inside=None) == {"tcp/8080": Standing.UNSEEN}


def test_an_anomaly_of_the_sweep_is_no_port() -> None:
    assert standing({}, {"anomaly/tarpit": ()}, {}) == {}
