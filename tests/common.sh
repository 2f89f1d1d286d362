# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share; sourced, never run, so that its variables are used elsewhere.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Downloads that outlive a checkout: Kafka's jars, cargo-deny, the Python environment.
cache=${TAILRACE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tailrace-tests}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        have sudo || die "$1 needs root: run as root or install sudo"
        sudo "$@"
    fi
}
