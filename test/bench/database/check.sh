#!/bin/sh
# Ends the queries, of which each has read so many rows, and prints the number of those that found something wrong, of errors, and
# of what is wrong with the whole database, as it is in the cache and on the disk.
rows=$1
rm /tmp/querying
for _ in $(seq 300); do pidof sqlite3 >/dev/null || break; sleep 0.1; done
verify() {
  sqlite3 /mnt/database 'PRAGMA quick_check; SELECT count(*) FROM items WHERE a <> b;' 2>&1 |
    awk 'NR == 1 && $0 != "ok" { wrong++ } NR > 1 && $0 != "0" { wrong++ } END { print wrong + (NR != 2) }'
}
queries=$(grep -vc "^$rows\$" /tmp/results)
errors=$(wc -l </tmp/errors)
cached=$(verify)
sync
echo 3 >/proc/sys/vm/drop_caches
echo $((queries + errors + cached + $(verify)))
