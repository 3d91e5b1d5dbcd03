#define _GNU_SOURCE
#include "busy-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

enum { REPORTED_ERRORS = 8, NAME_BYTES = 64, MOST_PAGES = 16, MAPPED_EVERY = 4 };

static const char folder[] = "/mnt/busy";
static atomic_ullong errors;

struct range {
  uint32_t first, pages;
};

static bool fail(const struct busy_file *file, const char *step, int page) {
  if (atomic_fetch_add(&errors, 1) < REPORTED_ERRORS) {
    control_print("error busyfile=%u step=%s page=%d version=%u size=%u errno=%d", file->model.number, step, page,
                  page < 0 ? 0 : file->model.pages[page].version, file->model.size, errno);
  }
  return false;
}

static void name_of(const struct busy_file *file, char name[NAME_BYTES]) {
  snprintf(name, NAME_BYTES, "%s/%03u-%u", folder, file->model.number, file->renamed);
}

static struct range range_below(uint32_t limit, uint64_t *random) {
  uint32_t first = next_random(random) % limit;
  uint32_t most = limit - first < MOST_PAGES ? limit - first : MOST_PAGES;
  return (struct range){first, 1 + next_random(random) % most};
}

static bool write_range(int fd, const struct busy_file *file, struct range range) {
  uint64_t content[PAGE_WORDS];
  for (uint32_t page = range.first; page < range.first + range.pages; page++) {
    model_expect(&file->model, page, content);
    if (pwrite(fd, content, PAGE_SIZE, (off_t)page * PAGE_SIZE) != PAGE_SIZE) return false;
  }
  return true;
}

static bool rewrite(struct busy_file *file, int fd, uint64_t *random) {
  struct range range = range_below(FILE_PAGES, random);
  model_write(&file->model, range.first, range.pages);
  return write_range(fd, file, range);
}

static bool truncate_it(struct busy_file *file, int fd, uint64_t *random) {
  uint32_t size = next_random(random) % (FILE_BYTES + 1);
  model_truncate(&file->model, size);
  return ftruncate(fd, size) == 0;
}

static bool punch(struct busy_file *file, int fd, uint64_t *random) {
  struct range range = range_below(FILE_PAGES, random);
  model_punch(&file->model, range.first, range.pages);
  off_t offset = (off_t)range.first * PAGE_SIZE, length = (off_t)range.pages * PAGE_SIZE;
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0;
}

static bool synchronize(struct busy_file *file, int fd, uint64_t *random) {
  (void)file, (void)random;
  return fsync(fd) == 0;
}

