#!/bin/sh
# Makes .venv hold what a lock file names, and costs next to nothing when it already does.
# Usage: tools/install.sh requirements.lock
set -eu

lock=$1
stamp=.venv/installed-$(basename "$lock" .lock)
wanted=$(cksum <"$lock")

if .venv/bin/python -c "" 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Rollbook needs Python 3.11 or later; ${PYTHON:-python3} is" \
        "$("${PYTHON:-python3}" --version 2>&1 || true). Install one, and name it if it is" \
        "not on PATH: make PYTHON=/path/to/python3" >&2
    return 1
}

if ! is_recent .venv/bin/python; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)" >&2
    rm -rf .venv
    if ! "$python" -m venv .venv >&2; then
        rm -rf .venv
        echo "On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "Installing what $lock names" >&2
.venv/bin/python -m pip --disable-pip-version-check --quiet --quiet --no-input install \
    --no-compile --no-deps --require-hashes --requirement "$lock"
install -m 755 tools/rollbook .venv/bin/rollbook
echo "$wanted" >"$stamp"
if [ "$lock" = requirements-dev.lock ]; then
    # It names all that requirements.lock names.
    cksum <requirements.lock >.venv/installed-requirements
fi
