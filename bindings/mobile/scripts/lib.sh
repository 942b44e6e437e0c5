# Shared by the scripts of Kotlin and Swift: source it.
# shellcheck shell=bash

# copy_library FROM TO: a copy of our own of the native library, since cargo's is replaced while others build.
copy_library() {
    local name
    mkdir -p "$2"
    for name in libwebex_oauth_mobile.so libwebex_oauth_mobile.dylib; do
        if [ -e "$1/$name" ]; then
            cp -f "$1/$name" "$2/.$name.new"
            mv -f "$2/.$name.new" "$2/$name"
        fi
    done
}
