
# The one walk over this machine's files, and what of it, of sudo, of cron and of units lets one account become another.
# Rows begin with a letter or a sign and end with a path; a newline within a path is written as the byte 1, so that no
# name can forge a row or hide one. Contents of files stand behind a bar.

# The file systems of this machine's own, and what is mounted of a part of one elsewhere; what is mounted upon its own is
# walked with that. Those of containers and packages in images (snap) are not walked: nobody gets at them but through their engines.
MOUNTS='
function above(at) {
	while (at != "/") {
		sub(/\/[^\/]*$/, "", at)
		if (at == "") at = "/"
		if (at in any) return any[at]
	}
	return ""
}
{
	for (i = 7; i < NF; i++) if ($i == "-") break
	type = $(i + 1)
	at = $5
	any[at] = $3
	if (at != "/" && type !~ /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|overlay|aufs|tmpfs|ramfs|bcachefs|nilfs2)$/) next
	if (at ~ /^\/(proc|sys|snap|run\/(containerd|docker|k3s|netns)|var\/lib\/(docker|containerd|containers|kubelet|rancher|lxd|lxc|incus|machines|snapd))(\/|$)/) next
	if (!(at in number)) { number[at] = ++many; place[many] = at }
	kind[at] = type
	device[at] = $3
	root[at] = $4
	flag[at] = $6 ~ /(^|,)nosuid(,|$)/ ? "nosuid" : "-"
}
END {
	for (i = 1; i <= many; i++) {
		at = place[i]
		one = device[at] SUBSEP root[at]
		if (one in done || (kind[at] != "btrfs" && above(at) == device[at])) continue
		done[one] = 1
		if (at ~ /\\012/) { print "X newline"; continue }
		gsub(/\\134/, "\\0134", at)
		print "M " flag[place[i]] " " at
	}
	if (!many) print "M - /"
}'

# Each kind of row has room of its own, so that what any user can make by the thousand never crowds out the rest: T says
# whose was too small. Lines of getcap come before the row that follows them.
ROOM='
BEGIN {
	most["M"] = 40000; most["D"] = 4000; most["S"] = 300000; most["s"] = 150000; most["W"] = 150000; most["w"] = 100000
	most["O"] = 100000; most["/"] = 100000; most["C"] = 20000; most["N"] = 20000
}
function tell(row, k) {
	k = substr(row, 1, 1)
	if (k == "S" && row !~ /^S [0-7]+ 0 /) k = "s"
	if (k == "W" && row !~ /^W [a-z] [0-7]+ [0-9]+ [0-9]+ \/(etc|usr|boot|s?bin|lib[0-9a-z]*|opt)\//) {
		if (row ~ /^W f/) return
		k = "w"
	}
	if (!(k in most)) { print row; return }
	used[k] += length(row) + 1
	if (used[k] <= most[k]) print row
	else full[k] = 1
}
{
	row = $0
	while ((c = substr(row, 1, 1)) == "/" || c == "\001") {
		at = index(row, "\001")
		if (!at) at = length(row) + 1
		if (at > 1) tell(substr(row, 1, at - 1))
		row = substr(row, at + 1)
	}
	if (row != "") tell(row)
}
END { for (k in full) print "T " k }'

# Stores of containers, whose files belong to no one here.
stores() {
	set -- /var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/kubelet /var/lib/rancher /var/lib/buildkit \
		/var/lib/lxc /var/lib/lxd /var/lib/incus /var/lib/machines /var/lib/schroot /var/snap/lxd /var/snap/docker \
		/var/snap/microk8s /var/lib/snapd/snap /snap /run/containerd
	printf '%s\n' "$@"
}

