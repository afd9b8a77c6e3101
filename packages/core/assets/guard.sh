#!/bin/sh
# Outlives a killed supervisor for as long as it takes to end what that has left: the daemon with its relays, and the hosts.
# For a supervisor that is dead already, it does the same at once.
#
# $1 is the private folder; $2 is "dead" where its supervisor is known to be. The folder's file "door" is what relay.sh
# reads. Its file "wards" has a line for each process group to end: <process id of its leader> <start time of the leader>.
folder=$1
trap '' INT TERM HUP QUIT
read -r supervisor alive bell < "$folder/door" || exit 3
if [ "$2" != dead ]; then
  if [ -e "/proc/$supervisor/fd/$alive" ]; then
    # (Not by exec: a shell ends when that cannot open a file, and here it means that the supervisor has just died.)
    read -r nothing 2>/dev/null < "/proc/$supervisor/fd/$alive"
  elif kill -0 "$supervisor" 2>/dev/null; then
    # It lives, and its pipe cannot be reached.
    exit 4
  fi
fi
while read -r leader started; do
  # (No `--` before the group: not every shell's kill knows it.)
  # Another process may have got the id since. The command stands in parentheses; after it the start time is the 20th word.
  read -r stat 2>/dev/null < "/proc/$leader/stat" || continue
  set -- ${stat##*) }
  [ "${20}" = "$started" ] && kill -KILL "-$leader"
done < "$folder/wards"
rm -rf "$folder"
