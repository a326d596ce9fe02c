#!/bin/sh
# Installs the Debian packages that a target needs, naming each. No service is started, and none is left enabled that was not.
# usage: tools/packages.sh demo|check|test|vm|arm64|appliance|screen
set -eu

CHECK="python3-venv"
# mosquitto: the broker of the demonstration and the tests. dbus-daemon: the private bus of the virtual lock. The libraries: OpenCV and
# MediaPipe load them, libevdev2 reads badge readers that type.
DEMO="$CHECK mosquitto dbus-daemon libgl1 libegl1 libgles2 libglib2.0-0 libevdev2"
# A real systemd boots in a Debian root of its own, with a network namespace beside it.
# strace shows syncs and sockets in tests, and makes disks fail; e2fsprogs makes a small disk; the ingester is tested against
# PostgreSQL; git lists the tracked files; pages are looked at in Chromium, with a font that has Chinese; swtpm is a TPM for systemd-creds.
TEST="$DEMO strace e2fsprogs postgresql git chromium fonts-noto-cjk gcc libc6-dev systemd systemd-container mmdebstrap dbus iproute2 swtpm libtss2-tcti-swtpm0 libtss2-esys-3.0.2-0 libtss2-rc0"
# A machine under emulation: QEMU, and what its first root is made of. Its own kernel and bluetoothd are fetched and not installed.
# For the whole appliance in it also a root (mmdebstrap), a disk (e2fsprogs) that forgets what was not flushed (nbdkit), and the broker.
VM="$DEMO qemu-system-x86 busybox-static cpio kmod xz-utils iproute2 mmdebstrap e2fsprogs nbdkit"
# arm64 programs on another processor: QEMU's user mode, and what mmdebstrap needs to make such a root.
ARM64="$DEMO qemu-user-static arch-test mmdebstrap"
# An installed kiosk, and one with a screen: compositor, browser, what hands them the screen, a font that has Chinese, what turns the
# sound on, and a voice.
APPLIANCE="$CHECK libgl1 libegl1 libgles2 libglib2.0-0 libevdev2"
SCREEN="$APPLIANCE cage chromium seatd fonts-noto-cjk alsa-utils espeak-ng"
SERVICES="mosquitto postgresql"

case "${1:-}" in
    demo) wanted=$DEMO ;;
    check) wanted=$CHECK ;;
    test) wanted=$TEST ;;
    vm) wanted=$VM ;;
    arm64) wanted=$ARM64 ;;
    appliance) wanted=$APPLIANCE ;;
    screen) wanted=$SCREEN ;;
    *) echo "usage: tools/packages.sh demo|check|test|vm|arm64|appliance|screen" >&2; exit 2 ;;
esac

installed() {
    # libglib2.0-0 is called libglib2.0-0t64 from Debian 13 on
    dpkg-query -W -f '${db:Status-Abbrev}\n' "$1" "$1t64" 2>/dev/null | grep -q '^ii'
}

missing=""
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "missing:$missing. Install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "installing through apt:$missing"

# What is not installed yet cannot have been enabled by anybody.
fresh=""
for service in $SERVICES; do
    case " $missing " in *" $service "*) fresh="$fresh $service" ;; esac
done

POLICY=/usr/sbin/policy-rc.d
put_back() {
    $as_root rm -f "$POLICY"
    if [ -e "$POLICY.daka" ]; then $as_root mv "$POLICY.daka" "$POLICY"; fi
}
if [ -n "$fresh" ]; then
    # invoke-rc.d asks this script; 101 forbids every start, for as long as the installation takes
    # one with our mark was left by an installation that was killed
    if [ -e "$POLICY" ] && ! grep -q '^# Daka' "$POLICY"; then $as_root mv "$POLICY" "$POLICY.daka"; fi
    trap put_back EXIT INT TERM
    printf '#!/bin/sh\n# Daka: nothing starts while it installs packages\nexit 101\n' | $as_root tee "$POLICY" >/dev/null
    $as_root chmod 755 "$POLICY"
fi

$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086  # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "apt could not install:$missing. Check the connection and the package sources, or install them another way, and call again" >&2
    exit 1
}

for service in $fresh; do
    if command -v deb-systemd-helper >/dev/null; then $as_root deb-systemd-helper disable "$service.service" >/dev/null 2>&1 || true; fi
    if [ -e "/etc/init.d/$service" ]; then $as_root update-rc.d "$service" disable >/dev/null 2>&1 || true; fi
    if [ -d /run/systemd/system ]; then $as_root systemctl daemon-reload || true; fi
done
