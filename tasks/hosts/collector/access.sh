
# What an account's second field says, without the hash: the schemes of crypt(5), and `locked-` where it is switched off.
KIND='
function kind(p) {
	if (p == "") return ""
	if (p == "x") return "x"
	if (p ~ /^!/) { sub(/^!+/, "", p); p = kind(p); return (p == "" || p == "x" || p == "none") ? "none" : "locked-" p }
	if (p ~ /^\$y\$/) return "yescrypt"
	if (p ~ /^\$gy\$/) return "gost-yescrypt"
	if (p ~ /^\$7\$/) return "scrypt"
	if (p ~ /^\$2[abxy]?\$/) return "bcrypt"
	if (p ~ /^\$6\$/) return "sha512"
	if (p ~ /^\$5\$/) return "sha256"
	if (p ~ /^\$sha1\$/) return "sha1"
	if (p ~ /^\$md5/) return "sunmd5"
	if (p ~ /^\$1\$/) return "md5"
	if (p ~ /^\$3\$/) return "nt"
	if (p ~ /^_/ && length(p) == 20) return "bsdicrypt"
	if (p !~ /[^.\/0-9A-Za-z]/ && length(p) >= 13) return "descrypt"
	return "none"
}'

# reduced FILE MOST PROGRAM: a file of colons through awk, of which no more than MOST bytes are read. A zero byte ends
# a line for who reads these files, so it does here.
reduced() {
	[ -e "$1" ] || return 1
	[ -r "$1" ] || return 4
	have awk || return 3
	{ limit 10 head -c "$2" "$1"; printf '\n!rc %s\n' $?; } | tr '\000' '\n' | awk -F: "
		$KIND"'
		BEGIN { rc = 1 }
		/^!rc [0-9]+$/ { rc = substr($0, 5) + 0; next }
		END { exit rc }
		'"$3" || return
	[ "$(stat -L -c %s "$1")" -le "$2" ] || return 141
}

s_passwd() {
	reduced /etc/passwd 2097152 '
		NF < 2 { if ($0 ~ /^[ \t]*[+-]/) print; next }
		{ rest = ""; for (i = 7; i <= NF; i++) rest = rest ":" $i; print $1 ":" kind($2) ":" $3 ":" $4 "::" $6 rest }'
}

s_group() {
	reduced /etc/group 2097152 '
		NF < 2 { next }
		{ print $1 ":" kind($2) ":" $3 ":" $4 }'
}

s_shadow() {
	[ -e /etc/shadow ] || { echo '!absent'; return 0; }
	reduced /etc/shadow 2097152 '
		NF < 2 { next }
		{ print $1 ":" kind($2) ":" $3 ":" $4 ":" $5 ":" $6 ":" $7 ":" $8 ":" }'
}

