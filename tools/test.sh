#!/bin/sh
# Runs the tests. All of them in two halves side by side, since most of the time of each is spent waiting; or, with arguments, those.
# `again` runs what failed in either half once more, alone. Each half leaves build/tests-NAME.xml (again: build/again-NAME.xml).
# usage: tools/test.sh PYTHON [again | PYTEST-ARGUMENTS]
set -u
python=$1
shift
# A browser and a container: they wait for each other's turn more than for a core. The browser first: what the container is made of
# (a Debian root, a release bundle) is fetched and packed meanwhile.
APART="tests/web_ui tests/appliance"

half() { # half NAME FOLDERS AND OPTIONS
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
case "${1-}" in
again)
    failed=0
    again apart || failed=1
    again rest || failed=1
    exit "$failed"
    ;;
?*) exec "$python" -m pytest "$@" ;;
esac

rm -rf build/tests-*.xml build/again-*.xml build/pytest-apart build/pytest-rest
# shellcheck disable=SC2086 # folders, not one name
half apart $APART >build/tests-apart.log 2>&1 &
apart=$!
trap 'kill "$apart" 2>/dev/null' INT TERM
half rest tests $(printf -- '--ignore=%s ' $APART)
rest=$?
wait "$apart"
code=$?
cat build/tests-apart.log
[ "$rest" -eq 0 ] && [ "$code" -eq 0 ]
