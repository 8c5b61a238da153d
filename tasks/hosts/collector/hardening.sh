
# told WORD COMMAND...: a command's lines behind a word, and last of all its exit code.
told() {
	_word=$1
	shift
	{
		"$@"
		printf '\nrc=%s\n' "$?"
	} | sed -n "s/^\(..*\)/$_word	\1/p"
}

# Asking nftables loads its module, and that would be a change; while a module waits on the disk there are no rules.
nft_idle() { [ ! -d /sys/module/nf_tables ] && grep -q '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.dep"; }

# Of rules, only those that every packet meets say where a chain ends; a cluster's node has tens of thousands of others.
nft_rules() {
	if nft_idle; then return 0; fi
	have nft || return 3
	_code=$(
		{
			{
				limit 20 nft -s list ruleset
				echo "$?" >&5
			} | grep -E '^(table |	chain |		type |	?}|		(counter|log|drop|reject|accept|jump|goto|return|queue))' >&6
		} 5>&1
	) 6>&1
	return "${_code:-1}"
}

# xt_rules TOOL LIST: the older tables where they are in use, and the newer ones where there is no nft to show them.
xt_rules() {
	if grep -q '^filter' "/proc/net/$2"; then
		if have "$1-legacy"; then set -- "$1-legacy"; fi
	elif have nft || nft_idle; then
		return 0
	fi
	have "$1" || return 3
	_rules=$(limit 20 "$1" -S) || return
	printf '%s\n' "$_rules" | grep -E '^(-P |-A [^ ]+ (-m comment --comment ("[^"]*"|[^ ]+) )?-[jg] )'
	return 0
}

s_firewall() {
	sed -n 's/^ENABLED=/ufw	/p' /etc/ufw/ufw.conf
	told addr limit 5 ip -o addr show scope global
	root || return 4
	told nft nft_rules
	told ip xt_rules iptables ip_tables_names
	told ip6 xt_rules ip6tables ip6_tables_names
	return 0
}

# Which programs run under which user: without arguments, and each once. With hidepid there is only our own to see.
s_daemons() {
	[ -n "$(cat /proc/1/comm)" ] || return 4
	{
		stat -c '%u %n' /proc/[0-9]*
		grep -s . /proc/[0-9]*/comm /dev/null
	} | awk '
		/^[0-9]+ \/proc\// { user[substr($2, 7)] = $1; next }
		{
			at = index($0, ":")
			pid = substr($0, 7, at - 12)
			print (pid == 1 ? "init" : "-") " " (pid in user ? user[pid] : "?") " " substr($0, at + 1)
		}' | sort -u
}

s_mounts() {
	grep -vE ' /(var/lib/(docker|containers|containerd|kubelet)|run/(containerd|docker|netns|user|credentials)|snap)/' \
		/proc/self/mountinfo
	[ -r /proc/self/mountinfo ]
}

s_confinement() {
	echo "apparmor=$(cat /sys/module/apparmor/parameters/enabled)"
	echo "selinux=$(cat /sys/fs/selinux/enforce)"
	echo "lsm=$(cat /sys/kernel/security/lsm)"
	echo "asked=$(tr ' ' '\n' </proc/cmdline | grep -E '^(apparmor|selinux|security|lsm|enforcing)=' | tr '\n' ' ')"
	if root; then
		[ -r /sys/kernel/security/apparmor/profiles ] && echo profiles=read
		sed -n 's/.* (\([a-z]*\))$/profiles=\1/p' /sys/kernel/security/apparmor/profiles | sort -u
		if have auditctl; then
			told audit limit 5 auditctl -s
			told rules limit 5 auditctl -l | grep -E 'rc=|No rules'
		fi
	fi
	return 0
}

s_updates() {
	[ -e /var/lib/dpkg/status ] && echo family=apt
	for _place in /var/lib/rpm /usr/lib/sysimage/rpm; do
		[ -s "$_place/rpmdb.sqlite" ] || [ -s "$_place/Packages" ] || [ -s "$_place/Packages.db" ] && echo family=rpm
	done
	[ -e /lib/apk/db/installed ] && echo family=apk
	[ -x /usr/bin/unattended-upgrade ] && echo installed=unattended-upgrades
	[ -d /run/systemd/system ] && echo manager=systemd
	if have apt-config; then
		told apt limit 10 apt-config dump |
			grep -E 'rc=|	(APT::Periodic::|Unattended-Upgrade::(Allowed-Origins|Origins-Pattern))'
	fi
	for _place in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
		for _unit in "$_place"/timers.target.wants/*.timer; do
			[ -e "$_unit" ] && [ "$(readlink "/etc/systemd/system/${_unit##*/}")" != /dev/null ] && echo "timer=${_unit##*/}"
		done
	done
	[ -e /etc/systemd/system/multi-user.target.wants/yum-cron.service ] && echo yum-cron=yes
	for _place in /etc/dnf/automatic.conf /etc/dnf/dnf5-plugins/automatic.conf /etc/yum/yum-cron.conf; do
		grep -E '^[[:space:]]*apply_updates[[:space:]]*=' "$_place" | sed 's/^[[:space:]]*/setting=/'
	done
	_calls='(apt|apt-get|aptitude)[^#]*[[:space:]](dist-|full-|safe-)?upgrade|(dnf|yum|zypper)[^#]*[[:space:]](up|update|upgrade|patch)'
	if limit 10 grep -rqsE "^[^#]*(unattended-upgrade|cron-apt|$_calls|apk[^#]*[[:space:]]upgrade)" /etc/crontab /etc/cron.d \
		/etc/cron.daily /etc/cron.weekly /etc/cron.hourly /etc/periodic /etc/crontabs /var/spool/cron; then
		echo cron=yes
	fi
	return 0
}

