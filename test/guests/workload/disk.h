// Files on the mounted disk that are rewritten and verified all the time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Whether the guest has a disk whose file system is mounted.
bool disk_mounted(void);

// Writes everything back, and forgets what the page cache has of it.
bool disk_drop_cache(void);

void disk_start(void);
void disk_set(bool writing);

struct disk_result {
  uint32_t files;
  uint64_t errors;
};
// Drops the page cache and verifies all files as the disk has them.
struct disk_result disk_check(void);

uint64_t disk_files_written(void);
