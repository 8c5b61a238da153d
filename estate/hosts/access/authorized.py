"""One line of an authorized_keys file, as sshd(8) reads it: options, then a public key, then a comment."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

TYPE = re.compile(
    r"(ssh-(rsa|dss|ed25519|xmss)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9-]+)(-cert-v\d\d)?(@openssh\.com)?\Z"
)
_CURVES = {"nistp256": 256, "nistp384": 384, "nistp521": 521}
_MOST_BYTES = 16384


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: `type` without `ssh-`, as `rsa` or `sk-ed25519`; `bits` is None where its size is unknown."""

    type: str
    bits: int | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Who may log in with it: a key under options, whose names are in lower case; `comment` is what its owner wrote."""

    key: PublicKey
    options: tuple[tuple[str, str], ...]
    comment: str

    def has(self, *names: str) -> bool:
        """Whether one of these options is there."""
        return any(name in names for name, _ in self.options)


def read_entry(line: str) -> Entry | None:
    """Read a line; None where sshd finds no key in it either."""
    line = line.strip(" \t\r\n")
    found = _key_and_comment(line)
    if found is not None:
        return Entry(found[0], (), found[1])
    end = _end_of_options(line)
    found = _key_and_comment(line[end:].lstrip(" \t"))
    return None if found is None else Entry(found[0], tuple(_options(line[:end])), found[1])


def told(options: tuple[tuple[str, str], ...]) -> str:
    """Options in one line: of a command its program, of an environment its name, since the rest may be a secret."""
    return ",".join(f'{name}="{_value(name, value)}"' if value else name for name, value in options)


def _value(name: str, value: str) -> str:
    if name == "command":
        program, _, rest = value.strip().partition(" ")
        return f"{program} …" if rest else program
    return value.partition("=")[0] if name == "environment" else value


def _end_of_options(line: str) -> int:
    """Where the first blank outside quotes stands; a quoted quote has a backslash before it."""
    quoted = False
    at = 0
    while at < len(line) and (quoted or line[at] not in " \t"):
        if line[at : at + 2] == '\\"':
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        at += 1
    return at


def _options(text: str) -> list[tuple[str, str]]:
    """Options by name, in their order; commas within quotes part nothing."""
    found: list[tuple[str, str]] = []
    start = at = 0
    quoted = False
    while at <= len(text):
        if at == len(text) or (text[at] == "," and not quoted):
            name, _, value = text[start:at].partition("=")
            if name:
                inner = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
                found.append((name.lower(), inner.replace('\\"', '"')))
            start = at + 1
        elif text[at : at + 2] == '\\"':
            at += 1
        elif text[at] == '"':
            quoted = not quoted
        at += 1
    return found


def _key_and_comment(text: str) -> tuple[PublicKey, str] | None:
    words = text.split(None, 2)
    if len(words) < 2 or not TYPE.match(words[0]) or (key := _public_key(words[0], words[1])) is None:
        return None
    return key, words[2].strip() if len(words) > 2 else ""


def _public_key(name: str, text: str) -> PublicKey | None:
    try:
        blob = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    fields = _fields(blob)
    if not fields or len(blob) > _MOST_BYTES or fields[0] != name.encode():
        return None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()
    return PublicKey(name.removesuffix("@openssh.com").replace("ssh-", ""), _bits(name, fields), f"SHA256:{digest}")


def _bits(name: str, fields: list[bytes]) -> int | None:
    """A key's size from the fields of RFC 4253, 5656 and 8709; a certificate has a nonce before its key."""
    rest = fields[2:] if "-cert-" in name else fields[1:]
    if name.startswith("ssh-rsa"):
        return int.from_bytes(rest[1]).bit_length() if len(rest) > 1 else None
    if name.startswith("ssh-dss"):
        return int.from_bytes(rest[0]).bit_length() if rest else None
    if "ed25519" in name:
        return 256
    return _CURVES.get(rest[0].decode("latin-1")) if rest else None


def _fields(blob: bytes) -> list[bytes]:
    """The strings that a blob is made of, as far as they are whole."""
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(blob) and len(found) < 16:
        size = int.from_bytes(blob[at : at + 4])
        if at + 4 + size > len(blob):
            break
        found.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return found
