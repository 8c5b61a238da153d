#!/bin/sh
# Print the first Python on this machine that can hold Roundsman's environment; fail in silence when there is none.
set -eu

for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    # pyenv's shims exist for versions that are switched off, so only running one tells.
    if "$python" -c '
import sys
import ensurepip, venv
sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
' >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
exit 1
