#!/bin/sh
# Installs Daka from this bundle: users, virtual environment, weights, units. Needs no network and no compiler; safe to repeat.
# usage: install.sh [--name NAME] [--no-desktop] [--no-start | --stage]
# --name: what this kiosk is called in topics, records and certificates; its first start binds its journal to it (else: kiosk-1)
# --no-desktop: a desktop that holds the screen ends, and starts no more with the machine
# --stage: only lay this version beside what runs; `daka update` switches to it
set -eu
umask 022 # whoever installs may have a stricter one, and the daemons are not root
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "daka: $*"; }
fail() { echo "daka: $*" >&2; exit 1; }
name=""
if [ "${1:-}" = --name ]; then
    name=${2:-}
    printf '%s\n' "$name" | grep -Eqx '[a-z0-9][a-z0-9-]{0,63}' || fail "a kiosk's name has a-z, 0-9 and hyphens, 64 at most: --name kiosk-2"
    shift 2
fi
desktop=""
if [ "${1:-}" = --no-desktop ]; then
    desktop=ends
    shift
fi
option=${1:-}
case "$option" in
    "" | --no-start | --stage) ;;
    *) echo "usage: install.sh [--name NAME] [--no-desktop] [--no-start | --stage]" >&2; exit 2 ;;
esac

[ "$(id -u)" = 0 ] || fail "installing needs root: sudo $0"
read -r version wanted arch <"$here/VERSION" || fail "this is no whole bundle: VERSION is missing; unpack it again"
[ "$arch" = "$(uname -m)" ] || fail "this bundle is for $arch, this machine is $(uname -m); get the bundle for it"
(cd "$here" && sha256sum --quiet --check SHA256SUMS) || fail "the bundle is damaged: the files named above differ; fetch it again"
python=$(command -v "python$wanted" || true)
[ -n "$python" ] || fail "python$wanted is missing; this bundle is for Debian with Python $wanted, get the one for yours"
pip=$(ls /usr/share/python-wheels/pip-*.whl 2>/dev/null | tail -n 1) # python3-venv brings it; the environment itself has none
"$python" -c 'import ensurepip, venv' 2>/dev/null && [ -n "$pip" ] || fail "python3-venv is missing; install it: apt install python3-venv"
command -v systemctl >/dev/null || fail "systemd is missing; for a laptop use 'daka run' instead"
for library in libGL.so.1 libEGL.so.1 libGLESv2.so.2 libglib-2.0.so.0 libevdev.so.2; do
    ldconfig -p | grep -q "$library" || fail "$library is missing; install it: apt install libgl1 libegl1 libgles2 libglib2.0-0 libevdev2"
done

# One program alone can have the screen. Which of the two is somebody's to say: over a desktop they may be sitting at this moment.
holds_the_screen() {
    command -v cage >/dev/null || return 1
    [ "$(systemctl is-active display-manager.service 2>/dev/null)" = active ] && return 0 # its exit code says yes in a chroot, too
    [ -e /etc/systemd/system/display-manager.service ] && [ "$(systemctl get-default 2>/dev/null)" = graphical.target ]
}
if [ "$option" = --stage ] || ! holds_the_screen; then
    desktop=""
elif [ -z "$desktop" ]; then
    fail "a desktop holds this machine's screen, so the kiosk page would never appear. Install on an image without one (Raspberry Pi OS Lite), or let it end for good: --no-desktop (sudo make install DESKTOP=0)"
fi

exec 9>/run/daka-install.lock
flock -n 9 || fail "another installation is under way; wait until it has ended"
if [ "$option" != --stage ]; then # an update that is being tried would take this back
    mkdir -p -m 0700 /var/lib/daka-update
    exec 8>/var/lib/daka-update/lock
    flock -n 8 || fail "an update is under way; wait until it has ended (daka update status)"
fi
versions=/opt/daka/versions
install -d -m 0755 /opt/daka "$versions" # each time, as /etc/daka below: under a strict umask an older installer shut them
running=$(readlink -f /opt/daka/current || true)
target=$versions/$version
anew=$target+$(sha256sum "$here/SHA256SUMS" | cut -c 1-8) # the same version made once more
library=lib/python$wanted/site-packages
holds() { # VERSION [WHICH]: each file of its libraries is what the wheel delivered; a worn card changes some without a word
    looked_at=$1
    shift
    find "$here/wheels" -name '*.whl' "$@" -exec "$python" -I "$here/holds.py" "$looked_at" "$library" {} +
}
is_whole() { # of this very bundle, and as it was delivered
    cmp -s "$here/SHA256SUMS" "$1/installed" && holds "$1" &&
        diff -rq "$here/units" "$1/share/daka/units" >/dev/null && diff -rq "$here/etc" "$1/share/daka/etc" >/dev/null
}
there=""
if [ "$running" = "$target" ] || [ "$running" = "$anew" ]; then # is never written over: what runs goes on from its own files until the switch
    if is_whole "$running"; then
        target=$running there=yes
    elif [ "$running" = "$target" ]; then
        target=$anew
    fi
