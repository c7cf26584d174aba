#!/usr/bin/env bash
# All benchmarks; the report goes to docs/benchmarks with the machine and the versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib/prerequisites.sh
require_tools
dotnet build testbench/AccelGen.Bench -c Release -v q --nologo >&2
dotnet build generator/AccelGen.Cli -c Release -v q --nologo >&2
exec dotnet artifacts/bin/AccelGen.Bench/release/accelgen-bench.dll all "${1:-docs/benchmarks/latest.md}" "${2:-docs/benchmarks/latest.json}"
