"""Ask an engine about one container after the other: its inspection, and what only further questions bring."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TypeVar

from estate.containers.engine import Container, Engine, Mount, Process, Session, Written
from tasks.containers.api import EngineApi, EngineSaid
from tasks.containers.reduced import checks_health, container_of, image_id, service_of
from tasks.containers.told import LONGEST, MOST, Told

_MOST_STATS = 300
_MOST_WRITTEN = 500
_MOST_EXECS = 50
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_:/@+-]|\.(?!\.))*\Z")
_MODE_TYPES = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
"""Go's os.ModeType: folders, links, devices, pipes, sockets and what is irregular."""
_HOW = {0: "changed", 1: "added"}
_INTERPRETERS = re.compile(r"(?:ba|da|a|z|k)?sh|busybox|perl|ruby|node|php|python[0-9.]*")
_OWN = re.compile(r"runc(?:[ :].*)?|crun|conmon")
_ENDS_ALL = frozenset({"unreachable", "no-privilege", "cancelled"})
_LIVE = frozenset({"running", "paused", "restarting"})
T = TypeVar("T")


@dataclass(slots=True)
class Visit:
    """One round through an engine's containers, which remembers the images and volumes that it asked about."""

    api: EngineApi
    engine: Engine
    _images: dict[str, Told | None] = field(default_factory=dict)
    _volumes: dict[str, str] = field(default_factory=dict)

    def container(self, listed: Told) -> Container | None:
        """All that is known of a container of the list; None where it was removed since.

        Raises:
            EngineSaid: the engine is gone, or there is no more time.
        """
        identity = listed["Id"].text
        try:
            told = self.api.get("containers", identity, "json")
        except EngineSaid as said:
            if said.word == "gone":
                return None
            self._end_or_go_on(said)
            return _unread(listed, identity, said.word)
        container = container_of(told, self.engine)
        if not container.name:
            return _unread(listed, identity, "failed")
        unseen: list[tuple[str, str]] = [("registry", "not-asked")]

        def seen(what: str, ask: Callable[[], T], otherwise: T) -> T:
            try:
                return ask()
            except EngineSaid as said:
                self._end_or_go_on(said)
                unseen.append((what, said.word))
                return otherwise

        container = replace(container, mounts=seen("volumes", lambda: self._mounts(container), container.mounts))
        container = replace(
            container,
            tag_id=seen("image", lambda: self._image(container.image)["Id"].text, ""),
            image_digests=seen("image", lambda: self._image(container.image_id)["RepoDigests"].texts, ()),
            written=seen("diff", lambda: self._written(container), ()),
            processes=seen("top", lambda: self._processes(container), ()) if container.state in _LIVE else (),
            sessions=seen("execs", lambda: self._sessions(told), ()),
        )
        return replace(container, tag_id=image_id(container.tag_id), unseen=tuple(dict(unseen).items()))

    def _end_or_go_on(self, said: EngineSaid) -> None:
        """One slow answer is the container's own; that there is no more time at all shows at the next question."""
        if said.word in _ENDS_ALL:
            raise said

    def _image(self, name: str) -> Told:
        """An image by its name or id; nothing where there is none of it."""
        if not _NAME.match(name):
            return Told(None)
        if name not in self._images:
            try:
                self._images[name] = self.api.get("images", name, "json")
            except EngineSaid as said:
                if said.word != "gone":
                    raise
                self._images[name] = None
        return self._images[name] or Told(None)

    def _mounts(self, container: Container) -> tuple[Mount, ...]:
        """The mounts, where a volume that only stands for a folder of the host is told as that folder."""
        return tuple(self._unveiled(one) if one.kind == "volume" else one for one in container.mounts)

    def _unveiled(self, mount: Mount) -> Mount:
        name = mount.volume
        if not _NAME.match(name):
            return mount
        if name not in self._volumes:
            try:
                options = self.api.get("volumes", name)["Options"]
            except EngineSaid as said:
                if said.word != "gone":
                    raise
                options = Told(None)
            bound = {"bind", "rbind"} & set(options["o"].text.split(","))
            device = options["device"].text
            self._volumes[name] = device if bound and device.startswith("/") else ""
        device = self._volumes[name]
        return replace(mount, kind="bind", source=device) if device else mount

    def _written(self, container: Container) -> tuple[Written, ...]:
        """What is other than in the image, with the executable bit of as many files as may be asked."""
        changes = self.api.get("containers", container.id, "changes").value
        if not isinstance(changes, list | None):
            raise EngineSaid("failed", "no list of changes")
        listed = [Told(one) for one in changes or ()]
        mounts = tuple(one.destination.rstrip("/") + "/" for one in container.mounts)
        paths = {one["Path"].text: one["Kind"].number for one in listed if one["Kind"].number in _HOW}
        # A folder is told as changed because of what is in it.
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        files = sorted(path for path in paths if path not in folders and not f"{path}/".startswith(mounts))
        found: list[Written] = []
        for number, path in enumerate(files[:_MOST_WRITTEN]):
            can_run = self._can_run(container, path) if number < _MOST_STATS else None
            found.append(Written(path, _HOW[paths[path]], can_run))
        return tuple(found)

    def _can_run(self, container: Container, path: str) -> bool | None:
        try:
            mode = self.api.stat(container.id, path)["mode"].number
        except EngineSaid as said:
            if said.word == "gone":
                # A name that did not come whole is another file's.
                return None if "\ufffd" in path or len(path) >= LONGEST else False
            if said.word != "failed":
                raise
            return None
        return not mode & _MODE_TYPES and bool(mode & 0o111)

    def _processes(self, container: Container) -> tuple[Process, ...]:
        """Who runs what, each once. Podman's own spelling of the columns differs from that of ps."""
        columns = "pid,user,comm,args"
        asked = columns if self.engine.kind == "podman" else f"-eo {columns}"
        told = self.api.get("containers", container.id, "top", ps_args=asked)
        listed = told["Processes"].value
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
            raise EngineSaid("failed", "no whole list of processes")
        rows = (row.texts for row in told["Processes"].each)
        return tuple(dict.fromkeys(process for row in rows for process in _process(row)))

    def _sessions(self, told: Told) -> tuple[Session, ...]:
        found: list[Session] = []
        if len(told["ExecIDs"].texts) > _MOST_EXECS:
            raise EngineSaid("failed", "too many sessions")
        for identity in told["ExecIDs"].texts:
            try:
                one = self.api.get("exec", identity, "json")
            except EngineSaid as said:
                if said.word != "gone":
                    raise
                continue
            if one["Running"].flag and not checks_health(one, told["Config"]):
                process = one["ProcessConfig"]
                user = process["user"].text or told["Config"]["User"].text
                found.append(Session(user, process["privileged"].flag))
        return tuple(found)


def _unread(listed: Told, identity: str, word: str) -> Container:
    """What the list alone says: enough to be blind on the right one."""
    names = (name.removeprefix("/") for name in listed["Names"].texts)
    # By links of old it has names within others, too.
    name = next((name for name in names if "/" not in name), identity)
    service = service_of(listed["Labels"])
    return Container(name, identity, service, state=listed["State"].text, unseen=(("inspect", word),))


def _process(row: tuple[str, ...]) -> Iterator[Process]:
    """A line of ps without arguments, but for the script that an interpreter runs; the engine's own are none."""
    if len(row) < 4 or _OWN.fullmatch(row[2]):
        return
    words = row[3].split(maxsplit=2)
    path = words[0] if words and words[0].startswith("/") else ""
    program = PurePosixPath(words[0]).name if words else ""
    if len(words) > 1 and words[1].startswith("/") and _INTERPRETERS.fullmatch(program):
        path = words[1]
    if not row[3].startswith("runc init"):
        yield Process(row[1], row[2], path)
