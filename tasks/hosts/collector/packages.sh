
# as_nobody SECONDS COMMAND...: a package manager that is asked by root may keep a cache, a log or a lock; one that may
# not write does not. Where root cannot step down (BusyBox), it is asked as we are.
as_nobody() {
	_most=$1
	shift
	# shellcheck disable=SC2086  # words
	limit "$_most" $STEP_DOWN "$@"
}

s_os() {
	if [ -r /etc/os-release ]; then head -c 8000 /etc/os-release; else head -c 8000 /usr/lib/os-release; fi
	echo
	if [ -r /etc/debian_version ]; then echo "DEBIAN_VERSION=$(head -n 1 /etc/debian_version)"; fi
	return 0
}

# Which package manager has a database here: a manager's program alone says nothing (BusyBox has several).
s_managers() {
	if [ -e /var/lib/dpkg/status ]; then echo dpkg; fi
	if [ -n "$(apk_database)" ]; then echo apk; fi
	if [ -n "$(rpm_database)" ]; then echo rpm; fi
	for _db in /var/lib/pacman/local /nix/var/nix/db /var/db/pkg /var/log/packages; do
		if [ -d "$_db" ]; then echo "other $_db"; fi
	done
	return 0
}

apk_database() {
	for _db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
		if [ -e "$_db" ]; then
			echo "$_db"
			return
		fi
	done
}

rpm_database() {
	for _db in /usr/lib/sysimage/rpm /var/lib/rpm; do
		for _file in rpmdb.sqlite Packages.db Packages; do
			if [ -e "$_db/$_file" ]; then
				echo "$_db"
				return
			fi
		done
	done
}

s_dpkg() {
	have dpkg-query || return 3
	limit 20 dpkg-query -W -f='${db:Status-Abbrev}\t${Architecture}\t${Version}\t${source:Package}\t${source:Version}\t${Package}\n'
}

s_rpm() {
	have rpm || return 3
	rpm_query '%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{INSTALLTIME}\t%{NAME}\n'
}

rpm_query() {
	_db=$(rpm_database)
	_all=$(as_nobody 30 rpm --dbpath "$_db" -qa --qf "$1")
	_code=$?
	# Where nobody may not read it, root does; unless SQLite would then make the shared memory that is not there.
	if [ -n "$STEP_DOWN" ] && [ "$_code" != 124 ] && [ -z "$_all" ]; then
		if [ ! -e "$_db/rpmdb.sqlite" ] || [ -e "$_db/rpmdb.sqlite-shm" ]; then
			_all=$(limit 30 rpm --dbpath "$_db" -qa --qf "$1")
			_code=$?
		fi
	fi
	if [ -n "$_all" ]; then printf '%s\n' "$_all"; fi
	return "$_code"
}

s_apk() {
	limit 10 awk '/^[PVAo]:/ || /^$/' "$(apk_database)"
}

# What an upgrade would bring, by lists that are here already. Held packages are left out of it if not told otherwise.
s_apt_upgrades() {
	have apt-get || return 3
	# Signed lists are unpacked into a file that has no name: in memory, then.
	_quiet='env TMPDIR=/dev/shm apt-get -s -q -o Dir::Log::Planner=/dev/null -o Dir::Log::Solver=/dev/null'
	# shellcheck disable=SC2086  # words
	{
		_all=$(as_nobody 60 $_quiet --ignore-hold dist-upgrade)
		_code=$?
		if [ -n "$STEP_DOWN" ] && [ "$_code" != 0 ] && [ "$_code" != 124 ]; then
			# A configuration that nobody may not read. Root would keep what it made of the lists, if it had where.
			_all=$(limit 60 $_quiet -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
				--ignore-hold dist-upgrade)
			_code=$?
		fi
	}
	printf '%s\n' "$_all" | grep '^Inst '
	return "$_code"
}

