#!/bin/sh
# Runs the tests. All of them in three parts side by side, since most of the time of each is spent waiting; or, with arguments, those.
# `again` runs what failed in any part once more, alone. Each part leaves build/tests-NAME.xml (again: build/again-NAME.xml).
# usage: tools/test.sh PYTHON [again | PYTEST-ARGUMENTS]
set -u
python=$1
shift
# What a container is made of (a Debian root, a release bundle) is fetched and packed while the first of these run.
CONTAINERS="tests/house tests/faults tests/bench tests/firmware_bridge tests/appliance"
BROWSERS="tests/web_ui $(echo tests/e2e/test_kiosk_*.py)"
PARTS="containers browsers rest"

part() { # part NAME FOLDERS AND OPTIONS
    name=$1
    shift
    "$python" -m pytest -o cache_dir="build/pytest-$name" --durations=25 --junitxml="build/tests-$name.xml" "$@"
}

again() { # again NAME
    "$python" -m pytest -o cache_dir="build/pytest-$1" --last-failed --last-failed-no-failures=none --junitxml="build/again-$1.xml"
    code=$?
    [ "$code" -eq 5 ] || [ "$code" -eq 0 ] # 5: nothing to run
}

mkdir -p build
failed=0
case "${1-}" in
again)
    for name in $PARTS; do
        again "$name" || failed=1
    done
    exit "$failed"
    ;;
?*) exec "$python" -m pytest "$@" ;;
esac

rm -rf build/tests-*.xml build/again-*.xml build/pytest-*
# shellcheck disable=SC2086 # folders, not one name
part containers $CONTAINERS >build/tests-containers.log 2>&1 &
containers=$!
# shellcheck disable=SC2086
part browsers $BROWSERS >build/tests-browsers.log 2>&1 &
browsers=$!
trap 'kill "$containers" "$browsers" 2>/dev/null' INT TERM
# shellcheck disable=SC2046
part rest tests $(printf -- '--ignore=%s ' $CONTAINERS $BROWSERS) || failed=1
wait "$containers" || failed=1
wait "$browsers" || failed=1
cat build/tests-containers.log build/tests-browsers.log
exit "$failed"
