"""Have a local engine write an image as an archive, over its socket."""

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx

from estate.text import printable
from tasks.containers.archive import MOST_BYTES
from tasks.containers.trivy_run import Patience, TrivyFailed

_SOCKET = "unix://"


def export(engine: str, reference: str, path: Path, patience: Patience, *, most: int = MOST_BYTES) -> None:
    """Write an image to a file, as `docker save` does; Docker and Podman answer alike.

    Args:
        engine: `unix:///…`.
        reference: an image's id or name.
        path: the file.
        patience: how long it may take.
        most: how many bytes it may have.

    Raises:
        TrivyFailed: the image is not there, or the engine does not answer.
    """
    socket = engine.removeprefix(_SOCKET)
    if not Path(socket).is_socket():
        raise TrivyFailed("unreachable", printable(f"there is no engine at {engine}", 300))
    url = f"http://engine/images/{quote(reference, safe='')}/get"
    limits = httpx.Timeout(60.0, connect=10.0)
    try:
        with (
            httpx.Client(transport=httpx.HTTPTransport(uds=socket), timeout=limits) as client,
            client.stream("GET", url) as answer,
            path.open("wb") as file,
        ):
            if answer.status_code != 200:
                raise TrivyFailed(*_refused(answer))
            size = 0
            for chunk in answer.iter_bytes():
                patience.left()
                size += len(chunk)
                if size > most:
                    raise TrivyFailed("bad-archive", "the image is larger than any may be")
                file.write(chunk)
    except httpx.TimeoutException:
        raise TrivyFailed("timeout", "the engine does not answer") from None
    except httpx.HTTPError as error:
        raise TrivyFailed("unreachable", printable(f"{engine}: {error}", 300)) from None
    except OSError as error:
        raise TrivyFailed("failed", printable(f"the image cannot be written: {error.strerror or error}", 300)) from None


def _refused(answer: httpx.Response) -> tuple[str, str]:
    said = b""
    with suppress(httpx.HTTPError):
        for chunk in answer.iter_bytes():
            said += chunk
            if len(said) > 2_000:
                break
    told = printable(said.decode("utf-8", "replace").strip(), 300)
    missing = answer.status_code == 404 or (answer.status_code == 500 and "no such" in told.lower())
    return ("not-found" if missing else "failed"), told
