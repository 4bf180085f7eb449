#!/bin/sh
# What the program prints about itself: pages that mandoc accepts, scripts that their shells accept and that complete.
# shellcheck disable=SC3044 # complete and compopt exist in the bash that runs this part
# usage: pages.sh CAPSTAN PAGE...
set -eu
capstan=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$capstan" man --list | sort > "$dir/has"
printf '%s\n' "$@" | sort > "$dir/installs"
diff -u "$dir/installs" "$dir/has" || { echo "src/cmd/generated/meson.build makes other pages than there are"; exit 1; }

for page in "$@"; do
	name=${page#capstan}
	# shellcheck disable=SC2086 # the program's own page has no name
	"$capstan" man ${name#-} > "$dir/$page.1"
	if command -v mandoc > /dev/null; then
		mandoc -Tlint -Wwarning "$dir/$page.1"
	fi
done

for shell in bash zsh fish; do
	"$capstan" completion "$shell" > "$dir/$shell"
	if command -v "$shell" > /dev/null; then
		"$shell" -n "$dir/$shell"
	fi
done

# complete WORD... : what bash offers for the last word, in one line
complete() {
	bash --norc -c '
		source "$1"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
		_capstan
		printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' _ "$dir/bash" "$@"
}
expect() {
	wanted=$1
	shift
	got=$(complete "$@")
	[ "$got" = "$wanted" ] || { echo "complete $*: \"$got\", not \"$wanted\""; exit 1; }
}
expect 'render ' capstan ren
expect 'json yaml ' capstan render --output = ''
expect 'json ' capstan render -o j
expect 'json ' capstan --namespace web render --output = j
expect '--output= ' capstan render --ou
expect 'zsh ' capstan completion z
expect 'version ' capstan help ver
mkdir "$dir/shop"
cd "$dir"
expect 'shop ' capstan render sh

if command -v fish > /dev/null; then
	got=$(HOME=$dir fish --no-config -c "source $dir/fish; complete -C 'capstan render -o j'" 2>&1 | cut -f1)
	[ "$got" = json ] || { echo "fish completes \"$got\""; exit 1; }
fi
