"""Files of certificates that a round reads on this machine: which, and with which password, which is kept nowhere."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from estate.certificates.sources import Source
from estate.evidence import Evidence
from estate.store.endpoints import known_files
from estate.store.surroundings import Surroundings
from tasks.certificates import collect_certificates


def find_sources(here: Surroundings, zone: str, vantage: str, only: Sequence[str]) -> tuple[Source, ...]:
    """Every declared source of a zone, or those of the assets that were asked for."""
    wanted = {here.asset_key(word, zone) for word in only}
    rows = [row for row in here.manifest.certificates if row.zone == zone]
    found = [
        Source(
            here.asset_key(row.host, zone),
            tuple(str(here.file(path).absolute()) for path in row.paths),
            row.password_env,
            None if row.password_file is None else str(here.file(row.password_file).absolute()),
        )
        for row in rows
    ]
    chosen = sorted(one for one in found if not wanted or one.asset in wanted)
    known = known_files(here.database, zone, vantage) if chosen else {}
    # All that is known of an asset goes with its first source: which of them it belongs to is told by its paths.
    first = {one.asset: one for one in reversed(chosen)}
    return tuple(replace(one, known=known.get(one.asset, ())) if first[one.asset] is one else one for one in chosen)


def complaints(sources: Sequence[Source]) -> Iterator[str]:
    """What an operator should know before the files are read."""
    for one in sources:
        for path in one.paths:
            if not os.path.lexists(path):
                yield f"{path} of {one.asset} is not there: what it held counts as gone"
        why = _password(one)[1]
        if why:
            yield why


def read_sources(sources: Sequence[Source], folder: Path) -> Iterator[Evidence]:
    """One document for each source; what cannot be read is told in it."""
    for number, one in enumerate(sources):
        place = folder / f"source-{number}"
        place.mkdir()
        password, _ = _password(one)
        yield collect_certificates(
            tuple(map(Path, one.paths)), place, passwords=(password,) if password is not None else ()
        )


def _password(source: Source) -> tuple[bytes | None, str]:
    """The password where there is one, or why it could not be had; never both."""
    if source.password_env is not None:
        value = os.environ.get(source.password_env)
        if value is None:
            return None, f"the environment variable {source.password_env} is not set: keystores that need it stay shut"
        return os.fsencode(value), ""
    if source.password_file is not None:
        try:
            return Path(source.password_file).read_bytes().split(b"\n", 1)[0].rstrip(b"\r"), ""
        except OSError as error:
            return None, f"{source.password_file}: {error.strerror}: keystores that need its password stay shut"
    return None, ""