# One question without a token, to the one address that every cloud uses for it; of the answer only its status is told.
s_metadata() {
	echo "vendor=$(cat /sys/class/dmi/id/sys_vendor)"
	echo "product=$(cat /sys/class/dmi/id/product_name)"
	_url=http://169.254.169.254/latest/meta-data/
	if have curl; then
		echo "status=$(limit 5 curl -q -s -o /dev/null -w '%{http_code}' --connect-timeout 2 -m 3 --noproxy '*' $_url)"
	elif have wget; then
		unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
		echo "status=$(limit 5 wget -S -O /dev/null -T 2 $_url 2>&1 | sed -n 's/^ *HTTP\/[0-9.]* \([0-9]*\).*/\1/p' | head -n 1)"
	elif have bash; then
		echo "status=$(limit 3 bash -c 'exec 3<>/dev/tcp/169.254.169.254/80 &&
			printf "GET /latest/meta-data/ HTTP/1.0\r\nHost: 169.254.169.254\r\n\r\n" >&3 && read -r _ status _ <&3 && echo "$status"')"
	else
		return 3
	fi
	return 0
}

s_cores() {
	echo "pattern=$(cat /proc/sys/kernel/core_pattern)"
	grep -hE '^[^#]*[[:space:]]core[[:space:]]' /etc/security/limits.conf /etc/security/limits.d/*.conf | sed 's/^/limit=/'
	return 0
}

s_netctl() {
	cd /proc/sys || return 1
	grep -s . net/ipv4/ip_forward net/ipv4/tcp_syncookies net/ipv4/icmp_echo_ignore_broadcasts \
		net/ipv4/icmp_ignore_bogus_error_responses net/ipv4/conf/*/accept_redirects net/ipv4/conf/*/secure_redirects \
		net/ipv4/conf/*/send_redirects net/ipv4/conf/*/accept_source_route net/ipv4/conf/*/rp_filter \
		net/ipv4/conf/*/log_martians net/ipv4/conf/*/forwarding net/ipv4/conf/*/route_localnet \
		net/ipv6/conf/*/accept_redirects net/ipv6/conf/*/accept_source_route net/ipv6/conf/*/accept_ra \
		net/ipv6/conf/*/forwarding net/ipv6/conf/*/disable_ipv6 |
		grep -vE '/(veth|cali|lxc|vnet|tap|fwbr|fwpr|fwln)[^/]*/'
}

s_shipping() {
	# By its first fifteen characters its process is the journal's own.
	[ -e /etc/systemd/system/multi-user.target.wants/systemd-journal-upload.service ] && echo uploads=yes
	for _place in /etc/rsyslog.conf /etc/rsyslog.d/*.conf /etc/syslog-ng/syslog-ng.conf /etc/syslog-ng/conf.d/*.conf \
		/etc/conf.d/syslog /etc/default/busybox-syslogd; do
		[ -e "$_place" ] || continue
		[ -r "$_place" ] || echo unread=yes
		case $_place in
		*rsyslog*) _sends='[[:space:]]-?@@?[^[:space:]@]|om(fwd|relp|kafka|elasticsearch|http|gssapi|udpspoof|azureeventhubs)' ;;
		*syslog-ng*) _sends='(network|syslog|tcp|tcp6|udp|udp6|http|kafka|elasticsearch-http|loki|opentelemetry)[[:space:]]*\(' ;;
		*) _sends='-R' ;;
		esac
		grep -qE -e "^[^#]*($_sends)" "$_place" && echo sends=yes
	done
	return 0
}

s_agents() {
	for _place in /opt/CrowdStrike /opt/microsoft/mdatp /var/ossec/bin /opt/sentinelone /opt/Elastic/Agent \
		/usr/bin/elastic-agent /usr/bin/osqueryd /opt/osquery /usr/bin/auditbeat /usr/share/auditbeat /opt/rapid7/ir_agent \
		/opt/nessus_agent /usr/local/qualys/cloud-agent /opt/Tanium /opt/ds_agent /opt/carbonblack/psc /opt/sophos-spl \
		/usr/bin/falco /opt/cybereason /opt/traps /usr/bin/amazon-ssm-agent /opt/datadog-agent/bin/agent; do
		[ -e "$_place" ] && echo "$_place"
	done
	return 0
}

s_boot() {
	if [ -d /sys/firmware/efi ]; then
		echo firmware=efi
		for _place in /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c; do
			[ -r "$_place" ] && echo "secure=$(tail -c 1 "$_place" | od -An -tu1 | tr -d ' ')"
		done
	else
		echo firmware=other
	fi
	for _place in /boot /boot/grub /boot/grub2; do
		[ -d "$_place" ] && [ ! -x "$_place" ] && echo unread=yes
	done
	for _place in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/grub/user.cfg /boot/grub2/user.cfg; do
		[ -e "$_place" ] || continue
		_hash=no
		grep -q 'grub\.pbkdf2' "$_place" && _hash=yes
		[ -r "$_place" ] || _hash=unread
		echo "file $(stat -c '%a %u' "$_place") $_hash $_place"
	done
	return 0
}

hardening_sections() {
	section firewall 131072 s_firewall
	section daemons 65536 s_daemons
	section mounts 131072 s_mounts
	section confinement 8192 s_confinement
	section updates 16384 s_updates
	section cores 8192 s_cores
	section netctl 65536 s_netctl
	section shipping 4096 s_shipping
	section agents 4096 s_agents
	section boot 4096 s_boot
	if [ "$LEVEL" = cloud ]; then section metadata 1024 s_metadata; fi
}
