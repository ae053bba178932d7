#!/bin/sh
# Runs each fuzz target for FUZZTIME: a time, by default 30s, or a number of inputs
# such as 500x.
set -eu
cd "$(dirname "$0")/.."
dirs=$(go list -f '{{.Dir}}' ./pkg/...)
ran=0
for dir in $dirs; do
    for target in $(cat "$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p'); do
        echo "fuzz: $target"
        (cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" .)
        ran=$((ran + 1))
    done
done
if [ "$ran" = 0 ]; then
    echo "fuzz: there is no target" >&2
    exit 1
fi
echo "fuzz: $ran targets"
