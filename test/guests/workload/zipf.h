// Zipf's law with exponent 1: the run of rank r is chosen with a probability proportional to 1/r.
#pragma once
#include <stdint.h>

struct zipf;

// The law over so many runs, whose ranks are scattered by a fixed permutation. Null when there is no memory for it.
// It lives as long as the program: a writer may still be using it when its plan has been replaced.
const struct zipf *zipf_over(uint32_t runs);

// A run, by number.
uint32_t zipf_next(const struct zipf *zipf, uint64_t *random);
