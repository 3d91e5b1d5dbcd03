// One thread per processor that rewrites pages at a given rate, and beats as it goes on.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct write_plan {
  double bytes_per_second;  // of all writers together; 0: only beat
  uint32_t first, pages;    // the region
  bool sequential;          // else in random order
  bool whole;               // else a few words of each page
};

void writers_start(void);
void writers_set(struct write_plan plan);
