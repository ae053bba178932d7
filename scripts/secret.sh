#!/bin/sh
# What an operator does with the secrets by hand: see which token works, store a
# token or the admin's password, take AWSPENDING off. The program behind it asks
# Databrain before it writes, and reads what is secret from a prompt or a pipe, never
# from the command line. This script builds it and keeps the terminal from showing
# what is typed.
#
#   DATABRAIN_BASE_URL=https://databrain.example.com sh scripts/secret.sh which SECRET
set -eu
command -v go >/dev/null || {
    echo "secret.sh: needs Go; nothing was done" >&2
    exit 1
}
if [ -t 0 ]; then
    terminal=$(stty -g)
    trap 'stty "$terminal"' EXIT
    trap 'exit 130' INT TERM HUP
    stty -echo
fi
cd "$(dirname "$0")/.."
mkdir -p build
go build -o build/secret ./scripts/secret
./build/secret "$@"
