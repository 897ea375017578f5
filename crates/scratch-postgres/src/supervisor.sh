# Owns the whole life of one throwaway server: makes its directory, starts it, and removes
# everything when standard input closes. The kernel closes that pipe however the starting
# process ends, SIGKILL included, so there is no instant at which its death leaves something behind.
#
# usage: sh -c "$THIS" supervisor BIN [ARG…]     (BIN: the directory of initdb and postgres)
# Further arguments go to postgres, after ours. Says on standard output either `ready DIRECTORY`, or `failed` and then the
# reason. For a line `crash` on standard input it kills the server, starts it again and says the same once more.

bin=$1
shift

# Whatever ends the starting process must not end this one before it has tidied up. PIPE: the
# reader of `ready` may be gone already.
trap '' INT TERM HUP QUIT PIPE

umask 077
cd / || exit 1
# TZ spares initdb the search for the machine's time zone, and every machine gets the same answer.
LC_ALL=C TZ=UTC
export LC_ALL TZ
# The server would take defaults from these, which are meant for the user's own servers.
unset PGDATA PGPORT PGDATESTYLE PGCLIENTENCODING

dir=
postmaster=

tidy() {
    if [ -n "$postmaster" ]; then
        # QUIT is PostgreSQL's immediate shutdown: nobody needs a checkpoint of data about to be
        # removed. A postmaster that died by itself stays our unreaped child, so its id is not
        # anybody else's.
        kill -QUIT "$postmaster"
        wait "$postmaster"
    fi
    [ -n "$dir" ] || return
    # A postmaster that was killed leaves postmaster.pid, and the shared-memory segment whose id is
    # in its seventh line ("KEY ID").
    segment=$(sed -n '7s/.* //p' "$dir/data/postmaster.pid")
    [ -z "$segment" ] || ipcrm -m "$segment"
    # Its backends may then still be writing for a moment.
    tries=0
    until rm -rf "$dir" || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

fail() {
    printf 'failed\n%s\n' "$1"
    [ -z "$dir" ] || tail -n 25 "$dir/log"
    tidy
    exit 1
}

# /tmp first, because the path of a socket may have no more than about 100 bytes.
dir=$(mktemp -d /tmp/scratch-pg.XXXXXX) || dir=$(mktemp -d "${TMPDIR:-/tmp}/scratch-pg.XXXXXX") ||
    fail "no directory could be made in /tmp or TMPDIR"

# Trust is safe: the only way in is the socket in a directory that nobody else may enter.
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
    </dev/null >"$dir/log" 2>&1 || fail "initdb failed"

# Nothing here need survive a crash, hence the first lines. The dynamic shared memory lies in the
# data directory (mmap), so that it goes with it even when the postmaster was killed. jit: it costs
# the short queries of tests more than it gives.
run() {
    "$bin/postgres" -D "$dir/data" -k "$dir" -p 5432 -c listen_addresses='' \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c wal_init_zero=off -c checkpoint_timeout=1h \
        -c dynamic_shared_memory_type=mmap -c max_connections=200 \
        -c jit=off -c logging_collector=off "$@" \
        </dev/null >>"$dir/log" 2>&1 &
    postmaster=$!
}

# The first line of postmaster.pid is the postmaster's id, which tells it from one that was killed; the eighth is its
# status; pg_ctl waits for it too.
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

# Nobody gets to finish anything. Its children are looked for first: of an orphan nobody can say whose it was. Where there
# is no /proc, they end by themselves when they next wait for something.
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

# Until all of the old server's processes are gone, the new one refuses to start.
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

# Blocks until the starting process is gone or has dropped its server. A builtin on purpose: a
# program waited for here would let the shell reap the postmaster, and its id could be given away.
while read -r order; do
    if [ "$order" = crash ]; then
        crash
        restart "$@"
    fi
done
tidy
