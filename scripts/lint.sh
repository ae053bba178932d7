#!/bin/sh
# Formatting, vet and linters, each at a pinned version. What a machine lacks is
# named at the end; in CI (CI=true) a missing tool is a failure.
set -eu
cd "$(dirname "$0")/.."

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
missing=

unformatted=$(gofmt -l functions pkg scripts)
if [ -n "$unformatted" ]; then
    echo "lint: run gofmt -w on: $unformatted" >&2
    exit 1
fi
echo "lint: go vet"
go vet ./...
echo "lint: go mod tidy"
go mod tidy -diff
echo "lint: staticcheck"
go run "$staticcheck" ./...
echo "lint: actionlint"
go run "$actionlint" -shellcheck= -pyflakes=
if command -v shellcheck >/dev/null; then
    echo "lint: shellcheck"
    find scripts .ci -type f \( -name '*.sh' -o -path '.ci/run' \) -exec shellcheck {} +
else
    missing="$missing shellcheck"
fi
if command -v cfn-lint >/dev/null; then
    echo "lint: cfn-lint"
    cfn-lint template.yaml
else
    echo "lint: no cfn-lint here; make e2e installs one and lints the template"
fi
if [ -n "$missing" ]; then
    echo "lint: not run, for want of the tool:$missing" >&2
    [ "${CI:-}" != true ]
fi
echo "lint: clean"
