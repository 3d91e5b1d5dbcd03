#include "writers.h"

#include <pthread.h>
#include <sys/resource.h>

#include "clock.h"
#include "control.h"
#include "memory.h"
#include "parallel.h"

static const uint64_t beat_ns = 2000000;
// How much of the rate may be made up for after a pause. More would be a burst that no guest asked for.
static const double backlog_seconds = 0.02;

static struct write_plan plan;
static uint64_t plan_number;
static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;

void writers_set(struct write_plan next) {
  pthread_mutex_lock(&plan_lock);
  plan = next;
  plan_number++;
  pthread_mutex_unlock(&plan_lock);
}

struct writer {
  unsigned index;
  struct write_plan plan;
  uint64_t plan_number;
  uint32_t position;
  uint64_t random;
};

static void take_plan(struct writer *writer) {
  pthread_mutex_lock(&plan_lock);
  if (writer->plan_number != plan_number) {
    writer->plan = plan;
    writer->plan_number = plan_number;
    // Sequential writers start apart, each with its share of the region ahead of it.
    writer->position = (uint64_t)plan.pages * writer->index / processors();
  }
  pthread_mutex_unlock(&plan_lock);
}

static uint32_t next_page(struct writer *writer) {
  uint32_t pages = writer->plan.pages;
  if (!writer->plan.sequential) return writer->plan.first + next_random(&writer->random) % pages;
  uint32_t page = writer->plan.first + writer->position;
  writer->position = (writer->position + 1) % pages;
  return page;
}

static void *run(void *argument) {
  struct writer writer = {.index = (unsigned)(uintptr_t)argument, .random = mix((uintptr_t)argument) | 1};
  // The heartbeat must not wait for a check or a fill that shares its processor.
  setpriority(PRIO_PROCESS, 0, -10);
  double budget = 0;
  for (uint64_t last = now_ns();;) {
    take_plan(&writer);
    uint64_t begin = now_ns();
    double rate = writer.plan.bytes_per_second / processors();
    budget += rate * (double)(begin - last) / 1e9;
    if (budget > rate * backlog_seconds) budget = rate * backlog_seconds;
    last = begin;
    for (; budget >= PAGE_SIZE && now_ns() < begin + beat_ns; budget -= PAGE_SIZE) {
      memory_rewrite_page(next_page(&writer), writer.plan.whole);
    }
    control_beat(writer.index);
    sleep_until_ns(begin + beat_ns);
  }
  return 0;
}

void writers_start(void) {
  for (unsigned i = 0; i < processors(); i++) {
    pthread_t id;
    pthread_create(&id, 0, run, (void *)(uintptr_t)i);
  }
}
