#!/bin/sh
# Prints how many files the clients have got.
cat /tmp/client-* | awk '{ files += $1 } END { print files + 0 }'
