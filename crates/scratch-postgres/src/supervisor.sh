# Owns one throwaway server: creates its directory, starts it, and removes everything when standard
# input closes. The kernel closes that pipe when the starting process ends, even by SIGKILL, so
# nothing is left behind.
#
# usage: sh -c "$THIS" supervisor BIN [ARG…]     (BIN: the directory of initdb and postgres)
# Further arguments are passed to postgres after ours. Prints `ready DIRECTORY`, or `failed` and the
# reason. On a line `crash` on standard input, it kills the server, starts it again and prints the same.

bin=$1
shift

# Ignore the signals that end the starting process, so that the cleanup runs. PIPE: the reader of
# `ready` may have ended.
trap '' INT TERM HUP QUIT PIPE

umask 077
cd / || exit 1
# With TZ set, initdb does not search for the machine's time zone, and the result is the same everywhere.
LC_ALL=C TZ=UTC
export LC_ALL TZ
# The server would read defaults from these variables, which are meant for other servers.
unset PGDATA PGPORT PGDATESTYLE PGCLIENTENCODING

dir=
postmaster=

cleanup() {
    if [ -n "$postmaster" ]; then
        # QUIT is PostgreSQL's immediate shutdown. The data is removed, so no checkpoint is needed.
        # If the postmaster has ended by itself, it is still our unreaped child, so no other process
        # has its id.
        kill -QUIT "$postmaster"
        wait "$postmaster"
    fi
    [ -n "$dir" ] || return
    # A killed postmaster leaves postmaster.pid, and the shared-memory segment whose id is in the
    # seventh line ("KEY ID").
    segment=$(sed -n '7s/.* //p' "$dir/data/postmaster.pid")
    [ -z "$segment" ] || ipcrm -m "$segment"
    # Its backends may still be writing for a moment.
    tries=0
    until rm -rf "$dir" || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

fail() {
    printf 'failed\n%s\n' "$1"
    [ -z "$dir" ] || tail -n 25 "$dir/log"
    cleanup
    exit 1
}

# /tmp first, because the path of a socket is limited to about 100 bytes.
dir=$(mktemp -d /tmp/scratch-pg.XXXXXX) || dir=$(mktemp -d "${TMPDIR:-/tmp}/scratch-pg.XXXXXX") ||
    fail "could not create a directory in /tmp or TMPDIR"

# Trust authentication is safe, because only our user and root can reach the socket in the directory.
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
    </dev/null >"$dir/log" 2>&1 || fail "initdb failed"

# The data need not survive a crash, so nothing is synced. The dynamic shared memory is in the data
# directory (mmap), so that it is removed even if the postmaster was killed. JIT compilation makes the
# short queries of tests slower.
run() {
    "$bin/postgres" -D "$dir/data" -k "$dir" -p 5432 -c listen_addresses='' \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c wal_init_zero=off -c checkpoint_timeout=1h \
        -c dynamic_shared_memory_type=mmap -c max_connections=200 \
        -c jit=off -c logging_collector=off "$@" \
        </dev/null >>"$dir/log" 2>&1 &
    postmaster=$!
}

# The first line of postmaster.pid is the id of the postmaster, which differs from that of a killed one. The eighth line is
# the status, for which pg_ctl waits as well.
is_ready() {
    [ "$(sed -n '1p; 8s/ *$//p' "$dir/data/postmaster.pid")" = "$postmaster
ready" ]
}

tries=0
run "$@"
until is_ready; do
    kill -0 "$postmaster" || fail "postgres ended while starting"
    [ "$tries" -lt 1200 ] || fail "postgres was not ready within a minute"
    tries=$((tries + 1))
    sleep 0.05
done

printf 'ready %s\n' "$dir"

# Kills the postmaster and its children. The children are listed first, because an orphaned process has another parent. On
# systems without /proc, the children end by themselves when they next wait.
crash() {
    children=
    for stat in /proc/[0-9]*/stat; do
        read -r line <"$stat" || continue
        after=${line##*) }
        parent=${after#* }
        [ "${parent%% *}" != "$postmaster" ] || children="$children ${line%% *}"
    done
    kill -KILL "$postmaster" $children
    wait "$postmaster"
}

# The new server refuses to start until all processes of the old one have ended.
restart() {
    tries=0
    run "$@"
    until is_ready; do
        [ "$tries" -lt 1200 ] || fail "postgres was not ready within a minute of its crash"
        tries=$((tries + 1))
        sleep 0.05
        kill -0 "$postmaster" || { wait "$postmaster"; run "$@"; }
    done
    printf 'ready %s\n' "$dir"
}

# Blocks until the starting process ends or drops its server. `read` is a builtin: while waiting for a
# program, the shell would reap the postmaster, and the id could be reused.
while read -r order; do
    if [ "$order" = crash ]; then
        crash
        restart "$@"
    fi
done
cleanup
