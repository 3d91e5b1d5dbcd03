#include "zipf.h"

#include <stdlib.h>

#include "page.h"

// Walker's alias method: a column stands for one run below its threshold, and for another one from there on.
struct column {
  uint32_t threshold, run, alias;
};

struct zipf {
  struct zipf *next;
  uint32_t runs;
  struct column columns[];
};

static struct zipf *known;

// `shares` become what is left of each rank's probability, as a multiple of a column's.
static void fill_columns(struct zipf *zipf, double *shares) {
  double sum = 0;
  for (uint32_t i = 0; i < zipf->runs; i++) sum += 1.0 / (i + 1);
  for (uint32_t i = 0; i < zipf->runs; i++) {
    shares[i] = zipf->runs / (sum * (i + 1));
    zipf->columns[i] = (struct column){.threshold = UINT32_MAX, .run = i, .alias = i};
  }
  // The last ranks are less than a column each: the first ranks fill these up, one after the other.
  uint32_t heavy = 0;
  for (uint32_t light = zipf->runs - 1; light > heavy && shares[light] < 1; light--) {
    zipf->columns[light].threshold = shares[light] * UINT32_MAX;
    zipf->columns[light].alias = heavy;
    shares[heavy] -= 1 - shares[light];
    // One that has given too much away is light itself, and takes from the next.
    while (shares[heavy] < 1 && heavy + 1 < light) {
      zipf->columns[heavy].threshold = shares[heavy] * UINT32_MAX;
      zipf->columns[heavy].alias = heavy + 1;
      shares[heavy + 1] -= 1 - shares[heavy];
      heavy++;
    }
  }
}

static void scatter(struct zipf *zipf, uint32_t *places) {
  uint64_t random = mix(zipf->runs) | 1;
  for (uint32_t i = 0; i < zipf->runs; i++) {
    uint32_t j = next_random(&random) % (i + 1);
    places[i] = places[j];
    places[j] = i;
  }
  for (uint32_t i = 0; i < zipf->runs; i++) {
    zipf->columns[i].run = places[zipf->columns[i].run];
    zipf->columns[i].alias = places[zipf->columns[i].alias];
  }
}

const struct zipf *zipf_over(uint32_t runs) {
  for (struct zipf *zipf = known; zipf; zipf = zipf->next) {
    if (zipf->runs == runs) return zipf;
  }
  struct zipf *zipf = malloc(sizeof *zipf + runs * sizeof *zipf->columns);
  double *shares = malloc(runs * sizeof *shares);
  uint32_t *places = malloc(runs * sizeof *places);
  if (zipf && shares && places) {
    *zipf = (struct zipf){.next = known, .runs = runs};
    fill_columns(zipf, shares);
    scatter(zipf, places);
    known = zipf;
  } else {
    free(zipf);
    zipf = 0;
  }
  free(shares);
  free(places);
  return zipf;
}

uint32_t zipf_next(const struct zipf *zipf, uint64_t *random) {
  uint64_t value = next_random(random);
  const struct column *column = &zipf->columns[(value >> 32) * zipf->runs >> 32];
  return (uint32_t)value < column->threshold ? column->run : column->alias;
}
