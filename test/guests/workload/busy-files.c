#include "busy-files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "busy-file.h"
#include "clock.h"
#include "disk.h"
#include "gate.h"

// One that changes files, and one more, so that they come between each other's steps.
enum { THREADS = 2 };
// Most of the pages of a page cache are read again and again, and do not change.
enum { CALM_EVERY = 2, CALM_CHANGE_ONE_IN = 64 };

static struct busy_file files[MAX_BUSY_FILES];
static pthread_mutex_t locks[MAX_BUSY_FILES] = {[0 ... MAX_BUSY_FILES - 1] = PTHREAD_MUTEX_INITIALIZER};
static uint32_t count;
static struct gate active = GATE_INITIALIZER;
static _Atomic uint64_t pause_ns;
static atomic_ullong operations;

static void *run(void *argument) {
  uint32_t thread = (uint32_t)(uintptr_t)argument;
  uint64_t random = mix(thread + 1) | 1;
  for (;;) {
    sleep_until_ns(now_ns() + pause_ns);
    gate_pass(&active);
    uint32_t number = next_random(&random) % (count / THREADS) * THREADS + thread;
    bool calm = number / THREADS % CALM_EVERY == 0;
    bool changes = !calm || next_random(&random) % CALM_CHANGE_ONE_IN == 0;
    pthread_mutex_lock(&locks[number]);
    if (changes) busy_file_change(&files[number], &random);
    else busy_file_verify(&files[number], "read");
    pthread_mutex_unlock(&locks[number]);
    operations++;
  }
  return 0;
}

const char *busy_files_start(uint32_t wanted, double operations_per_second) {
  if (!disk_mounted()) return "there is no disk";
  if (operations_per_second <= 0) return "too few operations";
  pause_ns = 1e9 * THREADS / operations_per_second;
  if (count == 0) {
    if (wanted < THREADS || wanted > MAX_BUSY_FILES || wanted % THREADS > 0) return "no such number of files";
    if (!busy_file_folder()) return "there is no folder for them";
    for (uint32_t number = 0; number < wanted; number++)
      if (!busy_file_create(&files[number], number)) return "they cannot be created";
    // Pages that wait to be written are of no interest to who looks for those that are on the disk.
    sync();
    count = wanted;
    for (uintptr_t thread = 0; thread < THREADS; thread++) {
      pthread_t id;
      pthread_create(&id, 0, run, (void *)thread);
    }
  }
  gate_set(&active, true);
  return 0;
}

void busy_files_stop(void) { gate_set(&active, false); }

static struct busy_files_result each_file(void (*look)(struct busy_file *)) {
  struct busy_files_result result = {.operations = operations};
  for (uint32_t number = 0; number < count; number++) {
    pthread_mutex_lock(&locks[number]);
    if (look) look(&files[number]);
    result.files += files[number].exists;
    result.bytes += files[number].exists ? files[number].model.size : 0;
    result.resident += busy_file_resident(&files[number]);
    pthread_mutex_unlock(&locks[number]);
  }
  result.errors = busy_file_errors();
  return result;
}

struct busy_files_result busy_files_status(void) { return each_file(0); }

static void verify_in_cache(struct busy_file *file) { busy_file_verify(file, "check-in-cache"); }
static void verify_on_disk(struct busy_file *file) { busy_file_verify(file, "check-on-disk"); }

struct busy_files_result busy_files_check(void) {
  each_file(verify_in_cache);
  disk_drop_cache();
  return each_file(verify_on_disk);
}
