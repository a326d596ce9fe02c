#!/bin/sh
# Makes the virtual environment from the lock file: exact versions, every hash checked, then the project itself, editable.
# usage: tools/environment.sh VENV LOCK
set -eu
venv=$1 lock=$2

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
echo "installing the locked dependencies into $venv (900 MB on disk; some minutes, once)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
# setuptools tells everybody that an editable installation shadows folders of the same name: here they are the same folders
PYTHONWARNINGS="ignore:Editable installation" \
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
