"""What an operator sees of a sweep in Prefect: the run form, the state and its reason, and the artifacts."""

import importlib
import json
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Failed
from prefect.utilities.callables import parameter_schema

from estate.errors import (
    EvidenceNotStored,
    OutOfScope,
    RoundsmanError,
    ScopeNotValid,
    StoreBusy,
    ToolFailed,
    ToolMissing,
    ToolNotAllowed,
    ToolTimedOut,
)
from flows import port_sweep
from infra.lab.network import Mode, OnLinkLab, Service
from tasks import steps
from tasks.making import Interrupted

HOUSE = Path(__file__).parents[2]
ESTATE = """
[[scopes]]
name = "lab.east"
authorised_by = "the tests"
networks = ["10.77.0.2", "10.77.0.3"]
ports = "tcp/22,80,443,8080"
versions = false
{more}
"""
HOSTILE = b"SSH-2.0-OpenSSH_9.2p1 Debian-2<img/src=x/onerror=alert(1)>|**b**_`[x](http://a/)\r\n"


def posted(url: str, what: str, **query: object) -> Any:
    """The answer of Prefect's API."""
    request = urllib.request.Request(
        f"{url}/{what}", json.dumps(query).encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def flow_run(url: str, run: str) -> dict[str, Any]:
    (found,) = posted(url, "flow_runs/filter", flow_runs={"id": {"any_": [run]}})
    return dict(found)


def artifacts(url: str, run: str) -> dict[str, dict[str, Any]]:
    found = posted(url, "artifacts/filter", artifacts={"flow_run_id": {"any_": [run]}})
    return {artifact["key"]: artifact for artifact in found}


def test_every_flow_loads_by_its_module_and_every_task_of_it_asks_anew() -> None:
    for file in sorted((HOUSE / "flows").glob("[a-z]*.py")):
        entrypoint = f"flows.{file.stem}.{file.stem}"
        flow: Flow[..., object] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        assert flow.name == file.stem.replace("_", "-")
        tasks = [one for one in vars(importlib.import_module(f"flows.{file.stem}")).values() if isinstance(one, Task)]
        assert tasks
        assert all(task.cache_policy == NO_CACHE and task.persist_result is False for task in tasks)


def test_the_run_form_explains_every_field_and_needs_none() -> None:
    schema = parameter_schema(port_sweep.port_sweep).model_dump_for_openapi()
    assert schema.get("required", []) == []
    assert schema["properties"]["sweep"]["description"].startswith("What to ask.")
    (form,) = schema["definitions"].values()
    fields = form["properties"]
    assert [field["title"] for field in fields.values()] == [
        "Scope",
        "Only these",
        "Ports",
        "Ask for versions",
        "Reason",
    ]
    for name, field in fields.items():
        assert field["description"].endswith("."), name
        assert "default" in field, name
        # A switch between a type and "None" is what the form makes of an optional one; nobody understands that.
        assert "anyOf" not in field, name
    assert form["additionalProperties"] is False


@pytest.mark.parametrize("word", ["-iL", "--script=x", "10.0.0.1 -iL", "$(id)", "a;b", "a\nb", ""])
def test_the_form_refuses_what_could_be_an_option(word: str) -> None:
    schema = parameter_schema(port_sweep.port_sweep).model_dump_for_openapi()
    fields = schema["definitions"]["Sweep"]["properties"]
    assert not re.search(fields["only"]["items"]["pattern"], word)
    for good in ("10.77.0.2", "2001:db8::/64", "::1", "host:web-7.example.org", "10.0.0.1-20"):
        assert re.search(fields["only"]["items"]["pattern"], good)
    for name in ("scope", "ports"):
        assert word == "" or not re.search(fields[name]["pattern"], word), name
    for good in ("", "80", "1-1024,8080", "tcp/1-1024,8080 udp/53,161", "tcp/*"):
        assert re.search(fields["ports"]["pattern"], good)
    assert not re.search(fields["ports"]["pattern"], "80 -sc")


@pytest.mark.parametrize(
    ("error", "heals"),
    [
        (ToolFailed("x"), True),
        (ToolTimedOut("x"), True),
        (EvidenceNotStored("x"), True),
        (StoreBusy("x"), True),
        (ToolMissing("x"), False),
        (ToolNotAllowed("x"), False),
        (OutOfScope("x"), False),
        (ScopeNotValid("x"), False),
        (Interrupted("x"), False),
        (ZeroDivisionError("x"), False),
    ],
)
def test_only_what_time_can_heal_is_tried_again(error: Exception, heals: bool) -> None:
    state: State[object] = Failed(data=error, message="x")
    assert steps.can_heal(steps.ask, None, state) is heals  # type: ignore[arg-type]  # only the state counts
    if isinstance(error, RoundsmanError):
        assert error.retryable is heals


def test_those_that_try_again_do_not_do_so_in_step() -> None:
    assert steps.ask.retries == 2
    assert steps.ask.retry_jitter_factor == 0.5
    assert steps.ask.retry_condition_fn is steps.can_heal


def test_a_run_says_what_it_asked_how_far_it_came_and_what_changed(
    lab_roundsman, prefect_server: str, onlink_lab: OnLinkLab
) -> None:
    lab_roundsman.describes(ESTATE.format(more=""))
    ran = lab_roundsman.scan("--only", "10.77.0.2", "--ports", "22,80")
    run = flow_run(prefect_server, ran.said["flow_run_id"])
    assert run["name"] == "port-sweep lab.east, 1 target, tcp/22,80"
    assert (run["state"]["type"], run["state"]["message"]) == (
        "COMPLETED",
        "2 of 2 questions answered, 2 changes",
    )
    found = artifacts(prefect_server, ran.said["flow_run_id"])
    assert set(found) == {"port-sweep-lab-east", "port-sweep-lab-east-changes", "port-sweep-lab-east-progress"}
    assert found["port-sweep-lab-east-progress"]["data"] == 100
    assert "## lab.east: complete" in found["port-sweep-lab-east"]["data"]
    assert f"Run {ran.said['run'][:12]} looked at" in found["port-sweep-lab-east"]["data"]
    rows = found["port-sweep-lab-east-changes"]["data"]
    rows = json.loads(rows) if isinstance(rows, str) else rows
    assert {(row["change"], row["where"], row["what"]) for row in rows} == {
        ("first observed", "host:10.77.0.2", "tcp/22"),
        ("first observed", "host:10.77.0.2", "tcp/80"),
    }


def test_a_blind_run_has_failed_with_the_reason_in_its_message(
    lab_roundsman, prefect_server: str, onlink_lab: OnLinkLab
) -> None:
    lab_roundsman.describes(ESTATE.format(more="floor = 0.9"))
    assert lab_roundsman.scan().code == 0
    onlink_lab.take_down("10.77.0.3")
    ran = lab_roundsman.scan()
    assert (ran.code, ran.said["state"]) == (3, "partial")
    state = flow_run(prefect_server, ran.said["flow_run_id"])["state"]
    assert (state["type"], state["name"]) == ("FAILED", "Failed")
    assert state["message"] == (
        "only 4 of 8 questions were answered (the floor is 90 %): "
        "could not look at 4 of 8 (asset, key) pairs: 4 host-down"
    )


def test_a_run_that_would_close_too_much_asks_a_person(lab_roundsman, prefect_server: str, onlink_lab) -> None:
    lab_roundsman.describes(ESTATE.format(more="breaker = { share = 0.2, at_least = 3 }"))
    assert lab_roundsman.scan().code == 0
    onlink_lab.firewall.refuse("10.77.0.3")
    ran = lab_roundsman.scan()
    assert (ran.code, ran.said["state"], ran.changes) == (3, "quarantined", set())
    state = flow_run(prefect_server, ran.said["flow_run_id"])["state"]
    assert (state["type"], state["name"]) == ("FAILED", "Quarantined")
    assert f"roundsman settle {ran.said['run'][:12]} --accept" in state["message"]


def test_a_refusal_is_the_states_message_and_no_traceback(lab_roundsman, prefect_server: str, onlink_lab) -> None:
    lab_roundsman.describes(ESTATE.format(more='names = ["localhost"]'))
    ran = lab_roundsman.scan("--only", "10.77.0.2")
    assert ran.code == 0
    direct = lab_roundsman.flow(sweep={"only": ["localhost"]})
    state = flow_run(prefect_server, direct)["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith("localhost is out of scope 'lab.east': localhost is one of its names, and it")


CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --virtual-time-budget=20000 --dump-dom"
)


def test_a_hostile_banner_is_words_and_nothing_else_in_a_browser(
    lab_roundsman, prefect_server: str, onlink_lab: OnLinkLab, tmp_path: Path
) -> None:
    onlink_lab.hang_up("10.77.0.2", 22)
    onlink_lab.listen("10.77.0.2", Service(22, Mode.BANNER, HOSTILE))
    lab_roundsman.describes(ESTATE.format(more="").replace("= false", "= true"))
    ran = lab_roundsman.scan("--only", "10.77.0.2", "--ports", "22")
    assert "onerror" in ran.out
    for artifact in artifacts(prefect_server, ran.said["flow_run_id"]).values():
        if artifact["type"] == "progress":
            continue
        url = f"{prefect_server.removesuffix('/api')}/artifacts/artifact/{artifact['id']}"
        argv = (*CHROMIUM.split(), f"--user-data-dir={tmp_path}/chromium", url)
        page = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout
        assert f"Run {ran.said['run'][:12]}" in page
        cell = re.search(r"ssh OpenSSH 9\.2p1 Debian 2[^\n]*?(?=</(?:p|td|span|div)>)", page)
        assert cell is not None, artifact["type"]
        assert "&lt;img/src=x/onerror=alert(1)&gt;|**b**_`[x](http://a/)" in cell[0]
        assert "<img" not in page
        assert 'href="http://a/"' not in page
