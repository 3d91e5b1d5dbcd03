// A guest's workload: fills memory with pages that verify themselves and rewrites them, on the host's command.
// A command is a line `NUMBER NAME ARGUMENT...`; its answer `NUMBER ok KEY=VALUE...` or `NUMBER failed REASON`.
// What goes wrong unasked is a line `error KEY=VALUE...`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busy-files.h"
#include "clock.h"
#include "control.h"
#include "disk.h"
#include "memory.h"
#include "parallel.h"
#include "writers.h"

typedef unsigned long long u64;

static const u64 pages_per_mib = 256;
enum { MAX_ARGUMENTS = 8 };

static bool is(const char *argument, const char *name) { return argument && strcmp(argument, name) == 0; }

static void fill(unsigned id, char **arguments, int count) {
  enum content content = CONTENT_RANDOM;
  if (count != 3) return control_print("%u failed usage: fill MIB SEED random|text|zero", id);
  if (is(arguments[2], "text")) content = CONTENT_TEXT;
  else if (is(arguments[2], "zero")) content = CONTENT_ZERO;
  else if (!is(arguments[2], "random")) return control_print("%u failed unknown content", id);
  u64 pages = strtoull(arguments[0], 0, 10) * pages_per_mib;
  uint64_t begin = now_ns();
  const char *failure = memory_fill(pages, strtoull(arguments[1], 0, 10), content);
  if (failure) return control_print("%u failed %s", id, failure);
  control_print("%u ok pages=%llu ms=%llu", id, pages, (u64)(now_ns() - begin) / 1000000);
}

// Lets a process fill memory, and end.
static void use_and_free(unsigned id, char **arguments, int count) {
  if (count != 1) return control_print("%u failed usage: useandfree MIB", id);
  u64 pages = strtoull(arguments[0], 0, 10) * pages_per_mib;
  pid_t child = fork();
  if (child < 0) return control_print("%u failed no process", id);
  if (child == 0) _exit(memory_fill(pages, 1, CONTENT_RANDOM) ? 1 : 0);
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) return control_print("%u failed not enough memory", id);
  control_print("%u ok pages=%llu", id, pages);
}

// Fills in a plan from `MB/S:START%:SIZE%:PATTERN:EXTENT`; null or what is wrong with it.
static const char *parse_plan(char *text, struct write_plan *plan) {
  char *rate = strsep(&text, ":"), *start_text = strsep(&text, ":"), *size_text = strsep(&text, ":");
  char *pattern = strsep(&text, ":"), *extent = strsep(&text, ":");
  if (!extent || text) return "usage: write [MB/S:START%:SIZE%:sequential|random|zipf:whole|words]...";
  double start = strtod(start_text, 0), size = strtod(size_text, 0);
  if (start < 0 || size <= 0 || start + size > 100) return "region outside of the memory";
  plan->bytes_per_second = strtod(rate, 0) * 1e6;
  plan->first = memory_pages() * (start / 100);
  plan->pages = memory_pages() * (size / 100);
  if (plan->pages < RUN_PAGES) return "too few pages in the region";
  plan->whole = is(extent, "whole");
  if (!plan->whole && !is(extent, "words")) return "unknown extent";
  if (is(pattern, "sequential")) plan->pattern = PATTERN_SEQUENTIAL;
  else if (is(pattern, "random")) plan->pattern = PATTERN_RANDOM;
  else if (is(pattern, "zipf")) {
    plan->pattern = PATTERN_ZIPF;
    plan->runs = zipf_over(plan->pages / RUN_PAGES);
    if (!plan->runs) return "not enough memory";
  } else return "unknown pattern";
  return 0;
}

static void write_pages(unsigned id, char **arguments, int count) {
  struct write_plan plans[MAX_PLANS] = {0};
  if (count > MAX_PLANS) return control_print("%u failed too many plans", id);
  for (int i = 0; i < count; i++) {
    const char *failure = parse_plan(arguments[i], &plans[i]);
    if (failure) return control_print("%u failed %s", id, failure);
  }
  writers_set(plans, count);
  control_print("%u ok plans=%d", id, count);
}

static void beat(unsigned id, char **arguments, int count) {
  u64 ms = count == 1 ? strtoull(arguments[0], 0, 10) : 0;
  if (ms == 0) return control_print("%u failed usage: beat MS", id);
  writers_beat_every(ms * 1000000);
  control_print("%u ok", id);
}

