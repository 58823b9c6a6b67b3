#!/usr/bin/env bash
# All tests, formatting and lint on the release build: the last line counts them.
#   scripts/test.sh [lit arguments...]      e.g. scripts/test.sh -v --filter=lint
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh tests
scripts/build.sh release all attn-test-depends
# The S3 server of the tests, where PyPI is reached; without it remote-s3.test is skipped by name.
python3 test/runtime/store/remote/make_venv.py build-release || true
exec test/run.py build-release "$@"
