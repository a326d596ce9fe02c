#!/bin/sh
# Boots Debian 13's kernel under emulation (no KVM, no root), with hci_vhci and the real bluetoothd, and plays the lock's scenarios in it.
# usage: tools/vm-bluetooth.sh PYTHON FOLDER [pytest arguments]     exit status: 0 all passed, 1 some did not, 2 the machine did not get there
set -eu

python=$1 folder=$2
shift 2
SUITE=trixie
LONGEST_S=2400
# bluetoothd, and the libraries that it loads: it runs with its own Debian's, whatever this machine has
PARTS="bluez libc6 libasound2t64 libdbus-1-3 libdw1t64 libelf1t64 libglib2.0-0t64 libreadline8t64 libtinfo6 libudev1 libcap2
 libpcre2-8-0 libffi8 libatomic1 libgcc-s1 liblzma5 libbz2-1.0 libzstd1 zlib1g"
# what the first root of the guest needs to see this machine's files
FIRST="virtio_pci 9pnet_virtio 9p overlay"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/first-root.sh
. "$here/tools/first-root.sh"

apt() {
    # a source list, lists and cache of its own: nothing of this machine's apt is changed
    program=$1
    shift
    "$program" -qq -o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root "$@"
}

fetch() {
    # Debian 13's packages from this machine's own mirrors, checked by apt against Debian's key, unpacked and not installed
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/packages" "$folder/part"
    # shellcheck disable=SC2016  # apt's own variables
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' "Origin: Debian" "Created-By: Packages" | sort -u | while read -r label mirror; do
        case $label in
            Debian) suite=$SUITE ;;
            Debian-Security) suite=$SUITE-security ;;
            *) continue ;;
        esac
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done >"$folder/apt/sources.list"
    [ -s "$folder/apt/sources.list" ] || { echo "apt knows no mirror of Debian: it takes a Debian machine, and apt-get update" >&2; exit 2; }
    apt apt-get update
    kernel=$(apt apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -1)
    # shellcheck disable=SC2086  # one word a package
    (cd "$folder/packages" && apt apt-get download "$kernel" $PARTS)
    for package in "$folder"/packages/*.deb; do dpkg-deb --extract "$package" "$folder/part"; done
    # a kernel's list of what its modules need is made where it is installed; Debian 13 keeps them under usr/
    [ -d "$folder/part/lib" ] || ln -s usr/lib "$folder/part/lib"
    /sbin/depmod -b "$folder/part" "$(ls "$folder/part/lib/modules")"
    mv "$folder/part" "$folder/debian"
    rm -r "$folder/packages" "$folder/apt"
}

[ -d "$folder/debian" ] || { rm -rf "$folder/part" "$folder/packages"; fetch; }
# shellcheck disable=SC2086  # one word a module
first_root "$folder/debian" "$here/tests/vm/init.sh" "$folder/first.cpio" $FIRST
cat >"$folder/run" <<SETTINGS
here='$here' python='$here/$python' debian='$folder/debian'
set -- $("$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' "$@")
SETTINGS

echo "booting $(ls "$folder/debian/lib/modules") under emulation"
timeout "$LONGEST_S" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 1 -m 1536 -display none -no-reboot -nodefaults -serial stdio \
    -kernel "$folder"/debian/boot/vmlinuz-* -initrd "$folder/first.cpio" -device virtio-rng-pci \
    -append "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic random.trust_cpu=on mitigations=off daka=$here/tests/vm/guest.sh settings=$folder/run" \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap </dev/null | sed -u 's/\r//' | tee "$folder/output" || true

# the guest's last word; a kernel that panicked, a hang and an emulator that failed have none
status=$(sed -n 's/^vm-bluetooth: status //p' "$folder/output" | tail -1)
case "$status" in
    0) exit 0 ;;
    "") echo "the machine did not get to the end of the scenarios; its output is in $folder/output" >&2; exit 2 ;;
    *) echo "scenarios failed; the machine's output is in $folder/output" >&2; exit 1 ;;
esac
