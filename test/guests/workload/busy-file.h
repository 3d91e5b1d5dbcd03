// One of the busy files: what it must hold, and the ways in which it changes. Whoever calls has it for himself.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "file-model.h"

struct busy_file {
  struct file_model model;
  bool exists;
  uint32_t renamed;  // how often
  void *mapped;      // all of its pages that it may have, for as long as it exists; null for most
};

// The folder in which they lie.
bool busy_file_folder(void);

bool busy_file_create(struct busy_file *file, uint32_t number);

// Changes the file in some way, or verifies it, from the cache or from the disk; counts and reports what fails.
void busy_file_change(struct busy_file *file, uint64_t *random);

bool busy_file_verify(struct busy_file *file, const char *step);

// Its pages in the page cache.
uint32_t busy_file_resident(const struct busy_file *file);

// Of all files so far.
uint64_t busy_file_errors(void);
