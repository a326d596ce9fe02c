# shellcheck shell=sh
# Read by tools/vm.sh and tools/vm-bluetooth.sh: the first root of an emulated machine, which knows no more than where the next one is.

# busybox, modules with what they need, and a script that goes on from there; no udev and nothing to unpack, so that a start is quick.
# usage: first_root DEBIAN INIT ARCHIVE MODULE...      DEBIAN: where lib/modules has one kernel's; ARCHIVE: what QEMU takes as -initrd
first_root() {
    debian=$1 init=$2 archive=$3
    shift 3
    first=$archive.part
    rm -rf "$first"
    mkdir -p "$first/bin" "$first/modules" "$first/proc" "$first/sys" "$first/dev" "$first/below" "$first/layer" "$first/root"
    cp /bin/busybox "$first/bin/"
    number=100
    for module in "$@"; do
        for file in $(/sbin/modprobe -d "$debian" -S "$(ls "$debian/lib/modules")" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'); do
            name=$(basename "${file%.xz}")
            ls "$first/modules" | grep -q -- "-$name\$" && continue
            case $file in
                *.xz) xz -dc "$file" ;;
                *) cat "$file" ;;
            esac >"$first/modules/$number-$name"
            number=$((number + 1))
        done
    done
    cp "$init" "$first/init"
    chmod 755 "$first/init"
    (cd "$first" && find . | cpio --quiet -o -H newc) >"$archive"
    rm -r "$first"
}
