import base64

import pytest


def packed(*fields: bytes) -> bytes:
    return b"".join(len(each).to_bytes(4) + each for each in fields)


def public(name: str, *fields: bytes) -> str:
    """A public key as a line has it."""
    return f"{name} {base64.b64encode(packed(name.encode(), *fields)).decode()}"


def rsa(bits: int) -> str:
    return public("ssh-rsa", b"\x01\x00\x01", b"\x00" + (1 << (bits - 1)).to_bytes(bits // 8))


@pytest.fixture
def keys() -> dict[str, str]:
    """One public key of each sort, without a comment."""
    return {
        "ed25519": public("ssh-ed25519", b"\x07" * 32),
        "another": public("ssh-ed25519", b"\x08" * 32),
        "rsa1024": rsa(1024),
        "rsa2048": rsa(2048),
        "rsa4096": rsa(4096),
        "dss": public("ssh-dss", b"\x00" + (1 << 1023).to_bytes(128), b"\x01", b"\x02", b"\x03"),
        "ecdsa": public("ecdsa-sha2-nistp384", b"nistp384", b"\x04" * 97),
        "sk": public("sk-ssh-ed25519@openssh.com", b"\x09" * 32, b"ssh:"),
        "vagrant": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1YdxBpNlzxDqfJyw/QKow1F+wvG9hXGoqiysfJOn5Y"),
    }
