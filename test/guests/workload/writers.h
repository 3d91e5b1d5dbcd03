// One thread per processor that rewrites pages at given rates, and beats as it goes on.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "zipf.h"

enum { MAX_PLANS = 4, RUN_PAGES = 8 };

enum pattern { PATTERN_SEQUENTIAL, PATTERN_RANDOM, PATTERN_ZIPF };

struct write_plan {
  double bytes_per_second;  // of all writers together
  uint32_t first, pages;    // the region
  enum pattern pattern;
  bool whole;               // else a few words of each page
  const struct zipf *runs;  // for PATTERN_ZIPF: over runs of RUN_PAGES pages, within which all are alike
};

void writers_start(void);

// From now on, instead of every 2 ms.
void writers_beat_every(uint64_t nanoseconds);

// All plans from now on, at most MAX_PLANS; with none, the writers only beat.
void writers_set(const struct write_plan *plans, int count);
