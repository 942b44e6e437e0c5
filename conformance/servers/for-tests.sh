# One oidc-provider for all tests of a script that sources this: what it answers is in WEBEX_OAUTH_OIDC_PROVIDER. It ends
# with the script, which holds its input open (on descriptor 8).
# shellcheck shell=bash
if have node && have npm && have python3; then
    conformance/servers/start --install oidc-provider
    answer=$(mktemp -d)
    trap 'rm -rf "$answer"' EXIT
    mkfifo "$answer/input"
    conformance/servers/start oidc-provider <"$answer/input" >"$answer/start" &
    exec 8>"$answer/input"
    for _ in $(seq 600); do
        [ ! -s "$answer/start" ] || break
        sleep 0.1
    done
    WEBEX_OAUTH_OIDC_PROVIDER=$(grep . "$answer/start")
    export WEBEX_OAUTH_OIDC_PROVIDER
else
    echo "not run: the tests with oidc-provider, there is no node, npm or python3"
    [ -z "${CI:-}" ] || echo "0 passed, 1 failed"
fi
