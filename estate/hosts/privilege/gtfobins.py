"""Programs that hand their rights on: names from GTFOBins (https://gtfobins.github.io) as of April 2026.

A name stands for all its versions and builds: `python` also for `python3.11`, `vim` also for `vim.tiny`.
"""

import re


def words(text: str) -> frozenset[str]:
    """A set of words."""
    return frozenset(text.split())


ALSO = words(
    "sh rbash lksh mksh ksh93 sudoedit visudo useradd usermod adduser groupadd groupmod gpasswd chpasswd insmod"
    " modprobe kexec lxc incus nerdctl crictl runc machinectl pdbedit update-passwd vigr dpkg-divert dpkg-statoverride"
)
"""What GTFOBins leaves out as it is no trick: these make one root by what they are for."""

SHELL = words("""
R aa-exec acr ansible-playbook ansible-test aoss apt apt-get aptitude arch-nspawn aria2c ash asterisk at autoconf
autoheader autoreconf awk aws bash bashbug batcat bconsole bee borg bpftrace bundle bundler busctl busybox byebug
c89 c99 cabal capsh cargo cc cdist certbot chattr check_by_ssh check_ssl_cert chmod choom chown chroot chrt clisp
cmake cobc code codex composer cowsay cowthink cp cpan cpio cpulimit crash crontab csh csvtool ctr curl dash dc
debugfs dhclient distcc dmesg dmsetup dnf dnsmasq doas docker dotnet dpkg dstat dvips easy_install easyrsa eb ed
elvish emacs enscript env ex exiftool expect facter fail2ban-client fastfetch ffmpeg find firejail fish flock forge
ftp fzf g++ gawk gcc gcloud gdb gem genie getent ghc ghci gimp ginsh git gnuplot go grc gtester guile hg hping3
iftop install ionice ip irb ispell java jjs joe journalctl jrunscript jshell jtag julia knife ksh ksu kubectl latex
latexmk ld.so ldconfig less lftp ln loginctl logrotate logsave ltrace lua lualatex luatex lxd m4 mail make man mawk
minicom more mosh-server mount msfconsole msgfilter multitime mv mysql nano nawk nc ncdu ncftp needrestart neofetch
nginx nice nmap node nohup npm nroff nsenter nvim octave opencode openssl openvpn openvt opkg pandoc passwd pdb
pdflatex pdftex perf perl perlbug pexec pg php pic pico pidstat pip pipx pkexec pkg plymouth podman poetry posh
procmail pry psftp psql puppet pwsh python rake ranger rc red restic rlwrap rpm rpmdb rpmquery rpmverify rsync
rsyslogd rtorrent ruby run-mailcap run-parts runscript rustc rustup rview rvim sash scanmem scp screen script scrot
sed service setarch setcap setfacl setlock sftp sg slsh smbclient snap socat socket softlimit split sqlite3 sqlmap
ssh ssh-agent ssh-keygen sshfs sshpass sshuttle start-stop-daemon stdbuf strace su sudo sysctl systemctl
systemd-resolve systemd-run tar task taskset tasksh tclsh tcpdump tcsh tdbtool telnet tex time timedatectl timeout
tmate tmux top torify torsocks tshark unshare unsquashfs unzip uv vagrant valgrind vi view vigr vim vimdiff vipw
virsh volatility watch wg-quick wget wireshark wish xargs xdg-user-dir xdotool xelatex xetex yarn yash yt-dlp yum
zathura zic zip zless zsh zypper
""")
"""With sudo they start a shell or any command, load a library, or change who may do what."""

WRITE = words("""
ab arj check_log csplit dd dos2unix dosbox finger hashcat iconv iptables-save lwp-download mypy redis rustdoc shred
shuf sort ssh-copy-id tee tftp tsc update-alternatives varnishncsa whois xxd
""")
"""With sudo they write any file."""

