#!/bin/sh
# Installs the release bundle in an arm64 Debian 12 under qemu-user, and lets it name a face, once as a Raspberry Pi 4 (Cortex-A72) and
# once as a Pi 5 (Cortex-A76). Nothing stays mounted or running, also after Ctrl-C.
# usage: tools/arm64.sh PYTHON FOLDER      exit status: 0 both hold, 1 one does not, 2 it did not get that far
set -eu

python=$1 folder=$2
SUITE=bookworm
PYTHON_INSIDE=3.11
PACKAGES=systemd,python3,python3-venv,libgl1,libegl1,libgles2,libglib2.0-0,libevdev2,ca-certificates
PROCESSORS="cortex-a72 cortex-a76"
LONGEST_S=3600
FORMATS=/proc/sys/fs/binfmt_misc

here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
program=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
began=$(date +%s)
step="beginning"
mounted="" registered=""

put_back() {
    status=$?
    [ -z "$registered" ] || echo -1 | $as_root tee "$FORMATS/qemu-aarch64" >/dev/null
    [ -z "$mounted" ] || $as_root umount "$FORMATS"
    [ "$status" = 0 ] || echo "it got as far as: $step (after $(($(date +%s) - began)) s)" >&2
}
trap put_back EXIT
trap 'exit 2' INT TERM HUP

foreign_programs() {
    # the kernel starts arm64 programs through QEMU; what was not so before is put back
    step="letting the kernel start arm64 programs"
    if [ ! -e "$FORMATS/register" ]; then
        $as_root mount -t binfmt_misc binfmt_misc "$FORMATS" || { echo "this kernel has no binfmt_misc" >&2; exit 2; }
        mounted=yes
    fi
    if [ ! -e "$FORMATS/qemu-aarch64" ]; then
        $as_root tee "$FORMATS/register" <"$(ls /usr/lib/binfmt.d/qemu-aarch64*.conf | head -1)" >/dev/null || exit 2
        registered=yes
    fi
}

root() {
    step="making the arm64 root"
    echo "making an arm64 root of Debian 12 ($SUITE), some ten minutes, once"
    $as_root rm -rf "$folder/root" "$folder/root.part"
    $as_root mmdebstrap --quiet --variant=minbase --architectures=arm64 "--include=$PACKAGES" "$SUITE" "$folder/root.part" ||
        { echo "mmdebstrap did not get to its end; its words are above" >&2; exit 2; }
    $as_root mv "$folder/root.part" "$folder/root"
}

bundle() {
    step="making the release bundle for aarch64"
    echo "$step"
    "$here/tools/bundle.sh" "$python" "$folder/bundles" "$PYTHON_INSIDE" aarch64 >"$folder/bundle.log" 2>&1 ||
        { grep -v WARNING "$folder/bundle.log" | tail -5 >&2; echo "the bundle could not be made: $folder/bundle.log" >&2; exit 2; }
    bundle=$(tail -1 "$folder/bundle.log")
    photographs=$("$python" -c 'from device.commands.context import default_weights; print(default_weights())')
    $as_root rm -rf "$folder/root/srv" "$folder/root/opt"
    $as_root mkdir -p "$folder/root/srv/test" "$folder/root/opt"
    $as_root cp -R "$bundle" "$folder/root/srv/bundle"
    $as_root cp "$here/tests/arm64/guest.sh" "$here/tests/arm64/mediapipe_alone.py" "$here/tests/arm64/answers.py" "$here/tests/arm64/walk_up.py" \
        "$folder/root/srv/test/"
    $as_root cp "$photographs/person_b_1.jpg" "$folder/root/srv/test/enrolled.jpg"
    $as_root cp "$photographs/person_b_2.jpg" "$folder/root/srv/test/shown.jpg"
}

play() {
    # mounts, processes and network of its own, which end with it. QEMU's user mode passes no filter of system calls on to the kernel, and
    # without one the product lets no MediaPipe run: for the probe its own filter is laid around QEMU from outside
    step="playing $1"
    # shellcheck disable=SC2016  # the inner shell's own variables
    $as_root env QEMU_CPU="$1" PYTHONPATH="$here" nice -n 5 timeout "$LONGEST_S" \
        unshare --mount --net --pid --fork --kill-child --propagation private sh -euc '
            root=$1 processor=$2 began=$(date +%s)
            ip link set lo up
            mount -t proc proc "$root/proc"
            mount --bind "$3" "$root/proc/cpuinfo"
            mount -t sysfs sysfs "$root/sys" # how many processors there are: without it MediaPipe ends itself
            mount --rbind /dev "$root/dev"
            mount -t tmpfs tmpfs "$root/tmp"
            chroot "$root" /bin/sh /srv/test/guest.sh install "$processor" "$began"
            "$4" -c "import os, sys; from models.landmarks import quiet; quiet.forbid_sockets(); os.execvp(sys.argv[1], sys.argv[1:])" \
                chroot "$root" /bin/sh /srv/test/guest.sh probe "$processor" "$began"
            chroot "$root" /bin/sh /srv/test/guest.sh recognise "$processor" "$began"
        ' sh "$folder/root" "$1" "$here/tests/arm64/cpuinfo.$1" "$program" </dev/null | tee "$folder/output.$1"
    tail -1 "$folder/output.$1" | grep -q ": recognise holds$"
}

foreign_programs
[ -d "$folder/root" ] || root
bundle
for processor in $PROCESSORS; do
    play "$processor" || { echo "$processor does not hold; its output is in $folder/output.$processor" >&2; exit 1; }
done
step="the end"
echo "both hold, after $(($(date +%s) - began)) s; the root and the bundle take $(du -sm "$folder" | cut -f1) MB in $folder"
