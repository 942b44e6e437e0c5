# Shared by the scripts: source it first. It moves to the root of the repository.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the scripts install for themselves is kept outside of the work tree, so that a fresh clone finds it again.
TOOLS_DIR="${WEBEX_OAUTH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/webex-oauth/tools}"
PATH="$TOOLS_DIR/bin:$PATH"
export TOOLS_DIR PATH

have() { command -v "$1" >/dev/null 2>&1; }

# absolute PATH: the same from the root on, also where nothing is there (macOS has no `realpath -m`).
absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
    esac
}

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

# select_packages CARGO-ARGUMENT...: sets `selection`, which packages cargo is to take with which features. In CI it is always all of
# them: what the first stage has compiled is not compiled again with other features.
select_packages() {
    selection=("$@")
    [ -z "${CI:-}" ] || selection=(--workspace --all-features --locked)
}

# run_program CARGO-ARGUMENT...: `cargo run` for people, in place of this shell. It says what is missing and, where something
# has to be compiled, that it takes its time; on a terminal cargo shows how far it is.
run_program() {
    local quiet=(--quiet)
    have cargo || { echo "This needs Rust, and cargo is not installed: https://rustup.rs" >&2 && exit 1; }
    have cc || { echo "This needs a C compiler, and there is no cc: install gcc or clang." >&2 && exit 1; }
    if [ ! -d "${CARGO_TARGET_DIR:-target}/debug/deps" ]; then
        echo "Compiling for the first time: some minutes on a small machine." >&2
    fi
    [ ! -t 2 ] || quiet=()
    exec cargo run "${quiet[@]}" "$@"
}

# without_paths FLAG...: cargo's flags for rustc such that what is built does not say where it was built: a panic's place is in there
# with its path.
without_paths() {
    local flags=("$@" "--remap-path-prefix=$PWD=") registries="${CARGO_HOME:-$HOME/.cargo}/registry/src" registry
    # A machine that has compiled nothing so far has none.
    compgen -G "$registries/*" >/dev/null || cargo fetch --quiet --locked >&2
    for registry in "$registries"/*; do
        flags+=("--remap-path-prefix=$registry=")
    done
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
    export CARGO_ENCODED_RUSTFLAGS
}