static void check(unsigned id) {
  uint64_t begin = now_ns();
  u64 errors = memory_check();
  control_print("%u ok pages=%u errors=%llu ms=%llu", id, memory_pages(), errors, (u64)(now_ns() - begin) / 1000000);
}

static void status(unsigned id) {
  struct memory_counters counters = memory_counters();
  control_print("%u ok written=%llu checked=%llu errors=%llu files=%llu pages=%u processors=%u uptime=%llu", id,
                (u64)counters.written, (u64)counters.checked, (u64)counters.errors, (u64)disk_files_written(),
                memory_pages(), processors(), (u64)now_ns() / 1000000);
}

static void disk(unsigned id, char **arguments) {
  if (!is(arguments[0], "on") && !is(arguments[0], "off")) return control_print("%u failed usage: disk on|off", id);
  if (!disk_mounted()) return control_print("%u failed there is no disk", id);
  disk_set(is(arguments[0], "on"));
  control_print("%u ok", id);
}

static void check_disk(unsigned id) {
  struct disk_result result = disk_check();
  control_print("%u ok files=%u errors=%llu", id, result.files, (u64)result.errors);
}

static void print_busy_files(unsigned id, struct busy_files_result result) {
  control_print("%u ok files=%u bytes=%llu resident=%llu operations=%llu errors=%llu", id, result.files,
                (u64)result.bytes, (u64)result.resident, (u64)result.operations, (u64)result.errors);
}

static void busy_files(unsigned id, char **arguments, int count) {
  if (is(arguments[0], "on") && count == 3) {
    const char *failure = busy_files_start(strtoul(arguments[1], 0, 10), strtod(arguments[2], 0));
    if (failure) return control_print("%u failed %s", id, failure);
  } else if (is(arguments[0], "off")) busy_files_stop();
  else if (is(arguments[0], "check")) return print_busy_files(id, busy_files_check());
  else if (!is(arguments[0], "status"))
    return control_print("%u failed usage: busyfiles on FILES OPERATIONS/S | off | status | check", id);
  print_busy_files(id, busy_files_status());
}

static void shell(unsigned id, const char *command) { control_print("%u ok status=%d", id, system(command)); }

// Answers with the first line that the command prints.
static void output(unsigned id, const char *command) {
  char line[256] = "";
  FILE *stream = popen(command, "r");
  if (!stream) return control_print("%u failed no process", id);
  if (!fgets(line, sizeof line, stream)) line[0] = 0;
  line[strcspn(line, "\n")] = 0;
  // A command whose output nobody reads to its end would be ended by a signal.
  char rest[256];
  while (fgets(rest, sizeof rest, stream)) continue;
  int status = pclose(stream);
  control_print("%u ok status=%d %s", id, status, line);
}

static void execute(char *line) {
  char *rest = line;
  unsigned id = strtoul(strsep(&rest, " "), 0, 10);
  char *name = strsep(&rest, " ");
  if (is(name, "shell")) return shell(id, rest ? rest : "");
  if (is(name, "output")) return output(id, rest ? rest : "");
  char *arguments[MAX_ARGUMENTS + 1] = {0};
  int count = 0;
  while (rest && count < MAX_ARGUMENTS) arguments[count++] = strsep(&rest, " ");
  if (is(name, "fill")) fill(id, arguments, count);
  else if (is(name, "useandfree")) use_and_free(id, arguments, count);
  else if (is(name, "write")) write_pages(id, arguments, count);
  else if (is(name, "beat")) beat(id, arguments, count);
  else if (is(name, "check")) check(id);
  else if (is(name, "status")) status(id);
  else if (is(name, "disk")) disk(id, arguments);
  else if (is(name, "diskcheck")) check_disk(id);
  else if (is(name, "busyfiles")) busy_files(id, arguments, count);
  else if (is(name, "poweroff")) {
    control_print("%u ok", id);
    sync();
    reboot(RB_POWER_OFF);
  } else control_print("%u failed unknown command", id);
}

int main(int count, char **arguments) {
  control_open(count > 1 ? arguments[1] : "/dev/ttyS1");
  writers_start();
  disk_start();
  control_print("ready");
  char line[1024];
  while (control_read_line(line, sizeof line)) execute(line);
  return 1;
}