READ = words("""
7z alpine apache2 apache2ctl ar arp as ascii-xfr ascii85 aspell atobm base32 base58 base64 basenc basez bbot bc
bridge bzip2 cancel cat check_cups check_memory check_raid check_statusfile clamscan cmp column comm cupsfilter cut
date dialog diff dig efax egrep eqn espeak expand fgrep file fmt fold fping gcore genisoimage grep gzip hd head
hexdump highlight join jq ksshell last lastb links look lp lwp-request mosquitto msgattrib msgcat msgconv msgmerge
msguniq mtr mutt nasm nft nl nm ntpdate od paste pax pr ptx pygmentize pyright qpdf readelf redcarpet rev rlogin
rustfmt soelim ss ssh-keyscan strings tac tail tailscale tbl terraform tic troff ul unexpand uniq urlget uuencode
w3m wall wc whiptail xmodmap xmore xpad xz yelp zcat zgrep zsoelim
""")
"""With sudo they read any file."""

SUID = words("""
R aa-exec ab acr agetty alpine apache2 apt apt-get ar aria2c arj arp as ascii-xfr ash aspell asterisk atobm awk aws
base32 base64 basenc basez bash batcat bc bconsole bee bridge busctl bzip2 cabal cancel capsh cat chattr chmod choom
chown chroot chrt clamscan clisp cmp cobc column comm cp cpio cpulimit crash csh csplit csvtool ctr cupsfilter curl
cut dash date dc dd debugfs dialog diff dig distcc dmesg dmsetup dnsmasq docker dos2unix dosbox dpkg dvips easyrsa
ed efax egrep elvish enscript env eqn espeak ex expand expect fastfetch ffmpeg fgrep file find finger fish flock fmt
fold forge fping ftp fzf gawk gcloud gcore gdb genie genisoimage getent ginsh git gnuplot grep gtester guile gzip hd
head hexdump hg highlight hping3 iconv iftop install ionice ip ispell joe join jq jrunscript julia ksh ksh93 ksshell
kubectl last lastb latex ld.so ldconfig less lftp links lksh logrotate logsave look lp ltrace lua lualatex luatex
lxd m4 mail make man mawk minicom mksh more mosquitto msgattrib msgcat msgconv msgfilter msgmerge msguniq multitime
mv mysql nano nasm nawk nc ncdu ncftp nginx nice nl nm nmap node nohup nsenter ntpdate nvim octave od opencode
openssl openvpn pandoc paste pax pdflatex pdftex perf perl pexec pg php pic pico pidstat plymouth pr psftp psql ptx
python qpdf rbash rc readelf red redis restic rev rlogin rlwrap rpm rpmdb rpmquery rpmverify rsync rtorrent
run-parts runscript rview rvim sash scanmem scp script scrot sed setarch setcap setfacl setlock sftp sh shred shuf
slsh socat socket soelim softlimit sort split sqlite3 ss ssh ssh-agent ssh-keygen ssh-keyscan sshpass
start-stop-daemon stdbuf strace strings sysctl systemctl tac tail tar task tasksh tbl tclsh tcpdump tcsh tdbtool tee
telnet terraform tex tftp tic time timeout tmate tmux troff ul unexpand uniq unshare unsquashfs unzip
update-alternatives urlget uuencode varnishncsa vi view vigr vim vimdiff vipw volatility w3m watch wc wget whiptail
whois wish xargs xdotool xelatex xetex xmodmap xmore xpad xxd xz yash zic zip zless zsh zsoelim
""")
"""With the set-user-id bit they give their owner's rights to whoever calls them."""

_BUILD = re.compile(r"(?:[-.]?[0-9][0-9.]*|\.(?:basic|tiny|nox|gtk3?|athena|traditional|openbsd|gnome|distrib|exe))+\Z")


def program(path: str) -> str:
    """A program's name without version and build, as the lists here have it."""
    name = path.rpartition("/")[2]
    return name if name in SHELL or name in WRITE or name in READ else _BUILD.sub("", name) or name