# What the advisories that dnf keeps say of packages that are here: dnf itself writes logs and locks when it is asked.
s_advisories() {
	have rpm || return 3
	rpm_query '=%{NAME}>' | head -c 2000000 | {
		cat
		for _file in /var/cache/dnf/*/repodata/*updateinfo.xml* /var/cache/libdnf5/*/repodata/*updateinfo.xml* \
			/var/cache/zypp/raw/*/repodata/*updateinfo.xml* /var/cache/yum/*/*/*/*updateinfo.xml*; do
			[ -e "$_file" ] || continue
			printf '\n>/%s>' "$_file"
			case $_file in
			*.gz) limit 20 gzip -dc "$_file" ;;
			*.xz) limit 20 xz -dc "$_file" ;;
			*.zst) limit 20 zstd -qdc "$_file" ;;
			*.xml) cat "$_file" ;;
			*) false ;;
			esac || printf '\n>!%s>' "$_file"
		done
	} | limit 30 awk "$ADVISORIES"
	_code=$?
	for _file in /etc/dnf/modules.d/*.module; do
		if [ -e "$_file" ]; then sed -n 's/^\(name=\|stream=\|state=\)/M	&/p' "$_file"; fi
	done
	return "$_code"
}

# Rows U KIND SEVERITY MODULE:STREAM EPOCH VERSION RELEASE ARCHITECTURE ADVISORY NAME, of packages that are installed.
ADVISORIES='
BEGIN { RS = ">" }
function value(key) {
	if (!match($0, "[ \t\n]" key "=\"[^\"]*\"")) return ""
	return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4)
}
/^\n?=/ && !inside { sub(/^\n?=/, ""); have[$0] = 1; next }
/^\// { inside = 1; print "F\t" substr($0, 2); next }
/^!/ { print "E\t" substr($0, 2); next }
/<update[ \t\n]/ { kind = value("type"); advisory = severity = module = ""; next }
/<\/id$/ && advisory == "" { advisory = $0; sub(/<\/id$/, "", advisory); next }
/<\/severity$/ { severity = $0; sub(/<\/severity$/, "", severity); next }
/<collection/ { module = ""; next }
/<module[ \t\n]/ { module = value("name") ":" value("stream"); next }
/<package[ \t\n]/ {
	name = value("name")
	if (name in have) printf "U\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", kind, severity, module, value("epoch"), \
		value("version"), value("release"), value("arch"), advisory, name
}
'

s_apk_upgrades() {
	have apk || return 3
	as_nobody 20 apk --no-network version -l '<'
}

# How old the lists are by which updates are known.
s_lists() {
	for _file in /var/lib/apt/lists/*Release /var/lib/apt/periodic/update-success-stamp \
		/var/lib/apt/periodic/update-stamp /var/cache/apk/APKINDEX.* /etc/apk/cache/APKINDEX.* \
		/var/cache/dnf/*/repodata/repomd.xml /var/cache/dnf/*.solv /var/cache/dnf/last_makecache \
		/var/cache/libdnf5/*/repodata/repomd.xml /var/cache/libdnf5/*/solv/*.solv \
		/var/cache/zypp/raw/*/repodata/repomd.xml /var/cache/zypp/raw/*/cookie \
		/var/cache/yum/*/*/*/repomd.xml /var/cache/yum/*/*/*/cachecookie; do
		case $_file in *"$NL"*) continue ;; esac
		if [ -e "$_file" ]; then stat -c '%Y	%n' "$_file"; fi
	done
	return 0
}

s_kernels() {
	echo "build=$(uname -v)"
	echo "booted=$(sed -n 's/^btime //p' /proc/stat)"
	if [ -d /boot ] && ! [ -r /boot ]; then return 4; fi
	for _file in /boot/vmlinuz-* /boot/vmlinux-* /lib/modules/*/vmlinuz; do
		case $_file in *"$NL"*) continue ;; esac
		[ -e "$_file" ] || continue
		case $_file in
		/boot/*) echo "image=${_file#/boot/vmlinu?-}" ;;
		*) _file=${_file%/vmlinuz} && echo "image=${_file##*/}" ;;
		esac
	done
	return 0
}

# Whether something that was updated waits for a reboot, and whether there is anybody here who would say so.
s_reboot() {
	for _file in /run/reboot-required /var/run/reboot-required /run/reboot-needed; do
		if [ -e "$_file" ]; then
			echo required
			break
		fi
	done
	if [ -r /run/reboot-required.pkgs ]; then head -n 200 /run/reboot-required.pkgs | sed 's/^/package=/'; fi
	for _file in /usr/share/update-notifier/notify-reboot-required /etc/kernel/postinst.d/unattended-upgrades \
		/etc/kernel/postinst.d/update-notifier; do
		if [ -e "$_file" ]; then
			echo notifier
			break
		fi
	done
	return 0
}

# show FILE FILTER...: a file's name, then its lines after a tab; names and passwords are taken out of addresses.
show() {
	case $1 in *"$NL"*) return ;; esac
	[ -e "$1" ] || return
	printf 'F\t%s\n' "$1"
	if [ ! -r "$1" ]; then
		echo E
		return
	fi
	_file=$1
	shift
	"$@" "$_file" | sed 's#\(://\)[^/@[:space:]]*@#\1#g; s#^#	#'
}

