#!/bin/bash
# Unpack private copies of ProFTPD, vsftpd and OpenSSH for the tests: bootstrap.sh PREFIX
# Nothing is installed: no maintainer script runs, no daemon starts, no system user is made, nothing outside PREFIX
# changes except apt's package lists. Where it cannot (no apt, not root, no network) it says so and exits 0, and the
# tests that need a server skip; with FOOTFALL_REQUIRE_SERVERS=1 it exits 1 instead.
set -euo pipefail

prefix=${1:?usage: bootstrap.sh PREFIX}
ftp_packages="proftpd-core proftpd-mod-crypto" # mod_tls and mod_sftp are both in proftpd-mod-crypto
more_packages="vsftpd"                         # conflicts with proftpd-core, so it needs an apt transaction of its own
ssh_packages="openssh-server openssh-sftp-server"
wanted="$ftp_packages $more_packages $ssh_packages"

give_up() {
    echo "servers: $1; tests against real file servers will skip" >&2
    [ "${FOOTFALL_REQUIRE_SERVERS:-0}" = 1 ] && exit 1
    exit 0
}

if [ -f "$prefix/stamp" ] && [ "$(cat "$prefix/stamp")" = "$wanted" ]; then
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || give_up "no apt-get on this machine"
[ "$(id -u)" = 0 ] || give_up "apt-get update needs root"

mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
rm -rf "$prefix/stamp" "$prefix/debs" "$prefix/root"
mkdir -p "$prefix/debs/partial" "$prefix/root"

download() { # --reinstall: also what this machine has installed; otherwise apt fetches only what it lacks
    apt-get -qq -y install --reinstall --download-only --no-install-recommends \
        -o Dir::Cache::archives="$prefix/debs/" -o APT::Sandbox::User=root "$@" >/dev/null
}
apt-get -qq update || give_up "apt-get update failed"
# shellcheck disable=SC2086 # lists of words on purpose
{ download $ftp_packages && download $more_packages && download $ssh_packages; } || give_up "the packages did not download"

for deb in "$prefix"/debs/*.deb; do
    dpkg-deb -x "$deb" "$prefix/root"
done
libraries=$(find "$prefix/root/usr/lib" "$prefix/root/lib" -maxdepth 1 -name '*-linux-*' -printf '%p:' 2>/dev/null || true)
for program in proftpd vsftpd sshd; do
    if LD_LIBRARY_PATH=$libraries ldd "$prefix/root/usr/sbin/$program" | grep "not found"; then
        give_up "$program lacks libraries"
    fi
done
echo "servers: $(find "$prefix/debs" -name '*.deb' | wc -l) packages unpacked, $(du -sh "$prefix/root" | cut -f1)"
rm -rf "$prefix/debs"
echo "$wanted" >"$prefix/stamp"
