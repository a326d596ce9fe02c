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
FIRST="virtio_pci virtio_blk ext4"

here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# shellcheck source=tools/first-root.sh
. "$here/tools/first-root.sh"
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"

root() {
    # a root with every file's owner takes root to make; what is booted from it later does not
    echo "making a root of Debian 13 ($SUITE), some two minutes, once"
    $as_root rm -rf "$folder/root.part"
    # shellcheck disable=SC2016  # $1 is the hook's
    $as_root mmdebstrap --quiet --variant=minbase "--include=$PACKAGES" --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/daka-vm"' \
        --customize-hook='printf "daka-vm\n" >"$1/etc/hostname"' \
        --customize-hook='chroot "$1" systemctl --quiet enable systemd-networkd' \
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
    $as_root unshare --mount --propagation private "$here/tools/vm-disk.sh" "$folder" "$bundle" "$here/tests/vm/guest" "$SIZE" >"$folder/disk.log" 2>&1 ||
        { tail -5 "$folder/disk.log" >&2; echo "the disk could not be made: $folder/disk.log" >&2; exit 2; }
    $as_root chown "$(id -u):$(id -g)" "$folder/base.raw"
    $as_root cp "$folder"/root/boot/vmlinuz-* "$folder/vmlinuz"
    $as_root chown "$(id -u):$(id -g)" "$folder/vmlinuz"
    # shellcheck disable=SC2086  # one word a module
    first_root "$folder/root" "$here/tests/vm/disk.sh" "$folder/first.cpio" $FIRST
}

[ -d "$folder/root" ] || root
image
echo "booting $(basename "$folder"/root/boot/vmlinuz-*), $([ -w /dev/kvm ] && echo "with KVM" || echo "without KVM: everything takes some ten times longer")"
cd "$here"
DAKA_VM="$folder" exec "$python" -m pytest -p no:cacheprovider -m vm -v --color no --durations 20 -s tests/vm "$@"