# texts FILE...: files that are there, `!file PATH` and each line that is no comment behind a tab; `!denied PATH` and 4
# for one that may not be read.
texts() {
	_denied=0 _texts=$#
	while [ "$_texts" -gt 0 ]; do
		_texts=$((_texts - 1)) _file=$1
		shift
		case $_file in *"$NL"*) continue ;; esac
		[ -f "$_file" ] || continue
		if [ -r "$_file" ]; then
			set -- "$@" "$_file"
		else
			printf '!denied %s\n' "$_file"
			_denied=4
		fi
	done
	if [ $# -gt 0 ]; then
		limit 10 awk '
			FNR == 1 { print "!file " FILENAME }
			!/^[ \t]*(#|$)/ { print "\t" $0 }' "$@" || return
	fi
	return $_denied
}

s_nss() { texts /etc/nsswitch.conf; }

s_policy() { texts /etc/login.defs /etc/security/pwquality.conf /etc/security/pwquality.conf.d/*.conf; }

# PAM's stacks, and modules beside the packaged ones of which no package says that they are its own.
s_pam() {
	_denied=0
	texts /etc/pam.conf /etc/pam.d/* || _denied=$?
	for _dir in /lib/security /lib64/security /lib/*-linux-*/security; do
		[ -d "$_dir" ] && [ ! -L "$_dir" ] || continue
		if [ -f /var/lib/dpkg/status ]; then
			{
				cat /var/lib/dpkg/info/*.list | sed -n 's|^\(/usr\)*\(/lib[^/]*.*/security/[^/]*\.so\)$|o \2|p'
				for _file in "$_dir"/*.so; do
					case $_file in *"$NL"*) continue ;; esac
					[ ! -e "$_file" ] || printf 'm %s\n' "$_file"
				done
			} | awk '{ path = substr($0, 3) } $1 == "o" { own[path] = 1; next } !(path in own) { print "!module " path }'
		fi
	done
	return $_denied
}

# What the ssh server says of its settings, and which files it is told them by: asked once, used by three sections.
sshd_says() { if root && have sshd; then limit 10 sshd -T; fi </dev/null 2>/dev/null; }

# globs PATTERN: the files of an Include, relative to where the ssh server looks.
globs() {
	case $1 in /*) _pattern=$1 ;; *) _pattern=/etc/ssh/$1 ;; esac
	_ifs=$IFS
	IFS=
	# shellcheck disable=SC2086  # to be a list of files
	for _file in $_pattern; do [ ! -f "$_file" ] || printf '%s\n' "$_file"; done
	IFS=$_ifs
}

includes() {
	[ -r "$1" ] || return 0
	limit 5 awk 'tolower($1) ~ /^include(=|$)/ { sub(/^[ \t]*[A-Za-z]+[ \t=]*/, ""); gsub(/"/, ""); for (i = split($0, p); i; i--) print p[i] }' "$1"
}

sshd_files() {
	for _config in /etc/ssh/sshd_config /usr/etc/ssh/sshd_config /etc/sshd_config; do
		[ -f "$_config" ] || continue
		echo "$_config"
		includes "$_config" | head -n 20 | while IFS= read -r _one; do
			globs "$_one" | head -n 100 | while IFS= read -r _two; do
				printf '%s\n' "$_two"
				includes "$_two" | head -n 20 | while IFS= read -r _three; do globs "$_three" | head -n 100; done
			done
		done
		break
	done </dev/null 2>/dev/null
}

s_sshd() {
	have sshd || { echo '!absent'; return 0; }
	_denied=0 _ifs=$IFS
	IFS=$NL
	set -f
	# shellcheck disable=SC2086  # a list of files, one a line
	set -- $SSHD_FILES
	set +f
	IFS=$_ifs
	texts "$@" || _denied=$?
	if root; then
		if [ -z "$SSHD_SAYS" ]; then
			echo '!refused'
		else
			printf '!global\n%s\n' "$SSHD_SAYS"
			if [ $# -gt 0 ] && grep -qi '^[[:space:]]*match[[:space:]=]' "$@"; then s_sshd_users; fi
		fi
		return $_denied
	fi
	return 4
}

# What holds for each user who may log in, where there are Match blocks; the addresses are of no one.
s_sshd_users() {
	limit 10 head -c 2097152 /etc/passwd | awk -F: '
		$1 ~ /^[A-Za-z0-9_][A-Za-z0-9._-]*$/ && $7 !~ /(nologin|false|sync|shutdown|halt)$/ && n++ < 40 { print $1 }' |
		while IFS= read -r _name; do
			printf '!user %s\n' "$_name"
			limit 5 sshd -T -C "user=$_name,host=host.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=22,rdomain=0" </dev/null |
				grep -E '^(permit|password|kbdint|authentication|gateway|x11forw|maxauth|hostbasedauth|ignorerhosts|loglevel|authorizedkeysf)' ||
				echo '!unknown'
		done
	return 0
}

s_hostkeys() {
	have sshd || { echo '!absent'; return 0; }
	_ifs=$IFS
	IFS=$NL
	set -f
	# shellcheck disable=SC2046  # a list of files, one a line
	set -- $(printf '%s\n' "$SSHD_SAYS" | sed -n 's/^hostkey //p')
	set +f
	IFS=$_ifs
	for _file in /etc/ssh/ssh_host_*_key "$@"; do
		case $_file in *"$NL"*) continue ;; esac
		[ -f "$_file" ] && stat -L -c '%a %u %g %n' "$_file"
	done | sort -u
	return 0
}

# expand PATTERN: the ssh server's tokens, in one pass, so that nothing in a name is a token again.
expand() {
	_out= _rest=$1
	while :; do
		case $_rest in
		*%*)
			_out=$_out${_rest%%\%*}
			_rest=${_rest#*\%}
			case $_rest in
			h*) _out=$_out$_home ;;
			u*) _out=$_out$_name ;;
			U*) _out=$_out$_number ;;
			%*) _out=$_out% ;;
			esac
			_rest=${_rest#?}
			;;
		*) break ;;
		esac
	done
	_out=$_out$_rest
	case $_out in /*) ;; *) _out=$_home/$_out ;; esac
}

denied() {
	printf '!denied %s\n' "$1"
	_rc=4
}

# One file of authorized keys: its stat, then those of its lines that may be keys.
key_file() {
	_dir=${1%/*}
	if [ -d "$_dir" ] && [ ! -x "$_dir" ]; then denied "$_dir"; fi
	[ -f "$1" ] || return 0
	stat -L -c 'F %a %u %g %n' "$1"
	[ -r "$1" ] || { denied "$1"; return 0; }
	head -c 131073 "$1" | tr '\000' '?' | awk '
		{ size += length($0) + 1 }
		size > 131072 { print "!cut"; exit }
		!/^[ \t]*(#|$)/ { print "K " substr($0, 1, 16384) }'
}

# A private key is known by its first line; whether it has a passphrase, by the name of the cipher that follows.
private_keys() {
	_count=0
	for _file in "$1"/*; do
		case $_file in *"$NL"* | *.pub | */known_hosts* | */authorized_keys* | */config) continue ;; esac
		[ -f "$_file" ] || continue
		_count=$((_count + 1))
		[ $_count -le 50 ] || { printf '!cut %s\n' "$1"; break; }
		[ -r "$_file" ] || { denied "$_file"; continue; }
		_head=$(head -c 400 "$_file" | tr -d '\000\r')
		case $_head in
		"-----BEGIN OPENSSH PRIVATE KEY-----$NL"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU*) _kind=plain ;;
		"-----BEGIN OPENSSH PRIVATE KEY-----"* | "-----BEGIN ENCRYPTED PRIVATE KEY-----"*) _kind=encrypted ;;
		"-----BEGIN "*"PRIVATE KEY-----$NL"*ENCRYPTED*) _kind=encrypted ;;
		"-----BEGIN "*"PRIVATE KEY-----$NL"*) _kind=plain ;;
		PuTTY-User-Key-File-*"${NL}Encryption: none$NL"*) _kind=plain ;;
		PuTTY-User-Key-File-*) _kind=encrypted ;;
		*) continue ;;
		esac
		stat -L -c "P $_kind %a %u %g %n" "$_file"
	done
}