walk_gnu() {
	_caps=false
	if have getcap; then _caps=true; fi
	limit 60 find "$@" -o \( \
		-type d \( ! -readable -o ! -executable \) -printf 'D %p\0' , \
		-type f -perm /6000 -printf 'S %m %U %G %p\0' , \
		\( -type f -o -type d ! -perm -1000 \) -perm -0002 -printf 'W %y %m %U %G %p\0' , \
		\( -nouser -o -nogroup \) -printf 'O %U %G %p\0' , \
		-"$_caps" -type f -perm /0111 -path "*$NL*" -printf 'C %p\0' , \
		-"$_caps" -type f -perm /0111 ! -path "*$NL*" -exec getcap {} + \)
	_rc=$?
	if [ "$_caps" = false ]; then printf 'X caps\0'; fi
	return "$_rc"
}

# BusyBox has neither -printf nor a comma, nor -nouser, and of several -exec + it keeps but one: names first, then what
# they are. What has a newline in its path is told without it, and capabilities take a walk of their own.
walk_busybox() {
	_names=$({
		limit 60 find "$@" -o \( -type f \( -perm /6000 -o -perm -0002 \) -o -type d -perm -0002 ! -perm -1000 \) -print0
		printf 'E %s\0' $?
	} | tr '\n\000' '\001\n')
	_bad=$(printf '\001')
	{
		printf '%s\n' "$_names" | grep "^/.*$_bad" | tr '\n\001' '\000\n' | xargs -0 stat -c 'N %a %u %g'
		printf '%s\n' "$_names" | grep '^/' | grep -v "$_bad" | tr '\n' '\000' | xargs -0 stat -c '%A %a %u %g %n' | awk '{
			path = $0
			sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", path)
			if (/^-/ && $2 ~ /^[2-7][0-7][0-7][0-7]$/) print "S " $2 " " $3 " " $4 " " path
			if (substr($1, 9, 1) == "w") print "W " (/^d/ ? "d " : "f ") $2 " " $3 " " $4 " " path
		}'
		if have getcap; then
			limit 60 find "$@" -o -type f -perm /0111 ! -path "*$NL*" -exec getcap {} +
			limit 60 find "$@" -o -type f -perm /0111 -path "*$NL*" -exec sh -c 'echo C' {} +
		else
			echo 'X caps'
		fi
		echo 'X unowned'
		root || echo 'D ?'
		printf '%s\n' "$_names" | grep '^E '
	} | tr '\n' '\000'
}

walk() (
	set -f
	IFS=$NL
	_starts=$(awk "$MOUNTS" /proc/self/mountinfo)
	[ -n "$_starts" ] || _starts='M - /'
	set --
	for _each in $_starts; do
		case $_each in "M "*) set -- "$@" "$(printf '%b' "${_each#M * }")" ;; esac
	done
	set -- "$@" -xdev \( -path ''
	for _each in $(stores); do set -- "$@" -o -path "$_each"; done
	set -- "$@" \) -prune
	{
		for _each in $_starts; do printf '%s\0' "$(printf '%b' "$_each")"; done
		sed -n 's/^\(passwd\|group\)[ 	]*:/A \1 /p' /etc/nsswitch.conf | tr '\n' '\000'
		if find /dev/null -maxdepth 0 -printf ''; then
			walk_gnu "$@"
			printf '\nE %s\0' $?
		else
			walk_busybox "$@"
		fi
	} | tr '\n\000' '\001\n' | awk "$ROOM"
)

# Whose these files are. Paths come first, then an empty line, then what a database says; usr-merged names are asked both ways.
owned() {
	printf '%s\n' "$WALK" | awk '
		/^S / && / 0 / || /^\// {
			path = $0
			if (/^S /) sub(/^S [0-7]+ [0-9]+ [0-9]+ /, "", path)
			else sub(/( =)? [a-z_,=+eip ]+( \[rootid=[0-9]+\])?$/, "", path)
			if (path ~ /^\/(usr|s?bin|lib[0-9a-z]*|opt|etc|var)\// && path !~ /\001/) print path
		}'
	printf '%s\n' "$LOADER" | sed -n 's/^L //p'
	awk 'NR % 3 == 1' /var/lib/dpkg/diversions
}

