import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.access.authorized import read_entry, told


@pytest.mark.parametrize(
    ("name", "kind", "bits"),
    [
        ("ed25519", "ed25519", 256),
        ("rsa1024", "rsa", 1024),
        ("rsa4096", "rsa", 4096),
        ("dss", "dss", 1024),
        ("ecdsa", "ecdsa-sha2-nistp384", 384),
        ("sk", "sk-ed25519", 256),
    ],
)
def test_a_key_is_known_by_its_type_and_size(keys, name: str, kind: str, bits: int) -> None:
    entry = read_entry(f"{keys[name]} anna@web")
    assert entry is not None
    assert (entry.key.type, entry.key.bits, entry.comment) == (kind, bits, "anna@web")


@pytest.mark.parametrize("kind", [("ed25519",), ("rsa", "-b", "2048"), ("ecdsa", "-b", "521")])
def test_fingerprints_and_sizes_are_those_of_ssh_keygen(tmp_path: Path, kind: tuple[str, ...]) -> None:
    file = tmp_path / "key"
    subprocess.run(("ssh-keygen", "-q", "-t", *kind, "-N", "", "-C", "a b", "-f", file), check=True)
    asked = ("ssh-keygen", "-lf", f"{file}.pub")
    bits, fingerprint, *_ = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    entry = read_entry(file.with_suffix(".pub").read_text())
    assert entry is not None
    assert (str(entry.key.bits), entry.key.fingerprint, entry.comment) == (bits, fingerprint, "a b")


def test_a_certificate_is_as_big_as_the_key_in_it(tmp_path: Path) -> None:
    for name in ("ca", "key"):
        subprocess.run(("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / name), check=True)
    signing = ("ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "x", "-n", "anna", tmp_path / "key.pub")
    subprocess.run(signing, check=True)
    entry = read_entry((tmp_path / "key-cert.pub").read_text())
    assert entry is not None
    assert (entry.key.type, entry.key.bits) == ("rsa-cert-v01", 2048)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ("restrict", [("restrict", "")]),
        ('from="10.0.0.0/8,!10.1.2.3",no-pty', [("from", "10.0.0.0/8,!10.1.2.3"), ("no-pty", "")]),
        (r'command="echo \"a, b\" ssh-rsa AAAA",Restrict', [("command", 'echo "a, b" ssh-rsa AAAA'), ("restrict", "")]),
        ('environment="A=1",environment="B=2"', [("environment", "A=1"), ("environment", "B=2")]),
        ('command="unclosed', []),
        (",,", []),
    ],
)
def test_options_are_read_with_their_quotes_and_commas(keys, options: str, read: list[tuple[str, str]]) -> None:
    entry = read_entry(f"{options} {keys['ed25519']} c")
    assert (list(entry.options) if entry else []) == read


def test_options_are_told_without_what_may_be_secret(keys) -> None:
    entry = read_entry(f'command="/bin/backup --token=secret",environment="TOKEN=secret",no-pty {keys["ed25519"]}')
    assert entry is not None
    assert told(entry.options) == 'command="/bin/backup …",environment="TOKEN",no-pty'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "#",
        "ssh-rsa",
        "ssh-rsa AAAA",
        "ssh-rsa !!!!",
        "1024 35 123 old",
        "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQAB",
        "é é",
    ],
)
def test_a_line_without_a_key_is_none(line: str) -> None:
    assert read_entry(line) is None


@given(st.text())
def test_no_line_upsets_the_reader(line: str) -> None:
    read_entry(line)
    read_entry(f"ssh-rsa {line}")


@given(st.binary(max_size=80))
def test_no_blob_upsets_the_reader(blob: bytes) -> None:
    for name in ("ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ssh-rsa-cert-v01@openssh.com"):
        body = len(name).to_bytes(4) + name.encode() + blob
        assert read_entry(f"{name} {base64.b64encode(body).decode()}") is not None