# Trust in what other machines say of who somebody is: only whether it is trust in all of them.
trusting() {
	[ -f "$1" ] || return 0
	[ -r "$1" ] || { denied "$1"; return 0; }
	_kind=some
	if limit 5 head -c 65536 "$1" | grep -q '^[[:space:]]*+'; then _kind=all; fi
	stat -L -c "R $_kind %a %u %g %n" "$1"
}

CREDENTIALS='.aws/credentials
.azure/accessTokens.json
.azure/msal_token_cache.json
.azure/service_principal_entries.json
.boto
.cargo/credentials
.cargo/credentials.toml
.config/gcloud/application_default_credentials.json
.config/gcloud/credentials.db
.config/gh/hosts.yml
.config/rclone/rclone.conf
.docker/config.json
.gem/credentials
.git-credentials
.kube/config
.my.cnf
.netrc
.pgpass
.pypirc
.s3cfg
.terraform.d/credentials.tfrc.json
.vault-token'

# credentials FILE...: their stat and that of the directories that they are in; never their content.
credentials() {
	_count=$#
	while [ "$_count" -gt 0 ]; do
		_count=$((_count - 1)) _file=$1
		shift
		case $_file in *"$NL"*) continue ;; esac
		if [ -f "$_file" ]; then
			stat -L -c 'E %a %u %g %n' "${_file%/*}"
			set -- "$@" "$_file"
		fi
	done
	[ $# -eq 0 ] || stat -L -c 'C %a %u %g %n' "$@"
}

