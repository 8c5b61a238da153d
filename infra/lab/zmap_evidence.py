"""What real zmap writes, and leaves out, about hosts whose truth is known: one function per story."""

import signal
from collections.abc import Callable

from infra.lab.network import OnLinkLab, onlink_lab
from infra.lab.recorder import Interruption, Recorder, signalled

_NETWORK = "10.77.0.0/24"
# Responses that refuse are left out unless both kinds are asked for.
_BOTH = ("-O", "csv", "-f", "saddr,sport,classification,success,repeat", "--output-filter=success = 1 || success = 0")
_ANSWERED = b",80,"

Story = Callable[[Recorder], None]


def _record(
    recorder: Recorder,
    lab: OnLinkLab,
    name: str,
    happened: str,
    conclude: str,
    *options: str,
    rate: int = 500,
    fields: tuple[str, ...] = _BOTH,
    metadata: bool = True,
    interruption: Interruption | None = None,
) -> None:
    """Ask for tcp/80 on all 256 addresses.

    Debian's configuration excludes private networks, hence another one and an empty exclusion list. There is no
    gateway to be found, hence -G. The seed makes the order the same each time.
    """
    files = [f"{name}.csv", *([f"{name}.json"] if metadata else [])]
    argv = ["zmap", "-C", "/dev/null", "-b", "/dev/null", "-q", "--disable-syslog"]
    argv += ["-i", lab.interface, "-G", lab.target_mac, "-e", "7", "-p", "80", "-r", str(rate), "-c", "2"]
    argv += [*options, *fields, "-o", files[0], *(["-m", files[1]] if metadata else []), _NETWORK]
    recorder.record(lab, argv, files, happened, conclude, interruption)


def whole(recorder: Recorder) -> None:
    """All of a network, and again when a service has stopped."""
    with onlink_lab() as lab:
        _record(
            recorder,
            lab,
            "port_80_whole",
            "tcp/80 is open on .2, .3 and .4, the other 253 addresses are dead; everything was sent",
            "3 present, 253 weakly silent (one probe each)",
        )
        _record(
            recorder,
            lab,
            "open_only",
            "the same with zmap's default output: addresses without header or columns, open ones only",
            "3 present; the rest is weakly silent, since a refusal would not show either",
            fields=(),
        )
        lab.hang_up("10.77.0.3", 80)
        lab.firewall.drop("10.77.0.4")
        _record(
            recorder,
            lab,
            "port_80_later",
            "the service on .3 was stopped; a firewall swallows everything to .4",
            "1 gone (.3, by RST), 1 verified (.2), lost_sight on .4: one silent probe proves nothing",
        )
        _record(
            recorder,
            lab,
            "open_only_later",
            "the same with zmap's default output",
            "1 verified (.2), lost_sight on .3 and .4",
            fields=(),
        )
        lab.firewall.calm()
        lab.ban_scanner()
        _record(
            recorder,
            lab,
            "scanner_banned",
            "everybody ignores the scanner; everything was sent",
            "lost_sight everywhere: a sweep's silence is weak; blind when the canary failed",
        )


def sharded(recorder: Recorder) -> None:
    """Two halves of one network."""
    with onlink_lab() as lab:
        for shard, answers in (("0", ".3"), ("1", ".2 and .4")):
            _record(
                recorder,
                lab,
                f"sharded_{shard}of2",
                f"everything of shard {shard} of 2 was sent: 128 addresses, among them {answers}",
                f"{answers} present, no change elsewhere: which addresses were asked it does not say, "
                "so that silence needs both halves",
                "--shards",
                "2",
                "--shard",
                shard,
            )


def cut_short(recorder: Recorder) -> None:
    """The run ends before everything was sent, with success."""
    with onlink_lab() as lab:
        _record(
            recorder,
            lab,
            "cut_short",
            "nothing changed, but zmap was told to stop after three seconds: some 60 of 256 probes, exit code 0",
            "1 verified (.2), the rest blind (truncated): 2 lost_sight",
            "-t",
            "3",
            rate=20,
        )


def no_metadata(recorder: Recorder) -> None:
    """Nobody knows what was sent."""
    with onlink_lab() as lab:
        _record(
            recorder,
            lab,
            "no_metadata",
            "everything was sent, but no metadata was asked for, which alone could prove it",
            "3 present, the rest blind",
            metadata=False,
        )


def ended_badly(recorder: Recorder) -> None:
    """Killed, or its network taken away."""
    for name, number in (("killed", signal.SIGKILL), ("killed_sigint", signal.SIGINT)):
        with onlink_lab() as lab:
            _record(
                recorder,
                lab,
                name,
                f"nothing changed, but zmap was ended by {number.name} after its first answer: metadata of 0 bytes",
                "what answered is verified, the rest lost_sight (truncated)",
                rate=50,
                interruption=signalled(number, lambda report: _ANSWERED in report),
            )
    with onlink_lab() as lab:
        _record(
            recorder,
            lab,
            "interface_lost",
            "the scanner's interface went down after the first answer: exit code 1, metadata of 0 bytes",
            "what answered is verified, the rest lost_sight (truncated)",
            rate=50,
            interruption=Interruption(lambda _: lab.link_down(), lambda report: _ANSWERED in report),
        )


STORIES: tuple[Story, ...] = (whole, sharded, cut_short, no_metadata, ended_badly)
