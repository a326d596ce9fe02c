#!/bin/sh
# As root, with mounts of its own (unshare --mount): the emulated machine's disk, made of a Debian root that stays as it is. The bundle is
# installed there by its own installer in a chroot, as a card is written for a kiosk: on an emulated processor that takes minutes.
# usage: tools/vm-disk.sh FOLDER BUNDLE GUEST SIZE      FOLDER/root: the Debian root; FOLDER/base.raw: the disk
set -eu

folder=$1 bundle=$2 guest=$3 size=$4
layer=$folder/layer root=$folder/layer/root
# Debian's own, each a program or two at a start, none of them of use in a machine that lives for an hour
IDLE="serial-getty@ttyS0.service getty@tty1.service e2scrub_reap.service e2scrub_all.timer fstrim.timer apt-daily.timer apt-daily-upgrade.timer
 dpkg-db-backup.timer systemd-tpm2-setup-early.service systemd-tpm2-setup.service systemd-pcrmachine.service"

inside() { # COMMAND: by the root's own shell; nothing of it stays mounted or running
    # shellcheck disable=SC2016  # the inner shell's own variables
    unshare --mount --pid --fork --kill-child sh -euc '
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount --rbind /dev "$1/dev"
        for place in tmp run; do mount -t tmpfs tmpfs "$1/$place"; done
        mount --bind "$2" "$1/srv/bundle"
        chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_OFFLINE=1 sh -euc "$3"
    ' sh "$root" "$bundle" "$1"
}

rm -rf "$layer" "$folder/base.raw"
mkdir -p "$layer/upper" "$layer/work" "$root"
mount -t overlay overlay -o "lowerdir=$folder/root,upperdir=$layer/upper,workdir=$layer/work" "$root"
mkdir "$root/srv/bundle"
inside 'systemd-machine-id-setup; sh /srv/bundle/install.sh --no-start'

cp -R "$guest" "$root/srv/test"
chmod 755 "$root/srv/test/bare.sh"
cp "$guest"/*.service "$guest"/*.target "$root/etc/systemd/system/"
# A closed network tells of no way out; with one a daemon's packet is refused by its own sandbox, and not for want of a way.
printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\n[Route]\nGateway=10.0.2.2\nGatewayOnLink=yes\n' >"$root/etc/systemd/network/wired.network"
mkdir -p "$root/etc/systemd/system/qemu-guest-agent.service.d" # each question of the tests would be a line of the system's journal
printf '[Service]\nLogLevelMax=warning\n' >"$root/etc/systemd/system/qemu-guest-agent.service.d/quiet.conf"
cp "$guest/reader.rules" "$root/etc/udev/rules.d/99-test.rules"
cp "$guest/modules.conf" "$root/etc/modules-load.d/daka-vm.conf"
cp "$guest/vivid.conf" "$root/etc/modprobe.d/daka-vm.conf"
for unit in $IDLE; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
ln -sf first.target "$root/etc/systemd/system/default.target" # until the kiosk has its settings
touch "$root/etc/.updated" "$root/var/.updated" # nothing to be rebuilt at the first start

/sbin/mke2fs -q -t ext4 -m 0 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$folder/base.raw" "$size"
umount "$root"
rm -rf "$layer"