fi
[ -n "$there" ] || ! is_whole "$target" || there=yes
install_wheels() { # what is compiled here is compiled once, below
    "$target/bin/python" "$pip/pip" install --quiet --disable-pip-version-check --no-index --no-compile "$@"
}
# Where the release wants the very libraries that run already they are linked: seconds and a few megabytes instead of minutes and 700.
# Nothing may write to them, neither before nor after.
link_libraries() {
    cmp -s "$here/requirements.txt" "$running/share/daka/requirements.txt" || return 1
    holds "$running" ! -name 'daka-*' || return 1
    rm -rf "${target:?}/$library"
    cp -al "$running/$library" "$target/$library" || return 1
    cp -al "$running/weights" "$target/weights" # each is looked at by its digest
}
if [ -z "$there" ]; then
    say "version $version into $target"
    trap 'rm -rf "$target"' EXIT # what did not come to its end takes no room
    trap 'exit 1' HUP INT TERM
    rm -f "$target/installed" # first: what is cut short here is no version
    rm -rf "$target"
    mkdir -p "$target"
    "$python" -m venv --without-pip "$target"
    link_libraries || install_wheels --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
    install_wheels --no-deps --force-reinstall "$here"/wheels/daka-*.whl
    mkdir -p "$target/share/doc/daka"
    cp -R "$here"/doc/. "$target/share/doc/daka/"
    mkdir -p "$target/share/daka"
    cp -R "$here/units" "$here/etc" "$here/activate.sh" "$here/requirements.txt" "$target/share/daka/"
    "$target/bin/daka" --log-level warning models fetch --directory "$target/weights" --from "$here/weights"
    # The daemons may not write; a file that does not compile is never imported, nor are the libraries' tests.
    "$target/bin/python" -m compileall -qq -j 0 -x '/tests?/' "$target/lib" || true
    chmod -R a+rX "$target"
    sync -f "$target"
    cp "$here/SHA256SUMS" "$target/installed" # last: an installation that was cut short is done again
    trap - EXIT HUP INT TERM
else
    say "version $version is there already"
    "$target/bin/daka" --log-level warning models fetch --directory "$target/weights" --from "$here/weights" >/dev/null # mends what is not whole
fi
[ "$option" != --stage ] || exit 0

install -d -m 0755 /etc/daka
if [ ! -e /etc/daka/config.toml ]; then
    say "settings in /etc/daka/config.toml"
    printf '# Every setting: daka config list\n[models]\ndirectory = "/opt/daka/current/weights"\n' >/etc/daka/config.toml
    [ -z "$name" ] || printf '[device]\nid = "%s"\n' "$name" >>/etc/daka/config.toml
    chmod 0644 /etc/daka/config.toml
elif [ -n "$name" ] && ! grep -qx "id = \"$name\"" /etc/daka/config.toml; then
    fail "this kiosk has a name already: its records are bound to it. Before its first start it can be changed in /etc/daka/config.toml"
fi

# The key that wraps every person's own key: sealed by the TPM where there is one, by this machine's own secret otherwise. By
# no measurement of the firmware's (PCR 23 is nobody's): its next update would change it, and the kiosk would start no more.
credential=/etc/credstore.encrypted/daka.wrapping-key
if [ ! -e "$credential" ] && [ ! -e /var/lib/daka/keys/wrapping.key ]; then
    say "device key, sealed by the system"
    mkdir -p -m 0700 "$(dirname "$credential")"
    umask 077
    head -c 32 /dev/urandom | systemd-creds encrypt --quiet --with-key=auto --tpm2-pcrs=23 --name=daka.wrapping-key - "$credential.new"
    mv "$credential.new" "$credential"
    umask 022
fi

say "users, units and the switch to $version"
"$target/share/daka/activate.sh" "$option"
for old in "$versions/$version"+*; do # of this version only what ran until now stays beside it
    [ "$old" = "$target" ] || [ "$old" = "$running" ] || rm -rf "$old"
done
! command -v cage >/dev/null || command -v espeak-ng >/dev/null || say "the easy mode can only be read here; to have it spoken: apt install espeak-ng alsa-utils"
say "installed $version. Whoever is in the group daka-admin may use the 'daka' command: adduser NAME daka-admin"
[ "$option" = --no-start ] || say "started; 'daka doctor' looks at everything"
if [ -n "$desktop" ]; then # last: who sits at it loses this terminal
    systemctl set-default multi-user.target 2>/dev/null
    say "the desktop starts no more with the machine; the way back: systemctl set-default graphical.target"
    [ "$option" = --no-start ] || systemctl --no-block stop display-manager.service
fi
