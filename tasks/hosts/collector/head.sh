# Roundsman's collector: reads, and writes nothing on this machine. POSIX sh (dash, bash, BusyBox ash).
#   sh -s -- NONCE [LEVEL]
# It says what it finds in sections that are framed by the nonce; without the last line, not all came through.
# Everything is a function, so that a script that was cut on its way does nothing at all.

LC_ALL=C LANGUAGE=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL LANGUAGE PATH
unset CDPATH ENV BASH_ENV GREP_OPTIONS LD_PRELOAD LD_LIBRARY_PATH LS_COLORS
umask 077
N=$1
LEVEL=${2:-standard}
NL='
'

have() { command -v "$1" >/dev/null 2>&1; }

# limit SECONDS COMMAND...: end a command that takes too long (124). BusyBox's timeout keeps our pipe open for a second
# after its child has ended, so there only processor time is limited.
limit() {
	_seconds=$1
	shift
	if [ -n "$TIMEOUT" ]; then
		timeout -k 2 "$_seconds" "$@"
	else
		(ulimit -t "$_seconds"; exec "$@")
	fi
}

# section NAME CAP FUNCTION: what FUNCTION prints, at most CAP bytes of it. FUNCTION returns 3 where a tool is missing,
# 4 where a privilege is, 124 where something took too long, and nothing of it is read from our script.
section() {
	printf '\n@%s B %s\n' "$N" "$1"
	_rc=$({ { "$3" </dev/null 2>/dev/null 3>&- 4>&-; echo $? >&3; } | head -c "$2" >&4; } 3>&1)
	printf '\n@%s E %s rc=%s cap=%s\n' "$N" "$1" "${_rc:-141}" "$2"
}

root() { [ "$UID_NOW" = 0 ]; }

# The kernel's own threads are children of process 2, which only a machine of its own shows; where processes are hidden,
# there are the marks that engines leave (also in the image of a machine that was made of a container's).
contained() {
	if [ "$(cat /proc/2/comm)" = kthreadd ]; then return 1; fi
	[ -n "$(cat /proc/1/comm)" ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ] || grep -q container= /proc/1/environ
}

# Who asks, with which rights, on what: read before anything else, since most that cannot be seen is explained by it.
s_who() {
	echo "uid=$UID_NOW"
	echo "user=$(limit 5 id -un)"
	echo "level=$LEVEL"
	echo "host=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
	echo "machine=$(cat /etc/machine-id)"
	echo "now=$(date +%s)"
	echo "kernel=$(uname -r)"
	echo "arch=$(uname -m)"
	echo "system=$(uname -s)"
	if contained; then echo container=yes; fi
	return 0
}
