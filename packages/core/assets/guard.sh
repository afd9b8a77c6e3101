#!/bin/sh
# Outlives a killed supervisor for as long as it takes to end what that has left: the daemon with its relays, and the hosts.
#
# $1 is the private folder. Its file "door" is what relay.sh reads. Its file "wards" has a line for each process group to
# end: <process id of its leader> <start time of the leader>.
folder=$1
trap '' INT TERM HUP QUIT
read -r supervisor alive bell < "$folder/door" || exit 3
exec 5< "/proc/$supervisor/fd/$alive" || exit 4
read -r nothing <&5
while read -r leader started; do
  # Another process may have got the id since. The command stands in parentheses; after it the start time is the 20th word.
  read -r stat 2>/dev/null < "/proc/$leader/stat" || continue
  set -- ${stat##*) }
  # Without `--`: dash takes it for a number, and kills nothing.
  [ "${20}" = "$started" ] && kill -KILL "-$leader"
done < "$folder/wards"
rm -rf "$folder"
