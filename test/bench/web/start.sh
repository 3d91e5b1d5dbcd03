#!/bin/sh
# Starts the server, reads every file once, and lets so many clients get files of so many, each of so many bytes.
clients=$1 files=$2 bytes=$3
nginx -c /web/nginx.conf -e /tmp/nginx.log >/tmp/nginx.out 2>&1 &
for _ in $(seq 300); do [ -S /tmp/web.sock ] && break; sleep 0.1; done
[ -S /tmp/web.sock ] || { cat /tmp/nginx.out /tmp/nginx.log >/dev/console; exit 1; }
cat /mnt/files/* >/dev/null
for client in $(seq $clients); do
  /web/client /tmp/web.sock $files $bytes /tmp/client-$client >/dev/console 2>&1 &
done
