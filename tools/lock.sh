#!/bin/sh
# Renews the lock file: every extra and the build system, exact versions, all hashes of the ordinary index and of nothing else.
# usage: tools/lock.sh PYTHON LOCK
set -eu
python=$1 lock=$2
env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
    "$python" -m piptools compile --quiet --upgrade --all-extras --all-build-deps --generate-hashes --allow-unsafe --strip-extras \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file "$lock" setup.py
