# Shared by the parts of scripts/dist: source it first. Standard output is for `artifact` and `failure` alone.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
: "${DIST:="$PWD/target/dist"}"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

artifact() { printf '%s\t%s\n' "$1" "$2"; }
failure() { printf 'FAILED\t%s\n' "$1"; }

# Python's tools in fixed versions, in a folder of their own; zig is the C compiler and linker for other systems.
python_tools() {
    need python3
    tools="$CARGO_TARGET_DIR/dist-tools"
    local wanted="maturin==1.16.0 ziglang==0.17.1 cargo-zigbuild==0.24.1 twine==7.0.0"
    if [ "$(cat "$tools/stamp" 2>/dev/null)" != "$wanted" ]; then
        rm -rf "$tools"
        python3 -m venv "$tools" >&2
        # shellcheck disable=SC2086
        "$tools/bin/pip" install --quiet $wanted >&2
        echo "$wanted" >"$tools/stamp"
    fi
    PATH="$tools/bin:$PATH"
}

# target TRIPLE: whether rustup has it, or can fetch it.
target() {
    [ -d "$(rustc --print target-libdir --target "$1")" ] || { have rustup && rustup target add "$1" >&2; }
}
