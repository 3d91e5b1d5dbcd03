// client SOCKET FILES BYTES COUNTS: gets files from the web server behind a socket, one after the other, each chosen at random.
// In the file COUNTS are how many came whole, and how many answers were wrong.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536, NUMBER_DIGITS = 8 };

static char buffer[BUFFER_BYTES + 1];

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  for (;;) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    usleep(10000);
  }
}

// The head of an answer, with what has come of the body behind it; how long the head is, 0 if none comes.
static size_t read_head(int fd, size_t *got) {
  for (*got = 0; *got < BUFFER_BYTES;) {
    ssize_t more = read(fd, buffer + *got, BUFFER_BYTES - *got);
    if (more <= 0) return 0;
    *got += more;
    buffer[*got] = 0;
    char *end = strstr(buffer, "\r\n\r\n");
    if (end) return end + 4 - buffer;
  }
  return 0;
}

static bool get(int fd, unsigned file, size_t bytes) {
  char request[128], number[16], begin[NUMBER_DIGITS];
  int length = snprintf(request, sizeof request, "GET /%04u HTTP/1.1\r\nHost: guest\r\n\r\n", file);
  if (send(fd, request, length, MSG_NOSIGNAL) != length) return false;
  size_t got, head = read_head(fd, &got);
  char *field = head ? strstr(buffer, "Content-Length: ") : 0;
  if (!field || strncmp(buffer, "HTTP/1.1 200 ", 13) != 0 || strtoul(field + 16, 0, 10) != bytes) return false;
  size_t body = got - head, known = body < NUMBER_DIGITS ? body : NUMBER_DIGITS;
  memcpy(begin, buffer + head, known);
  while (body < bytes) {
    ssize_t more = read(fd, buffer, bytes - body < BUFFER_BYTES ? bytes - body : BUFFER_BYTES);
    if (more <= 0) return false;
    for (ssize_t i = 0; i < more && known < NUMBER_DIGITS; i++) begin[known++] = buffer[i];
    body += more;
  }
  snprintf(number, sizeof number, "%0*u", NUMBER_DIGITS, file);
  return body == bytes && memcmp(begin, number, NUMBER_DIGITS) == 0;
}

int main(int count, char **arguments) {
  if (count != 5) return 1;
  unsigned files = strtoul(arguments[2], 0, 10);
  size_t bytes = strtoul(arguments[3], 0, 10);
  int counts = open(arguments[4], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (counts < 0 || files == 0) return 1;
  unsigned long long whole = 0, wrong = 0;
  uint64_t random = (uint64_t)getpid() << 32 | 1;
  int fd = connect_to(arguments[1]);
  for (;;) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    if (get(fd, random % files, bytes)) whole++;
    else {
      wrong++;
      close(fd);
      fd = connect_to(arguments[1]);
    }
    char line[64];
    int length = snprintf(line, sizeof line, "%llu %llu\n", whole, wrong);
    if (pwrite(counts, line, length, 0) != length) return 1;
  }
}
