// The filled memory: areas of pages, numbered through, each page with its expected state beside it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "page.h"

// Adds an area; null or the reason of the failure.
const char *memory_fill(uint32_t pages, uint64_t seed, enum content content);

uint32_t memory_pages(void);

// Verifies one page, and counts and reports what is wrong with it.
bool memory_check_page(uint32_t number);

// Verifies every page on all processors; the number of bad ones.
uint64_t memory_check(void);

// Verifies the page, then rewrites all of it, or a few words.
void memory_rewrite_page(uint32_t number, bool whole);

struct memory_counters {
  uint64_t written, checked, errors;
};
struct memory_counters memory_counters(void);
