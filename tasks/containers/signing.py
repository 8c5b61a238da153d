"""Ask a registry for an image's signatures, in both of cosign's layouts, and judge them."""

from collections.abc import Iterator, Sequence

from estate.containers.reference import DIGEST
from estate.containers.signatures import (
    Signature,
    TrustedKey,
    Verdict,
    attached,
    bundles,
    judge_bundle,
    judge_simple,
    referring,
    strongest,
)
from estate.errors import RegistryError, RegistryLacks
from tasks.containers.registry import Registry


def ask_signature(registry: Registry, repository: str, digest: str, keys: Sequence[TrustedKey]) -> Signature:
    """Whether one of these keys signed this digest; what could not be asked is `unreachable`, never `unsigned`."""
    if not DIGEST.match(digest):
        return Signature(Verdict.UNREACHABLE, "the registry's digest is not known")
    found: list[Signature] = []
    for layout in (_tagged, _referring):
        try:
            for one in layout(registry, repository, digest, keys):
                if one.verdict is Verdict.SIGNED:
                    return one
                found.append(one)
        except RegistryError as error:
            found.append(Signature(Verdict.UNREACHABLE, str(error)))
    return strongest(found)


def _tagged(registry: Registry, repository: str, digest: str, keys: Sequence[TrustedKey]) -> Iterator[Signature]:
    try:
        manifest = registry.manifest(repository, f"{digest.replace(':', '-')}.sig")
    except RegistryLacks:
        return
    for one in attached(manifest.told):
        yield judge_simple(registry.blob(repository, one.digest), one.signature, digest, keys)


def _referring(registry: Registry, repository: str, digest: str, keys: Sequence[TrustedKey]) -> Iterator[Signature]:
    for artifact in referring(registry.referrers(repository, digest)):
        if not DIGEST.match(artifact):
            continue
        for bundle in bundles(registry.manifest(repository, artifact).told):
            yield judge_bundle(registry.blob(repository, bundle), digest, keys)
