"""Scans that look inside of things, for people: what is new is counted, what changed and is wrong is listed."""

from collections.abc import Callable, Iterable
from itertools import islice

from deployments.command.printing import SHOWN, safe, show
from deployments.command.tables import change_table, finding_table, first, shown_asset
from estate.containers import words as container_words
from estate.diff import Kind
from estate.hosts import words as host_words
from estate.joins.listeners import Standing
from estate.store.blindness import list_blind
from estate.store.documents import ChangeObject, FindingObject
from estate.store.joined import list_joined
from estate.store.reading import list_changes
from estate.store.surroundings import Surroundings
from estate.store.tables import Run

INSIDE = frozenset({"hosts", "images", "containers"})
_ODD = {Standing.FILTERED, Standing.REFUSED, Standing.NO_PROCESS}
_NOTHING = {
    "complete": "Nothing changed.",
    "partial": "Nothing changed where we could look.",
    "failed": "Nothing could be looked at; what was known stands.",
}


def print_inside(
    here: Surroundings,
    run: Run,
    news: Callable[[list[ChangeObject]], list[FindingObject]],
    everything: Callable[[], Iterable[FindingObject]],
) -> None:
    """What changed, what is wrong, and what nobody could see; what was seen for the first time is counted.

    Args:
        here: where everything is.
        run: the run.
        news: the findings that these changes touched.
        everything: all findings of what the run looked at.
    """
    new: list[str] = []
    told: list[ChangeObject] = []
    for change in list_changes(here.database, run=run):
        if change["kind"] == Kind.FIRST_OBSERVED.value:
            new.append(change["key"])
        else:
            told.append(change)
    if new:
        show(safe(f"Seen for the first time: {_counted(run, new) or 'failed checks only'}", 400))
    elif not told:
        show(_NOTHING.get(run.state, "Nothing was settled."))
    if told:
        told.sort(key=lambda change: (host_words.place(_family(change)), change["asset"], change["key"]))
        show(change_table(first(told, "change")))
    findings = first(everything(), "finding") if new else news(told)
    if findings:
        show()
        show(finding_table(findings))
    if run.scan == "hosts":
        _print_joined(here, run)
    blind = list(islice(list_blind(here.database, run), SHOWN))
    if blind:
        show()
        show("Not assessed:", style="yellow")
    unseen = host_words.unseen if run.scan == "hosts" else container_words.unseen
    for asset, reason, keys in blind:
        show(safe(f"  {asset}: {unseen(reason, keys)}", 1_000))


def _print_joined(here: Surroundings, run: Run) -> None:
    odd = [one for one in list_joined(here.database, run) if one["standing"] in _ODD]
    if odd:
        show()
        show("From inside and from outside:")
    for one in odd[:SHOWN]:
        named = one["inside"].get("process") or one["outside"].get("service") or "unknown"
        show(safe(f"  {shown_asset(one['asset'])} {one['key']} ({named}): {one['standing']}", 300))


def _counted(run: Run, keys: list[str]) -> str:
    if run.scan == "hosts":
        return ", ".join(host_words.counted(family, number) for family, number in host_words.families(keys))
    return ", ".join(container_words.counted(keys))


def _family(change: ChangeObject) -> str:
    return change["key"].partition("/")[0]
