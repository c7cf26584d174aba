# Sourced by the other scripts: finds out what is missing and installs it, or says what to install.
# ACCELGEN_NO_INSTALL=1 only says.

require_tools() {
  local missing=() packages=()
  need() { command -v "$1" >/dev/null 2>&1 || { missing+=("$1"); packages+=("$2"); }; }
  need verilator verilator
  need g++ g++
  if ! command -v dotnet >/dev/null 2>&1 || ! dotnet --list-sdks | grep -q '^10\.'; then
    echo "error: the .NET 10 SDK is missing: install it as https://dotnet.microsoft.com describes, then run this again" >&2
    exit 3
  fi
  install_packages
}

# A browser, for the tests of pages.
require_browser() {
  local missing=() packages=()
  if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
    missing+=(chromium)
    packages+=(chromium fonts-dejavu-core)
  fi
  install_packages
}

# What maps the RTL to gates and times it: Yosys, OpenSTA and the OSU 180 nm library of the distribution.
require_synthesis() {
  local missing=() packages=()
  command -v yosys >/dev/null 2>&1 || { missing+=(yosys); packages+=(yosys); }
  command -v sta >/dev/null 2>&1 || { missing+=(sta); packages+=(opensta); }
  [ -f /usr/share/qflow/tech/osu018/osu018_stdcells.lib ] || { missing+=("the OSU 180 nm library"); packages+=(qflow-tech-osu018); }
  install_packages
}

# Installs what the caller's arrays "missing" and "packages" list.
install_packages() {
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo"; else sudo="none"; fi
  fi
  if [ "${ACCELGEN_NO_INSTALL:-0}" = 1 ] || [ "$sudo" = none ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "error: missing: ${missing[*]}. Install them (Debian, Ubuntu: apt-get install ${packages[*]}), then run this again" >&2
    exit 3
  fi
  echo "installing ${packages[*]}" >&2
  local log
  log=$(mktemp)
  if ! { DEBIAN_FRONTEND=noninteractive $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y "${packages[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "error: apt-get could not install ${packages[*]}; its last lines are above" >&2
    exit 3
  fi
  rm -f "$log"
}

# Yosys with the slang front end, for accelgen check: from npm into scripts/yosys/node_modules, versions by its lock file.
# Without it the check says NOT CHECKED; that is no error here.
offer_yosys() {
  local folder="scripts/yosys" missing=() packages=() log
  if [ -n "${ACCELGEN_YOSYS:-}" ] || [ "$folder/node_modules/.complete" -nt "$folder/package-lock.json" ]; then return 0; fi
  if [ "${ACCELGEN_NO_INSTALL:-0}" = 1 ]; then
    echo "note: $folder is not installed (cd $folder && npm ci): the synthesis front end stays unchecked" >&2
    return 0
  fi
  command -v npm >/dev/null 2>&1 || { missing+=(npm); packages+=(npm); }
  # In a subshell: what ends the other scripts is a note here.
  if ! (install_packages); then
    echo "note: without npm the synthesis front end stays unchecked" >&2
    return 0
  fi
  echo "installing Yosys from npm into $folder" >&2
  log=$(mktemp)
  if (cd "$folder" && npm ci --no-audit --no-fund) >"$log" 2>&1 && "$folder/node_modules/node/bin/node" "$folder/read.mjs" -V >>"$log" 2>&1; then
    touch "$folder/node_modules/.complete"
  else
    tail -n 10 "$log" >&2
    echo "note: npm could not install Yosys (its last lines are above): the synthesis front end stays unchecked" >&2
  fi
  rm -f "$log"
}
