#!/bin/sh
# Makes of new namespaces what a hardened container is, and becomes the program: process 1, nobody's user, a root that
# cannot be written, a fresh /tmp, no HOME, and no variables but those it is given.
#
# $1 image (has folders repo, jars, data), $2 repository, $3 jars, $4 user id or "same"; then NAME=value ... command
set -e
image=$1 repository=$2 jars=$3 user=$4
shift 4
mount --make-rprivate /
mount --rbind "$repository" "$image/repo"
mount --bind "$jars" "$image/jars"
mount --bind "$image/data" "$image/data"
mount -t tmpfs -o mode=1777,size=64m tmpfs /tmp
mount -o remount,bind,ro "$image/repo"
mount -o remount,bind,ro "$image/jars"
# In a user namespace of our own the flags of the outer mounts are locked; then the root is that of the user, who owns none.
mount -o remount,bind,ro / 2>/dev/null || [ "$user" = same ]
cd "$image/data"
if [ "$user" = same ]; then exec env -i "$@"; fi
exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all env -i "$@"
