#!/usr/bin/env bash
# From a bare Debian 12 to the main job: sets up, builds, runs and verifies the shipped attention
# tensors on the best device here, and shows what the same description compiles to for two GPUs.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release
export PATH="$PWD/build-release/tools:$PATH"

attn-jit devices
echo
attn-jit bench --load_captured --captured_dir templates/samples --compare_to_ref -metric all
# The sample's shape: 12 heads, 512 tokens, head dim 32, f16, not causal.
for target in sm_90a gfx942; do
  echo
  attn-jit compile --target "$target" -b 1 -hq 12 -sq 512 -d 32 --dtype fp16 --report
done
