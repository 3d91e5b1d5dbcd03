#include "writers.h"

#include <pthread.h>
#include <sys/resource.h>

#include "clock.h"
#include "control.h"
#include "memory.h"
#include "parallel.h"

static _Atomic uint64_t beat_ns = 2000000;
// How much of the rate may be made up for after a pause. More would be a burst that no guest asked for.
static const double backlog_seconds = 0.02;

struct plans {
  struct write_plan plans[MAX_PLANS];
  int count;
  uint64_t number;
};

static struct plans current;
static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;

void writers_set(const struct write_plan *plans, int count) {
  pthread_mutex_lock(&plans_lock);
  for (int i = 0; i < count; i++) current.plans[i] = plans[i];
  current.count = count;
  current.number++;
  pthread_mutex_unlock(&plans_lock);
}

void writers_beat_every(uint64_t nanoseconds) { beat_ns = nanoseconds; }

struct writer {
  unsigned index;
  struct plans plans;
  uint32_t positions[MAX_PLANS];
  double budgets[MAX_PLANS];
  uint64_t random;
};

static void take_plans(struct writer *writer) {
  pthread_mutex_lock(&plans_lock);
  if (writer->plans.number != current.number) {
    writer->plans = current;
    for (int i = 0; i < current.count; i++) {
      // Sequential writers start apart, each with its share of the region ahead of it.
      writer->positions[i] = (uint64_t)current.plans[i].pages * writer->index / processors();
      writer->budgets[i] = 0;
    }
  }
  pthread_mutex_unlock(&plans_lock);
}

static uint32_t next_page(struct writer *writer, int number) {
  const struct write_plan *plan = &writer->plans.plans[number];
  switch (plan->pattern) {
    case PATTERN_RANDOM: return plan->first + next_random(&writer->random) % plan->pages;
    case PATTERN_ZIPF: {
      uint32_t run = zipf_next(plan->runs, &writer->random);
      return plan->first + run * RUN_PAGES + next_random(&writer->random) % RUN_PAGES;
    }
    case PATTERN_SEQUENTIAL: break;
  }
  uint32_t page = plan->first + writer->positions[number];
  writer->positions[number] = (writer->positions[number] + 1) % plan->pages;
  return page;
}

static void add_budgets(struct writer *writer, double seconds) {
  for (int i = 0; i < writer->plans.count; i++) {
    double rate = writer->plans.plans[i].bytes_per_second / processors();
    double backlog = rate * backlog_seconds < PAGE_SIZE ? PAGE_SIZE : rate * backlog_seconds;
    writer->budgets[i] += rate * seconds;
    if (writer->budgets[i] > backlog) writer->budgets[i] = backlog;
  }
}

// The plans take turns, so that a fast one does not crowd out a slow one.
static void spend_budgets(struct writer *writer, uint64_t until) {
  for (bool spent = true; spent;) {
    spent = false;
    for (int i = 0; i < writer->plans.count; i++) {
      if (writer->budgets[i] < PAGE_SIZE) continue;
      if (now_ns() >= until) return;
      memory_rewrite_page(next_page(writer, i), writer->plans.plans[i].whole);
      writer->budgets[i] -= PAGE_SIZE;
      spent = true;
    }
  }
}

static void *run(void *argument) {
  struct writer writer = {.index = (unsigned)(uintptr_t)argument, .random = mix((uintptr_t)argument) | 1};
  // The heartbeat must not wait for a check or a fill that shares its processor.
  setpriority(PRIO_PROCESS, 0, -10);
  for (uint64_t last = now_ns();;) {
    take_plans(&writer);
    uint64_t begin = now_ns();
    add_budgets(&writer, (double)(begin - last) / 1e9);
    last = begin;
    spend_budgets(&writer, begin + beat_ns);
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
