#!/usr/bin/env bash
# A trained SegFormer on the accelerator: its paths from whole to a fraction of the work, accuracy over cycles, three of them
# through the RTL. Takes a configuration (base) and a network; leaves artifacts/paths.html and artifacts/run.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib/prerequisites.sh
require_tools
config="${1:-base}"
network="${2:-scripts/training/models/scenes_paths.onnx}"
calibration=artifacts/scenes/calibration
images=artifacts/scenes/test
scripts/accelgen scenes --count 24 --seed 2 --out "$calibration"
scripts/accelgen scenes --count 60 --seed 4 --out "$images"
scripts/accelgen paths "$network" --calibrate "$calibration" --images "$images" --config "$config" --rtl 3 --html artifacts/paths.html --json artifacts/run.json
echo "page: artifacts/paths.html"
