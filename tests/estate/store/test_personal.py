"""What is forgotten of people when told to: evidence and past states, never what is there today."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from estate.errors import EvidenceMissing
from estate.hosts.evidence import spell_visit
from estate.hosts.host import Visit
from estate.hosts.shard import HostShard, Target
from estate.store.personal import count_personal, forget_personal
from estate.store.runs import NewRun, Profile, Stored, add_evidence, end_shard, open_run

NONCE = "0123456789abcdef" * 2
PASSWD = "root:x:0:0::/root:/bin/sh\n"


def audit(here, at: str, passwd: str):
    """A settled audit of a host whose accounts are these."""
    moment = here.moment(at)
    bodies = {"who": "uid=0\nuser=root\nlevel=standard\n", "passwd": passwd, "group": "root:x:0:\n"}
    framed = "".join(
        f"\n@{NONCE} B {name}\n{body}\n@{NONCE} E {name} rc=0 cap=99999\n" for name, body in bodies.items()
    )
    folder = Path(here.path)
    visit, output = folder / f"{at}.json", folder / f"{at}.host"
    visit.write_bytes(spell_visit(Visit("web-7", moment, NONCE, "local")))
    output.write_text(f"{framed}\n@{NONCE} Z ok\n")
    shard = HostShard((Target("web-7", "local"),))
    new = NewRun(
        id=uuid.uuid4().hex,
        scan="hosts",
        scope="this-machine",
        zone="default",
        vantage="inside",
        trigger="manual",
        profile=Profile("hosts"),
        looked_at=moment,
        shards=(shard.to_json(),),
    )
    run = open_run(here.database, new, moment)
    seq = run.seq or 0
    stored = Stored(0, 0, "host", here.folder.put(visit), here.folder.put(output), "", "")
    add_evidence(here.database, seq, [stored], moment)
    end_shard(here.database, seq, 0)
    return here.settler().settle(run).run


def test_who_left_is_forgotten_and_who_is_here_stays_known(estate_on_both) -> None:
    here = estate_on_both
    old = audit(here, "2026-01-01", f"{PASSWD}bob:x:1000:1000::/home/bob:/bin/sh\n")
    audit(here, "2026-02-01", PASSWD)
    audit(here, "2026-03-01", PASSWD)
    named = count_personal(here.database)
    dry = forget_personal(here.database, here.folder, here.moment("2026-02-15"), here.now, dry=True)
    # Two visits and one output: the second one's output is that of the third as well, and stays.
    assert (dry.documents, dry.facts > 0, dry.changes > 0) == (3, True, True)
    assert count_personal(here.database) == named
    assert forget_personal(here.database, here.folder, here.moment("2026-02-15"), here.now, dry=False) == dry
    assert count_personal(here.database) == named - dry.facts
    known = {change["key"] for change in here.changes()}
    assert "user/bob" not in known
    with pytest.raises(EvidenceMissing):
        here.settler().settle(old)
    again = forget_personal(here.database, here.folder, here.moment("2026-02-15"), here.now, dry=False)
    assert (again.documents, again.facts, again.changes, again.findings) == (0, 0, 0, 0)


def test_the_next_audit_tells_no_lies_about_what_was_forgotten(estate_on_both) -> None:
    here = estate_on_both
    audit(here, "2026-01-01", f"{PASSWD}bob:x:1000:1000::/home/bob:/bin/sh\n")
    audit(here, "2026-02-01", PASSWD)
    forget_personal(here.database, here.folder, here.moment("2026-02-01") + timedelta(days=1), here.now, dry=False)
    run = audit(here, "2026-03-01", PASSWD)
    assert [one["key"] for one in here.changes(run)] == []
