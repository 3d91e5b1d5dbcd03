#!/bin/sh
# Ends the clients, and prints the number of answers, and of files in the cache and on the disk, that are wrong.
killall client
verify() { (cd /mnt && md5sum -c checksums 2>/dev/null) | grep -vc ': OK$'; }
answers=$(cat /tmp/client-* | awk '{ wrong += $2 } END { print wrong + 0 }')
cached=$(verify)
sync
echo 3 >/proc/sys/vm/drop_caches
echo $((answers + cached + $(verify)))
