#!/bin/busybox sh
# The guest's first program: this machine's files, read-only, with a layer in memory over them; then the guest's script in there.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || echo "insmod $module failed"; done
mount -t tmpfs tmpfs /layer
mkdir /layer/upper /layer/work
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=524288,cache=loose host /below
mount -t overlay overlay -o lowerdir=/below,upperdir=/layer/upper,workdir=/layer/work /root
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/shm /root/dev/pts
mount -t tmpfs tmpfs /root/run
for word in $(cat /proc/cmdline); do
    case $word in
        daka=*) script=${word#daka=} ;;
        settings=*) settings=${word#settings=} ;;
    esac
done
exec switch_root /root /bin/sh "$script" "$settings"
