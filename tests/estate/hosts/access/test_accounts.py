import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.hosts.access.accounts import (
    Account,
    Group,
    members_of,
    number,
    read_accounts,
    read_groups,
    read_network_entries,
    seen_accounts,
)
from estate.hosts.host import Unseen

PASSWD = (
    b"root:x:0:0::/root:/bin/bash\nanna:x:1000:1000::/home/anna:/bin/zsh\nwww:x:33:33::/var/www:/usr/sbin/nologin\n"
)


def test_accounts_come_in_their_order_with_what_they_may_do(host) -> None:
    root, anna, www = read_accounts(host({"passwd": PASSWD}))
    assert root == Account("root", 0, 0, "/root", "/bin/bash")
    assert anna.can_log_in
    assert not www.can_log_in


@pytest.mark.parametrize(
    ("line", "account"),
    [
        (b"toor:x:0:0", Account("toor", 0, 0, "", "")),
        (b"toor:x:0:0::", Account("toor", 0, 0, "", "")),
        (b" \ttoor:x:00:+0::/:/bin/sh", Account("toor", 0, 0, "/", "/bin/sh")),
        (b"toor::0:0::/:/bin/sh:more", Account("toor", 0, 0, "/", "/bin/sh:more", "")),
        (b"big:x:99999999999:-1::/:/bin/sh", Account("big", 2**32 - 1, 2**32 - 1, "/", "/bin/sh")),
        (b"e\xff\x1b[2J:x:5:5::/h:/bin/sh", Account("e\udcff\x1b[2J", 5, 5, "/h", "/bin/sh")),
    ],
)
def test_a_line_that_glibc_takes_for_an_account_is_one(host, line: bytes, account: Account) -> None:
    assert read_accounts(host({"passwd": line + b"\n"})) == (account,)


@pytest.mark.parametrize(
    "line", [b"#a:x:0:0::/:/bin/sh", b"", b"a", b"a:x:0", b"a:x::0::/:", b"a:x:0x0:0::/:", b"-bob"]
)
def test_a_line_that_glibc_skips_is_none(host, line: bytes) -> None:
    assert read_accounts(host({"passwd": line + b"\n" + PASSWD})) == read_accounts(host({"passwd": PASSWD}))


def test_an_empty_shell_is_a_shell(host) -> None:
    (account,) = read_accounts(host({"passwd": b"a:x:1:1::/:\n"}))
    assert account.can_log_in


def test_entries_of_a_directory_are_told_apart(host) -> None:
    made = host({"passwd": PASSWD + b"+@admins::::::\n+\n-bob\n"})
    assert read_network_entries(made) == ("+@admins::::::", "+")
    assert len(read_accounts(made)) == 3


def test_a_list_that_was_cut_is_no_list_and_loses_the_line_at_the_cut(host) -> None:
    made = host({"passwd": PASSWD[:-1]}, {"passwd": "cut"})
    with pytest.raises(Unseen, match="cut"):
        read_accounts(made)
    assert [account.name for account in seen_accounts(made)] == ["root", "anna"]


def test_groups_come_with_their_members(host) -> None:
    made = host({"group": b"root:x:0:\nadm:x:4:bob,anna,,bob\nlp:x:7\nbad:x:y:\n+:::\n"})
    assert read_groups(made) == (Group("root", 0, ()), Group("adm", 4, ("anna", "bob")), Group("lp", 7, ()))


def test_a_primary_group_is_a_membership() -> None:
    group = Group("docker", 1000, ("bob",))
    assert members_of(group, (Account("anna", 7, 1000, "/", "/bin/sh"),)) == ("anna", "bob")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary())
def test_no_bytes_upset_the_readers(host, body: bytes) -> None:
    made = host({"passwd": body, "group": body})
    read_accounts(made)
    read_groups(made)
    read_network_entries(made)


@given(st.text(alphabet="0123456789+- "))
def test_every_number_is_an_id(text: str) -> None:
    value = number(text)
    assert value is None or 0 <= value <= 2**32 - 1