s_owner() {
	_paths=$(owned | awk 'length($0) && ++n <= 6000 { print } END { if (n > 6000) exit 1 }') || echo 'T'
	if [ -e /var/lib/dpkg/status ]; then
		echo 'db dpkg'
		awk 'NR % 3 == 1 { from = $0 } NR % 3 == 2 { print "D " from "\t" $0 }' /var/lib/dpkg/diversions
		sed 's/^/V /' /var/lib/dpkg/statoverride
		[ -n "$_paths" ] || return 0
		printf '%s\n' "$_paths" | awk '
			{ print }
			/^\/usr\/(s?bin|lib[0-9a-z]*)\// { print substr($0, 5) }
			/^\/(s?bin|lib[0-9a-z]*)\// { print "/usr" $0 }' |
			limit 30 grep -HFx -f - /var/lib/dpkg/info/*.list | sed -n 's|^/var/lib/dpkg/info/\([^/]*\)\.list:/|P \1 /|p'
	fi
	for _db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
		[ -e "$_db" ] || continue
		echo 'db apk'
		{ printf '%s\n\n' "$_paths"; cat "$_db"; } | limit 20 awk '
			!begun { if ($0 == "") begun = 1; else asked[$0] = 1; next }
			/^P:/ { name = substr($0, 3) }
			/^F:/ { dir = "/" substr($0, 3) "/" }
			/^R:/ { file = dir substr($0, 3); if (file in asked) print "P " name " " file }
			/^a:[0-9]+:[0-9]+:[2-7][0-7][0-7][0-7]$/ { split($0, a, ":"); print "B " a[4] " " a[2] " " a[3] " " name " " file }'
		break
	done
	if have rpm && { [ -e /var/lib/rpm ] || [ -e /usr/lib/sysimage/rpm ]; } && [ ! -e /var/lib/dpkg/status ]; then
		echo 'db rpm'
		{
			printf '%s\n\n' "$_paths"
			as_nobody 40 rpm -qa --qf '[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{=NAME} %{FILENAMES}\n]'
			printf 'rc %s\n' $?
		} | awk '
			!begun { if ($0 == "") begun = 1; else asked[$0] = 1; next }
			/^rc / { rc = $2; next }
			{ file = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", file); seen = 1 }
			file in asked { print "P " $4 " " file }
			$1 ~ /^0?10[2-7][0-7][0-7][0-7]$/ { print "B " substr($1, length($1) - 3) " " $2 " " $3 " " $4 " " file }
			END { exit rc ? rc : !seen }'
		return
	fi
	return 0
}

# oneline TEXT: a path as rows have it.
oneline() { printf '%s' "$1" | tr '\n' '\001'; }

# file PATH: what it is (mode in hexadecimal, user, group), and its lines behind a bar.
file() {
	if [ ! -e "$1" ] && [ ! -L "$1" ]; then
		if root; then echo "- $(oneline "$1")"; else echo "! $(oneline "$1")"; fi
		return
	fi
	echo "= $(stat -L -c '%f %u %g' "$1") $(oneline "$1")"
	[ ! -d "$1" ] || return 0
	[ -r "$1" ] || { echo "! $(oneline "$1")"; return; }
	[ -f "$1" ] || return 0
	[ "$(stat -L -c %s "$1")" -le 200000 ] || echo 'cut'
	head -c 200000 "$1" | sed 's/^/|/'
	echo
}

INCLUDES='
/^[ \t]*[@#]include(dir)?[ \t]/ {
	isdir = /^[ \t]*[@#]includedir/
	sub(/^[ \t]*[@#]include(dir)?[ \t]+/, "")
	if (/^"/) { sub(/^"/, ""); sub(/".*$/, "") } else { gsub(/\\ /, "\002"); sub(/[ \t\r].*$/, ""); gsub(/\002/, " ") }
	gsub(/%h/, host)
	if (!/^\//) $0 = here "/" $0
	print (isdir ? "d" : "f") $0
}'

# sudo's files, in the order in which they are found; who reads them follows the includes.
sudo_files() (
	set +f
	_todo=
	for _file in /etc/sudoers-rs /etc/sudoers /usr/etc/sudoers; do
		[ -e "$_file" ] || [ -L "$_file" ] || continue
		_todo=$_file
		break
	done
	_host=$(hostname 2>/dev/null)
	_seen=
	_many=0
	while [ -n "$_todo" ]; do
		_file=${_todo%%"$NL"*}
		_todo=${_todo#"$_file"}
		_todo=${_todo#"$NL"}
		case "$NL$_seen$NL" in *"$NL$_file$NL"*) continue ;; esac
		_seen=$_seen$NL$_file
		_many=$((_many + 1))
		[ "$_many" -le 400 ] || { echo cut; break; }
		file "$_file"
		[ -f "$_file" ] && [ -r "$_file" ] || continue
		IFS=$NL
		for _next in $(head -c 200000 "$_file" | tr -d '\000' | awk -v host="${_host%%.*}" -v here="${_file%/*}" "$INCLUDES"); do
			unset IFS
			case $_next in
			f*) _todo=$_todo$NL${_next#?} ;;
			d*)
				_dir=${_next#?}
				_dir=${_dir%/}
				file "$_dir"
				[ -r "$_dir" ] || continue
				for _each in "$_dir"/*; do
					case ${_each##*/} in
					*"$NL"*) file "$_each" ;;
					*) [ -f "$_each" ] && _todo=$_todo$NL$_each ;;
					esac
				done
				;;
			esac
		done
		unset IFS
		_todo=${_todo#"$NL"}
	done
)

