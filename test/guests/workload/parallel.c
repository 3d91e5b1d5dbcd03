#include "parallel.h"

#include <pthread.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

struct part {
  void (*work)(void *context, uint32_t from, uint32_t to);
  void *context;
  uint32_t from, to;
};

unsigned processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : count;
}

static void *run(void *argument) {
  struct part *part = argument;
  part->work(part->context, part->from, part->to);
  return 0;
}

void parallel(uint32_t count, void (*work)(void *context, uint32_t from, uint32_t to), void *context) {
  unsigned threads = processors();
  struct part parts[MAX_THREADS];
  pthread_t ids[MAX_THREADS];
  for (unsigned i = 0; i < threads; i++) {
    parts[i] = (struct part){work, context, (uint64_t)count * i / threads, (uint64_t)count * (i + 1) / threads};
  }
  for (unsigned i = 1; i < threads; i++) pthread_create(&ids[i], 0, run, &parts[i]);
  run(&parts[0]);
  for (unsigned i = 1; i < threads; i++) pthread_join(ids[i], 0);
}
