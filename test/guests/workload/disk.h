// Files on the mounted disk that are rewritten and verified all the time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

void disk_start(void);
void disk_set(bool writing);

struct disk_result {
  uint32_t files;
  uint64_t errors;
};
// Drops the page cache and verifies all files as the disk has them.
struct disk_result disk_check(void);

uint64_t disk_files_written(void);
