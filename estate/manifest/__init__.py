"""The manifest: what the owners of an estate declare in `estate.toml`."""

from estate.manifest.document import Manifest
from estate.manifest.lookup import Declared
from estate.manifest.reading import load_manifest
from estate.manifest.rows import DeclaredAsset, DeclaredHost, Expectation
from estate.manifest.starter import starter_manifest
from estate.manifest.writing import append_expected

__all__ = [
    "Declared",
    "DeclaredAsset",
    "DeclaredHost",
    "Expectation",
    "Manifest",
    "append_expected",
    "load_manifest",
    "starter_manifest",
]
