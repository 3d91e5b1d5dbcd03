#include "page.h"

enum { HEADER_WORDS = 2, PATCHED_WORDS = 8, BODY_WORDS = PAGE_WORDS - HEADER_WORDS };

// 64 words of eight letters: text that any compressor shrinks well.
static const char dictionary[64 * 8 + 1] =
    "balance barrier battery bedroom believe benefit binding brother cabinet caliber calling capable "
    "capital captain caption capture careful carrier caution ceiling central century certain chamber "
    "channel chapter charity charter checked chicken chronic circuit clarify classic climate closing "
    "coastal collect college combine comfort command comment compact company compare compete complex "
    "concept concern concert conduct confirm connect consent consist contact contain content contest ";

// The finalizer of splitmix64: every bit of the result depends on every bit of `value`.
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// xorshift64: three shifts a word, which is cheap even when the processor is emulated.
uint64_t next_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

static uint64_t stream(uint64_t seed, uint32_t number, uint32_t version) {
  return mix(mix(seed) ^ ((uint64_t)number << 32 | version)) | 1;
}

static void fill_random(uint64_t state, uint64_t *body) {
  for (int i = 0; i < BODY_WORDS; i++) body[i] = next_random(&state);
}

static void fill_text(uint64_t state, uint64_t *body) {
  const uint64_t *words = (const uint64_t *)(const void *)dictionary;
  uint64_t choices = 0;
  for (int i = 0; i < BODY_WORDS; i++) {
    if (i % 10 == 0) choices = next_random(&state);
    body[i] = words[choices & 63];
    choices >>= 6;
  }
}

static void fill_zero(uint64_t *page) {
  for (int i = 0; i < PAGE_WORDS; i++) page[i] = 0;
}

void page_patch(uint64_t seed, uint32_t number, struct page_state patched, uint64_t page[PAGE_WORDS]) {
  // The places depend on the version and only the values on the patch: so the last patch alone counts.
  uint64_t places = stream(seed, number, patched.version);
  uint64_t values = mix(places ^ patched.patch) | 1;
  page[0] = (uint64_t)number << 32 | patched.version;
  page[1] = patched.patch;
  for (int i = 0; i < PATCHED_WORDS; i++) {
    places = mix(places);
    page[HEADER_WORDS + places % BODY_WORDS] = next_random(&values);
  }
}

void page_expect(uint64_t seed, enum content content, uint32_t number, struct page_state state,
                 uint64_t out[PAGE_WORDS]) {
  if (content == CONTENT_ZERO && state.version == 0) {
    fill_zero(out);
    if (state.patch == 0) return;
  } else {
    uint64_t body = stream(seed, number, state.version);
    if (content == CONTENT_TEXT) fill_text(body, out + HEADER_WORDS);
    else fill_random(body, out + HEADER_WORDS);
    out[0] = (uint64_t)number << 32 | state.version;
    out[1] = 0;
  }
  if (state.patch > 0) page_patch(seed, number, state, out);
}

int page_compare(const uint64_t *expected, const uint64_t *found) {
  for (int i = 0; i < PAGE_WORDS; i += 8) {
    uint64_t difference = 0;
    for (int j = i; j < i + 8; j++) difference |= expected[j] ^ found[j];
    if (difference == 0) continue;
    for (int j = i; j < i + 8; j++) {
      if (expected[j] != found[j]) return j;
    }
  }
  return -1;
}
