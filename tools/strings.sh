#!/bin/sh
# Brings the web UI's catalogues up to date with its pages and code; new strings are left empty for a translator, gone ones go.
# usage: tools/strings.sh
set -eu
cd "$(dirname "$0")/../web_ui"
bin=../.venv/bin
pot=$(mktemp)
trap 'rm -f "$pot"' EXIT
"$bin/pybabel" -q extract -F babel.cfg -k _ -k _l -k lazy_gettext -k gettext --omit-header --sort-by-file --no-location -o "$pot" .
for locale in zh_Hans_CN zh_Hant_TW; do
    "$bin/pybabel" -q update -i "$pot" -d translations -l "$locale" --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
done
