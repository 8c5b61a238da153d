"""How a lab host comes up: the shell script that becomes its first process."""

START = r"""
set -eu
root=$1 name=$2 kind=$3
# The kernel's own threads are process 2's children; a machine of its own shows that process.
( exec </dev/null >/dev/null 2>&1; until [ -e /mnt/host/run/lab/go ]; do sleep 0.05; done
	exec chroot /mnt/host /bin/sh -c 'printf kthreadd >/proc/self/comm; while :; do sleep 1000; done' ) &
hostname "$name"
ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o mode=755 lab /mnt
mkdir /mnt/upper /mnt/work /mnt/host
mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" /dev/vda1 /mnt/host
cd /mnt/host
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid udev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,mode=620,gid=5,ptmxmode=666,nosuid,noexec devpts dev/pts
mount -t tmpfs -o nosuid,nodev tmpfs dev/shm
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs run
mkdir run/lock run/sshd
chmod 1777 run/lock dev/shm

# The kernel around is another one: its settings are laid over by a plain Debian's, in files that plants may write.
shown() { # FOLDER NAME=VALUE...
	mkdir -p /mnt/shown
	cp -r --no-preserve=all "$1" /mnt/shown/ 2>/dev/null || :
	mount -t tmpfs -o mode=755,nosuid,nodev,noexec shown "$1"
	cp -r "/mnt/shown/${1##*/}/." "$1"
	rm -rf /mnt/shown
	at=$1
	shift
	for setting; do
		case $setting in */*=*) mkdir -p "$at/${setting%/*}" ;; esac
		printf '%s\n' "${setting#*=}" >"$at/${setting%%=*}"
	done
}
shown proc/sys/kernel randomize_va_space=2 kptr_restrict=0 dmesg_restrict=1 unprivileged_bpf_disabled=2 sysrq=438 \
	perf_event_paranoid=3 yama/ptrace_scope=0 core_pattern=core kexec_load_disabled=0 modules_disabled=0 \
	unprivileged_userns_clone=1 panic=0 ctrl-alt-del=0 core_uses_pid=0 hostname=host-7 osrelease="$(uname -r)"
shown proc/sys/fs protected_hardlinks=1 protected_symlinks=1 protected_fifos=1 protected_regular=2 suid_dumpable=0
if [ -d sys/devices/system/cpu/vulnerabilities ]; then
	shown sys/devices/system/cpu/vulnerabilities
	for file in sys/devices/system/cpu/vulnerabilities/*; do echo 'Not affected' >"$file"; done
fi
mount -t tmpfs -o mode=755,nosuid,nodev,noexec shown sys/module
mount -t tmpfs -o mode=755,nosuid,nodev,noexec shown sys/kernel
mkdir -p sys/module/nf_tables sys/module/apparmor/parameters sys/kernel/security/apparmor
echo Y >sys/module/apparmor/parameters/enabled
echo lockdown,capability,landlock,yama,apparmor >sys/kernel/security/lsm
printf 'man_groff (enforce)\nlsb_release (enforce)\n' >sys/kernel/security/apparmor/profiles
mount -t tmpfs -o mode=755,nosuid,nodev,noexec shown sys/firmware

# runs NAME [USER]: a process of that name that does nothing.
# A new network takes after the one around; this one is as a plain kernel makes it.
echo 0 >proc/sys/net/ipv4/ip_forward
for where in all default lo; do
	for setting in accept_redirects=1 send_redirects=1 rp_filter=0 route_localnet=0 accept_source_route=1; do
		echo "${setting#*=}" >"proc/sys/net/ipv4/conf/$where/${setting%=*}"
	done
	for setting in forwarding=0 accept_redirects=1; do
		echo "${setting#*=}" >"proc/sys/net/ipv6/conf/$where/${setting%=*}"
	done
done
echo 0 >proc/sys/net/ipv4/conf/all/accept_source_route
for setting in tcp_syncookies=1 icmp_echo_ignore_broadcasts=1 icmp_ignore_bogus_error_responses=1; do
	echo "${setting#*=}" >"proc/sys/net/ipv4/${setting%=*}"
done
mkdir run/lab
cat >run/lab/runs <<'END'
printf "$1" >/proc/self/comm
exec </dev/null >/dev/null 2>&1
while :; do sleep 1000; done
END
if [ "$kind" != busybox ]; then
	mkdir -p run/systemd/system
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >etc/machine-id
	chroot . sh -c '
		useradd -m -s /bin/bash -G sudo -p "\$y\$j9T\$F5Jx5fExrKuPp53x\$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC" ops
		/usr/sbin/sshd
		/usr/sbin/cron
	' </dev/null >/dev/null 2>&1
	chroot . setpriv --reuid=systemd-timesync --regid=systemd-timesync --clear-groups \
		sh /run/lab/runs systemd-timesyn >/dev/null 2>&1 &
	# A journal needs systemd's own groups of processes; what it would hold is in a file here, as rsyslog keeps it.
	chroot . sh /run/lab/runs systemd-journal >/dev/null 2>&1 &
	echo "$(date '+%b %e %H:%M:%S') host-7 sshd[63]: Server listening on 0.0.0.0 port 22." >var/log/auth.log
	chmod 640 var/log/auth.log
	chown 0:4 var/log/auth.log
fi
touch run/lab/go
cd /
exec chroot /mnt/host /bin/sh -c '
	printf systemd >/proc/self/comm
	until read -r second </proc/2/comm && [ "$second" = kthreadd ]; do sleep 0.05; done
	echo ready
	exec >/dev/null 2>&1
	while :; do sleep 1000; done'
"""
