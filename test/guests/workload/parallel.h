// Work on a range of numbers, spread over all processors.
#pragma once
#include <stdint.h>

unsigned processors(void);
void parallel(uint32_t count, void (*work)(void *context, uint32_t from, uint32_t to), void *context);
