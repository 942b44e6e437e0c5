# Shared by the scripts: source it first. It moves to the root of the repository.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the scripts install for themselves is kept outside of the work tree, so that a fresh clone finds it again.
TOOLS_DIR="${WEBEX_OAUTH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/webex-oauth/tools}"
PATH="$TOOLS_DIR/bin:$PATH"
export TOOLS_DIR PATH

have() { command -v "$1" >/dev/null 2>&1; }

# not_run WHY: this stage or check cannot run on this machine. A failure when CI is set.
not_run() {
    echo "not run: $*"
    exit 77
}

# not_needed WHY: the same, and nobody expects it to run here. Never a failure.
not_needed() {
    echo "not needed: $*"
    exit 77
}

# need COMMAND...: the toolchain of this stage.
need() {
    local command
    for command in "$@"; do
        have "$command" || not_run "$command is not installed"
    done
}
