# Shared by the Kotlin scripts: source it first. It moves to the root of the repository.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../../../../scripts/lib.sh"
. bindings/mobile/scripts/lib.sh

package=bindings/mobile/kotlin
target=$(absolute "${CARGO_TARGET_DIR:-target}")
out="$target/kotlin"
mkdir -p "$out/lib"

# One build at a time, until the script ends.
lock() {
    exec 9>"$out/.lock"
    flock 9
}

# The native library, the simulator, and the bindings of the library.
build_natives() {
    cargo build --quiet --package webex-oauth-mobile
    scripts/programs --package webex-oauth-simulator
    copy_library "$target/debug" "$out/lib"
    cp -f "$target/debug/webex-oauth-simulator" "$out/lib/.simulator.new"
    mv -f "$out/lib/.simulator.new" "$out/lib/webex-oauth-simulator"
    generate
}

# Writes the bindings into $out/generated. What is the same as before is left alone, so that nothing is compiled again.
generate() {
    local fresh="$out/generated.new" library=("$out/lib"/libwebex_oauth_mobile.*)
    local file="$fresh/io/github/webexoauth/webex_oauth.kt"
    # Without options the generator is built once and stays: cargo sees that nothing has changed.
    scripts/programs --package webex-oauth-mobile --features bindgen
    rm -rf "$fresh"
    "$target/debug/uniffi-bindgen" generate "${library[0]}" -l kotlin -o "$fresh" --no-format >&2
    # uniffi answers half a surrogate pair with an untyped exception of the JDK; every text goes through this one function.
    sed -i '/^    fun toUtf8(value: String): ByteBuffer {$/,/^    }$/c\
    fun toUtf8(value: String): ByteBuffer = io.github.webexoauth.client.utf8(value)' "$file"
    [ "$(grep -c 'client\.utf8(value)' "$file")" = 1 ] || {
        echo "the generated bindings are not what $package/scripts/common.sh knows: toUtf8" >&2
        return 1
    }
    # What is written by hand says of each declaration whether it is public (-Xexplicit-api=strict); this file is all public.
    sed -i '1,/^@file:Suppress/s/^@file:Suppress("NAME_SHADOWING")$/@file:Suppress("NAME_SHADOWING", "NO_EXPLICIT_VISIBILITY_IN_API_MODE", "NO_EXPLICIT_RETURN_TYPE_IN_API_MODE")/' "$file"
    grep -q '^@file:Suppress.*API_MODE' "$file" || {
        echo "the generated bindings are not what $package/scripts/common.sh knows: Suppress" >&2
        return 1
    }
    # A variant that holds nothing prints its name, and not an address.
    sed -i 's/^    object \([A-Za-z]* : [A-Za-z]*()\)$/    data object \1/' "$file"
    grep -q '^    data object Expired : SignInReason()$' "$file" || {
        echo "the generated bindings are not what $package/scripts/common.sh knows: object" >&2
        return 1
    }
    if ! diff -r "$fresh" "$out/generated" >/dev/null 2>&1; then
        rm -rf "$out/generated"
        mv "$fresh" "$out/generated"
    fi
    rm -rf "$fresh"
}

# maven ARGUMENT...: shows what it said only where it failed.
maven() {
    # A compiler that runs once is faster without the compiler that compiles it well.
    MAVEN_OPTS="${MAVEN_OPTS:--XX:TieredStopAtLevel=1}" mvn --batch-mode --quiet --file "$package/pom.xml" -Dwebex.target="$out" "$@" >"$out/maven.log" 2>&1 ||
        { cat "$out/maven.log" >&2 && return 1; }
}

# Everything compiled, tests and harnesses too, and the class path in $out/classpath.
compile() {
    build_natives
    local stamp="$out/compiled" newer
    newer=$([ ! -e "$stamp" ] || find "$package/pom.xml" "$package/src" "$package/junit/src" "$package/example/src" "$out/generated" -newer "$stamp" -print -quit)
    if [ -e "$stamp" ] && [ -z "$newer" ]; then return; fi
    rm -rf "$stamp" "$out/maven/classes" "$out/maven/test-classes"
    touch "$stamp.begun"
    maven test-compile dependency:build-classpath -Dmdep.outputFile="$out/classpath" -Dmdep.includeScope=test
    # What changed while it ran is newer than this.
    mv "$stamp.begun" "$stamp"
}

# The library that apps carry, into $small, and what is to say about its size.
build_small() {
    # shellcheck disable=SC2034
    small="$target/library/$(rustc -vV | sed -n 's/^host: //p')"
    bindings/mobile/scripts/library
}

# The version of this library.
version() {
    sed -n 's#^  <version>\(.*\)</version>$#\1#p' "$package/pom.xml"
}

# exec_java CLASS ARGUMENT...: a program of the tests, in place of this shell. JAVA_FLAGS come before.
exec_java() {
    # shellcheck disable=SC2086
    exec java -Xshare:auto ${JAVA_FLAGS:-} -Djna.library.path="${LIBRARY:-$out/lib}" \
        -cp "$out/maven/classes:$out/maven/test-classes:$(cat "$out/classpath")" "$@"
}
