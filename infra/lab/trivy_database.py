"""A vulnerability database for Trivy, written here: schema 2 in a bbolt file, with a handful of real entries.

Buckets as in https://github.com/aquasecurity/trivy-db/tree/main/pkg/db, pages as in
https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go.
"""

import gzip
import json
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from infra.lab.images import tar_of
from infra.lab.registry import LabRegistry

PAGE = 4096
_MAGIC, _VERSION = 0xED0CDAED, 2
_LEAF, _META, _FREELIST = 2, 4, 16
_BUCKET = 1
_CONFIG = "application/vnd.aquasec.trivy.config.v1+json"
_HEADER = struct.Struct("<QHHI")
_ELEMENT = struct.Struct("<IIII")

Tree = Mapping[str, "Tree | bytes"]


def bolt(tree: Tree) -> bytes:
    """A bbolt file: each bucket is one leaf with as many overflow pages as it takes, which readers search like any."""
    pages: list[bytes] = []
    root = _bucket(tree, pages)
    high = 3 + sum(len(page) for page in pages) // PAGE
    metas = b"".join(_meta(number, root, high) for number in range(2))
    freelist = _HEADER.pack(2, _FREELIST, 0, 0).ljust(PAGE, b"\0")
    return metas + freelist + b"".join(pages)


def _bucket(tree: Tree, pages: list[bytes]) -> int:
    items: list[tuple[int, bytes, bytes]] = []
    for name, value in sorted(tree.items(), key=lambda item: item[0].encode()):
        if isinstance(value, bytes):
            items.append((0, name.encode(), value))
        else:
            items.append((_BUCKET, name.encode(), struct.pack("<QQ", _bucket(value, pages), 0)))
    assert len(items) < 0xFFFF, "one leaf holds no more"
    elements, data = bytearray(), bytearray()
    for number, (flags, key, value) in enumerate(items):
        at = _ELEMENT.size * (len(items) - number) + len(data)
        elements += _ELEMENT.pack(flags, at, len(key), len(value))
        data += key + value
    size = _HEADER.size + len(elements) + len(data)
    count = -(-size // PAGE)
    number = 3 + sum(len(page) for page in pages) // PAGE
    header = _HEADER.pack(number, _LEAF, len(items), count - 1)
    pages.append((header + bytes(elements) + bytes(data)).ljust(count * PAGE, b"\0"))
    return number


def _meta(number: int, root: int, high: int) -> bytes:
    body = struct.pack("<IIIIQQQQQ", _MAGIC, _VERSION, PAGE, 0, root, 0, 2, high, number)
    checksum = 0xCBF29CE484222325
    for byte in body:
        checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    return (_HEADER.pack(number, _META, 0, 0) + body + struct.pack("<Q", checksum)).ljust(PAGE, b"\0")


def _detail(title: str, severity: int, score: float, vector: str) -> dict[str, object]:
    return {
        "Title": title,
        "Description": title,
        "VendorSeverity": {"nvd": severity},
        "CVSS": {"nvd": {"V3Vector": vector, "V3Score": score}},
        "PublishedDate": "2023-10-03T18:15:00Z",
        "LastModifiedDate": "2024-02-22T18:15:00Z",
    }


_NETWORK = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
_LOCAL = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"
DETAILS: dict[str, object] = {
    "CVE-2023-4911": _detail("glibc: buffer overflow in ld.so leading to privilege escalation", 3, 7.8, _LOCAL),
    "CVE-2023-45853": _detail("zlib: integer overflow in zipOpenNewFileInZip4_6", 4, 9.8, _NETWORK),
    "CVE-2024-5535": _detail("openssl: SSL_select_next_proto buffer overread", 4, 9.1, _NETWORK),
    "CVE-2023-32681": _detail(
        "python-requests: Unintended leak of Proxy-Authorization header",
        2,
        6.1,
        "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:N/A:N",
    ),
    "CVE-2020-14343": _detail("PyYAML: incomplete fix for CVE-2020-1747", 4, 9.8, _NETWORK),
}
ADVISORIES: dict[str, dict[str, dict[str, dict[str, object]]]] = {
    "debian 12": {
        "glibc": {"CVE-2023-4911": {"FixedVersion": "2.36-9+deb12u3"}},
        "zlib": {"CVE-2023-45853": {"Status": 5}},
        "openssl": {"CVE-2024-5535": {"FixedVersion": "3.0.15-1~deb12u1"}},
    },
    "pip::GitHub Security Advisory Pip": {
        "requests": {"CVE-2023-32681": {"VulnerableVersions": [">=2.3.0, <2.31.0"], "PatchedVersions": ["2.31.0"]}},
        "pyyaml": {"CVE-2020-14343": {"VulnerableVersions": ["<5.4"], "PatchedVersions": ["5.4"]}},
    },
}
_SOURCES = {"debian 12": "debian", "pip::GitHub Security Advisory Pip": "ghsa"}


def database(
    advisories: Mapping[str, Mapping[str, Mapping[str, object]]] = ADVISORIES,
    details: Mapping[str, object] = DETAILS,
) -> bytes:
    """A `trivy.db` with these advisories, by bucket, package and CVE."""
    return bolt(
        {
            "vulnerability": {cve: _json(told) for cve, told in details.items()},
            "data-source": {
                bucket: _json({"ID": _SOURCES.get(bucket, "ghsa"), "Name": bucket, "URL": "https://example.org"})
                for bucket in advisories
            },
            **{
                bucket: {package: {cve: _json(told) for cve, told in by_cve.items()} for package, by_cve in by.items()}
                for bucket, by in advisories.items()
            },
        }
    )


def metadata(updated: datetime) -> bytes:
    """The file beside it."""
    day = timedelta(days=1)
    return _json(
        {
            "Version": 2,
            "NextUpdate": f"{updated + day:%Y-%m-%dT%H:%M:%SZ}",
            "UpdatedAt": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
            "DownloadedAt": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def write_database(cache: Path, updated: datetime, content: bytes | None = None) -> Path:
    """Put a database into a cache directory of Trivy's."""
    folder = cache / "db"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trivy.db").write_bytes(database() if content is None else content)
    (folder / "metadata.json").write_bytes(metadata(updated))
    return cache


def _json(told: object) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


def artifact(updated: datetime, content: bytes | None = None) -> bytes:
    """A database as registries hold it: a compressed tar with both files."""
    files = {"trivy.db": database() if content is None else content, "metadata.json": metadata(updated)}
    return gzip.compress(tar_of(files))


def push_database(registry: LabRegistry, repository: str, layer: bytes) -> str:
    """Put one into a registry; returns what Trivy is told."""
    told = {
        "config": {"mediaType": _CONFIG, "size": 2, "digest": registry.blob(repository, b"{}")},
        "layers": [
            {
                "mediaType": "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip",
                "size": len(layer),
                "digest": registry.blob(repository, layer),
                "annotations": {"org.opencontainers.image.title": "db.tar.gz"},
            }
        ],
    }
    registry.manifest(repository, told, "2")
    return f"{registry.host}/{repository}:2"
