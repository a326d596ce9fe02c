#!/bin/sh
# Renews the lock file: every extra and the build system, exact versions, all hashes of the ordinary index and of nothing else.
# One file for every Python from Debian 12's 3.11.2 on and for every processor: what only some need carries a marker.
# usage: tools/lock.sh LOCK
set -eu
lock=$1
OLDEST=3.11.2 # Debian 12's; a package that wants 3.11.5 does not install there, whatever Python the lock is made with
TOOLS=build/lock

# The compiler has a place of its own: it is no part of the product, and a broken lock can be mended with it.
[ -x "$TOOLS/bin/uv" ] || { python3 -m venv "$TOOLS" && "$TOOLS/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"; }
printf 'setuptools>=77\nwheel\n' >"$TOOLS/build-system.in" # as in pyproject.toml
compile() { # compile OUT INPUTS AND OPTIONS
    out=$1
    shift
    env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
        "$TOOLS/bin/uv" pip compile --no-config --quiet --universal --python-version "$OLDEST" --fork-strategy fewest \
        --custom-compile-command "make lock" --output-file "$out" "$@"
}
compile "$lock" --generate-hashes ${UPGRADE-"--upgrade"} --all-extras setup.py "$TOOLS/build-system.in"
# What an appliance installs: the kiosk, the web UI and the locks, in the very same versions.
compile "$(dirname "$lock")/appliance.txt" --generate-hashes --constraint "$lock" --extra kiosk --extra web setup.py
# And the same with its files' names, from which the wheels of each processor are told: none may be missing.
rm -f "$TOOLS/pylock.toml"
compile "$TOOLS/pylock.toml" --constraint "$lock" --extra kiosk --extra web setup.py
"$TOOLS/bin/python" -m pip install --quiet --disable-pip-version-check "packaging>=24"
"$TOOLS/bin/python" tools/wheels.py "$TOOLS/pylock.toml" "$(dirname "$lock")/wheels.txt"
