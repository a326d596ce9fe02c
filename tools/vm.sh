#!/bin/sh
# Makes the emulated machine's disk: Debian 13 with its own kernel, and a release bundle beside it; then plays the scenarios of tests/vm.
# usage: tools/vm.sh PYTHON FOLDER [pytest arguments]
set -eu

python=$1 folder=$2
shift 2
SUITE=trixie
PYTHON_INSIDE=3.13
# What a kiosk has (as on the bare root of tests/appliance), and its kernel; the agent is the tests' way in, v4l-utils turns the camera's knobs.
PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,python3,python3-venv,libgl1,libegl1,libgles2,libglib2.0-0,libevdev2,ca-certificates,procps,udev,kmod,iproute2,bluez,linux-image-amd64,bluez-test-tools,qemu-guest-agent,v4l-utils
SIZE=6G

here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"

root() {
    # a root with every file's owner takes root to make; what is booted from it later does not
    echo "making a root of Debian 13 ($SUITE), some two minutes, once"
    $as_root rm -rf "$folder/root.part"
    # shellcheck disable=SC2016  # $1 is the hook's
    $as_root mmdebstrap --quiet --variant=minbase "--include=$PACKAGES" \
        --customize-hook='printf "daka-vm\n" >"$1/etc/hostname"' \
        --customize-hook='printf "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n" >"$1/etc/systemd/network/wired.network"' \
        --customize-hook='chroot "$1" systemctl --quiet enable systemd-networkd' \
        --customize-hook='sed -i "s/^MODULES=.*/MODULES=list/" "$1/etc/initramfs-tools/initramfs.conf"' \
        --customize-hook='printf "virtio_pci\nvirtio_blk\next4\n" >>"$1/etc/initramfs-tools/modules"; chroot "$1" update-initramfs -u -k all' \
        --customize-hook="upload $here/tests/vm/guest/modules.conf /etc/modules-load.d/daka-vm.conf" \
        --customize-hook="upload $here/tests/vm/guest/vivid.conf /etc/modprobe.d/daka-vm.conf" \
        "$SUITE" "$folder/root.part" || { echo "mmdebstrap did not get to its end; its words are above" >&2; exit 2; }
    $as_root mv "$folder/root.part" "$folder/root"
}

image() {
    # the bundle is part of the disk: in the machine there is no way to any other host
    version=$("$python" -c 'import device; print(device.__version__)')
    bundle=$folder/bundles/daka-$version-cp$(echo "$PYTHON_INSIDE" | tr -d .)-x86_64
    echo "making the release bundle and the disk, some two minutes"
    "$here/tools/bundle.sh" "$python" "$folder/bundles" "$PYTHON_INSIDE" x86_64 >"$folder/bundle.log" 2>&1 ||
        { tail -5 "$folder/bundle.log" >&2; echo "the bundle could not be made: $folder/bundle.log" >&2; exit 2; }
    $as_root rm -rf "$folder/root/srv/bundle" "$folder/root/opt/daka"
    $as_root cp -R "$bundle" "$folder/root/srv/bundle"
    # laid there by the installer itself, as an update lays a version beside what runs; the emulated processor would take half an hour
    # shellcheck disable=SC2016  # the inner shell's own variables
    $as_root unshare --mount --net --pid --fork --kill-child --propagation private sh -euc '
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount --rbind /dev "$1/dev"
        mount -t tmpfs tmpfs "$1/tmp"
        exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 sh /srv/bundle/install.sh --stage
    ' sh "$folder/root" >"$folder/stage.log" 2>&1 || { tail -5 "$folder/stage.log" >&2; echo "install.sh --stage failed: $folder/stage.log" >&2; exit 2; }
    $as_root rm -rf "$folder/root/srv/test"
    $as_root cp -R "$here/tests/vm/guest" "$folder/root/srv/test"
    $as_root chmod 755 "$folder/root/srv/test/bare.sh"
    rm -f "$folder/base.raw"
    $as_root /sbin/mke2fs -q -t ext4 -m 0 -d "$folder/root" "$folder/base.raw" "$SIZE"
    $as_root cp "$folder"/root/boot/vmlinuz-* "$folder/vmlinuz"
    $as_root cp "$folder"/root/boot/initrd.img-* "$folder/initrd.img"
    $as_root chown "$(id -u):$(id -g)" "$folder/base.raw" "$folder/vmlinuz" "$folder/initrd.img"
}

[ -d "$folder/root" ] || root
image
echo "booting $(basename "$folder"/root/boot/vmlinuz-*), $([ -w /dev/kvm ] && echo "with KVM" || echo "without KVM: everything takes some ten times longer")"
cd "$here"
DAKA_VM="$folder" exec "$python" -m pytest -p no:cacheprovider -m vm -v --color no --durations 20 tests/vm "$@"
