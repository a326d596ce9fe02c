#!/bin/sh
# Makes this installed version the one that runs: users, units, the link, a restart. The same script takes a machine forward and back.
# usage: /opt/daka/versions/VERSION/share/daka/activate.sh [--no-start]
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
version=$(basename "$(dirname "$(dirname "$here")")")
[ "$(id -u)" = 0 ] || { echo "daka: switching needs root" >&2; exit 1; }

# From here on to its end: a lost connection leaves no half switch, and what a power cut leaves the next start takes back
# (`daka update settle`): the units' version and the link's have to be one.
trap '' HUP INT
mkdir -p -m 0700 /var/lib/daka-update
: >/var/lib/daka-update/switching
sync -f /var/lib/daka-update

install -D -m 0644 "$here/etc/sysusers.conf" /usr/lib/sysusers.d/daka.conf
install -D -m 0644 "$here/etc/tmpfiles.conf" /usr/lib/tmpfiles.d/daka.conf
systemd-sysusers daka.conf
systemd-tmpfiles --create daka.conf

# One unit after the other, each whole, and what is gone last: a power cut in between leaves none missing, and the next start puts them
# all back (`daka update settle`). What this machine alone knows stays: the broker's addresses and the device key's place.
place() { # FROM TO
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new"
    mv -T "$2.new" "$2"
}
system=/etc/systemd/system
(cd "$here/units" && find . -type f) | while read -r unit; do place "$here/units/$unit" "$system/$unit"; done
for unit in "$system"/daka*.service "$system"/daka*.socket "$system"/daka*.target "$system"/daka*.timer "$system"/daka*.path; do
    [ -e "$here/units/$(basename "$unit")" ] || rm -f "$unit"
done
# What another version that lies here has laid into units' folders and this one lacks; what an administrator or a command put there stays.
(cd /opt/daka/versions && find ./*/share/daka/units -mindepth 2 -type f) | sed 's|^\./[^/]*/share/daka/units/||' | sort -u |
    while read -r unit; do [ -e "$here/units/$unit" ] || rm -f "$system/$unit"; done
if [ -e /etc/credstore.encrypted/daka.wrapping-key ]; then
    mkdir -p /etc/systemd/system/daka-kiosk.service.d
    printf '[Service]\nLoadCredentialEncrypted=daka.wrapping-key:/etc/credstore.encrypted/daka.wrapping-key\n' \
        >/etc/systemd/system/daka-kiosk.service.d/credential.conf
fi
bounds=/etc/systemd/journald.conf.d/50-daka.conf
cmp -s "$here/etc/journald.conf" "$bounds" && bounded=yes || bounded="" # else the journal's bounds would hold from the next start on
install -D -m 0644 "$here/etc/journald.conf" "$bounds"
install -D -m 0644 "$here/etc/watchdog.conf" /etc/systemd/system.conf.d/50-daka.conf
install -D -m 0644 "$here/etc/dbus.conf" /etc/dbus-1/system.d/daka.conf
install -D -m 0644 "$here/etc/udev.rules" /etc/udev/rules.d/70-daka.rules
install -D -m 0644 "$here/etc/sound.rules" /etc/udev/rules.d/72-daka-sound.rules
udevadm control --reload && udevadm trigger --subsystem-match=sound || true # what is plugged in already; a container has nothing

sync -f "$system" # on the disk before anything refers to it
ln -sfn "versions/$version" /opt/daka/current.new
mv -T /opt/daka/current.new /opt/daka/current # one rename: there is never no version
sync -f /opt/daka
ln -sfn /opt/daka/current/bin/daka /usr/local/bin/daka
systemctl daemon-reload
systemctl reload dbus.service || true # it looks at its folder by itself only where the kernel has a watch left for it; a chroot has none
[ -n "$bounded" ] || systemctl try-restart systemd-journald.service || true # what it is told meanwhile waits for it
# shellcheck disable=SC2046  # one word a unit
systemctl enable --quiet daka.target daka-update.service daka-outlet.service $(cd "$here/units" && ls ./*.socket | sed 's|^./||' | grep -v '^daka-metrics') # figures on loopback are for whoever wants them
rm -f /var/lib/daka-update/switching
systemctl reset-failed 'daka-*' 2>/dev/null || true
[ "${1:-}" != --no-start ] || exit 0
systemctl restart daka.target
systemctl start --no-block daka-outlet.service # over what was kept nothing changes that would tell it whom the uplink should reach
