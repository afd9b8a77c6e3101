#!/bin/sh
# The process that Amazon's daemon starts for a shard. It keeps the daemon's two pipes open on descriptors 3 and 4, rings
# at the supervisor's door, and sleeps until it is killed. A host opens the pipes through /proc/<this process>/fd, so no
# byte passes through here.
#
# $1 is the private folder with the file "door": <pid of the supervisor> <descriptor "alive"> <descriptor "bell">.

# Signals to the whole group or session (Ctrl-C, a service manager's stop) must not end a relay: the daemon would end, too.
trap '' INT TERM HUP QUIT
exec 3<&0 4>&1 </dev/null >/dev/null
read -r supervisor alive bell < "$1/door" || exit 3
# Only the supervisor holds the other end: end of file here means that it is gone.
exec 5< "/proc/$supervisor/fd/$alive" || exit 4
echo "$$" > "/proc/$supervisor/fd/$bell" || exit 5
# Nothing is ever written to this pipe.
read -r nothing <&5
# The daemon sees its pipes close.
exit 1
