#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static int lines;
// A file description of its own, so that only heartbeats are non-blocking.
static int beats;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

void control_open(const char *device) {
  lines = open(device, O_RDWR | O_NOCTTY);
  beats = open(device, O_WRONLY | O_NOCTTY | O_NONBLOCK);
  struct termios settings;
  if (lines < 0 || beats < 0 || tcgetattr(lines, &settings) != 0) {
    perror(device);
    exit(1);
  }
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL;
  tcsetattr(lines, TCSANOW, &settings);
}

bool control_read_line(char *line, size_t size) {
  size_t length = 0;
  for (;;) {
    char byte;
    ssize_t got = read(lines, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (byte == '\n') break;
    if (length + 1 < size) line[length++] = byte;
  }
  line[length] = 0;
  return true;
}

void control_print(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof text - 2) length = sizeof text - 2;
  text[length++] = '\n';
  pthread_mutex_lock(&output);
  for (int written = 0; written < length;) {
    ssize_t got = write(lines, text + written, length - written);
    if (got > 0) written += got;
    else if (errno != EINTR && errno != EAGAIN) break;
  }
  pthread_mutex_unlock(&output);
}

void control_beat(unsigned writer) {
  unsigned char byte = 0x80 | (writer & 0x7f);
  // A full port means that the host does not listen: the beat is lost, and that is all.
  if (write(beats, &byte, 1) < 0) return;
}
