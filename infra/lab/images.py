"""Images as `docker save` writes them, of a few kilobytes: what an image scanner reads, and nothing else."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEBIAN_12 = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
CMD = '/bin/sh -c #(nop)  CMD ["bash"]'


@dataclass(frozen=True)
class Layer:
    """Files by path, and the command that made them; `after` are commands that made none."""

    files: Mapping[str, bytes]
    made_by: str = "/bin/sh -c #(nop) ADD file:0 in / "
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Image:
    """What `docker save` is to hold."""

    layers: Sequence[Layer]
    tags: Sequence[str] = ("lab/app:1.0",)
    env: Sequence[str] = ("PATH=/usr/bin",)
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the layers."""
        return tuple("sha256:" + hashlib.sha256(tar_of(layer.files)).hexdigest() for layer in self.layers)

    @property
    def config(self) -> bytes:
        """The image's configuration, whose digest is the image's id."""
        history: list[dict[str, object]] = []
        for layer in self.layers:
            history.append({"created": "2024-01-01T00:00:00Z", "created_by": layer.made_by})
            history += [{"created_by": one, "empty_layer": True} for one in layer.after]
        told = {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": {"Env": list(self.env), "Cmd": ["bash"], "User": self.user, "Labels": dict(self.labels)},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            "history": history,
        }
        return json.dumps(told).encode()

    @property
    def id(self) -> str:
        """As engines tell it."""
        return "sha256:" + hashlib.sha256(self.config).hexdigest()

    def save(self, path: Path) -> Path:
        """Write it as an archive."""
        name = self.id.removeprefix("sha256:") + ".json"
        names = [f"{digest[7:]}/layer.tar" for digest in self.diff_ids]
        manifest = [{"Config": name, "RepoTags": list(self.tags), "Layers": names}]
        files = {name: self.config, "manifest.json": json.dumps(manifest).encode()}
        files |= {at: tar_of(layer.files) for at, layer in zip(names, self.layers, strict=True)}
        path.write_bytes(tar_of(files))
        return path


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar with these files."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()


def dpkg_status(packages: Mapping[str, tuple[str, str]]) -> bytes:
    """dpkg's list of installed packages: by name, the source and the version."""
    return b"".join(
        f"Package: {name}\nStatus: install ok installed\nSource: {source}\nVersion: {version}\n"
        f"Architecture: amd64\nMaintainer: lab\nDescription: {name}\n\n".encode()
        for name, (source, version) in packages.items()
    )


def python_package(name: str, version: str) -> dict[str, bytes]:
    """What pip leaves of a package."""
    folder = f"usr/lib/python3/dist-packages/{name}-{version}.dist-info"
    return {f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()}


def debian(packages: Mapping[str, tuple[str, str]], release: bytes = DEBIAN_12) -> Layer:
    """A base layer with a distribution and its packages."""
    files = {
        "etc/os-release": release,
        "etc/debian_version": b"12.1\n",
        "var/lib/dpkg/status": dpkg_status(packages),
    }
    return Layer(files, after=(CMD,))


OLD_PACKAGES = {
    "libc6": ("glibc", "2.36-9+deb12u1"),
    "zlib1g": ("zlib", "1:1.2.13.dfsg-1"),
    "libssl3": ("openssl", "3.0.14-1~deb12u1"),
}
