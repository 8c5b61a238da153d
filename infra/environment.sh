#!/bin/sh
# Make or renew a virtual environment that holds exactly what requirements.lock names, and Roundsman itself.
#
#     infra/environment.sh DIRECTORY
set -eu
cd -P "$(dirname "$0")/.."
environment=$1
unset PYTHONPATH PYTHONHOME || true

# Its scripts hold the place where it was made, so one that was moved or copied runs somebody else's Python.
if ! grep -qsF "$PWD/$environment" "$environment/pyvenv.cfg" ||
    ! "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
    infra/install.sh --python
    python=$(infra/python.sh)
    echo "Making $environment with $("$python" --version) ($python)"
    "$python" -m venv --clear "$environment"
fi

pip() {
    "$environment/bin/python" -m pip --no-input --disable-pip-version-check "$@"
}

echo "Installing the $(grep -c '^[^ #]' requirements.lock) locked packages into $environment (a minute or two the first time)"
# What builds a package is locked like the rest: build tools first, then no build may fetch its own.
awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements.lock >"$environment/build.lock"
pip install -qq --require-hashes --no-deps -r "$environment/build.lock"
pip install -qq --require-hashes --no-deps --no-build-isolation --use-pep517 -r requirements.lock
pip install -qq --no-deps --no-build-isolation --editable .
echo "Ready: $environment/bin/roundsman. Next: make scan"
