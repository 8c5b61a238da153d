"""Tables for people: what changed, what is wrong, which runs there were, and what there is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from deployments.command.printing import SHOWN, counted, hint, safe, width
from estate.coverage import Keys
from estate.store.documents import AssetObject, ChangeObject, FindingObject, RunObject

Row = TypeVar("Row")

_MARKS = {
    "first_observed": ("·", "cyan"),
    "appeared": ("+", "bold green"),
    "reappeared": ("+", "green"),
    "changed": ("~", "yellow"),
    "suspected_gone": ("?", "magenta"),
    "gone": ("-", "bold red"),
    "lost_sight": ("!", "bold magenta"),
    "sight_regained": ("o", "blue"),
    "rescoped_out": ("x", "dim"),
    "flapping": ("≈", "bold yellow"),
}
SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_DETECTIONS = {"absent": " (resolved)", "suspected_absent": " (perhaps gone)", "unobserved": " (out of sight)"}
_STATES = {"complete": "green", "partial": "yellow", "quarantined": "bold magenta", "failed": "red"}
TOLD_TOGETHER = frozenset({"lost_sight", "sight_regained", "suspected_gone", "rescoped_out"})
_NARROW, _WIDE = 70, 100


def first(rows: Iterable[Row], noun: str) -> list[Row]:
    """The rows that a person gets to see, with a remark on what is left out."""
    iterator = iter(rows)
    shown = list(islice(iterator, SHOWN))
    left = sum(1 for _ in iterator)
    if left:
        hint(f"{counted(left, f'more {noun}')} not shown; --json prints all")
    return shown


def shown_asset(asset: str) -> str:
    """`host:` goes without saying."""
    return asset.removeprefix("host:")


def service_of(attributes: Mapping[str, str]) -> str:
    """What answers, as far as it was probed."""
    words = [attributes.get(name, "") for name in ("tunnel", "service", "product", "version", "extrainfo")]
    return " ".join(word for word in words if word)


def service_in(change: ChangeObject) -> str:
    """What answers after a change, or did before it."""
    return service_of(change["after"] or change["before"] or {})


def change_table(changes: Sequence[ChangeObject], *, with_run: bool = False) -> Table:
    """What changed, one line each; what happened to a whole host is one line too."""
    zones = len({change["zone"] for change in changes}) > 1
    vantages = len({change["vantage"] for change in changes}) > 1
    table = plain_table(("", "change", "where"), ("what", "why"), ("when",) if with_run else ())
    for change, keys in _together(changes):
        mark, style = _MARKS[change["kind"]]
        table.add_row(
            Text(mark, style),
            Text(change["kind"].replace("_", " "), style),
            safe(
                shown_asset(change["asset"])
                + (f" in {change['zone']}" if zones else "")
                + (f" from {change['vantage']}" if vantages else ""),
                200,
            ),
            Text.assemble((keys, "bold"), " ", safe(service_in(change) if keys == change["key"] else "", 60)),
            safe(_why(change), 160),
            *([_minute(change["looked_at"])] if with_run else []),
        )
    return table


def _together(changes: Iterable[ChangeObject]) -> Iterator[tuple[ChangeObject, str]]:
    """Changes with their keys: those that say the same of one asset in one run are told as one."""
    groups: dict[tuple[str, ...], list[ChangeObject]] = {}
    for number, change in enumerate(changes):
        same: tuple[str, ...] = (str(number),)
        nothing_probed = change["kind"] == "first_observed" and not service_in(change)
        if nothing_probed or change["kind"] in TOLD_TOGETHER:
            told = ("run", "zone", "vantage", "asset", "aspect", "kind", "cause", "certainty", "reason")
            same = tuple(str(change[name]) for name in told)  # type: ignore[literal-required]  # all of them are keys
        groups.setdefault(same, []).append(change)
    for group in groups.values():
        one = group[0]["key"]
        yield group[0], one if len(group) == 1 else spelled(change["key"] for change in group)


def spelled(keys: Iterable[str]) -> str:
    """Keys as ranges, with spaces at which they may be folded."""
    return str(Keys.of(keys)).replace(",", ", ")


def _why(change: ChangeObject) -> str:
    """The reason; how sure and by which cause, where that is not what one would think."""
    reason = change["reason"]
    if change["kind"] == "changed":
        before, after = change["before"] or {}, change["after"] or {}
        names = [name for name in reason.split(", ") if name in before and name in after]
        if len(names) > 1 and "cpe" in names:
            names.remove("cpe")  # says once more what product and version say
        reason = "; ".join(f"{name}: {before[name]} → {after[name]}" for name in names) or reason
    sure = "" if change["kind"] in {"first_observed", *TOLD_TOGETHER} else change["certainty"]
    cause = "" if change["cause"] == "estate" or change["kind"] == "first_observed" else f"by {change['cause']}"
    return ", ".join(word for word in (sure, reason, cause) if word)


def finding_table(findings: Sequence[FindingObject]) -> Table:
    """Findings, one line each."""
    zones = len({finding["zone"] for finding in findings}) > 1
    wide, narrow = width() >= _WIDE, width() < _NARROW
    flexible = ("what",) if narrow else ("what", "rule")
    table = plain_table(("severity",), flexible, (*(("since",) if wide else ()), "fingerprint"))
    for finding in findings:
        state = _DETECTIONS.get(finding["detection"], "")
        accepted = safe(f" (accepted {finding['suppression']})", 160) if finding["suppressed"] else ""
        seen = finding["evidence"].removeprefix(finding["locator"]).strip(" :,")
        table.add_row(
            Text(finding["severity"], SEVERITY_STYLES[finding["severity"]]),
            Text.assemble(
                safe(finding["subject"] + (f" in {finding['zone']}" if zones else ""), 160),
                safe(f": {seen}" if seen else "", 120),
                (state, "magenta"),
                accepted,
            ),
            *(() if narrow else (finding["rule"],)),
            *((finding["first_seen"][:10],) if wide else ()),
            finding["fingerprint"][:11],
        )
    return table


def grade_table(grades: Iterable[Mapping[str, str]]) -> Table:
    """Endpoints with their grades and the rules that made them."""
    table = plain_table(("host", "endpoint", "grade"), ("rules",))
    for row in grades:
        aside = (
            f" ({row['trust-ignored']} if trust is ignored)" if row["trust-ignored"] not in {"", row["grade"]} else ""
        )
        theirs = f", {row['ssllabs']} by SSL Labs" if row["ssllabs"] else ""
        told = safe(f"{row['grade']}{aside}{theirs}")
        table.add_row(safe(row["asset"]), safe(row["endpoint"]), told, safe(row["reasons"] or "–", 200))
    return table


def certificate_table(changes: Iterable[ChangeObject]) -> Table:
    """The certificates that were seen, the first to end on top."""
    table = plain_table(("until", "host", "place"), ("certificate", "issuer"))
    shown = [
        (change["after"]["not_after"], change)
        for change in changes
        if change["after"]
        and "not_after" in change["after"]
        and change["key"].startswith(("certificate/", "certificate-file/"))
    ]
    for until, change in sorted(shown, key=lambda pair: pair[0]):
        told = change["after"] or {}
        family, _, place = change["key"].partition("/")
        if family == "certificate":
            place = place.replace("/", " ").removesuffix(" -")
        table.add_row(
            safe(until[:10]),
            safe(shown_asset(change["asset"])),
            safe(place, 100),
            safe(told.get("names", "-"), 120),
            safe(told.get("issuer", "-"), 100),
        )
    return table


def run_table(runs: Iterable[RunObject]) -> Table:
    """Runs, one line each."""
    wide, narrow = width() >= _WIDE, width() < _NARROW
    numbers = ("seen", "open") if narrow else ("asked", "seen", "open")
    table = plain_table(
        ("run", "looked at"), () if narrow else ("scope",), (*numbers, "state", *(("by",) if wide else ()))
    )
    for column in table.columns:
        column.justify = "right" if column.header in numbers else "left"
    for run in runs:
        table.add_row(
            run["id"][:12],
            _minute(run["looked_at"]),
            *(() if narrow else (safe(run["scope"]), f"{run['asked']:,}")),
            share(run["answered"], run["asked"]),
            f"{run['coverage']['positive']:,}",
            Text(run["state"], _STATES.get(run["state"], "")),
            *((run["trigger"],) if wide else ()),
        )
    return table


def share(part: int, whole: int) -> str:
    """How much of it, never rounded up to all or down to nothing."""
    if not whole or part == whole:
        return "100 %" if whole else "–"
    percent = min(max(100 * part / whole, 0.1), 99.9) if part else 0.0
    return f"{percent:.1f} %"


def asset_table(assets: Sequence[AssetObject]) -> Table:
    """Assets, one line each; columns that would say nothing are left out."""
    columns: list[tuple[str, Callable[[AssetObject], str]]] = [
        ("open", lambda each: spelled(each["keys"]) or "–"),
        ("out of sight", lambda each: spelled(each["unseen"])),
        ("zone", lambda each: each["zone"]),
        ("owner", lambda each: each["owner"]),
        ("findings", lambda each: str(each["findings"] or "")),
    ]
    if len({each["zone"] for each in assets}) < 2:
        del columns[2]
    kept = [(name, read) for name, read in columns if name == "open" or any(read(each) for each in assets)]
    table = plain_table(("asset",), tuple(name for name, _ in kept))
    for each in assets:
        table.add_row(safe(shown_asset(each["asset"])), *(safe(read(each), 400) for _, read in kept))
    return table


def plain_table(fixed: Sequence[str], flexible: Sequence[str], last: Sequence[str] = ()) -> Table:
    """A table without lines, of which only the flexible columns are folded where the terminal is narrow."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for names, foldable in ((fixed, False), (flexible, True), (last, False)):
        for name in names:
            table.add_column(name, overflow="fold", no_wrap=not foldable)
    return table


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
