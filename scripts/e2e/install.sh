#!/bin/sh
# Installs what the end-to-end run needs, outside the repository: the SAM CLI
# copies the whole of it for each function that it builds.
#
#   install.sh tools       the SAM CLI, cfn-lint, moto; prints their folder in the user's cache
#   install.sh localstack  LocalStack; prints its folder likewise
#   install.sh ministack   ministack, likewise
#   install.sh iam         a simulator of IAM; prints its folder likewise
#   install.sh readers     what reads the reports: models and schema of OCSF; prints their folder likewise
#   install.sh page        what reads the page: axe-core; prints its folder likewise
#   install.sh ruler       AWS's event-ruler; prints its folder likewise
#   install.sh desktop     Debian's LibreOffice, Chromium, jq and Poppler
#   install.sh cli         Debian's AWS CLI 2
#   install.sh engine      Debian's Docker engine and a static shell for a base image
set -eu
here=$(dirname "$0")

# venv NAME PINS PYTHON makes a virtual environment once for each list of pins.
venv() {
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/databrain-rotation/$1-$(cksum <"$2" | cut -d' ' -f1)
	if [ ! -e "$venv/complete" ]; then
		# Debian's Python comes without the means to make an environment.
		"$3" -c 'import ensurepip' 2>/dev/null || debian python3-venv
		rm -rf "$venv"
		"$3" -m venv "$venv" >&2
		"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$2" >&2
		touch "$venv/complete"
	fi
	echo "$venv"
}

# python is a Python of 3.12 or later, for LocalStack. Debian 12 has 3.11; pyenv and
# GitHub's runners keep others where PATH does not lead.
python() {
	for candidate in python3 python3.13 python3.12 "$HOME"/.pyenv/versions/3.1[2-3]*/bin/python3 \
		/opt/hostedtoolcache/Python/3.1[2-3]*/x64/bin/python3; do
		if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
			echo "$candidate"
			return
		fi
	done
	echo "it needs Python 3.12 or later, as python3.12 in PATH" >&2
	exit 1
}

# modules NAME installs the modules that a folder beside this file locks. It needs Node
# and its npm.
modules() {
	modules=${XDG_CACHE_HOME:-$HOME/.cache}/databrain-rotation/$1-modules-$(cksum <"$here/$1/package-lock.json" | cut -d' ' -f1)
	if [ ! -e "$modules/complete" ]; then
		command -v npm >/dev/null || debian nodejs npm
		rm -rf "$modules"
		mkdir -p "$modules"
		cp "$here/$1/package.json" "$here/$1/package-lock.json" "$modules"
		npm --prefix "$modules" ci --silent --no-audit --no-fund --ignore-scripts >&2
		touch "$modules/complete"
	fi
	echo "$modules"
}

# ruler downloads the library. It needs Maven and a Java that compiles.
ruler() {
	ruler=${XDG_CACHE_HOME:-$HOME/.cache}/databrain-rotation/ruler-$(cksum <"$here/ruler/pom.xml" | cut -d' ' -f1)
	if [ ! -e "$ruler/complete" ]; then
		{ command -v mvn && command -v javac; } >/dev/null || debian maven default-jdk-headless
		rm -rf "$ruler"
		mvn --quiet --batch-mode --strict-checksums --file "$here/ruler/pom.xml" \
			dependency:copy-dependencies -DoutputDirectory="$ruler" >&2
		touch "$ruler/complete"
	fi
	echo "$ruler"
}

# desktop installs what is missing; the whole of it takes half a minute.
desktop() {
	command -v chromium || command -v google-chrome || debian chromium
	for tool in soffice jq pdftotext; do
		command -v "$tool" || debian libreoffice-calc jq poppler-utils
	done
}

engine() {
	debian docker.io busybox-static iproute2
	# Later releases of Debian have the client in a package of its own.
	command -v docker >/dev/null || debian docker-cli
}

# debian installs packages, and waits for another installation to end. A user who is not
# root needs a sudo that asks for no password.
debian() {
	if [ "$(id -u)" = 0 ]; then
		sudo=
	elif sudo -n true; then
		sudo='sudo -n'
	else
		echo "install these packages of Debian as root, then run this again: $*" >&2
		exit 1
	fi
	set -- -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq -y --no-install-recommends install "$@"
	$sudo apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq update >&2
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@" >&2
}

case $1 in
tools) venv e2e "$here/requirements.txt" python3 ;;
localstack)
	newer=$(python)
	venv localstack "$here/localstack/requirements.txt" "$newer"
	;;
iam) modules iam ;;
readers) venv readers "$here/readers/requirements.txt" python3 ;;
page) modules readers ;;
ruler) ruler ;;
desktop) desktop >/dev/null ;;
ministack)
	newer=$(python)
	venv ministack "$here/ministack/requirements.txt" "$newer"
	;;
cli) debian awscli ;;
engine) engine ;;
esac
