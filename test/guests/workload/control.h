// The serial port to the host: lines of ASCII both ways, and bytes from 0x80 up as heartbeats in between.
#pragma once
#include <stdbool.h>
#include <stddef.h>

void control_open(const char *device);

// The next line from the host without its end; false once the port is gone.
bool control_read_line(char *line, size_t size);

// A line to the host, whole even when several threads write.
void control_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// One byte that says: `writer` has made progress. Never waits.
void control_beat(unsigned writer);
