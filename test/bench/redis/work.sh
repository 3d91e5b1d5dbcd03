#!/bin/sh
# Prints the number of commands that the server has processed.
redis-cli -s /tmp/redis.sock info stats | sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p'
