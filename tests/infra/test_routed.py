"""The routed lab is a whole /16 whose truth is what a scanner finds."""

import json
from pathlib import Path

from infra.lab.routed import FIFTEEN_PORTS, populate, routed_lab


def test_the_same_seed_makes_the_same_world() -> None:
    assert populate(1) == populate(1)
    assert populate(1) != populate(2)


def test_a_population_is_as_large_as_asked() -> None:
    world = populate(3)
    assert len(world.open_ports) == 1000
    assert len(world.deaf) == 300
    assert world.deaf < set(world.open_ports)
    assert all(ports and ports <= set(FIFTEEN_PORTS) for ports in world.open_ports.values())


def test_zmap_at_20_000_packets_a_second_finds_exactly_the_truth(tmp_path: Path) -> None:
    found, metadata = tmp_path / "found.csv", tmp_path / "metadata.json"
    with routed_lab(populate(5, live=4000, deaf=1000)) as lab:
        # The cool-down is longer than the second for which zmap may leave packets in its capture buffer.
        how = ("-p", "443", "-r", "20000", "-c", "2", "-i", lab.interface, "-S", lab.source, "-G", lab.gateway_mac)
        what = ("-O", "csv", "-f", "saddr,success", "--output-filter=success = 1 || success = 0")
        where = ("-o", str(found), "-m", str(metadata), str(lab.network))
        done = lab.run(("zmap", "-C", "/dev/null", "-b", "/dev/null", "-q", "--disable-syslog", *how, *what, *where))
        truth, arrived = lab.truth(), lab.packets()
    assert done.returncode == 0, done.stderr
    sent = json.loads(metadata.read_text())
    assert sent["total_sent"] == 65536 <= arrived
    rows = [line.split(",") for line in found.read_text().splitlines()[1:]]
    assert {address for address, success in rows if success == "1"} == {a for a, p in truth.items() if 443 in p}
    assert {address for address, _ in rows} == set(truth)


def test_deaf_hosts_ignore_pings_and_closed_ports_refuse() -> None:
    world = populate(5, live=20, deaf=8)
    with routed_lab(world) as lab:
        pinged = lab.run(["nmap", "-n", "-T4", "-sn", "-PE", "-oG", "-", *world.open_ports]).stdout
        up = {line.split()[1] for line in pinged.splitlines() if "Status: Up" in line}
        assert up == set(world.open_ports) - world.deaf
        asked = ",".join(map(str, (*FIFTEEN_PORTS, 9)))
        report = lab.run(["nmap", "-n", "-T4", "-Pn", "-p", asked, "-oG", "-", *world.deaf]).stdout
    for line in report.splitlines():
        if "Ports:" in line:
            address = line.split()[1]
            ports = {int(entry.split("/")[0]): entry.split("/")[1] for entry in line.split("Ports: ")[1].split(", ")}
            assert {port for port, state in ports.items() if state == "open"} == world.open_ports[address]
            assert set(ports.values()) == {"open", "closed"}
