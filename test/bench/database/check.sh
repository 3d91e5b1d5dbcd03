#!/bin/sh
# Ends the queries, of which each has read so many rows, and prints the number of those that found something wrong, of errors, and
# of what is wrong with the whole database, as it is in the cache and on the disk.
rows=$1
rm /tmp/querying
for _ in $(seq 300); do pidof sqlite3 >/dev/null || break; sleep 0.1; done
# The number of rows whose halves differ; 1 if it cannot be told.
unequal() { sqlite3 /mnt/database 'SELECT count(*) FROM items WHERE a <> b' 2>&1 | grep -E '^[0-9]+$' || echo 1; }
queries=$(grep -vc "^$rows\$" /tmp/results)
errors=$(wc -l </tmp/errors)
cached=$(unequal)
sync
echo 3 >/proc/sys/vm/drop_caches
disk=$(unequal)
structure=$(sqlite3 /mnt/database 'PRAGMA quick_check' 2>&1 | grep -vc '^ok$')
echo $((queries + errors + cached + disk + structure))
