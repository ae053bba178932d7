#!/bin/sh
# Runs each fuzz target for FUZZTIME: a time, by default 30s, or a number of inputs
# such as 500x.
set -eu
cd "$(dirname "$0")/.."
packages=$(go list ./pkg/...) # such as databrain-rotation/pkg/audit
ran=0
for package in $packages; do
    dir=${package#*/}
    targets=$(grep -hso '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -d' ' -f2)
    for target in $targets; do
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