s_sudoers() {
	printf '%s\n' "$SUDOERS"
	if have sudo; then sudo -V | sed -n '1s/^Sudo version /v /p'; fi
	sed -n 's/^sudoers[ 	]*:/n/p' /etc/nsswitch.conf
	case $NL$SUDOERS in *"$NL! "*) return 4 ;; *"${NL}cut"*) return 141 ;; esac
	return 0
}

# told_files PATH...: those of them that are there.
told_files() {
	_code=0
	for _each in "$@"; do
		[ -e "$_each" ] || continue
		file "$_each"
		[ -r "$_each" ] || _code=4
	done
	return "$_code"
}

s_doas() {
	printf '%s\n' "$DOAS"
	case $NL$DOAS in *"$NL! "*) return 4 ;; esac
	return 0
}

# Of a job only its user, its commands' words and the paths among their arguments are told: arguments may hold secrets.
JOBS='
function words(command,   n, i, t, first, skip, dir, out) {
	gsub(/\\%/, "\002", command)
	sub(/%.*/, "", command)
	gsub(/["\047]/, " ", command)
	gsub(/[0-9]*[<>]+&?/, " > ", command)
	gsub(/&&|\|\||[;&|(){}`]/, " ; ", command)
	n = split(command, t, /[ \t]+/)
	first = 1
	for (i = 1; i <= n; i++) {
		if (t[i] == "" || t[i] == "$") continue
		if (t[i] == ";") { out = out " ;"; first = 1; continue }
		if (t[i] == ">") { skip = 1; continue }
		if (skip) { skip = 0; continue }
		if (first && t[i] ~ /^[A-Za-z_][A-Za-z0-9_]*=/) continue
		if (!first && t[i - 1] == "cd" && t[i] ~ /^\//) dir = t[i]
		if (t[i] ~ /^\.\.?\// && dir != "") t[i] = dir "/" t[i]
		if (t[i] ~ /^\//) out = out " " t[i]
		else if (first) out = out " " (t[i] ~ /^[A-Za-z0-9_.\/@:+~\[-]+$/ ? t[i] : "?")
		first = 0
	}
	return out
}'
CRONTAB='
FNR == 1 { user = owner }
/^[ \t]*(#|$)/ { next }
/^[ \t]*[A-Za-z_]+[ \t]*=/ {
	if (/^[ \t]*PATH[ \t]*=/) { sub(/^[^=]*=[ \t]*/, ""); print "P " $0 }
	next
}
{
	sub(/^[ \t]+/, "")
	if (/^@/) sub(/^[^ \t]+[ \t]+/, "")
	else if (anacron) sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+/, "")
	else for (i = 0; i < 5; i++) sub(/^[^ \t]+[ \t]+/, "")
	if (owner == "") { user = $1; sub(/^[^ \t]+[ \t]+/, "") }
	print "J " user words($0)
}'

# jobs PATH USER ANACRON: a table of cron.
jobs() {
	echo "= $(stat -L -c '%f %u %g' "$1") $(oneline "$1")"
	if [ -r "$1" ]; then head -c 200000 "$1" | awk -v owner="$2" -v anacron="$3" "$JOBS$CRONTAB"; else echo "! $(oneline "$1")"; fi
}

# left PATH: cron does not read it. Debian's takes letters, digits, - and _ for a name in cron.d, and any other for a file
# that was put aside; others know only what editors and packages leave behind.
left() {
	case ${1##*/} in
	*~ | .* | *.rpmsave | *.rpmnew | *.rpmorig) return 0 ;;
	*[!A-Za-z0-9_-]*) [ -e /var/lib/dpkg/status ] ;;
	*) return 1 ;;
	esac
}

cron() {
	for _each in /etc/crontab /etc/cron.d/*; do
		if [ -f "$_each" ] && ! left "$_each"; then jobs "$_each" '' 0; fi
	done
	if [ -f /etc/anacrontab ]; then jobs /etc/anacrontab root 1; fi
	for _dir in /var/spool/cron/crontabs /var/spool/cron /etc/crontabs /var/cron/tabs; do
		if [ -d "$_dir" ] && ! { [ -r "$_dir" ] && [ -x "$_dir" ]; }; then
			echo "! $_dir"
			continue
		fi
		for _each in "$_dir"/*; do
			if [ -f "$_each" ]; then jobs "$_each" "$(oneline "${_each##*/}")" 0; fi
		done
	done
	for _each in /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly /etc/periodic /etc/periodic/* \
		/var/spool/cron /var/spool/cron/crontabs /etc/crontabs /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* \
		/etc/cron.monthly/* /etc/periodic/*/*; do
		if [ -e "$_each" ]; then echo "= $(stat -L -c '%f %u %g' "$_each") $(oneline "$_each")"; fi
	done
}

s_cron() {
	printf '%s\n' "$CRON"
	case $NL$CRON in *"$NL! "*) return 4 ;; esac
	return 0
}

UNIT='
FNR == 1 { joined = "" }
{
	line = joined $0
	if (line ~ /\\$/ && line !~ /^[ \t]*[#;]/) { joined = substr(line, 1, length(line) - 1) " "; next }
	joined = ""
}
line ~ /^[ \t]*(Exec(Start|StartPre|StartPost|Reload|Stop|StopPost|Condition)|EnvironmentFile|User|DynamicUser|RootDirectory|RootImage)[ \t]*=/ {
	if (FILENAME != told) { print "U " FILENAME; told = FILENAME }
	sub(/^[ \t]+/, "", line)
	name = line
	sub(/[ \t]*=.*/, "", name)
	sub(/^[^=]*=[ \t]*/, "", line)
	if (name !~ /^Exec/) { print name " " (name == "User" || name == "DynamicUser" || line ~ /^-?\// ? line : "?"); next }
	gsub(/["\047]/, " ", line)
	n = split(line, t, /[ \t;|&()`]+/)
	out = ""
	for (i = 1; i <= n; i++) {
		if (t[i] == "") continue
		if (out == "") { sub(/^[-@:+!|]+/, "", t[i]); out = t[i] == "" ? "" : " " t[i] }
		else if (t[i] ~ /^\// || line ~ /dockerd/ && t[i] ~ /^(tcp:\/\/|--?H|--host|--tls)/) out = out " " t[i]
	}
	print name out
}'

# Units by what they run, and those files of them, of boot scripts and of rules of udev that others than root may write.
units() {
	set -- 
	for _each in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
		if [ -d "$_each" ] && [ ! -L "${_each%/systemd/system}" ]; then set -- "$@" "$_each"; fi
	done
	if [ $# -gt 0 ]; then
		limit 10 find "$@" -maxdepth 2 \( -name '*.service' -o -name '*.socket' -o -path '*.service.d/*.conf' \) \
			! -path "*$NL*" -type f -exec awk "$UNIT" {} + || echo "E $?"
		limit 10 find "$@" -maxdepth 2 -type l ! -path "*$NL*" -exec sh -c 'for _ do
			_at=$(readlink -f "$_")
			case $_at in /usr/lib/systemd/* | /lib/systemd/* | /run/systemd/* | /etc/systemd/*) ;;
			/dev/null) echo "Z $_" ;;
			*.service | *.socket) echo "= $(stat -L -c "%f %u %g" "$_") $_at" ;; esac
		done' sh {} + || echo "E $?"
	fi
	for _each in /etc/init.d /etc/rc.local /etc/rc.d /etc/local.d /etc/udev/rules.d /usr/lib/udev/rules.d /run/udev/rules.d /etc/profile.d \
		/etc/profile /etc/bash.bashrc /etc/bashrc /etc/environment /etc/update-motd.d /etc/pam.d /etc/security /etc/modprobe.d \
		/etc/logrotate.d /etc/logrotate.conf /etc/polkit-1 /usr/share/polkit-1 /etc/dbus-1 /etc/apt/apt.conf.d /etc/NetworkManager/dispatcher.d \
		/etc/network /etc/dhcp /etc/ppp /etc/systemd; do
		if [ -e "$_each" ]; then set -- "$@" "$_each"; fi
	done
	if [ $# -gt 0 ]; then
		limit 10 find "$@" ! -type l ! -path "*$NL*" \( ! -user 0 -o -perm -0020 ! -group 0 -o -perm -0002 \) -exec stat -c '= %f %u %g %n' {} + || echo "E $?"
	fi
	for _each in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug; do
		if [ -r "$_each" ]; then echo "K ${_each##*/} $(head -n 1 "$_each")"; fi
	done
	return 0
}

# Where root's programs and libraries are looked for.
paths() {
	grep -oHE '(^|[^A-Za-z_0-9])PATH=[^;&|)]*' /etc/environment /etc/profile /etc/profile.d/*.sh /etc/bash.bashrc /etc/bashrc \
		/etc/zsh/zshenv /etc/zshenv /root/.profile /root/.bashrc /root/.bash_profile /root/.bash_login /root/.zshrc /root/.zshenv | sed 's/^/P /'
	sed -n 's/^[ 	]*ENV_SUPATH[ 	]*/P \/etc\/login.defs:/p' /etc/login.defs
	sed -n 's/^[ 	]*DefaultEnvironment=.*\(PATH=[^ "]*\).*/P \/etc\/systemd\/system.conf:\1/p' /etc/systemd/system.conf
	root || echo "! /root"
	return 0
}

loader() {
	if [ -e /etc/ld.so.preload ]; then
		if [ -r /etc/ld.so.preload ]; then
			head -c 20000 /etc/ld.so.preload | sed 's/#.*//' | tr ' \t:' '\n\n\n' | sed -n 's/^\(..*\)/L \1/p'
		else
			echo '! /etc/ld.so.preload'
		fi
	fi
	for _each in /etc/ld.so.conf /etc/ld.so.conf.d/*.conf /etc/ld-musl-*.path; do
		if [ -r "$_each" ]; then
			tr ':' '\n' <"$_each" | sed -n 's/^[ 	]*\(\/[^#]*[^# 	]\).*/C \1/p'
		elif [ -e "$_each" ]; then
			echo "! $_each"
		fi
	done
	sed -n 's/^[ 	]*LD_\(PRELOAD\|LIBRARY_PATH\)=["]*\([^"]*\).*/V \1 \2/p' /etc/environment
	return 0
}

s_units() {
	printf '%s\n' "$UNITS"
	case $NL$UNITS$NL in *"${NL}E 124$NL"* | *"${NL}E 137$NL"* | *"${NL}E 152$NL"*) return 124 ;; esac
	root || return 4
}
s_paths() { printf '%s\n' "$PATHS"; case $PATHS in *"! /root"*) return 4 ;; esac; return 0; }
s_loader() { printf '%s\n' "$LOADER"; case $NL$LOADER in *"$NL! "*) return 4 ;; esac; return 0; }

