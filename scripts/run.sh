#!/usr/bin/env bash
# SegFormer decoder and attention layers through the generated RTL, whole and with half the channels kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib/prerequisites.sh
require_tools
config="${1:-base}"
layers="decoder.*,stage4.block0.attention.*"
exec scripts/accelgen simulate --config "$config" --layers-from segformer-b0 --layers "$layers" --halves --seed 1 --json artifacts/run.json
