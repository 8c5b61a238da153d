"""One document of what the world knew of some packages at one time: written by who asked, read by who rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from estate.evidence import read_document
from estate.intel.osv import Record
from estate.intel.packages import Asked

MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exploited:
    """An entry of CISA's catalogue of vulnerabilities that are used in attacks."""

    added: str
    ransomware: bool = False


@dataclass(frozen=True)
class Knowledge:
    """Answers of OSV, with what KEV and EPSS say of the vulnerabilities in them.

    Args:
        at: when it was asked.
        answers: (ecosystem, name, version) with the ids of records that affect it.
        records: by id.
        failed: why not everything was answered; empty where it was. What is in `answers` counts anyway.
        kev: by CVE; None where the catalogue was not to be had.
        epss: probabilities between 0 and 1 by CVE; None where they were not to be had.
        versions: of the databases, by their names.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    at: datetime
    answers: tuple[tuple[str, str, str, tuple[str, ...]], ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    failed: str = ""
    kev: Mapping[str, Exploited] | None = None
    epss: Mapping[str, float] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_package(self) -> Mapping[Asked, tuple[str, ...]]:
        """The answers, to be looked up."""
        return {Asked(ecosystem, name, version): ids for ecosystem, name, version, ids in self.answers}


_KNOWLEDGE = TypeAdapter(Knowledge)


def spell_knowledge(knowledge: Knowledge) -> bytes:
    """As it is stored."""
    return _KNOWLEDGE.dump_json(knowledge)


@lru_cache(maxsize=2)
def read_knowledge(text: bytes) -> Knowledge:
    """As it was stored.

    Raises:
        BadReport: it is no such document.
    """
    return read_document(_KNOWLEDGE, text, "a document of knowledge")