# Every account's keys, and what lies about in its home. Homes on other machines are left alone: they may hang.
s_keys() {
	have awk || return 3
	_far=$(awk '$3 ~ /^(nfs|nfs4|cifs|smb3|smbfs|autofs|afs|ceph|9p|fuse\.(sshfs|glusterfs|s3fs|rclone))$/ && $2 != "/" {
		print $2 }' /proc/self/mounts)
	_patterns=$(
		_ifs=$IFS
		IFS=$NL
		set -f
		{
			printf '%s\n' "$SSHD_SAYS"
			# shellcheck disable=SC2086  # a list of files, one a line
			[ -z "$SSHD_FILES" ] || cat $SSHD_FILES
		} | awk 'tolower($1) ~ /^authorizedkeysfile(=|$)/ {
			sub(/^[ \t]*[A-Za-z]+[ \t=]*/, ""); gsub(/"/, ""); for (i = split($0, p); i; i--) print p[i] }' | sort -u
	)
	[ -n "$_patterns" ] || _patterns=".ssh/authorized_keys$NL.ssh/authorized_keys2"
	{
		limit 10 head -c 2097152 /etc/passwd
		printf '\n'
	} | tr '\000' '\n' | awk -F: '
		/^[ \t]*([#+-]|$)/ || NF < 4 { next }
		n++ >= 2000 { print "!cut accounts"; exit }
		{ print $1; print $3; print $6 }' | {
		_rc=0
		while IFS= read -r _name; do
			case $_name in '!cut '*) echo "$_name" && break ;; esac
			IFS= read -r _number
			IFS= read -r _home
			printf '@%s\n' "$_name"
			s_keys_of
		done
		printf '@\n'
		trusting /etc/hosts.equiv
		trusting /etc/ssh/shosts.equiv
		credentials /etc/kubernetes/*.conf /etc/rancher/k3s/k3s.yaml /etc/rancher/rke2/rke2.yaml \
			/var/lib/cloud/instance/user-data.txt /var/lib/cloud/instance/user-data.txt.i /var/lib/waagent/ovf-env.xml \
			/etc/krb5.keytab /etc/ppp/chap-secrets /etc/ppp/pap-secrets /etc/wireguard/*.conf
		exit $_rc
	}
}

s_keys_of() {
	set -f
	_ifs=$IFS
	IFS=$NL
	for _mount in $_far; do
		case $_home/ in "$_mount"/*) printf '!far %s\n' "$_home" && set +f && IFS=$_ifs && return ;; esac
	done
	for _pattern in $_patterns; do
		[ "$_pattern" != none ] || continue
		expand "$_pattern"
		key_file "$_out"
	done
	IFS=$_ifs
	set +f
	[ -d "$_home" ] || return 0
	stat -L -c 'H %a %u %g %n' "$_home"
	[ -x "$_home" ] || { denied "$_home"; return 0; }
	if [ -d "$_home/.ssh" ]; then
		stat -L -c 'D %a %u %g %n' "$_home/.ssh"
		if [ -x "$_home/.ssh" ] && [ -r "$_home/.ssh" ]; then private_keys "$_home/.ssh"; else denied "$_home/.ssh"; fi
	fi
	trusting "$_home/.rhosts"
	trusting "$_home/.shosts"
	set --
	_ifs=$IFS
	IFS=$NL
	for _file in $CREDENTIALS; do
		if [ -f "$_home/$_file" ]; then set -- "$@" "$_home/$_file"; fi
	done
	IFS=$_ifs
	credentials "$@"
}

# Guessed passwords of today and yesterday: sources with twenty failures in a day, and whether one of them got in.
s_logins() {
	have awk || return 3
	_now=$(date +%s)
	_found=
	for _file in /var/log/auth.log.1 /var/log/auth.log /var/log/secure; do
		[ ! -s "$_file" ] || _found=yes
		if [ -e "$_file" ] && [ ! -r "$_file" ]; then return 4; fi
	done
	if [ -z "$_found" ]; then
		have journalctl || return 3
		set -- /var/log/journal/*/*.journal /run/log/journal/*/*.journal
		{ [ -e "$1" ] || [ -e "$2" ]; } || return 3
		root || return 4
	fi
	{
		if [ -n "$_found" ]; then
			for _file in /var/log/auth.log.1 /var/log/auth.log /var/log/secure; do
				[ ! -f "$_file" ] || limit 10 tail -c 20000000 "$_file" || printf '\n!rc %s\n' $?
				[ ! -f "$_file" ] || [ "$(stat -L -c %s "$_file")" -le 20000000 ] || printf '\n!rc 141\n'
			done
		else
			limit 20 journalctl -q --no-pager -o short --since '2 days ago' -t sshd -t sshd-session || printf '\n!rc %s\n' $?
		fi
	} | awk -v days="$(date +'%b %e')|$(date +%Y-%m-%d)|$(date -d "@$((_now - 86400))" +'%b %e')|$(date -d "@$((_now - 86400))" +%Y-%m-%d)" '
		BEGIN { n = split(days, d, "|"); for (i = 1; i <= n; i++) if (d[i] != "") known[d[i]] = int((i + 1) / 2) }
		/^!rc / { rc = substr($0, 5) + 0; next }
		{
			iso = substr($0, 1, 10)
			if (iso in known) { day = known[iso]; tag = $3 }
			else if (substr($0, 1, 6) in known) { day = known[substr($0, 1, 6)]; tag = $5 }
			else next
			if (tag !~ /^sshd(-session)?\[[0-9]+\]:$/) next
			at = index($0, tag) + length(tag)
			said = substr($0, at + 1)
			times = 1
			if (said ~ /^message repeated [0-9]+ times: \[ /) { split(said, w, " "); times = w[3]; sub(/^[^[]*\[ /, "", said) }
			if (said !~ /^(Failed|Accepted) (password|keyboard-interactive\/pam) for .* from [0-9A-Fa-f.:]+ port [0-9]+/) next
			how = said ~ /^Failed/ ? "F" : "A"
			source = said; sub(/.* from /, "", source); sub(/ .*/, "", source)
			if (how == "F") { failed[day, source] += times; if (failed[day, source] >= 20) many[source] = 1; next }
			if (!(source in many)) next
			user = said; sub(/^[A-Za-z]+ [^ ]+ for /, "", user); sub(/ from [^ ]* port .*/, "", user)
			entered["A " source " " user] = 1
		}
		END {
			for (source in many) if (++count <= 200) print "F " source
			for (line in entered) print line
			exit rc
		}'
}

