#include "gate.h"

void gate_set(struct gate *gate, bool open) {
  pthread_mutex_lock(&gate->lock);
  gate->open = open;
  pthread_cond_broadcast(&gate->opened);
  pthread_mutex_unlock(&gate->lock);
}

void gate_pass(struct gate *gate) {
  pthread_mutex_lock(&gate->lock);
  while (!gate->open) pthread_cond_wait(&gate->opened, &gate->lock);
  pthread_mutex_unlock(&gate->lock);
}
