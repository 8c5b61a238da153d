LIBRARY = b"sshd\tssh.service\t/usr/lib/x86_64-linux-gnu/libcrypto.so.3\n"


def test_a_service_that_runs_what_was_replaced_is_found_once(host, say, failed) -> None:
    body = LIBRARY + b"sshd\tssh.service\t/usr/sbin/sshd\n"
    assert failed("HOST-PKG-012", host({"deleted": body})) == ({"ssh.service": "medium"}, "")
    assert say("HOST-PKG-012", host({"deleted": body})) == (
        "runs the deleted /usr/lib/x86_64-linux-gnu/libcrypto.so.3, /usr/sbin/sshd"
    )


def test_a_process_of_no_service_bears_its_own_name(host, failed) -> None:
    assert failed("HOST-PKG-012", host({"deleted": b"bash\t\t/usr/lib/libc.so.6\n"})) == ({"bash": "medium"}, "")


def test_nobody_running_anything_old_passes(host, failed) -> None:
    assert failed("HOST-PKG-012", host({"deleted": b""})) == ({}, "")


def test_who_is_not_root_sees_his_own_processes_only(host, failed) -> None:
    assert failed("HOST-PKG-012", host({"deleted": b""}, uid=1000)) == ({}, "no-privilege")
    assert failed("HOST-PKG-012", host({"deleted": LIBRARY}, uid=1000)) == ({"ssh.service": "medium"}, "no-privilege")


def test_what_was_cut_or_forged_proves_nothing(host, failed) -> None:
    assert failed("HOST-PKG-012", host({"deleted": LIBRARY + b"x\n"})) == ({"ssh.service": "medium"}, "unreadable")
    assert failed("HOST-PKG-012", host({"deleted": LIBRARY}, {"deleted": "timeout"})) == (
        {"ssh.service": "medium"},
        "timeout",
    )
