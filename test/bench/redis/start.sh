#!/bin/sh
# Starts the server, fills it, and has it answer to as many clients as keep one processor busy; with an argument, in short
# bursts with a pause of so many seconds after each.
pause=$1
socket=/tmp/redis.sock
keys=65536
redis-server --port 0 --unixsocket $socket --save '' --appendonly no >/tmp/redis.log 2>&1 &
until redis-cli -s $socket ping >/dev/null 2>&1; do sleep 0.1; done
redis-cli -s $socket --eval /redis/fill.lua , $keys >/dev/null || exit 1

# Each placeholder becomes a random number of twelve digits: a value is 768 digits.
value=
for _ in $(seq 64); do value="${value}__rand_int__"; done
set_and_get() {
  redis-benchmark -s $socket -c 4 -P 8 -r $keys "$@" SET load:__rand_int__ $value >/dev/null 2>&1 &
  redis-benchmark -s $socket -c 4 -P 8 -r $keys "$@" GET fixed:__rand_int__ >/dev/null 2>&1 &
}

if [ -z "$pause" ]; then
  set_and_get -l -n 100000
else
  touch /tmp/bursts
  while [ -e /tmp/bursts ]; do
    set_and_get -n 500
    wait
    sleep $pause
  done >/dev/null 2>&1 &
fi
