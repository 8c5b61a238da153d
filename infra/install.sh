#!/bin/sh
# Bring the programs that Roundsman calls, with apt-get, and only those that are missing.
#
#     infra/install.sh            what `make scan` needs: Python and the scanners
#     infra/install.sh --python   only Python
#     infra/install.sh --test     and what the tests drive: a network lab, TLS and ssh servers, PostgreSQL, Docker, a terminal
set -eu
here=$(dirname "$0")
# Debian keeps scanners and firewalls where an ordinary user's PATH does not lead.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
missing=

say() {
    printf '%s\n' "$*"
}

stop() {
    printf '%s\n' "$*" >&2
    exit 2
}

lacks() { # PACKAGE WHAT-FOR: note it, and say why it is wanted
    say "Missing: $1 ($2)"
    missing="$missing $1"
}

need() { # PROGRAM PACKAGE WHAT-FOR
    command -v "$1" >/dev/null 2>&1 || lacks "$2" "$3"
}

need_python() {
    "$here/python.sh" >/dev/null && return
    found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)
    case $found in
    none) lacks python3 "the language Roundsman is written in" && lacks python3-venv "the environment in .venv" ;;
    3.11 | 3.12 | 3.13 | 3.14) lacks python3-venv "the environment in .venv" ;;
    *) stop "Roundsman needs Python 3.11 to 3.14 with its venv module; python3 here is $found.
Install one beside it (on Ubuntu 22.04: apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.12" ;;
    esac
}

need_scanners() {
    need nmap nmap "asks ports and names services"
    need zmap zmap "sweeps wide ranges"
    need ssh openssh-client "visits hosts"
}

need_lab() {
    need git git "the wheel is built from what is tracked"
    need ip iproute2 "the lab's network namespaces"
    need nft nftables "the lab's firewalls"
    need setcap libcap2-bin "a scanner with capabilities instead of root"
    need ps procps "whether a scanner was left running"
    need strace strace "whether the collector writes anything"
    need rpm rpm "what is the newer of two versions, by rpm itself"
    need ndiff ndiff "what the bench measures against"
    need tmux tmux "a terminal to read the command in"
    need openssl openssl "TLS servers of every age"
    need nginx nginx-light "TLS as most of the world serves it"
    need stunnel stunnel4 "TLS in front of something else"
    need busybox busybox-static "hosts whose tools are all one program"
    need docker-registry docker-registry "a registry of images"
    need debootstrap debootstrap "hosts of the lab, without a container engine"
    need sshd openssh-server "hosts to visit"
    need sudo sudo "rights that a host grants, or does not"
    need fish fish "a login shell that is no POSIX one"
    need tcsh tcsh "another"
    need dockerd docker.io "containers to visit"
    need podman podman "containers of another engine"
    need chromium chromium "a browser to read the Prefect UI in"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || lacks postgresql "the store runs on it too"
}

install_missing() {
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null 2>&1 || stop "There is no apt-get here. Install these with your own package manager, then try again:$missing"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || stop "Neither root nor sudo. As root, run: apt-get install$missing"
        as_root=sudo
    fi
    say "Refreshing the package lists:${as_root:+ sudo} apt-get update"
    # Lists that cannot be refreshed may still do; a fresh machine's own updater may hold the lock for a while.
    $as_root apt-get -o DPkg::Lock::Timeout=300 -qq update </dev/null || say "Could not refresh them; going on with those that are here"
    say "Installing:${as_root:+ sudo} apt-get install$missing"
    # shellcheck disable=SC2086  # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install $missing </dev/null >/dev/null
}

case ${1:-} in
"") need_python && need_scanners ;;
--python) need_python ;;
--test) need_python && need_scanners && need_lab ;;
*) stop "usage: infra/install.sh [--python | --test]" ;;
esac
install_missing
"$here/python.sh" >/dev/null || stop "Python was installed, but it is not 3.11 to 3.14 with its venv module: $(python3 --version 2>&1)"
