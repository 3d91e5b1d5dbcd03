// What a page must hold, computed from its number, its versions and the seed alone.
#pragma once
#include <stdint.h>

enum { PAGE_SIZE = 4096, PAGE_WORDS = PAGE_SIZE / 8 };

enum content { CONTENT_RANDOM, CONTENT_TEXT, CONTENT_ZERO };

// `version` counts complete rewrites, `patch` the changes of a few words since then.
struct page_state {
  uint32_t version;
  uint32_t patch;
};

// The whole page as it must be.
void page_expect(uint64_t seed, enum content content, uint32_t number, struct page_state state,
                 uint64_t out[PAGE_WORDS]);

// Turns a page of `state` into one of the next patch; changes the header and at most eight words.
void page_patch(uint64_t seed, uint32_t number, struct page_state patched, uint64_t page[PAGE_WORDS]);

// Index of the first word that differs, or -1.
int page_compare(const uint64_t *expected, const uint64_t *found);

uint64_t mix(uint64_t value);
uint64_t next_random(uint64_t *state);
