#!/usr/bin/env bash
# What kcat can do with a broker: metadata, records with every codec, keys and headers, reading from an offset and
# from a time, groups that share partitions and go on where they stopped, static members, transactions, connections that are
# cut, brokers that are killed.
#
#   tests/kcat.sh BROKER_ADDR
#
# Works on any Kafka broker that creates topics when they are used. Topics and groups have names of their own each
# time. The exit status is not 0 when anything is not as it should be. The last two cases need programs of
# tests/support/examples: TAILRACE_TEST_LOSSY_PROXY, TAILRACE_TEST_CRASHING_NODE and TAILRACE_TEST_KILLS say which.
set -euo pipefail

broker=${1:?usage: kcat.sh BROKER_ADDR}
run=kcat-$$-$(date +%s)
timeout=120
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

# member NAME SETTING...: a member of a group until it is ended; what it reads and says goes into files of its name.
member() {
    kcat -b "$broker" -u -G "$run-members" -X auto.offset.reset=earliest -X session.timeout.ms=30000 \
        -X heartbeat.interval.ms=100 "${@:2}" -f '%s\n' "$run-members" >"$work/$1" 2>"$work/$1.log" &
    members[$1]=$!
}

end_member() {
    kill "${members[$1]}"
    wait "${members[$1]}" || true
}

# wait_for FILE PATTERN [COUNT]: waits until a file has so many lines like this.
wait_for() {
    timeout "$timeout" grep -E -m "${3-1}" "$2" <(timeout "$timeout" tail -n +1 -f "$work/$1" 2>&1) >"$work/found"
}

# The members that have the partition, by the last that each said.
holders() {
    local name
    for name in "$@"; do
        if grep rebalanced "$work/$name.log" | tail -n 1 | grep -q 'assigned:.*\[0\]'; then echo "$name"; fi
    done
}

# Of two members one has the only partition; the other inherits it.
two_members() {
    local -A members=() heir=([first]=second [second]=first)
    local holder
    seq 1 2 | k -P -t "$run-members" -p 0
    member first
    wait_for first '^2$'
    member second
    wait_for second.log 'assigned:'
    wait_for first.log 'assigned:' 2
    holder=$(holders first second)
    expect "one of two members has the partition" 1 "$(wc -w <<<"$holder")"
    end_member "$holder"
    seq 3 4 | k -P -t "$run-members" -p 0
    wait_for "${heir[$holder]}" '^4$'
    end_member "${heir[$holder]}"
    expect "the other inherits it, and nothing is read twice" "1 2 3 4" \
        "$(sort "$work/first" "$work/second" | paste -sd ' ')"
}

# The time-out is so long that the second could not have the partition unless it were the same member.
static_member() {
    local -A members=()
    local static=(-X group.instance.id=name -X session.timeout.ms=300000)
    member before "${static[@]}"
    wait_for before.log 'rebalanced.*assigned: .*\[0\]'
    end_member before
    seq 5 6 | k -P -t "$run-members" -p 0
    member after "${static[@]}"
    wait_for after '^6$'
    expect "a static member comes back to its partition" "5 6" "$(paste -sd ' ' "$work/after")"
    end_member after
}

# How many records are read with an isolation level.
count() {
    k -C -t "$run-txn" -p 0 -o beginning -e -X isolation.level="$1" | wc -l
}

# kcat commits at the end of its input, and aborts when it is interrupted.
transactions() {
    local deadline=$((SECONDS + timeout))
    seq 1 1000 | k -P -t "$run-txn" -p 0 -X transactional.id="$run"
    expect "a committed transaction is seen" 1000 "$(count read_committed)"
    mkfifo "$work/input"
    kcat -b "$broker" -P -t "$run-txn" -p 0 -X transactional.id="$run" <"$work/input" 2>"$work/txn.log" &
    exec 5>"$work/input"
    seq 1001 3000 >&5
    until [ "$(count read_uncommitted)" -gt 1000 ]; do [ $SECONDS -lt $deadline ]; done
    kill -INT $!
    exec 5>&-
    wait $! || true
    expect "an aborted one is not" 1000 "$(count read_committed)"
}

# Small batches, and errors that pass do not end kcat.
persistent=(-E -q -X enable.idempotence=true -X batch.num.messages=10 -X linger.ms=0 -X message.timeout.ms=0
    -X reconnect.backoff.ms=10 -X reconnect.backoff.max.ms=50 -X retry.backoff.ms=10)

# Starts a program that is talked to over descriptors 3 and 4 until the latter is closed.
start() {
    coproc PROGRAM { "$@"; }
    exec 3<&"${PROGRAM[0]}" 4>&"${PROGRAM[1]}"
    eval "exec ${PROGRAM[0]}<&- ${PROGRAM[1]}>&-"
}

cut_connections() {
    local address lost
    start "$TAILRACE_TEST_LOSSY_PROXY" "$broker"
    read -r address <&3
    seq 1 3000 | timeout "$timeout" kcat -b "$address" -P -t "$run-cuts" -p 0 "${persistent[@]}" 2>"$work/cuts.log"
    exec 4>&-
    read -r lost <&3
    expect "connections were cut" yes "$([ "$lost" -gt 0 ] && echo yes)"
    expect "records whose acknowledgements were cut off are there once" \
        "$(seq 1 3000)" "$(read_from "$run-cuts" beginning '%s\n')"
}

# Numbers, and a kill -9 after each two hundred of them.
numbers_and_kills() {
    local kill
    for ((kill = 0; kill < TAILRACE_TEST_KILLS; kill++)); do
        seq $((200 * kill + 1)) $((200 * kill + 200))
        echo kill >&4
        read -r <&3
    done
}

killed_broker() {
    local broker node
    read -ra node <<<"$TAILRACE_TEST_CRASHING_NODE"
    start "${node[@]}"
    read -r broker <&3
    numbers_and_kills | timeout $((120 + 20 * TAILRACE_TEST_KILLS)) kcat -b "$broker" -P -t "$run-kills" -p 0 "${persistent[@]}" 2>"$work/kills.log" 3<&- 4>&-
    expect "acknowledged records are there once after kill -9" \
        "$(seq 1 $((200 * TAILRACE_TEST_KILLS)))" "$(read_from "$run-kills" beginning '%s\n')"
    exec 4>&-
    wait
}

codecs
metadata
keys_and_headers
offsets
times
groups
two_members
static_member
transactions
cut_connections
killed_broker
exit "$failed"