// Writes through a mapping, of which only pages within the file may be touched.
static bool write_mapped(struct busy_file *file, int fd, uint64_t *random) {
  uint32_t whole = file->model.size / PAGE_SIZE;
  if (whole == 0) return true;
  struct range range = range_below(whole, random);
  char *map = file->mapped ? file->mapped : mmap(0, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return false;
  model_write(&file->model, range.first, range.pages);
  for (uint32_t page = range.first; page < range.first + range.pages; page++) {
    uint64_t content[PAGE_WORDS];
    model_expect(&file->model, page, content);
    memcpy(map + (size_t)page * PAGE_SIZE, content, PAGE_SIZE);
  }
  size_t offset = (size_t)range.first * PAGE_SIZE, length = (size_t)range.pages * PAGE_SIZE;
  bool good = next_random(random) % 2 || msync(map + offset, length, MS_SYNC) == 0;
  return (file->mapped || munmap(map, FILE_BYTES) == 0) && good;
}

static bool rename_it(struct busy_file *file, int fd, uint64_t *random) {
  (void)fd, (void)random;
  char before[NAME_BYTES], after[NAME_BYTES];
  name_of(file, before);
  file->renamed++;
  name_of(file, after);
  return rename(before, after) == 0;
}

static bool delete_it(struct busy_file *file, int fd, uint64_t *random) {
  (void)fd, (void)random;
  char name[NAME_BYTES];
  name_of(file, name);
  file->exists = false;
  if (file->mapped && munmap(file->mapped, FILE_BYTES) != 0) return false;
  file->mapped = 0;
  return unlink(name) == 0;
}

static bool verify_open(const struct busy_file *file, int fd, const char *step) {
  struct stat status;
  if (fstat(fd, &status) != 0 || status.st_size != file->model.size) return fail(file, step, -1);
  for (uint32_t page = 0; page < FILE_PAGES; page++) {
    uint64_t expected[PAGE_WORDS], found[PAGE_WORDS];
    uint32_t bytes = model_bytes(&file->model, page);
    if (bytes == 0) break;
    model_expect(&file->model, page, expected);
    errno = 0;
    if (pread(fd, found, bytes, (off_t)page * PAGE_SIZE) != bytes || memcmp(found, expected, bytes) != 0)
      return fail(file, step, page);
  }
  return true;
}

// Fails by itself where it does.
static bool verify_here(struct busy_file *file, int fd, uint64_t *random) {
  (void)random;
  verify_open(file, fd, "read");
  return true;
}

static bool verify_past_cache(struct busy_file *file, int fd, uint64_t *random) {
  (void)random;
  if (fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) return false;
  verify_open(file, fd, "read-from-disk");
  return true;
}

// One that has several places among them is met as many times as often.
static const struct {
  const char *name;
  bool (*change)(struct busy_file *file, int fd, uint64_t *random);
} changes[] = {
    {"rewrite", rewrite},
    {"rewrite", rewrite},
    {"write-mapped", write_mapped},
    {"write-mapped", write_mapped},
    {"read", verify_here},
    {"read", verify_here},
    {"read-from-disk", verify_past_cache},
    {"punch", punch},
    {"truncate", truncate_it},
    {"rename", rename_it},
    {"synchronize", synchronize},
    {"delete", delete_it},
};

static int open_it(const struct busy_file *file, int flags) {
  char name[NAME_BYTES];
  name_of(file, name);
  return open(name, O_RDWR | flags, 0600);
}

bool busy_file_folder(void) { return mkdir(folder, 0700) == 0 || errno == EEXIST; }

bool busy_file_create(struct busy_file *file, uint32_t number) {
  file->model.number = number;
  int fd = open_it(file, O_CREAT | O_EXCL);
  if (fd < 0) return fail(file, "create", -1);
  file->exists = true;
  model_truncate(&file->model, 0);
  model_write(&file->model, 0, FILE_PAGES);
  bool good = write_range(fd, file, (struct range){0, FILE_PAGES});
  if (number % MAPPED_EVERY == 0) {
    file->mapped = mmap(0, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file->mapped == MAP_FAILED) file->mapped = 0, good = false;
  }
  good = close(fd) == 0 && good;
  return good || fail(file, "create", -1);
}

void busy_file_change(struct busy_file *file, uint64_t *random) {
  if (!file->exists) {
    busy_file_create(file, file->model.number);
    return;
  }
  int fd = open_it(file, 0);
  if (fd < 0) {
    fail(file, "open", -1);
    return;
  }
  uint32_t choice = next_random(random) % (sizeof changes / sizeof *changes);
  bool good = changes[choice].change(file, fd, random);
  if (close(fd) != 0 || !good) fail(file, changes[choice].name, -1);
}

bool busy_file_verify(struct busy_file *file, const char *step) {
  if (!file->exists) return true;
  int fd = open_it(file, 0);
  if (fd < 0) return fail(file, step, -1);
  bool good = verify_open(file, fd, step);
  close(fd);
  return good;
}

uint32_t busy_file_resident(const struct busy_file *file) {
  uint32_t pages = (file->model.size + PAGE_SIZE - 1) / PAGE_SIZE, resident = 0;
  if (!file->exists || pages == 0) return 0;
  int fd = open_it(file, 0);
  if (fd < 0) return 0;
  void *map = mmap(0, FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
  unsigned char in_cache[FILE_PAGES];
  if (map != MAP_FAILED && mincore(map, (size_t)pages * PAGE_SIZE, in_cache) == 0)
    for (uint32_t page = 0; page < pages; page++) resident += in_cache[page] & 1;
  if (map != MAP_FAILED) munmap(map, FILE_BYTES);
  close(fd);
  return resident;
}

uint64_t busy_file_errors(void) { return errors; }
