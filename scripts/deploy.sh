#!/bin/sh
# sam build and sam deploy --guided, for the architecture of the stack. The answers of
# earlier deployments lie in samconfig.toml. Any --parameter-overrides would take the
# place of all of them at once, so it is given only where there are none yet.
# $1 is arm64, x86_64, or empty for what was deployed before, at first arm64.
set -eu
cd "$(dirname "$0")/.."
deployed=
if [ -f samconfig.toml ]; then
    deployed=$(sed -n -E '/^[[:space:]]*#/d; s/.*Architecture *= *[\\"]*(arm64|x86_64).*/\1/p' samconfig.toml | sort -u | tr '\n' ' ')
    deployed=${deployed% }
    deployed=${deployed:-arm64}
fi
architecture=${1:-${deployed:-arm64}}
if [ "$architecture" != "${deployed:-$architecture}" ] || [ "${architecture#* }" != "$architecture" ]; then
    echo "deploy: by samconfig.toml the stack is for $deployed (arm64 if it names no Architecture);" \
        "let its parameter_overrides name the one to deploy, and no other, then deploy again" >&2
    exit 1
fi

GOARCH=arm64
[ "$architecture" = arm64 ] || GOARCH=amd64
export GOARCH
sam build --parameter-overrides "Architecture=$architecture"
if [ -n "$deployed" ]; then
    sam deploy --guided --capabilities CAPABILITY_IAM
else
    sam deploy --guided --capabilities CAPABILITY_IAM --parameter-overrides "Architecture=$architecture"
fi
