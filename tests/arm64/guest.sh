#!/bin/sh
# Inside the arm64 root, under one emulated processor and without any network, in three steps: install the bundle; probe the landmarks
# (called so that no process gets a socket); name a face.
# usage: guest.sh install|probe|recognise PROCESSOR BEGAN; the last line of each is "arm64: PROCESSOR, ...: STEP holds" if it did
set -eu
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 COLUMNS=200 ORT_DISABLE_TELEMETRY=1 PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH
step=$1 processor=$2 began=$3
version=$(cut -d' ' -f1 /srv/bundle/VERSION)
here=/opt/daka/versions/$version
daka=$here/bin/daka
state=/tmp/state
said() { printf 'arm64: %s, %4d s: %s\n' "$processor" $(($(date +%s) - began)) "$*"; }
fail() {
    said "FAILED: $*"
    for log in /tmp/*.log; do tail -5 "$log"; done
    exit 1
}

install() {
    said "$(uname -m), $(sed -n 's/^Model[^:]*: *//p' /proc/cpuinfo), glibc $(ldd --version | sed -n '1s/.* //p'), $(python3 --version)"
    sh /srv/bundle/install.sh --stage >/tmp/install.log 2>&1 || fail "install.sh"
    count=$("$here/bin/python" -c 'import importlib.metadata as found; print(len(list(found.distributions())))') || fail "what is installed cannot be listed"
    said "installed from the locked wheels: $count distributions, $(du -sm "$here" | cut -f1) MB"
    said "models verify: $("$daka" models verify --directory "$here/weights" | tail -1)" || fail "daka models verify"
}

probe() {
    # The very library, without our choice: on an A72 it dies at its first task.
    "$here/bin/python" /srv/test/mediapipe_alone.py "$here/weights/face_landmarker.task" /srv/test/shown.jpg >/tmp/alone.log 2>&1 && how=0 || how=$?
    said "MediaPipe by itself: $([ $how = 0 ] && tail -1 /tmp/alone.log || echo "ended by signal $((how - 128))")"
    # What the installation recorded is about the processor of that moment; this probes for this one.
    rm -f "$here/weights/landmarks.json"
    "$daka" models fetch --directory "$here/weights" --from /srv/bundle/weights >/tmp/fetch.log 2>&1 || fail "daka models fetch"
    said "$(grep '^landmarks' /tmp/fetch.log)"
}

punch() {
    python3 -c "import sqlite3
row = sqlite3.connect('file:$state/journal.db?mode=ro', uri=True).execute('SELECT text FROM record WHERE kind = \\'punch\\'').fetchone()
print(row[0].decode() if row else '')"
}

run() { "$daka" --log-level warning --state "$state" "$@"; }

frames() { run metrics 2>/dev/null | sed -n 's/^daka_frames_total //p'; }

# The daemon itself, which looks at the same picture by the wall's clock: it starts, handles frames, and ends when it is told to.
watch() {
    "$daka" --state "$state" run kiosk >/tmp/kiosk.log 2>&1 &
    kiosk=$!
    tries=0
    until [ "$(frames | cut -d. -f1 | grep . || echo 0)" -gt 1 ]; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || fail "the kiosk daemon handles no frame"
        kill -0 $kiosk 2>/dev/null || fail "the kiosk daemon ended"
        sleep 5
    done
    kill $kiosk
    wait $kiosk || fail "the kiosk daemon ended with $?"
    said "the kiosk daemon handled frames and ended as told"
}

recognise() {
    mkdir -m 0700 "$state"
    # opencv: QEMU's user mode passes no filter on to the kernel, so that this daemon could keep MediaPipe from no socket.
    cat >"$state/config.toml" <<SETTINGS
[device]
id = "kiosk-arm64"
[camera]
source = "file:/srv/test/shown.jpg"
frames_per_second = 4
[models]
directory = "$here/weights"
landmarks = "opencv"
[attend]
allow_simulated = true
[page]
port = 0
SETTINGS
    # as the update's gate asks them, with OpenCV's landmarks
    said "the models answer a drawn face as they have to: $("$here/bin/python" /srv/test/answers.py "$here/weights" 2>/tmp/answers.log)" || fail "the models answer otherwise"
    run people add 1002 "Employee 1002" >/dev/null || fail "daka people add"
    run people consent 1002 --yes >/dev/null || fail "daka people consent"
    run enrol 1002 /srv/test/enrolled.jpg >/dev/null || fail "daka enrol"
    said "enrolled from a photograph"
    said "before the file camera: $("$here/bin/python" /srv/test/walk_up.py "$state" "$here/weights" 2>/tmp/walk_up.log)" || fail "nobody was named"
    said "on record: $(punch | grep -o '"\(method\|liveness\|votes\)":"\{0,1\}[a-z_0-9]*' | tr -d '"' | tr '\n' ' ')"
    watch
    said "$(run verify | head -1)" || fail "daka verify"
}

"$step"
said "$step holds"