# Every path that the rows above name, and all the directories on the way to it, also to where links lead.
named() {
	printf '%s\n' "$SUDOERS" "$DOAS" | awk '/^\|/ { gsub(/\\ /, "\002"); gsub(/\\/, ""); n = split($0, t, /[ \t,()=!"^$|:]+/); for (i = 1; i <= n; i++) if (t[i] ~ /^\//) { gsub(/\002/, " ", t[i]); print t[i] } }'
	printf '%s\n' "$CRON" "$UNITS" | awk '/^[JEK]/ { for (i = 2; i <= NF; i++) { sub(/^[-|]+\//, "/", $i); if ($i ~ /^\//) print $i } }'
	printf '%s\n' "$PATHS" "$CRON" "$SUDOERS" | awk '/^P |secure_path/ { n = split($0, t, /[=:"\047 ]+/); for (i = 1; i <= n; i++) if (t[i] ~ /^\//) print t[i] }'
	printf '%s\n' "$LOADER" | sed -n 's/^[LC] \//\//p'
	printf '%s\n' "$WALK" | awk '/^S / && !/\001/ { sub(/^S [0-7]+ [0-9]+ [0-9]+ /, ""); if (!/^\/(usr|s?bin|lib[0-9a-z]*)\// && ++n <= 500) print }'
	printf '%s\n' /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib \
		/etc/ld.so.preload /etc/ld.so.conf /etc/ld.so.cache /etc/ld.so.conf.d /etc/ld.so.conf.d/*.conf
}

PARENTS='
{
	if (/^\001/) next
	gsub(/\/+/, "/")
	gsub(/\/\.\//, "/")
	if (/\/\.\.(\/|$)/ || length($0) > 1000) next
	if (length($0) > 1) sub(/\/$/, "")
	if (match($0, /[*?\[]/)) { $0 = substr($0, 1, RSTART); sub(/\/[^\/]*$/, "") }
	while ($0 != "" && !($0 in seen)) {
		seen[$0] = 1
		if (++n > 5000) exit
		print
		sub(/\/[^\/]*$/, "")
	}
}
END { if (n > 5000) print "T"; else print "/" }'

s_refs() {
	_all=$(named | awk "$PARENTS")
	_links=$(printf '%s\n' "$_all" | while IFS= read -r _each; do
		if [ -L "$_each" ]; then printf '%s\t%s\n' "$_each" "$(readlink -f "$_each")"; fi
	done | head -n 1000)
	_all=$({ printf '%s\n' "$_all"; printf '%s\n' "$_links" | sed 's/^.*	//'; } | awk "$PARENTS")
	printf '%s\n' "$_links" | sed -n 's/^\(..*\)/L \1/p'
	case $NL$_all$NL in *"${NL}T$NL"*) echo T ;; esac
	{
		printf '%s\n' "$_all" | grep '^/' | tr '\n' '\000' | limit 20 xargs -0 stat -L -c '%f %u %g %n'
		echo
		printf '%s\n' "$_all" | grep '^/'
	} | awk '
		!told && $0 == "" { told = 1; next }
		!told { print "R " $0; path = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", path); have[path] = 1; next }
		!($0 in have) { print "- " $0 }'
}

# Files that hold secrets or say who is who, sockets that lead to an engine that is root, and what exports and engines allow.
s_modes() {
	for _each in /etc/passwd /etc/passwd- /etc/group /etc/group- /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/sudoers \
		/etc/security/opasswd /etc/ssh/sshd_config /etc/nsswitch.conf /etc/hosts /etc/fstab /etc/login.defs /etc/doas.conf \
		/etc/krb5.keytab /etc/exports /root /boot /etc/docker/daemon.json /etc /usr /var /bin /sbin /lib \
		/run/docker.sock /var/run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock /run/crio/crio.sock \
		/run/k3s/containerd/containerd.sock /var/snap/lxd/common/lxd/unix.socket /var/lib/lxd/unix.socket /var/lib/incus/unix.socket \
		/run/incus/unix.socket /run/buildkit/buildkitd.sock /run/docker/containerd/containerd.sock /run/snap.docker/docker.sock; do
		if [ -e "$_each" ]; then stat -L -c '%f %u %g %n' "$_each"; fi
	done
	return 0
}

s_exports() {
	told_files /etc/exports /etc/exports.d/*.exports
}

# Of an engine's settings, which may hold tokens of log servers, only those that say who may speak with it.
s_dockerd() {
	for _each in /etc/docker/daemon.json /var/snap/docker/current/config/daemon.json; do
		[ -e "$_each" ] || continue
		[ -r "$_each" ] || return 4
		echo "F $_each"
		head -c 100000 "$_each" | tr '\n' ' ' | grep -oE '"(hosts|insecure-registries|tls|tlsverify|userns-remap)"[[:space:]]*:[[:space:]]*(\[[^]]*\]|"[^"]*"|true|false)' | sed 's/^/J /'
	done
	for _each in /proc/[0-9]*/comm; do
		# A client names the engine that it asks, and anybody may call a program of his dockerd.
		[ "$(cat "$_each")" = dockerd ] && [ "$(stat -c %u "${_each%/comm}")" = 0 ] || continue
		tr '\000' '\n' <"${_each%comm}cmdline" | grep -E '^(-H|--host|--tls|tcp://)' | sed 's/^/A /'
	done
	return 0
}

