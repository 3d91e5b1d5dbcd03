// Files on the mounted disk that are changed in every way in which a file is, beside others that are hardly more than read
// again and so stay in the page cache. Each is verified from the cache as it goes, and all are from the disk in the end.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { MAX_BUSY_FILES = 256 };

// Creates so many files, unless they are there, and goes on with them; null or what is wrong.
const char *busy_files_start(uint32_t files, double operations_per_second);
// Pauses; an operation that is under way comes to its end.
void busy_files_stop(void);

struct busy_files_result {
  uint32_t files;
  uint64_t bytes;     // that lie within the files
  uint64_t resident;  // pages of the files in the page cache
  uint64_t operations, errors;
};
struct busy_files_result busy_files_status(void);

// Verifies all files as the page cache has them, then as the disk has them. Also errors from before count.
struct busy_files_result busy_files_check(void);