# Who listens: sockets by inode, the processes that hold them, and the packages that their programs are from.
s_sockets() {
	have awk || return 3
	{ cat /proc/sys/net/ipv4/ip_local_port_range | sed 's/^/!range /'; }
	_denied=0
	root || _denied=4
	{
		if have ss; then
			{ limit 10 ss -lntue || printf '!rc %s\n' $?; } | awk '
				/^!rc / { print; next }
				$1 != "tcp" && $1 != "udp" { next }
				{
					uid = 0; inode = 0
					for (i = 5; i <= NF; i++) { if ($i ~ /^uid:/) uid = substr($i, 5); if ($i ~ /^ino:/) inode = substr($i, 5) }
					print "s", $1, $5, uid, inode
				}'
		else
			for _proto in tcp tcp6 udp udp6; do
				[ ! -r "/proc/net/$_proto" ] || awk -v proto=$_proto '
					(proto ~ /^tcp/ && $4 == "0A") || (proto ~ /^udp/ && $4 == "07") { print "h", proto, $2, $8, $10 }' "/proc/net/$_proto"
			done
		fi
		limit 15 ls -ln /proc/[0-9]*/fd
		[ $? != 124 ] || echo '!rc 124'
	} | awk '
		/^!rc / { rc = substr($0, 5) + 0; next }
		$1 == "s" || $1 == "h" { print; if ($5 != 0) wanted[$5] = 1; next }
		/^\/proc\/[0-9]+\/fd:$/ { split($0, part, "/"); pid = part[3]; next }
		/-> socket:\[[0-9]+\]$/ {
			inode = $NF; gsub(/[^0-9]/, "", inode)
			if (!(inode in wanted) || (inode, pid) in seen || holders[inode]++ >= 20) next
			seen[inode, pid] = 1
			print "i", inode, pid
			if (!(pid in asked) && count++ < 500) asked[pid] = 1
		}
		END { for (pid in asked) print "q", pid; exit rc }' | {
		set --
		while IFS= read -r _line; do
			case $_line in
			"q "*) if program "${_line#q }"; then set -- "$@" "$_exe"; fi ;;
			*) printf '%s\n' "$_line" ;;
			esac
		done
		owners "$@"
	}
	return $_denied
}

