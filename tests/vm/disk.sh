#!/bin/busybox sh
# The guest's first program: the disk's drivers, then what lies on the disk, systemd or what the kernel's command line calls init=.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || echo "insmod $module failed"; done
next=/sbin/init
for word in $(cat /proc/cmdline); do
    case $word in
        init=*) next=${word#init=} ;;
    esac
done
until [ -b /dev/vda ]; do sleep 0.1; done
mount -t ext4 /dev/vda /root
for place in proc sys dev; do mount --move "/$place" "/root/$place"; done
exec switch_root /root "$next" "$@"
