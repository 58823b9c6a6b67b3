#!/usr/bin/env bash
# Sets up the machine, configures a preset and builds it: scripts/build.sh [PRESET [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
scripts/setup.sh
[ -f "build-$preset/build.ninja" ] || cmake --preset "$preset"
targets=()
[ $# -eq 0 ] || targets=(--target "$@")
cmake --build --preset "$preset" "${targets[@]}"
