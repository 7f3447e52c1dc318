# Runs a server for as long as whoever holds the other end of this script's standard input.
#   sh -c SCRIPT guard <directory> <program> <argument>...
# Standard input: a line = kill the server, keep its directory; the end without a line = the holder has died: kill the
# server and remove its directory. Ends when the server has ended, with its status.
directory=$1
shift
# When the holder dies while the server is stopped, the system sends this group a HUP: an orphaned group with a stopped
# process in it.
trap '' HUP
# A shell gives a background job no standard input: it is handed over as descriptor 3.
exec 3<&0
"$@" 3<&- </dev/null >&2 &
server=$!
{
    if read -r line <&3; then
        kill -KILL "$server"
    else
        kill -KILL "$server"
        # Until it is dead it writes into the directory.
        while kill -0 "$server"; do sleep 0.1; done
        rm -rf "$directory"
    fi
} 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"
status=$?
# 137 is "killed": then the watch may have something to remove.
if [ "$status" -eq 137 ]; then wait "$watch"; else kill "$watch"; fi
exit "$status"
