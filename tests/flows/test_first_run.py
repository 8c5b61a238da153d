"""The first run needs nothing but this machine; and what it needs for itself is no part of the estate."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.lab.network import OnLinkLab
from infra.lab.postgres import private_cluster

ROUNDSMAN = str(Path(sys.executable).with_name("roundsman"))
LOOPBACK = """
[[scopes]]
name = "this-machine"
authorised_by = "the tests"
networks = ["127.0.0.1"]
ports = "tcp/1-65535"
pace = 40000
versions = false
"""


def test_without_a_server_prefect_brings_its_own_which_is_not_taken_for_the_estates(
    onlink_lab: OnLinkLab, tmp_path: Path
) -> None:
    (tmp_path / "estate.toml").write_text(LOOPBACK)
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROUNDSMAN_"))}
    environment = {**usual, "HOME": str(tmp_path), "ROUNDSMAN_HOME": str(tmp_path / "home")}

    def scan() -> dict[str, Any]:
        argv = onlink_lab.command((ROUNDSMAN, "scan", "ports", "--json"))
        ran = subprocess.run(argv, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        return told

    with onlink_lab.inside():
        listener = socket.create_server(("127.0.0.1", 7007))
    with listener:
        first, second = scan(), scan()
    assert [(change["kind"], change["key"]) for change in first["changes"]] == [("first_observed", "tcp/7007")]
    # 65,535 ports less the one of the server that came with the run and went with it.
    assert (first["state"], first["asked"]) == ("complete", 65534)
    assert (second["state"], second["changes"]) == ("complete", [])
    told = subprocess.run(["ip", "netns", "pids", onlink_lab.scanner.name], check=True, capture_output=True, text=True)
    assert told.stdout == ""


LAB = """
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = ["10.77.0.2", "10.77.0.3"]
ports = "tcp/22,80,443,8080"
versions = false
"""


def test_on_postgresql_all_is_the_same(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    lab_roundsman.describes(LAB)
    with private_cluster() as cluster:
        lab_roundsman.environment["ROUNDSMAN_DATABASE_URL"] = cluster.create()
        assert lab_roundsman.scan().kinds == {"first_observed"}
        onlink_lab.hang_up("10.77.0.3", 80)
        onlink_lab.firewall.drop("10.77.0.3", "443")
        assert lab_roundsman.scan().changes == {
            ("gone", "proved", "host:10.77.0.3", "tcp/80"),
            ("suspected_gone", "suspected", "host:10.77.0.3", "tcp/443"),
        }
        assert lab_roundsman.scan().changes == {("gone", "confirmed", "host:10.77.0.3", "tcp/443")}
    assert not (lab_roundsman.folder / "home" / "roundsman.db").exists()
