#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "gate.h"
#include "page.h"

enum { FILES = 32, FILE_PAGES = 32, REPORTED_ERRORS = 8 };

static const char directory[] = "/mnt";
static const uint64_t seed = 0x6469736b;
static uint32_t versions[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gate writing = GATE_INITIALIZER;
static atomic_ullong files_written, errors;

static void fail(uint32_t file, const char *step) {
  if (atomic_fetch_add(&errors, 1) >= REPORTED_ERRORS) return;
  control_print("error file=%u version=%u step=%s errno=%d", file, versions[file], step, errno);
}

static void expect(uint32_t file, uint32_t page, uint64_t *out) {
  page_expect(seed, CONTENT_RANDOM, file * FILE_PAGES + page, (struct page_state){.version = versions[file]}, out);
}

static void name_of(uint32_t file, const char *suffix, char *name, size_t size) {
  snprintf(name, size, "%s/%02u%s", directory, file, suffix);
}

static bool verify(uint32_t file) {
  char name[64];
  uint64_t expected[PAGE_WORDS], found[PAGE_WORDS];
  name_of(file, "", name, sizeof name);
  int fd = open(name, O_RDONLY);
  if (fd < 0) return fail(file, "open"), false;
  // What the page cache remembers proves nothing about the disk.
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  bool good = true;
  for (uint32_t page = 0; good && page < FILE_PAGES; page++) {
    expect(file, page, expected);
    good = read(fd, found, PAGE_SIZE) == PAGE_SIZE && page_compare(expected, found) < 0;
  }
  close(fd);
  if (!good) fail(file, "verify");
  return good;
}

static bool write_new(uint32_t file, const char *name) {
  uint64_t page[PAGE_WORDS];
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return false;
  bool good = true;
  for (uint32_t i = 0; good && i < FILE_PAGES; i++) {
    expect(file, i, page);
    good = write(fd, page, PAGE_SIZE) == PAGE_SIZE;
  }
  good = good && fsync(fd) == 0;
  return close(fd) == 0 && good;
}

static void rewrite(uint32_t file) {
  char name[64], temporary[64];
  name_of(file, "", name, sizeof name);
  name_of(file, ".new", temporary, sizeof temporary);
  versions[file]++;
  if (!write_new(file, temporary) || rename(temporary, name) != 0) return fail(file, "write");
  files_written++;
  verify(file);
}

static void *run(void *argument) {
  (void)argument;
  for (uint32_t file = 0;; file = (file + 1) % FILES) {
    gate_pass(&writing);
    pthread_mutex_lock(&lock);
    if (versions[file] == 0 || verify(file)) rewrite(file);
    pthread_mutex_unlock(&lock);
    // A mutex is not fair: let a waiting check come in between.
    sleep_until_ns(now_ns() + 1000000);
  }
  return 0;
}

void disk_start(void) {
  pthread_t id;
  pthread_create(&id, 0, run, 0);
}

void disk_set(bool wanted) { gate_set(&writing, wanted); }

bool disk_mounted(void) {
  struct stat root, mounted;
  return stat("/", &root) == 0 && stat(directory, &mounted) == 0 && root.st_dev != mounted.st_dev;
}

bool disk_drop_cache(void) {
  sync();
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  if (fd < 0) return false;
  bool good = write(fd, "3", 1) == 1;
  return close(fd) == 0 && good;
}

struct disk_result disk_check(void) {
  pthread_mutex_lock(&lock);
  struct disk_result result = {0};
  if (!disk_drop_cache()) errors++;
  for (uint32_t file = 0; file < FILES; file++) {
    if (versions[file] == 0) continue;
    result.files++;
    verify(file);
  }
  // Also what went wrong before counts: the files may have been rewritten since.
  result.errors = errors;
  pthread_mutex_unlock(&lock);
  return result;
}

uint64_t disk_files_written(void) { return files_written; }
