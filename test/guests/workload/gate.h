#pragma once

#include <pthread.h>
#include <stdbool.h>

// Closed at first. Who waits before a closed one costs the processor nothing meanwhile: a guest that does nothing must not.
struct gate {
  pthread_mutex_t lock;
  pthread_cond_t opened;
  bool open;
};

#define GATE_INITIALIZER {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false}

void gate_set(struct gate *gate, bool open);
void gate_pass(struct gate *gate);
