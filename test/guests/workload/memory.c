#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "control.h"
#include "parallel.h"

enum { MAX_AREAS = 16, LOCKS = 64, REPORTED_ERRORS = 8 };

struct area {
  uint32_t first, pages;
  uint64_t seed;
  enum content content;
  uint64_t *memory;
  struct page_state *states;
};

static struct area areas[MAX_AREAS];
static int area_count;
static atomic_uint total_pages;
// A page is checked and rewritten under its lock: a check may run while the writers do.
static pthread_mutex_t locks[LOCKS] = {[0 ... LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};
static atomic_ullong written, checked, errors;

static struct area *area_of(uint32_t number) {
  struct area *area = areas;
  while (number - area->first >= area->pages) area++;
  return area;
}

static uint64_t *page_at(const struct area *area, uint32_t number) {
  return area->memory + (uint64_t)(number - area->first) * PAGE_WORDS;
}

static void *populate(uint64_t bytes) {
  void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? 0 : memory;
}

static void fill_range(void *context, uint32_t from, uint32_t to) {
  struct area *area = context;
  for (uint32_t i = from; i < to; i++) {
    if (area->content == CONTENT_ZERO) continue;
    area->states[i].version = 1;
    page_expect(area->seed, area->content, area->first + i, area->states[i],
                area->memory + (uint64_t)i * PAGE_WORDS);
  }
}

const char *memory_fill(uint32_t pages, uint64_t seed, enum content content) {
  if (area_count == MAX_AREAS) return "too many areas";
  struct area *area = &areas[area_count];
  *area = (struct area){.first = total_pages, .pages = pages, .seed = seed, .content = content};
  area->memory = populate((uint64_t)pages * PAGE_SIZE);
  area->states = populate((uint64_t)pages * sizeof *area->states);
  if (!area->memory || !area->states) {
    if (area->memory) munmap(area->memory, (uint64_t)pages * PAGE_SIZE);
    return "not enough memory";
  }
  parallel(pages, fill_range, area);
  area_count++;
  total_pages += pages;
  return 0;
}

uint32_t memory_pages(void) { return total_pages; }

static void report(uint32_t number, struct page_state state, int word, const uint64_t *expected,
                   const uint64_t *found) {
  if (atomic_fetch_add(&errors, 1) >= REPORTED_ERRORS) return;
  control_print("error page=%u version=%u patch=%u word=%d expected=%016llx found=%016llx header=%016llx:%016llx",
                number, state.version, state.patch, word, (unsigned long long)expected[word],
                (unsigned long long)found[word], (unsigned long long)found[0], (unsigned long long)found[1]);
}

static bool check_locked(const struct area *area, uint32_t number, uint64_t *expected) {
  struct page_state state = area->states[number - area->first];
  const uint64_t *found = page_at(area, number);
  page_expect(area->seed, area->content, number, state, expected);
  int word = page_compare(expected, found);
  atomic_fetch_add_explicit(&checked, 1, memory_order_relaxed);
  if (word >= 0) report(number, state, word, expected, found);
  return word < 0;
}

bool memory_check_page(uint32_t number) {
  uint64_t expected[PAGE_WORDS];
  pthread_mutex_t *lock = &locks[number % LOCKS];
  pthread_mutex_lock(lock);
  bool good = check_locked(area_of(number), number, expected);
  pthread_mutex_unlock(lock);
  return good;
}

static void check_range(void *context, uint32_t from, uint32_t to) {
  atomic_ullong *bad = context;
  for (uint32_t number = from; number < to; number++) {
    if (!memory_check_page(number)) atomic_fetch_add(bad, 1);
  }
}

uint64_t memory_check(void) {
  atomic_ullong bad = 0;
  parallel(memory_pages(), check_range, &bad);
  return bad;
}

void memory_rewrite_page(uint32_t number, bool whole) {
  uint64_t expected[PAGE_WORDS];
  struct area *area = area_of(number);
  uint64_t *page = page_at(area, number);
  struct page_state *state = &area->states[number - area->first];
  pthread_mutex_t *lock = &locks[number % LOCKS];
  pthread_mutex_lock(lock);
  bool good = check_locked(area, number, expected);
  if (whole || !good) {
    *state = (struct page_state){.version = state->version + 1};
    page_expect(area->seed, area->content, number, *state, page);
  } else {
    state->patch++;
    page_patch(area->seed, number, *state, page);
  }
  pthread_mutex_unlock(lock);
  atomic_fetch_add_explicit(&written, 1, memory_order_relaxed);
}

struct memory_counters memory_counters(void) {
  return (struct memory_counters){.written = written, .checked = checked, .errors = errors};
}
