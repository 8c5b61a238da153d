"""A real image registry (Debian's docker-registry) on this machine, and images and signatures to put into it."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
USER, PASSWORD = "ada", "correct horse"
# bcrypt of PASSWORD: the registry takes nothing else.
_HTPASSWD = "ada:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"


@dataclass(frozen=True)
class LabRegistry:
    """Where it answers, and how to put things there."""

    host: str
    client: httpx.Client

    def blob(self, repository: str, content: bytes) -> str:
        """Put a blob there; returns its digest."""
        digest = digest_of(content)
        begun = self.client.post(f"/v2/{repository}/blobs/uploads/")
        begun.raise_for_status()
        where = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": digest})
        self.client.put(where, content=content).raise_for_status()
        return digest

    def manifest(self, repository: str, told: Mapping[str, object], tag: str = "", kind: str = OCI_MANIFEST) -> str:
        """Put a manifest there; returns its digest."""
        content = json.dumps({"schemaVersion": 2, "mediaType": kind, **told}).encode()
        digest = digest_of(content)
        answer = self.client.put(
            f"/v2/{repository}/manifests/{tag or digest}", content=content, headers={"Content-Type": kind}
        )
        answer.raise_for_status()
        return digest

    def image(self, repository: str, tag: str, config: bytes = b"{}", layers: Sequence[bytes] = (b"layer",)) -> str:
        """An image of uncompressed layers; returns its digest."""
        listed = [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "size": len(layer),
                "digest": self.blob(repository, layer),
            }
            for layer in layers
        ]
        return self.manifest(repository, {"config": self._config(repository, config), "layers": listed}, tag)

    def sign_simple(self, repository: str, digest: str, key: ec.EllipticCurvePrivateKey, says: str = "") -> None:
        """Cosign's first layout; `says` is another digest that the payload names."""
        payload = json.dumps(
            {
                "critical": {
                    "identity": {"docker-reference": f"{self.host}/{repository}"},
                    "image": {"docker-manifest-digest": says or digest},
                    "type": "cosign container image signature",
                },
                "optional": None,
            }
        ).encode()
        layer = {
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "size": len(payload),
            "digest": self.blob(repository, payload),
            "annotations": {"dev.cosignproject.cosign/signature": signed(key, payload)},
        }
        told = {"config": self._config(repository, b"{}"), "layers": [layer]}
        self.manifest(repository, told, f"{digest.replace(':', '-')}.sig")

    def sign_bundle(
        self,
        repository: str,
        digest: str,
        key: ec.EllipticCurvePrivateKey,
        says: str = "",
        predicate: str = "https://sigstore.dev/cosign/sign/v1",
    ) -> None:
        """The second layout, found by the tag that stands for the API of referrers, which this registry lacks."""
        content = bundle(says or digest, key, predicate)
        layer = {"mediaType": BUNDLE, "size": len(content), "digest": self.blob(repository, content)}
        told = {"artifactType": BUNDLE, "config": self._config(repository, b"{}"), "layers": [layer]}
        artifact = self.manifest(repository, told)
        listed = {"mediaType": OCI_MANIFEST, "size": 1, "digest": artifact, "artifactType": BUNDLE}
        self.manifest(repository, {"manifests": [listed]}, digest.replace(":", "-"), OCI_INDEX)

    def _config(self, repository: str, content: bytes) -> dict[str, object]:
        kind = "application/vnd.oci.image.config.v1+json"
        return {"mediaType": kind, "size": len(content), "digest": self.blob(repository, content)}


def bundle(digest: str, key: ec.EllipticCurvePrivateKey, predicate: str) -> bytes:
    """A bundle of sigstore's with one statement on a digest."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate,
        "predicate": {},
    }
    payload, kind = json.dumps(statement).encode(), b"application/vnd.in-toto+json"
    signature = signed(key, b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind.decode(),
        "signatures": [{"sig": signature}],
    }
    told = {"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {"hint": ""}}, "dsseEnvelope": envelope}
    return json.dumps(told).encode()


def signed(key: ec.EllipticCurvePrivateKey, content: bytes) -> str:
    """A signature as cosign makes it."""
    return base64.b64encode(key.sign(content, ec.ECDSA(SHA256()))).decode()


def digest_of(content: bytes) -> str:
    """As registries spell it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def lab_registry(
    folder: Path, *, protected: bool = False, certificate: Path | None = None, key: Path | None = None
) -> Iterator[LabRegistry]:
    """Run one; with a password, or with TLS, where that is asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    http: dict[str, object] = {"addr": host}
    if certificate and key:
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    told: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": http,
    }
    if protected:
        (folder / "htpasswd").write_text(_HTPASSWD)
        told["auth"] = {"htpasswd": {"realm": "lab", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(told))  # JSON is YAML
    scheme = "https" if certificate else "http"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ("docker-registry", "serve", str(folder / "config.yml")),
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, host, folder / "log")
        login = httpx.BasicAuth(USER, PASSWORD) if protected else None
        with httpx.Client(
            base_url=f"{scheme}://{host}", auth=login, verify=False, trust_env=False, timeout=30
        ) as client:
            yield LabRegistry(host, client)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait(process: "subprocess.Popen[bytes]", host: str, log: Path) -> None:
    address, _, port = host.partition(":")
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError), socket.create_connection((address, int(port)), 1):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
