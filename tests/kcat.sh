#!/usr/bin/env bash
# What kcat can do with a broker: metadata, records with every codec, keys and headers, reading from an offset and
# from a time, groups that go on where they stopped.
#
#   tests/kcat.sh BROKER_ADDR
#
# Works on any Kafka broker that creates topics when they are used. Topics and groups have names of their own each
# time. The exit status is not 0 when anything is not as it should be.
set -euo pipefail

broker=${1:?usage: kcat.sh BROKER_ADDR}
run=kcat-$$-$(date +%s)
timeout=60
failed=0

k() {
    timeout "$timeout" kcat -b "$broker" -q "$@"
}

# expect WHAT EXPECTED ACTUAL
expect() {
    if [ "$2" == "$3" ]; then
        echo "ok: $1"
    else
        printf 'FAILED: %s\n  expected: %.200q\n  actual:   %.200q\n' "$1" "$2" "$3"
        failed=1
    fi
}

# All records of partition 0 from an offset on, in a format.
read_from() {
    k -C -t "$1" -p 0 -o "$2" -e -f "$3"
}

codecs() {
    local codec
    for codec in none gzip snappy lz4 zstd; do
        seq 1 1000 | k -P -t "$run-$codec" -p 0 -z "$codec" -X enable.idempotence=true
        expect "1000 records with codec $codec" "$(seq 1 1000)" "$(read_from "$run-$codec" beginning '%s\n')"
    done
}

metadata() {
    local listed
    listed=$(k -L -t "$run-none")
    expect "metadata names the broker" 1 "$(grep -c '^ 1 brokers:' <<<"$listed")"
    expect "metadata names the topic" 1 "$(grep -c "topic \"$run-none\"" <<<"$listed")"
}

keys_and_headers() {
    echo "key:value" | k -P -t "$run-keys" -p 0 -K : -H name=content
    expect "keys and headers" "key value name=content" "$(read_from "$run-keys" beginning '%k %s %h')"
}

offsets() {
    expect "from an offset" "998 999" "$(read_from "$run-none" 997 '%s ' | cut -d ' ' -f 1,2)"
    expect "the last two" "999 1000 " "$(read_from "$run-none" -2 '%s ')"
    expect "numbers of offsets" "0 999" "$(read_from "$run-none" beginning '%o\n' | sed -n '1p;$p' | paste -sd ' ')"
}

# Each record comes in a run of kcat, and so in a batch, of its own.
times() {
    local between
    echo before | k -P -t "$run-times" -p 0
    between=$(($(read_from "$run-times" beginning '%T') + 1))
    while [ "$(date +%s%3N)" -le "$between" ]; do :; done
    echo after | k -P -t "$run-times" -p 0
    expect "from a time" "after" "$(k -C -t "$run-times" -p 0 -o "s@$between" -e -f '%s')"
    expect "offset of a time" "$run-times [0] offset 1" "$(k -Q -t "$run-times:0:$between")"
    expect "offset of the end" "$run-times [0] offset 2" "$(k -Q -t "$run-times:0:-1")"
}

group_read() {
    k -G "$run-group" -c "$1" -X auto.offset.reset=earliest -X enable.auto.offset.store=true -f '%s ' "$run-group"
}

groups() {
    seq 1 4 | k -P -t "$run-group" -p 0
    expect "a group reads from the beginning" "1 2 " "$(group_read 2)"
    expect "and goes on where it stopped" "3 4 " "$(group_read 2)"
}

codecs
metadata
keys_and_headers
offsets
times
groups
exit "$failed"
