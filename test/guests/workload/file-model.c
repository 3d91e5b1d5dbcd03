#include "file-model.h"

#include <string.h>

static const uint64_t seed = 0x66696c6573;

void model_write(struct file_model *file, uint32_t first, uint32_t pages) {
  file->versions++;
  for (uint32_t page = first; page < first + pages; page++)
    file->pages[page] = (struct file_page){.version = file->versions, .bytes = PAGE_SIZE};
  uint32_t end = (first + pages) * PAGE_SIZE;
  if (file->size < end) file->size = end;
}

void model_truncate(struct file_model *file, uint32_t size) {
  file->size = size;
  for (uint32_t page = size / PAGE_SIZE; page < FILE_PAGES; page++) {
    uint32_t left = model_bytes(file, page);
    if (left == 0) file->pages[page] = (struct file_page){0};
    else if (file->pages[page].bytes > left) file->pages[page].bytes = left;
  }
}

void model_punch(struct file_model *file, uint32_t first, uint32_t pages) {
  for (uint32_t page = first; page < first + pages; page++) file->pages[page] = (struct file_page){0};
}

void model_expect(const struct file_model *file, uint32_t page, uint64_t out[PAGE_WORDS]) {
  struct file_page state = file->pages[page];
  if (state.version > 0) {
    uint32_t number = file->number * FILE_PAGES + page;
    page_expect(seed, CONTENT_RANDOM, number, (struct page_state){.version = state.version}, out);
  }
  memset((char *)out + state.bytes, 0, PAGE_SIZE - state.bytes);
}

uint32_t model_bytes(const struct file_model *file, uint32_t page) {
  uint32_t begin = page * PAGE_SIZE;
  if (file->size <= begin) return 0;
  return file->size - begin < PAGE_SIZE ? file->size - begin : PAGE_SIZE;
}
