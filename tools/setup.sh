#!/bin/sh
# Makes .venv from requirements-dev.lock, and does nothing where it is up to date already.
# A stamp is written when a step is complete, so what was interrupted is made anew by the next call.
set -eu
unset PYTHONDONTWRITEBYTECODE # without bytecode every command takes two to three times as long
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
stamp() { cat ".venv/$1" 2>/dev/null || true; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or later."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed: sudo apt install python3 python3-venv, or name one: make setup PYTHON=/path/to/python3.11"
}

pip_install() { .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input "$@"; }

make_environment() {
    python=$(find_python)
    say "making .venv with $("$python" --version); a minute or two the first time ..."
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "$python" .venv
        uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r requirements-dev.lock
    else
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "Python's venv module is missing: install python3-venv: sudo apt install python3-venv"
        "$python" -m venv .venv
        pip_install --require-hashes --no-deps -r requirements-dev.lock # the lock is complete: nothing to resolve
    fi || fail "the packages could not be installed (see above); make setup starts again."
    echo "$dependencies" >.venv/.dependencies
}

install_project() {
    # Without isolation: the build backend is among the locked packages.
    if [ -x .venv/bin/pip ]; then
        pip_install --no-deps --no-build-isolation -e .
    else
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    fi || fail "the project could not be installed (see above)."
    echo "$project" >.venv/.project
    say "done."
}

command -v git >/dev/null 2>&1 || say "git is missing: nothing runs it, but the commit hooks need it: sudo apt install git"

# The folder is part of the stamp, because the scripts in .venv/bin hold its path.
dependencies="$(cksum <requirements-dev.lock) $PWD"
project="$(cksum <pyproject.toml)"

if [ "$(stamp .dependencies)" != "$dependencies" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    make_environment
fi
if [ "$(stamp .project)" != "$project" ]; then
    install_project
fi
