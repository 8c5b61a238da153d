"""Files that come with set-id bits: Debian and Ubuntu packages, and what their installation scripts set.

Read from the archives and maintainer scripts of Debian 12 and what is known of its neighbours (Debian 11 and 13, Ubuntu
22.04 and 24.04, vendors who ship a sandbox). A row is package, mode, owner and path, without /usr before bin, sbin and
lib, which are one place by now; `*` stands for the architecture. The package says where a row is from: files move from
one package to another between releases, so it is not compared.
"""

import re

_ROWS = """
amanda-client 4754 root:backup /lib/amanda/application/amgtar
amanda-client 4754 root:backup /lib/amanda/application/amstar
amanda-client 4754 root:backup /lib/amanda/calcsize
amanda-client 4754 root:backup /lib/amanda/killpgrp
amanda-client 4754 root:backup /lib/amanda/rundump
amanda-client 4754 root:backup /lib/amanda/runtar
amanda-common 4750 root:backup /lib/amanda/ambind
apache2 4754 root:www-data /lib/apache2/suexec
apache2-suexec-custom 4754 root:www-data /lib/apache2/suexec-custom
apache2-suexec-pristine 4754 root:www-data /lib/apache2/suexec-pristine
apptainer-suid 4755 root:root /usr/libexec/apptainer/bin/starter-suid
at 6755 daemon:daemon /bin/at
authbind 4755 root:root /lib/authbind/helper
beep 4755 root:root /bin/beep
bsdgames 2755 root:games /usr/games/atc
bsdgames 2755 root:games /usr/games/battlestar
bsdgames 2755 root:games /usr/games/canfield
bsdgames 2755 root:games /usr/games/cribbage
bsdgames 2755 root:games /usr/games/hack
bsdgames 2755 root:games /usr/games/phantasia
bsdgames 2755 root:games /usr/games/robots
bsdgames 2755 root:games /usr/games/sail
bsdgames 2755 root:games /usr/games/snake
bsdgames 2755 root:games /usr/games/tetris-bsd
bsdmainutils 2755 root:tty /bin/bsd-write
bsdutils 2755 root:tty /bin/wall
bsdutils 2755 root:tty /bin/write
bsdutils 2755 root:tty /bin/write.ul
bubblewrap 4755 root:root /bin/bwrap
calife 4755 root:root /bin/calife
chromium-sandbox 4755 root:root /lib/chromium/chrome-sandbox
cifs-utils 4755 root:root /sbin/mount.cifs
cockpit-ws 4750 root:cockpit-ws /lib/cockpit/cockpit-session
cockpit-ws 4750 root:cockpit-wsinstance /lib/cockpit/cockpit-session
cron 2755 root:crontab /bin/crontab
dbus 4754 root:messagebus /lib/dbus-1.0/dbus-daemon-launch-helper
dma 4754 root:mail /lib/dma/dma-mbox-create
evolution-data-server 2755 root:mail /usr/libexec/camel-lock-helper-1.2
dma 2755 root:mail /sbin/dma
doas 4755 root:root /bin/doas
ecryptfs-utils 4755 root:root /sbin/mount.ecryptfs_private
eject 4755 root:root /lib/eject/dmcrypt-get-device
emacs-common 2755 root:games /usr/libexec/emacs/update-game-score
exim4 4755 root:root /sbin/exim
exim4-daemon-heavy 4755 root:root /sbin/exim4
exim4-daemon-light 4755 root:root /sbin/exim4
firejail 4755 root:root /bin/firejail
fping 4755 root:root /bin/fping
fuse 4755 root:root /bin/fusermount
fuse3 4755 root:root /bin/fusermount3
inetutils-ping 4755 root:root /bin/ping
inetutils-ping 4755 root:root /bin/ping6
inn2 4754 root:news /lib/news/bin/innbind
iputils-arping 4755 root:root /bin/arping
iputils-ping 4755 root:root /bin/ping
kde-cli-tools 2755 root:nogroup /lib/*/libexec/kf5/kdesud
kismet-core 4750 root:kismet /bin/kismet_cap_linux_bluetooth
kismet-core 4750 root:kismet /bin/kismet_cap_linux_wifi
krb5-user 4755 root:root /bin/ksu
landscape-common 4754 root:landscape /lib/landscape/apt-update
libgstreamer1.0-0 4755 root:root /lib/*/gstreamer1.0/gstreamer-1.0/gst-ptp-helper
libkf5su-bin 2755 root:kdesud /lib/*/libexec/kf5/kdesud
liblockfile-bin 2755 root:mail /bin/dotlockfile
libpam-modules 2755 root:shadow /sbin/unix_chkpwd
libpam-modules-bin 2755 root:shadow /sbin/pam_extrausers_chkpwd
libpam-modules-bin 2755 root:shadow /sbin/pam_extrausers_update
libpam-modules-bin 2755 root:shadow /sbin/unix_chkpwd
libutempter0 2755 root:utmp /lib/*/utempter/utempter
libvte-2.91-common 2755 root:utmp /lib/libvte-2.91/gnome-pty-helper
locate 2755 root:locate /bin/locate
lockfile-progs 2755 root:mail /bin/mail-lock
login 4755 root:root /bin/newgrp
login-duo 4755 root:root /sbin/login_duo
lxc 4755 root:root /lib/*/lxc/lxc-user-nic
lxc 4755 root:root /usr/libexec/lxc/lxc-user-nic
maildrop 2755 root:mail /bin/lockmail.maildrop
maildrop 2755 root:mail /bin/maildrop
mailutils 2755 root:mail /bin/dotlock.mailutils
mailutils 2755 root:root /bin/dotlock.mailutils
mlocate 2755 root:mlocate /bin/mlocate
mount 4755 root:root /bin/mount
mount 4755 root:root /bin/umount
mtr-tiny 4755 root:root /bin/mtr-packet
mutt 2755 root:mail /bin/mutt_dotlock
ndisc6 4755 root:root /bin/ndisc6
ndisc6 4755 root:root /bin/rdisc6
ndisc6 4755 root:root /bin/rltraceroute6
nethack-console 2755 root:games /lib/games/nethack/nethack-console
nfs-common 4755 root:root /sbin/mount.nfs
ntfs-3g 4755 root:root /bin/ntfs-3g
nullmailer 4755 mail:root /bin/mailq
nullmailer 4755 mail:root /sbin/nullmailer-queue
nvidia-modprobe 4755 root:root /bin/nvidia-modprobe
open-vm-tools 4755 root:root /bin/vmware-user-suid-wrapper
open-vm-tools-desktop 4755 root:root /bin/vmware-user-suid-wrapper
opendoas 4755 root:root /bin/doas
openssh-client 2755 root:_ssh /bin/ssh-agent
openssh-client 2755 root:ssh /bin/ssh-agent
openssh-client 4755 root:root /lib/openssh/ssh-keysign
passwd 2755 root:shadow /bin/chage
passwd 4755 root:root /bin/chfn
passwd 4755 root:root /bin/chsh
passwd 2755 root:shadow /bin/expiry
passwd 4755 root:root /bin/gpasswd
passwd 4755 root:root /bin/passwd
physlock 4755 root:root /bin/physlock
pkexec 4755 root:root /bin/pkexec
plocate 2755 root:plocate /bin/plocate
pmount 4754 root:plugdev /bin/pmount
pmount 4754 root:plugdev /bin/pumount
polkitd 4755 root:root /lib/policykit-1/polkit-agent-helper-1
polkitd 4755 root:root /lib/polkit-1/polkit-agent-helper-1
postfix 2555 root:postdrop /sbin/postdrop
postfix 2555 root:postdrop /sbin/postqueue
ppp 4754 root:dip /sbin/pppd
procmail 2755 root:mail /bin/lockfile
procmail 6755 root:mail /bin/procmail
rsh-client 4755 root:root /bin/netkit-rcp
rsh-client 4755 root:root /bin/netkit-rlogin
rsh-client 4755 root:root /bin/netkit-rsh
rsh-redone-client 4755 root:root /bin/rsh-redone-rlogin
rsh-redone-client 4755 root:root /bin/rsh-redone-rsh
rxvt-unicode 2755 root:utmp /bin/urxvt
rxvt-unicode 2755 root:utmp /bin/urxvtd
schroot 4755 root:root /bin/schroot
screen 2755 root:utmp /bin/screen
screen 4755 root:root /bin/screen
sendmail-bin 2755 root:mail /usr/libexec/sendmail/mailstats
sendmail-bin 2755 root:smmsp /usr/libexec/sendmail/mailstats
sendmail-bin 2755 root:mail /usr/libexec/sendmail/sendmail
sendmail-bin 2755 root:smmsp /usr/libexec/sendmail/sendmail
singularity-container 4755 root:root /lib/*/singularity/bin/starter-suid
slashem 2755 root:games /lib/games/slashem/slashem
snapd 4755 root:root /lib/snapd/snap-confine
snapd 6755 root:root /lib/snapd/snap-confine
spice-client-glib-usb-acl-helper 4755 root:root /usr/libexec/spice-client-glib-usb-acl-helper
squid 4755 root:root /lib/squid/pinger
sssd-ipa 4750 root:root /usr/libexec/sssd/selinux_child
sssd-ipa 4750 root:sssd /usr/libexec/sssd/selinux_child
sssd-krb5-common 4750 root:root /usr/libexec/sssd/krb5_child
sssd-krb5-common 4750 root:sssd /usr/libexec/sssd/krb5_child
sssd-krb5-common 4750 root:root /usr/libexec/sssd/ldap_child
sssd-ldap 4750 root:sssd /usr/libexec/sssd/ldap_child
sssd-proxy 4750 root:root /usr/libexec/sssd/proxy_child
sssd-proxy 4750 root:sssd /usr/libexec/sssd/proxy_child
sudo 4755 root:root /bin/sudo
sudo 4755 root:root /bin/sudo.ws
sudo-ldap 4755 root:root /bin/sudo
sudo-rs 4755 root:root /bin/sudo-rs
sudo-rs 4755 root:root /lib/cargo/bin/su
sudo-rs 4755 root:root /lib/cargo/bin/sudo
super 4755 root:root /bin/super
tcptraceroute 4755 root:root /bin/tcptraceroute.mt
traceroute 4755 root:root /bin/traceroute6.iputils
udevil 4755 root:root /bin/udevil
uidmap 4755 root:root /bin/newgidmap
uidmap 4755 root:root /bin/newuidmap
usermode 4755 root:root /sbin/userhelper
util-linux 4755 root:root /bin/su
uucp 4755 uucp:root /bin/uucp
uucp 4755 uucp:root /bin/uustat
uucp 4755 uucp:root /bin/uux
uucp 6755 uucp:dialout /lib/uucp/uucico
uucp 6755 uucp:uucp /sbin/uuxqt
virtualbox 4755 root:root /lib/virtualbox/VBoxHeadless
virtualbox 4755 root:root /lib/virtualbox/VBoxNetAdpCtl
virtualbox 4755 root:root /lib/virtualbox/VBoxNetDHCP
virtualbox 4755 root:root /lib/virtualbox/VBoxNetNAT
virtualbox 4755 root:root /lib/virtualbox/VBoxSDL
virtualbox 4755 root:root /lib/virtualbox/VBoxVolInfo
virtualbox 4755 root:root /lib/virtualbox/VirtualBoxVM
vlock 4755 root:root /sbin/vlock-main
xscreensaver 4755 root:root /usr/libexec/xscreensaver/xscreensaver-auth
xserver-xorg-core 4755 root:root /lib/xorg/Xorg
xserver-xorg-legacy 6755 root:root /lib/xorg/Xorg.wrap
xterm 2755 root:utmp /bin/xterm
"""
_ARCHITECTURE = re.compile(r"/[a-z0-9_]+-linux-gnu[a-z0-9]*/")
_MERGED = re.compile(r"/usr(/(?:s?bin|lib(?:32|64|x32)?)/)")
_SANDBOX = "/chrome-sandbox"
"""Browsers and what is built on them bring it under many names; it drops the rights that it is started with."""


def _table() -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for row in _ROWS.split("\n"):
        if row:
            _, mode, owner, path = row.split()
            found[path] = (*found.get(path, ()), (int(mode, 8), owner))
    return found


_SHIPPED = _table()


def shipped(path: str, mode: int, owner: str, group: str) -> bool:
    """Whether a file has no more rights than the distribution gives it."""
    place = _ARCHITECTURE.sub("/*/", _MERGED.sub(r"\1", path))
    if path.endswith(_SANDBOX):
        return within(mode, 0o4755) and (owner, group) == ("root", "root")
    return any(within(mode, most) and whose == f"{owner}:{group}" for most, whose in _SHIPPED.get(place, ()))


def within(mode: int, most: int) -> bool:
    """Whether a mode allows nothing that another does not."""
    return mode & ~most & 0o7777 == 0
