#!/bin/sh
# Ends the clients, and prints the number of keys that are wrong.
rm -f /tmp/bursts
killall redis-benchmark
redis-cli -s /tmp/redis.sock --eval /redis/check.lua , 65536
