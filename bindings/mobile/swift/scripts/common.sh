# Shared by the Swift scripts: source it first. It moves to the root of the repository.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../../../../scripts/lib.sh"
. bindings/mobile/scripts/lib.sh

package=bindings/mobile/swift
target=$(absolute "${CARGO_TARGET_DIR:-target}")
build="$target/swift/build"
mkdir -p "$target/swift"
# The library that everything is linked with: `mobile` is the small one that apps carry.
profile=${WEBEX_OAUTH_SWIFT_LIBRARY:-debug}

# The machine's own Swift where it is new enough, else one that is unpacked beside the system.
find_swift() {
    if have swift && swift --version 2>/dev/null | grep -Eq 'Swift version ([6-9]|[1-9][0-9])\.'; then
        launcher=()
    else
        local launch
        launch=$("$PWD/scripts/swift-setup") || {
            # Why not; the status says the rest.
            local status=$?
            echo "$launch"
            exit "$status"
        }
        launcher=("$launch")
    fi
}

# in_swift COMMAND...: with Swift on the path.
in_swift() {
    WEBEX_OAUTH_LIB_DIR="$target/swift/lib/$profile" "${launcher[@]}" "$@"
}

# The same, in place of this shell.
exec_swift() {
    WEBEX_OAUTH_LIB_DIR="$target/swift/lib/$profile" exec "${launcher[@]}" "$@"
}

build_library() {
    local from="$target/$profile"
    if [ "$profile" = mobile ]; then
        bindings/mobile/scripts/library >"$target/swift/library.log"
        from="$target/library/$(rustc -vV | sed -n 's/^host: //p')"
    else
        cargo build --quiet --package webex-oauth-mobile
    fi
    # Swift links this path.
    copy_library "$from" "$target/swift/lib/$profile"
}

# swift_build ARGUMENT...: one build at a time; shows what the compiler said only where it failed.
swift_build() {
    local log="$target/swift/build.log"
    (
        flock 9
        in_swift swift build --package-path "$package" --scratch-path "$build" "$@" >"$log" 2>&1 ||
            { cat "$log" >&2 && exit 1; }
    ) 9>"$target/swift/.lock"
}
