#!/bin/sh
# Inside the machine, as its only program: Bluetooth's modules, then the scenarios; what pytest says is the status of the whole.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1 HOME=/tmp LANG=C.UTF-8
# shellcheck source=/dev/null
. "$1"
ip link set lo up
mkdir -p /lib/modules /var/lib/bluetooth /run/dbus
mount --bind "$debian/lib/modules" /lib/modules
for module in hci_vhci cmac ecb algif_hash algif_skcipher; do modprobe "$module"; done
libraries="$debian/usr/lib/x86_64-linux-gnu"
loader="$libraries/ld-linux-x86-64.so.2 --library-path $libraries"
printf '[General]\nJustWorksRepairing = never\n[GATT]\nCache = always\n' >/run/bluetooth.conf
export DAKA_BLUETOOTHD="$loader $debian/usr/libexec/bluetooth/bluetoothd -n -f /run/bluetooth.conf"
# shellcheck disable=SC2086  # one word an argument
echo "vm-bluetooth: Linux $(uname -r), bluetoothd $($loader $debian/usr/libexec/bluetooth/bluetoothd --version), up for $(cut -d' ' -f1 /proc/uptime) s"
cd "$here" || exit 1
"$python" -m pytest -p no:cacheprovider -v --color no --timeout 320 --durations 5 tests/firmware_bridge/test_link.py tests/firmware_bridge/test_bridge.py "$@"
echo "vm-bluetooth: status $?"
echo "vm-bluetooth: up for $(cut -d' ' -f1 /proc/uptime) s"
echo o >/proc/sysrq-trigger
while :; do :; done # were this program to end, the kernel would panic
