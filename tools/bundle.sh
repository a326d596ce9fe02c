#!/bin/sh
# Makes a release bundle: wheels, weights, units and the installer; the machine it is for needs no compiler and no network.
# usage: tools/bundle.sh PYTHON-OF-THE-PROJECT OUT [PYTHON-VERSION] [ARCHITECTURE]
set -eu
python=$1 out=$2 wanted=${3:-3.11} arch=${4:-$(uname -m)}
here=$(cd "$(dirname "$0")/.." && pwd)
version=$("$python" -c 'import device; print(device.__version__)')
abi=cp$(echo "$wanted" | tr -d .)

case "$arch" in x86_64 | aarch64) ;; *) echo "no bundle for $arch: x86_64 or aarch64" >&2; exit 2 ;; esac
platforms=""
for glibc in 2_36 2_35 2_34 2_31 2_28 2_27 2_26 2_24 2_17 2014; do
    case $glibc in 2014) name=manylinux2014 ;; *) name=manylinux_$glibc ;; esac
    platforms="$platforms --platform ${name}_$arch"
done

folder=$out/daka-$version-$abi-$arch
rm -rf "$folder"
mkdir -p "$folder/wheels" "$folder/weights"
echo "fetching the locked wheels for Python $wanted on $arch"
# shellcheck disable=SC2086  # one option a platform
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --python-version "$wanted" --implementation cp --abi "$abi" --abi abi3 --abi none $platforms \
    --dest "$folder/wheels" --requirement "$here/requirements/appliance.txt"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$folder/wheels" "$here"
rm -rf "$here/build/lib" "$here/build"/bdist.*
cp "$here/requirements/appliance.txt" "$folder/requirements.txt"
cached=$("$python" -c 'from device.commands.context import default_weights; print(default_weights())')
# Verified by their digests, and folded on the machine itself, in its own fastest form.
"$python" - "$cached" "$folder/weights" <<'P'
import pathlib, sys
from models import manifest, weights
cached, folder = map(pathlib.Path, sys.argv[1:])
for entry in manifest.load().of_groups(frozenset({manifest.Group.CORE})):
    (folder / entry.file).write_bytes(weights.read(cached, entry))
P
cp -R "$here/systemd/units" "$here/systemd/etc" "$folder/"
cp "$here/systemd/install.sh" "$here/systemd/activate.sh" "$here/systemd/uninstall.sh" "$here/systemd/holds.py" "$folder/"
mkdir -p "$folder/doc"
cp "$here/LICENSE" "$here"/docs/*.md "$here"/docs/*.json "$folder/doc/"
cp -RL "$here/docs/adr" "$here/docs/schemas" "$folder/doc/"
mkdir -p "$folder/doc/models"
cp "$here/models/MODEL_CARD.md" "$here/models/weights.toml" "$folder/doc/models/"
for page in README ARCHITECTURE; do
    sed 's#](docs/#](#g' "$here/$page.md" >"$folder/doc/$page.md" # their links point beside them here
done
printf '%s %s %s\n' "$version" "$wanted" "$arch" >"$folder/VERSION"
(cd "$folder" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
tar -C "$out" -cf "$folder.tar" "$(basename "$folder")" # what daka-enterprise release signs
echo "$folder"
