#!/bin/sh
# What kubectl is told when it completes `kubectl capstan ...`; that it asks is tested with a kubectl in tests/e2e.
# usage: plugin.sh CAPSTAN SCRIPT
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ln -s "$(realpath "$1")" "$dir/capstan"
cp "$2" "$dir/kubectl_complete-capstan"
mkdir "$dir/shop"
cd "$dir"

expect() {
	wanted=$1
	shift
	got=$(./kubectl_complete-capstan "$@" | tr '\n' ' ')
	[ "$got" = "$wanted " ] || { echo "$*: \"$got\", not \"$wanted \""; exit 1; }
}
expect 'sync :4' sy
expect 'yaml json :4' render -o ''
expect 'yaml json :4' render --output=
expect 'json :4' render --output=j
expect 'json :4' --namespace web render -o j
expect '--output= :6' render --ou
expect 'shop :4' render sh
expect ':4' nothing-like-this
