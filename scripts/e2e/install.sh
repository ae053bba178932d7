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
		# Debian's Python comes without the means to make an environment.
		if ! python3 -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ]; then
			debian python3-venv
		fi
		rm -rf "$venv"
		python3 -m venv "$venv" >&2
		"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$pins" >&2
		touch "$venv/complete"
	fi
	echo "$venv"
}

engine() {
	debian docker.io busybox-static iproute2
	# Later releases of Debian have the client in a package of its own.
	command -v docker >/dev/null || debian docker-cli
}

# debian installs packages, and waits for another installation to end.
debian() {
	export DEBIAN_FRONTEND=noninteractive
	set -- -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq -y --no-install-recommends install "$@"
	apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq update >&2
	apt-get "$@" >&2
}

"$1"
