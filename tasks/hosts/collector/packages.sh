
# as_nobody SECONDS COMMAND...: a package manager that is asked by root may keep a cache or a log; one that may not write
# does not. Where root cannot step down, it is asked as we are.
as_nobody() {
	if root && have setpriv; then
		_most=$1
		shift
		limit "$_most" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		limit "$@"
	fi
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
	for _db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
		if [ -e "$_db" ]; then
			echo apk
			break
		fi
	done
	for _db in /var/lib/rpm /usr/lib/sysimage/rpm; do
		for _file in rpmdb.sqlite Packages.db Packages; do
			if [ -e "$_db/$_file" ]; then
				echo rpm
				break 2
			fi
		done
	done
	for _db in /var/lib/pacman/local /nix/var/nix/db /var/db/pkg /var/log/packages /var/lib/dpkg/status.d; do
		if [ -d "$_db" ]; then echo "other $_db"; fi
	done
	return 0
}

s_dpkg() {
	have dpkg-query || return 3
	limit 20 dpkg-query -W -f='${db:Status-Abbrev}\t${Architecture}\t${Version}\t${source:Package}\t${source:Version}\t${Package}\n'
}

s_rpm() {
	have rpm || return 3
	_tags='%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{INSTALLTIME}\t%{NAME}\n'
	# Root's reading would leave SQLite's shared memory beside the database; where nobody may not read it, root does.
	_all=$(as_nobody 30 rpm -qa --qf "$_tags")
	_code=$?
	if root && [ "$_code" != 124 ] && [ -z "$_all" ]; then
		_all=$(limit 30 rpm -qa --qf "$_tags")
		_code=$?
	fi
	if [ -n "$_all" ]; then printf '%s\n' "$_all"; fi
	return "$_code"
}

s_apk() {
	for _db in /lib/apk/db/installed /usr/lib/apk/db/installed; do
		if [ -e "$_db" ]; then
			limit 10 awk '/^[PVAo]:/ || /^$/' "$_db"
			return
		fi
	done
}

# Software that no package manager of the system's brought, by the marks that the languages' own managers leave.
# One walk over local file systems; inside a package only packages within it are looked for. A name with a newline is
# told as N and not entered; a file system that is not this machine's own is told as S.
s_languages() {
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
		# shellcheck disable=SC2086  # a list of words
		limit 25 find $_roots -xdev -maxdepth 14 \
			\( -name "*$NL*" -prune -exec sh -c 'for _ do echo N; done' sh {} + \) -o \
			\( -type d \( -name .git -o -name proc -o -name __pycache__ \) -prune \) -o \
			\( -type d ! -name node_modules \
			\( -regex '.*/node_modules/[^/@.][^/]*/[^/]*' -o -regex '.*/node_modules/@[^/]*/[^/]*/[^/]*' \) -prune \) -o \
			\( \( -name '*.dist-info' -o -name '*-*.egg-info' \) -prune -exec printf 'P\t%s\n' {} + \) -o \
			\( -name '*.gemspec' -path '*/specifications/*' -type f -exec printf 'G\t%s\n' {} + \) -o \
			\( -name installed.json -path '*/vendor/composer/*' -type f -exec awk "$COMPOSER" {} + \) -o \
			\( -name package.json -path '*/node_modules/*' -type f -exec awk "$NODE" {} + \)
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
	section os 16384 s_os
	_managers=$(s_managers 2>/dev/null)
	section managers 2048 s_managers
	case $_managers in *dpkg*) section dpkg 900000 s_dpkg ;; esac
	case $_managers in *apk*) section apk 300000 s_apk ;; esac
	case $_managers in *rpm*) section rpm 700000 s_rpm ;; esac
	section languages 700000 s_languages
}
