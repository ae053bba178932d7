#!/bin/sh
# Installs what the end-to-end run needs, outside the repository: the SAM CLI
# copies the whole of it for each function that it builds.
#
#   install.sh tools    a virtual environment in the user's cache; prints its folder
#   install.sh engine   Debian's Docker engine and a static shell for a base image
set -eu

tools() {
	pins=$(dirname "$0")/requirements.txt
	sum=$(cksum <"$pins" | cut -d' ' -f1)
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/databrain-rotation/e2e-$sum
	if [ ! -e "$venv/complete" ]; then
		rm -rf "$venv"
		python3 -m venv "$venv" >&2
		"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$pins" >&2
		touch "$venv/complete"
	fi
	echo "$venv"
}

engine() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >&2
	apt-get install -qq -y --no-install-recommends docker.io busybox-static iproute2 >&2
	# Later releases of Debian have the client in a package of its own.
	command -v docker >/dev/null || apt-get install -qq -y --no-install-recommends docker-cli >&2
}

"$1"