s_apt_sources() {
	for _path in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
		show "$_path" grep -v '^[[:space:]]*#'
	done
	return 0
}

s_apt_options() {
	have apt-config || return 3
	_all=$(limit 10 apt-config dump)
	_code=$?
	printf '%s\n' "$_all" | grep -iE \
		'AllowUnauthenticated|Allow(Insecure|Weak|DowngradeToInsecure)Repositories|::Verify-(Peer|Host)|Check-Valid-Until|^APT::Periodic|^Unattended-Upgrade'
	return "$_code"
}

s_yum_sources() {
	for _path in /etc/yum.conf /etc/dnf/dnf.conf /etc/yum.repos.d/*.repo /etc/zypp/repos.d/*.repo; do
		show "$_path" grep -E \
			'^[[:space:]]*(\[|enabled|gpgcheck|repo_gpgcheck|pkg_gpgcheck|sslverify|baseurl|mirrorlist|metalink|exclude)'
	done
	show /etc/dnf/plugins/versionlock.list grep -v '^#'
	return 0
}

# Programs and libraries that a process runs although their file was replaced or removed: NAME UNIT FILE.
s_deleted() {
	limit 20 grep -s ' (deleted)$' /dev/null /proc/[0-9]*/maps | limit 20 awk '
	{
		pid = substr($0, 7)
		sub(/\/.*/, "", pid)
		file = $0
		if ($2 !~ /x/ || !sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +/, "", file)) next
		sub(/ \(deleted\)$/, "", file)
		if (file !~ /^\/(usr|lib|lib32|lib64|bin|sbin|opt)\// || (pid, file) in told) next
		told[pid, file] = 1
		if (!(pid in name)) {
			name[pid] = unit[pid] = ""
			getline name[pid] < ("/proc/" pid "/comm")
			close("/proc/" pid "/comm")
			while ((getline line < ("/proc/" pid "/cgroup")) > 0)
				if (match(line, /[^\/]*\.service(\/[^\/]*)?$/)) {
					unit[pid] = substr(line, RSTART, RLENGTH)
					sub(/\.service.*/, ".service", unit[pid])
				}
			close("/proc/" pid "/cgroup")
			gsub(/[^ -~]/, "?", name[pid])
			gsub(/[^ -~]/, "?", unit[pid])
		}
		row = name[pid] "\t" unit[pid] "\t" file
		if (!(row in rows)) print row
		rows[row] = 1
	}'
}

# The packages whose programs and libraries run in a process that listens: an update of theirs is more urgent.
s_listening() {
	root || return 4
	have ss || return 3
	_pids=$(limit 10 ss -H -lntup | grep -o 'pid=[0-9]*' | sort -u | head -n 300)
	_files=$(for _pid in $_pids; do
		awk '$2 ~ /x/ && sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +\//, "/")' "/proc/${_pid#pid=}/maps"
	done | sort -u | head -n 3000)
	[ -n "$_files" ] || return 0
	# Since /bin and /usr/bin became one, a package may know its file by either name.
	_files=$_files$NL$(printf '%s\n' "$_files" | sed -n 's#^/usr/#/#p')
	# What is not a package's own is told on standard error, and the answer's status says only that there was some.
	(
		set -f
		IFS=$NL
		# shellcheck disable=SC2086  # one word a line
		if [ -e /var/lib/dpkg/status ]; then
			limit 20 dpkg-query -S $_files | sed -n 's#: /.*##p' | tr -d ' ' | tr ',' '\n'
		else
			set -- "$(rpm_database)" $_files
			_db=$1
			shift
			unset IFS
			as_nobody 20 rpm --dbpath "$_db" -qf --qf '%{NAME}\n' "$@" | grep -v ' '
		fi
	) | sort -u
}

