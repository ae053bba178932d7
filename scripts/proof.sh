#!/bin/sh
# The long form of the rotation proof. -proof.complete runs all pairs of faults;
# the audit runs at full size, 10,000 data apps, which the race detector of make
# test makes too slow; each fuzz target then runs for FUZZTIME (default 30s).
set -eu
cd "$(dirname "$0")/.."
go test -count=1 -timeout 60m ./pkg/rotation -args -proof.complete -rapid.checks=2000
go test -count=1 ./pkg/audit/collect ./pkg/audit/report
go test -count=1 ./pkg/audit ./pkg/audit/finding -args -rapid.checks=1000
sh scripts/fuzz.sh
