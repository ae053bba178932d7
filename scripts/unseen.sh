#!/bin/sh
# Builds and runs a program of scripts/ whose first question is for a credential, and
# keeps the terminal from showing what is typed, even ahead of the question.
#
#   sh scripts/unseen.sh NAME [ARGUMENT...]
set -eu
name=$1
shift
command -v go >/dev/null || {
    echo "$name.sh: needs Go; nothing was done" >&2
    exit 1
}
if [ -t 0 ]; then
    terminal=$(stty -g)
    trap 'stty "$terminal"' EXIT
    trap 'exit 130' INT TERM HUP
    stty -echo
fi
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$root/build/scripts"
go build -C "$root" -buildvcs=false -ldflags "-X main.version=${VERSION:-dev}" -o build/scripts/ "./scripts/$name"
"$root/build/scripts/$name" "$@"
