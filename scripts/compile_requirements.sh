#!/usr/bin/env bash
# Recompile the five pinned requirement files, hashes included, for every supported Python and platform at once.
#
# In:  pyproject.toml and requirements*.in. Needs uv (`pip install uv`); nothing else here does.
# Out: requirements.txt (the program and its bus), requirements-dev.txt (the same and the tools for tests), and
#      requirements-build.txt, requirements-fuzz.txt and requirements-audit.txt. The dev file is solved first, so that the program is tested with what users get.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-config "$@"
}

compile --upgrade pyproject.toml --extra bus --extra import --extra ccxt --extra coinbase requirements.in requirements-dev.in -o requirements-dev.txt
compile pyproject.toml --extra bus requirements.in -c requirements-dev.txt -o requirements.txt
compile --upgrade requirements-build.in -c requirements-dev.txt -o requirements-build.txt
compile --upgrade requirements-fuzz.in -o requirements-fuzz.txt
compile --upgrade requirements-audit.in -o requirements-audit.txt
