// What a file must hold: its size, and of each page which version it is, and how much of it; all else is zero.
#pragma once
#include <stdint.h>

#include "page.h"

enum { FILE_PAGES = 64, FILE_BYTES = FILE_PAGES * PAGE_SIZE };

struct file_page {
  uint32_t version;  // 0: zeroes
  uint32_t bytes;    // of the version that are left; zeroes behind them
};

struct file_model {
  uint32_t number;
  uint32_t versions;  // given so far, over all pages: none ever comes again
  uint32_t size;      // bytes
  struct file_page pages[FILE_PAGES];
};

// Whole pages are written, and the file grows where they lie beyond its end.
void model_write(struct file_model *file, uint32_t first, uint32_t pages);
void model_truncate(struct file_model *file, uint32_t size);
// A hole, which does not change the size.
void model_punch(struct file_model *file, uint32_t first, uint32_t pages);

// The page as it must be; beyond the end of the file zeroes.
void model_expect(const struct file_model *file, uint32_t page, uint64_t out[PAGE_WORDS]);

// How much of the page lies within the file, in bytes.
uint32_t model_bytes(const struct file_model *file, uint32_t page);