# Software that no package manager of the system's brought, by the marks that the languages' own managers leave.
# One walk over local file systems; inside a package only packages within it are looked for. A name with a newline is
# told as N and not entered; a file system that is not this machine's own is told as S.
s_languages() {
	[ "$(find / -maxdepth 0 -xdev -regex '.*' -exec echo found {} +)" = 'found /' ] || return 3
	_roots=
	for _root in /usr/local /opt /srv /var/www /var/lib/gems /usr/lib/node_modules /home /root /app /code /workspace; do
		[ -d "$_root" ] || continue
		case $(stat -f -c %T "$_root") in
		*nfs* | *cifs* | *smb* | fuse* | afs | ceph | lustre | gpfs) printf 'S\t%s\n' "$_root" ;;
		*) _roots="$_roots $_root" ;;
		esac
	done
	_code=0
	if [ -n "$_roots" ]; then
		# BusyBox forgets what it gathered for `-exec … +` inside of parentheses.
		# shellcheck disable=SC2086  # a list of words
		limit 25 find $_roots -xdev -maxdepth 14 \
			-name "*$NL*" -prune -exec sh -c 'for _ do echo N; done' sh {} + -o \
			-type d \( -name .git -o -name proc -o -name __pycache__ \) -prune -o \
			-type d ! -name node_modules \
			\( -regex '.*/node_modules/[^/@.][^/]*/[^/]*' -o -regex '.*/node_modules/@[^/]*/[^/]*/[^/]*' \) -prune -o \
			\( -name '*.dist-info' -o -name '*-*.egg-info' \) -prune -exec printf 'P\t%s\n' {} + -o \
			-name '*.gemspec' -path '*/specifications/*' -type f -exec printf 'G\t%s\n' {} + -o \
			-name installed.json -path '*/vendor/composer/*' -type f -exec awk "$COMPOSER" {} + -o \
			-name package.json -path '*/node_modules/*' -type f -exec awk "$NODE" {} +
		_code=$?
	fi
	# What pip put among the system's own packages.
	limit 5 find /usr/lib/python3* /usr/lib64/python3* -maxdepth 4 -name INSTALLER -path '*.dist-info/*' \
		! -path "*$NL*" -exec grep -lx -e pip -e uv {} + | sed 's/^/I	/'
	# A directory that vanished or that may not be entered is no failure.
	if [ "$_code" = 124 ]; then return 124; fi
	return 0
}

# The name and version at the top of a package.json: the least indented, else the first of the file.
NODE='
function told() {
	if (version == "") version = any_version
	if (name == "") name = any_name
	if (version != "" && name != "") printf "J\t%s\t%s\t%s\n", version, name, file
}
function value(line) {
	sub(/^[^:]*:[ \t]*"/, "", line)
	sub(/".*$/, "", line)
	return line
}
FNR == 1 { if (file != "") told(); file = FILENAME; name = version = any_name = any_version = "" }
length($0) > 200000 { next }
match($0, /"version"[ \t]*:[ \t]*"[0-9A-Za-z.+_-]+"/) {
	if (any_version == "") any_version = value(substr($0, RSTART, RLENGTH))
	if (version == "" && $0 ~ /^(  ?|\t)"version"/) version = value(substr($0, RSTART, RLENGTH))
}
match($0, /"name"[ \t]*:[ \t]*"[@0-9A-Za-z.~_\/-]+"/) {
	if (any_name == "") any_name = value(substr($0, RSTART, RLENGTH))
	if (name == "" && $0 ~ /^(  ?|\t)"name"/) name = value(substr($0, RSTART, RLENGTH))
}
END { if (file != "") told() }
'

# Composer writes a package'"'"'s version right after its name.
COMPOSER='
match($0, /"name": "[0-9A-Za-z._-]+\/[0-9A-Za-z._-]+"/) { name = substr($0, RSTART + 9, RLENGTH - 10); row = FNR; next }
FNR == row + 1 && name != "" && match($0, /"version": "[0-9A-Za-z.+_\/-]+"/) {
	printf "C\t%s\t%s\t%s\n", substr($0, RSTART + 12, RLENGTH - 13), name, FILENAME
}
'

packages_sections() {
	STEP_DOWN=
	if root && setpriv --reuid=65534 --regid=65534 --clear-groups true </dev/null >/dev/null 2>&1; then
		STEP_DOWN='setpriv --reuid=65534 --regid=65534 --clear-groups'
	fi
	section os 16384 s_os
	_managers=$(s_managers 2>/dev/null)
	section managers 2048 s_managers
	case $_managers in *dpkg*)
		section dpkg 900000 s_dpkg
		section apt_upgrades 200000 s_apt_upgrades
		section apt_sources 100000 s_apt_sources
		section apt_options 30000 s_apt_options
		;;
	esac
	case $_managers in *rpm*)
		section rpm 600000 s_rpm
		section advisories 300000 s_advisories
		section yum_sources 100000 s_yum_sources
		;;
	esac
	case $_managers in *apk*)
		section apk 300000 s_apk
		section apk_upgrades 50000 s_apk_upgrades
		;;
	esac
	section lists 50000 s_lists
	section kernels 20000 s_kernels
	section reboot 8000 s_reboot
	section deleted 60000 s_deleted
	case $_managers in *dpkg* | *rpm*) section listening 30000 s_listening ;; esac
	section languages 500000 s_languages
}