s_kernel() {
	cd /proc/sys || return 1
	grep -s . kernel/randomize_va_space kernel/kptr_restrict kernel/dmesg_restrict kernel/yama/ptrace_scope \
		kernel/unprivileged_bpf_disabled kernel/perf_event_paranoid kernel/kexec_load_disabled kernel/sysrq fs/suid_dumpable \
		fs/protected_hardlinks fs/protected_symlinks fs/protected_fifos fs/protected_regular vm/unprivileged_userfaultfd \
		vm/mmap_min_addr dev/tty/ldisc_autoload kernel/unprivileged_userns_clone
	cd /sys/devices/system/cpu/vulnerabilities && grep -s . ./* | sed 's/^\.\//cpu\//'
	return 0
}

s_walk() {
	printf '%s\n' "$WALK"
	case $NL$WALK$NL in
	*"${NL}E 124$NL"* | *"${NL}E 137$NL"* | *"${NL}E 152$NL"*) return 124 ;;
	*"${NL}E 0$NL"* | *"${NL}E 1$NL"*) return 0 ;;
	esac
	return 1
}

privilege_sections() {
	WALK=$(walk 2>/dev/null </dev/null)
	SUDOERS=$(sudo_files 2>/dev/null </dev/null | head -c 250000)
	DOAS=$(told_files /etc/doas.conf /etc/doas.d/*.conf 2>/dev/null </dev/null | head -c 20000)
	CRON=$(cron 2>/dev/null </dev/null | head -c 150000)
	UNITS=$(units 2>/dev/null </dev/null | head -c 250000)
	PATHS=$(paths 2>/dev/null </dev/null | head -c 30000)
	LOADER=$(loader 2>/dev/null </dev/null | head -c 30000)
	section walk 1050000 s_walk
	section owner 250000 s_owner
	section sudoers 250000 s_sudoers
	section doas 20000 s_doas
	section cron 150000 s_cron
	section units 250000 s_units
	section paths 30000 s_paths
	section loader 30000 s_loader
	section refs 350000 s_refs
	section modes 8000 s_modes
	section exports 60000 s_exports
	section dockerd 10000 s_dockerd
	section kernel 8000 s_kernel
}
