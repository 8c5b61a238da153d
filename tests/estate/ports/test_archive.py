"""A sweep's runs in one document mean what they mean one by one, and not a byte of them is lost."""

import io
import random
import tarfile
from pathlib import Path

import pytest

from estate.coverage import Keys
from estate.errors import BadReport
from estate.evidence import Document, Evidence, Notes
from estate.ports.archive import ARCHIVE, pack, unpack
from estate.ports.shard import PortShard, sights
from estate.targets import Targets

EVIDENCE = Path(__file__).parents[2] / "evidence/zmap"
RUNS = ("port_80_whole", "killed", "no_metadata", "open_only")


def evidence(name: str) -> Evidence:
    metadata = EVIDENCE / f"{name}.json"
    return Evidence("zmap", EVIDENCE / f"{name}.csv", metadata if metadata.exists() else None)


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    pack(map(evidence, names), out)
    return out.getvalue()


def archive(content: bytes) -> Document:
    return Document(ARCHIVE, 2, io.BytesIO(content))


def document(name: str) -> Document:
    one = evidence(name)
    companion = io.BytesIO(one.companion.read_bytes()) if one.companion else None
    return Document("zmap", 2, io.BytesIO(one.path.read_bytes()), companion)


def test_every_byte_of_every_run_comes_back_in_order() -> None:
    back = [
        (each.media, each.look, each.stream.read(), each.companion.read() if each.companion else None)
        for each in unpack(archive(packed(*RUNS)))
    ]
    assert back == [
        ("zmap", 2, (EVIDENCE / f"{name}.csv").read_bytes(), metadata.read_bytes() if metadata.exists() else None)
        for name in RUNS
        for metadata in [EVIDENCE / f"{name}.json"]
    ]


def test_the_same_runs_make_the_same_bytes_and_any_tar_opens_them() -> None:
    content = packed(*RUNS)
    assert content == packed(*RUNS)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        assert opened.getnames()[:3] == ["0000-port_80_whole.json", "0000-port_80_whole.csv", "0001-killed.json"]


@pytest.mark.parametrize("names", [("port_80_whole",), ("port_80_whole", "killed"), ("cut_short", "port_80_later")])
def test_an_archive_proves_what_its_runs_prove_one_by_one(names: tuple[str, ...]) -> None:
    shard = PortShard(Targets.parse(["10.77.0.0/28", "10.88.0.1"]), Keys.parse("tcp/80"), {"a.lab": ("10.77.0.99",)})
    apart, together = Notes(), Notes()
    one_by_one = list(sights(shard, [document(name) for name in names], apart))
    assert list(sights(shard, [archive(packed(*names))], together)) == one_by_one
    assert (together.outside, together.unfinished) == (apart.outside, apart.unfinished)
    assert any(sight.present for sight in one_by_one)


def test_what_is_no_archive_of_runs_is_refused() -> None:
    other = io.BytesIO()
    with tarfile.open(fileobj=other, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("../../etc/passwd"))
    for content in (b"", b"saddr\n10.0.0.1\n", other.getvalue()):
        with pytest.raises(BadReport, match="archive"):
            list(unpack(archive(content)))


@pytest.mark.parametrize("seed", range(40))
def test_a_mutilated_archive_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(packed(*RUNS))
    for _ in range(chance.randrange(1, 30)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    shard = PortShard(Targets.parse(["10.77.0.0/28"]), Keys.parse("tcp/80"))
    try:
        found = list(sights(shard, [archive(bytes(content[: chance.randrange(len(content))]))], Notes()))
    except BadReport:
        return
    assert len(found) == 16