# program PID: `x PID UID PLACE PATH`; PLACE is `own` where the path is one of this machine's, `other` in a container.
program() {
	_owner=
	while read -r _key _value _; do
		case $_key in Uid:) _owner=$_value && break ;; esac
	done <"/proc/$1/status"
	_exe=$(readlink "/proc/$1/exe") || _exe=
	case $_exe in *"$NL"*) _exe=${_exe%%"$NL"*}? ;; esac
	if [ "/proc/$1/ns/mnt" -ef /proc/self/ns/mnt ]; then _place=own; else _place=other; fi
	printf 'x %s %s %s %s\n' "$1" "${_owner:--}" $_place "$_exe"
	_exe=${_exe% (deleted)}
	[ -n "$_exe" ] && [ $_place = own ]
}

# owners PATH...: `o PACKAGE PATH`, of the first sixty different ones.
owners() {
	[ $# -gt 0 ] || return 0
	_paths=$(printf '%s\n' "$@" | sort -u | head -n 60)
	_ifs=$IFS
	IFS=$NL
	set -f
	# shellcheck disable=SC2086  # a list of files, one a line
	set -- $_paths
	set +f
	IFS=$_ifs
	if [ -f /var/lib/dpkg/status ]; then
		printf '%s\n' "$@" | sed 'p; s|^/usr/|/|; t; s|^/|/usr/|' | limit 10 grep -xF -f - /var/lib/dpkg/info/*.list |
			sed -n 's|^/var/lib/dpkg/info/\([^:/]*\)\(:[a-z0-9]*\)*\.list:\(.*\)$|o \1 \3|p'
	elif [ -f /lib/apk/db/installed ]; then
		printf '%s\n' "$@" | sed 'p; s|^/usr/|/|; t; s|^/|/usr/|' | limit 10 awk '
			NR == FNR { wanted[$0] = 1; next }
			{ tag = substr($0, 1, 2); rest = substr($0, 3) }
			tag == "P:" { name = rest }
			tag == "F:" { place = "/" rest "/" }
			tag == "R:" && (place rest) in wanted { print "o", name, place rest }' - /lib/apk/db/installed
	elif have rpm; then
		for _file in "$@"; do
			_own=$(limit 5 rpm -qf --qf '%{NAME}\n' "$_file" | head -n 1)
			case $_own in '' | *' '*) ;; *) printf 'o %s %s\n' "$_own" "$_file" ;; esac
		done
	fi
}

# Programs that run from where programs do not belong, or whose file is gone. A name of several lines is looked at too.
s_exes() {
	have awk || return 3
	{
		limit 15 ls -ln /proc/[0-9]*/exe
		[ $? != 124 ] || echo '!rc 124'
	} | awk '
		/^!rc / { print "!rc"; next }
		/ \/proc\/[0-9]+\/exe -> / {
			pid = $0; sub(/ -> .*/, "", pid); sub(/.*\/proc\//, "", pid); sub(/\/.*/, "", pid)
			path = $0; sub(/.* \/proc\/[0-9]+\/exe -> /, "", path)
			if (path ~ / \(deleted\)$/ || path ~ /^\/(tmp|var\/tmp|dev|run|proc|memfd:)/) print pid
			next
		}
		/ \/proc\/[0-9]+\/exe$/ { pid = ""; next }
		pid != "" { print pid }' | sort -u | awk 'n++ == 400 { print "!cut"; exit } { print }' | {
		_rc=0
		while IFS= read -r _pid; do
			case $_pid in '!rc') _rc=124 ;; '!cut') _rc=141 ;; *) program "$_pid" ;; esac
		done
		exit $_rc
	} || return
	root || return 4
}

access_sections() {
	section passwd 262144 s_passwd
	section group 262144 s_group
	section shadow 196608 s_shadow
	section nss 4096 s_nss
	SSHD_SAYS=$(sshd_says)
	SSHD_FILES=$(sshd_files)
	section sshd 131072 s_sshd
	section hostkeys 8192 s_hostkeys
	section keys 393216 s_keys
	section pam 65536 s_pam
	section policy 16384 s_policy
	section logins 32768 s_logins
	section sockets 163840 s_sockets
	section exes 32768 s_exes
}
