#!/bin/sh
# Prints how many queries have been answered.
wc -l </tmp/results
