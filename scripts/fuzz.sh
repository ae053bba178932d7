#!/bin/sh
# Runs each fuzz target for FUZZTIME: a time, by default 30s, or a number of inputs
# such as 500x.
set -eu
cd "$(dirname "$0")/.."
go list -f '{{.Dir}}' ./pkg/... | while read -r dir; do
    grep -hso 'func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -d' ' -f2 | while read -r target; do
        echo "fuzz: $target"
        (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" .)
    done
done
