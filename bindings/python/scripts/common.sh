# Shared by the scripts of the Python binding: source it first. It moves to the root of the repository.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
root="$PWD"
here="$root/bindings/python"
work="${CARGO_TARGET_DIR:-$root/target}/python"
mkdir -p "$work"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}" PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

# Every CPython from 3.10 up that this machine has, oldest first, one path per version.
interpreters() {
    local command version
    {
        if [ -n "${PYTHONS:-}" ]; then
            printf '%s\n' $PYTHONS
        else
            for command in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
                [ -x "$command" ] && echo "$command"
            done
            local minor
            for minor in $(seq 10 20); do
                command -v "python3.$minor" || true
            done
            command -v python3
        fi
    } | while read -r command; do
        version="$("$command" -c 'import sys, sysconfig
v = sys.version_info
free = sysconfig.get_config_var("Py_GIL_DISABLED")
usable = v >= (3, 10) and sys.implementation.name == "cpython" and not free and v.releaselevel == "final"
print("%d.%d" % v[:2] if usable else "")' 2>/dev/null)" || continue
        [ -z "$version" ] || echo "$version $command"
    done | sort -t. -k2n -s | awk '!seen[$1]++ {print $2}'
}

# venv NAME PYTHON REQUIREMENT...: a virtual environment that has them; made anew when they change.
venv() {
    local folder="$work/$1" python="$2" stamp
    shift 2
    stamp="$("$python" -VV | tr '\n' ' ') $*"
    if [ ! -x "$folder/bin/python" ] || [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$folder"
        "$python" -m venv "$folder"
        "$folder/bin/pip" install --quiet "$@"
        echo "$stamp" >"$folder/stamp"
    fi
}

# build_wheel FOR: builds the wheel into $work/dist-FOR and sets $dist; scripts may run side by side.
build_wheel() {
    local python
    dist="$work/dist-$1"
    python="$(interpreters | tail -n 1)"
    [ -n "$python" ] || return 77
    venv build "$python" "maturin==1.16.0"
    rm -rf "$dist"
    "$work/build/bin/maturin" build --quiet --profile wheel --manifest-path "$here/Cargo.toml" --out "$dist" \
        --interpreter "$python" ${CI:+--locked}
}

build_simulator() {
    scripts/programs --package webex-oauth-simulator
    export WEBEX_OAUTH_SIMULATOR="$CARGO_TARGET_DIR/debug/webex-oauth-simulator"
}
