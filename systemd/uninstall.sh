#!/bin/sh
# Takes Daka off this machine. People, records and keys stay unless they are to go: uninstall.sh --with-data destroys them for good.
# usage: uninstall.sh [--with-data]
set -eu
data=""
case "${1:-}" in
    "") ;;
    --with-data) data=yes ;;
    *) echo "usage: uninstall.sh [--with-data]" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "daka: uninstalling needs root: sudo $0" >&2; exit 1; }

if [ -d /var/lib/daka-update ]; then # an update that is being tried would put back what is taken off
    exec 8>/var/lib/daka-update/lock
    flock -n 8 || { echo "daka: an update is under way; wait until it has ended (daka update status)" >&2; exit 1; }
fi

# A locked USB bus would take no new keyboard for ever: `daka usb unlock` goes with the rest.
if [ -e /etc/udev/rules.d/71-daka-usb.rules ]; then
    rm -f /etc/udev/rules.d/71-daka-usb.rules
    udevadm control --reload || true
    for one in /sys/bus/usb/devices/usb*/authorized_default /sys/bus/usb/devices/[0-9]*-*/authorized; do
        [ ! -e "$one" ] || echo 1 >"$one" || echo "daka: $one stays as it is until the next start" >&2
    done
fi

units=$(cd /etc/systemd/system && ls -d daka*.service daka*.socket daka*.target daka*.timer daka*.path 2>/dev/null | grep -v @ || true)
# shellcheck disable=SC2086  # one word a unit
[ -z "$units" ] || systemctl disable --quiet --now $units 2>/dev/null || true
rm -rf /etc/systemd/system/daka*.service /etc/systemd/system/daka*.socket /etc/systemd/system/daka*.target /etc/systemd/system/daka*.timer /etc/systemd/system/daka*.path /etc/systemd/system/daka*.d
rm -f /etc/systemd/journald.conf.d/50-daka.conf /etc/systemd/system.conf.d/50-daka.conf /etc/dbus-1/system.d/daka.conf \
    /etc/udev/rules.d/70-daka.rules /etc/udev/rules.d/72-daka-sound.rules /usr/lib/sysusers.d/daka.conf /usr/lib/tmpfiles.d/daka.conf /usr/local/bin/daka
systemctl daemon-reload
systemctl try-restart systemd-journald.service || true # the journal's bounds are the machine's own again
udevadm control --reload && udevadm trigger --subsystem-match=sound || true # sound cards are everybody's again
rm -rf /opt/daka /run/daka
if [ -n "$data" ]; then
    rm -rf /var/lib/daka /var/lib/daka-uplink /var/lib/daka-web /var/lib/daka-bridge /var/lib/daka-update /var/lib/daka-settings /etc/daka /etc/credstore.encrypted/daka.wrapping-key
    for user in daka-kiosk daka-uplink daka-bridge daka-web daka-display daka-metrics; do userdel "$user" 2>/dev/null || true; done
    for group in daka-admin daka-sound; do groupdel "$group" 2>/dev/null || true; done
    echo "daka: removed, with every record, template and key"
else
    echo "daka: removed; people, records and keys stay in /var/lib/daka* and /etc/daka (--with-data destroys them)"
fi
