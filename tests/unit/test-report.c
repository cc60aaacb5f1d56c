/* test-report.c - the reporters: each is fed events, and what it wrote is looked at.
 * junit.xml is read by libxml2 and checked against tests/junit.xsd each time. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xpath.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "secret.h"
#include "format.h"
#include "tally.h"
#include "xml.h"

#define START 1700000000000000 /* 2023-11-14T22:13:20Z */

static char folder[64], junit_path[96];
static xmlDoc *junit;

static void
setup (void)
{
  strcpy (folder, "/tmp/test-report-XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (folder));
  snprintf (junit_path, sizeof junit_path, "%s/junit.xml", folder);
}

static void
teardown (void)
{
  xmlFreeDoc (junit);
  junit = NULL;
  unlink (junit_path);
  ck_assert_msg (rmdir (folder) == 0, "something was left in %s", folder);
  secret_forget_all ();
}

/* ---- events ---- */

static void
feed (struct reporter *reporter, const struct event *events, size_t count)
{
  for (size_t i = 0; i < count; i++)
    report_event (reporter, &events[i]);
}
#define FEED(reporter, events) feed (reporter, events, sizeof (events) / sizeof *(events))

#define PLAN(number, file, title, ...)                                                             \
  { .type = EVENT_PLAN, .time_us = START, .suite = number, .path = file, .name = title,            \
    .planned = (struct event_planned[]) { __VA_ARGS__ },                                           \
    .planned_count = sizeof ((struct event_planned[]) { __VA_ARGS__ }) / sizeof (struct event_planned) }
#define SUITE(number) { .type = EVENT_SUITE, .time_us = START + 1000, .suite = number, .path = "x", .name = "y" }
#define RESULT(of, number, try, last, result, us, ...)                                             \
  { .type = EVENT_TEST, .time_us = START + 2000, .suite = of, .test = number, .attempt = try, .final = last, \
    .outcome = result, .start_us = START + 1500, .duration_us = us, ##__VA_ARGS__ }
#define TEST(of, number, result, ...) RESULT (of, number, 1, true, result, 1234567, ##__VA_ARGS__)
#define SUITE_END(number, ...) { .type = EVENT_SUITE_END, .time_us = START + 3000, .suite = number, __VA_ARGS__ }
#define END(...) { .type = EVENT_END, .time_us = START + 2500000, __VA_ARGS__ }

/* A run with one of everything. */
static struct event_traffic traffic[] = {
  { .peer = "127.0.0.1:1", .received = 0, .time_us = 5, .size = 6, .data = "hello\n", .data_size = 6 },
  { .peer = "127.0.0.1:1", .received = 1, .time_us = 9, .size = 900, .data = "\0\1\2\3\377\376A", .data_size = 7 },
};
static struct event_log logs[] = { { "hub", "one\ntwo\n", 8, "/logs/hub.log" } };
static const char *files[] = { "/logs/a b.pcap", "/logs/hub.log" }, *warnings[] = { "checks nothing" };
static const struct event everything[] = {
  { .type = EVENT_RUN, .time_us = START, .version = 1, .runner = "1.2", .host = "lab", .seed = "42", .suites = 2,
    .tests = 7, .jobs = 2 },
  PLAN (1, "./suites/b.smoke.yml", "Second", { .name = "only" }),
  PLAN (0, "suites/a.yaml", "First", { .name = "good", .line = 3 }, { .name = "bad", .line = 9 },
        { .name = "crash" }, { .name = "skip" }, { .name = "lost" }, { .name = "flaky" }),
  SUITE (0),
  TEST (0, 0, OUTCOME_PASSED, .output = "x\n", .output_size = 2, .warnings = warnings, .warning_count = 1),
  TEST (0, 1, OUTCOME_FAILED, .message = "first\nsecond", .where = "suites/a.yaml:9:3", .verb = "tcp.receive",
        .details = "$.a: expected 1\n$.b: expected 2", .traffic = traffic, .traffic_count = 2, .logs = logs,
        .log_count = 1, .output = "printed", .output_size = 7, .attachments = files, .attachment_count = 2),
  TEST (0, 2, OUTCOME_ERROR, .message = "the worker crashed", .signal = "SIGSEGV"),
  TEST (0, 3, OUTCOME_SKIPPED, .message = "needs <kafka>"),
  TEST (0, 4, OUTCOME_NOT_RUN, .message = "the setup failed"),
  { .type = EVENT_TEST, .suite = 0, .test = 5, .time_us = START, .attempt = 1, .outcome = OUTCOME_FAILED,
    .start_us = START, .message = "not yet", .verb = "check", .where = "suites/a.yaml:30:1",
    .output = "one", .output_size = 3 },
  RESULT (0, 5, 2, true, OUTCOME_PASSED, 1234567),
  SUITE_END (0, .outcome = OUTCOME_FAILED, .message = "the teardown failed", .verb = "exec.run",
             .duration_us = 9000000),
  END (.status = 1, .outcome = OUTCOME_FAILED),
};

/* ---- junit.xml ---- */

static xmlDoc *
read_junit (void)
{
  xmlFreeDoc (junit);
  junit = xmlReadFile (junit_path, NULL, XML_PARSE_NONET);
  ck_assert_ptr_nonnull (junit);
  xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt (TOP_SRCDIR "/tests/junit.xsd");
  xmlSchema *schema = xmlSchemaParse (parser);
  ck_assert_ptr_nonnull (schema);
  xmlSchemaValidCtxt *check = xmlSchemaNewValidCtxt (schema);
  ck_assert_int_eq (xmlSchemaValidateDoc (check, junit), 0);
  xmlSchemaFreeValidCtxt (check);
  xmlSchemaFree (schema);
  xmlSchemaFreeParserCtxt (parser);
  return junit;
}

/* The XPath expression as a string; to be freed. */
static char *
xpath (const char *expression)
{
  xmlXPathContext *context = xmlXPathNewContext (junit);
  xmlXPathObject *result = xmlXPathEvalExpression ((const xmlChar *) expression, context);
  ck_assert_msg (result, "%s", expression);
  xmlChar *text = xmlXPathCastToString (result);
  char *copy = strdup ((const char *) text);
  xmlFree (text);
  xmlXPathFreeObject (result);
  xmlXPathFreeContext (context);
  return copy;
}

static void
is (const char *expression, const char *expected)
{
  char *value = xpath (expression);
  ck_assert_msg (strcmp (value, expected) == 0, "%s is \"%s\", not \"%s\"", expression, value, expected);
  free (value);
}

static void
write_junit (const struct event *events, size_t count)
{
  struct reporter *reporter = report_junit (junit_path);
  feed (reporter, events, count);
  report_finish (reporter);
  ck_assert_str_eq (reporter->error, "");
  report_free (reporter);
  read_junit ();
}
#define JUNIT(events) write_junit (events, sizeof (events) / sizeof *(events))

START_TEST (junit_counts_what_happened)
{
  JUNIT (everything);
  is ("/testsuites/@tests", "8");
  is ("/testsuites/@failures", "2"); /* "bad" and the teardown */
  is ("/testsuites/@errors", "1");
  is ("/testsuites/@skipped", "3");
  is ("/testsuites/@time", "2.500");
  is ("count(//testsuite)", "2");
  is ("//testsuite[1]/@name", "First (suites.a)");
  is ("//testsuite[1]/@tests", "7");
  is ("//testsuite[1]/@failures", "2");
  is ("//testsuite[1]/@errors", "1");
  is ("//testsuite[1]/@skipped", "2");
  is ("//testsuite[1]/@time", "9.000");
  is ("//testsuite[1]/@timestamp", "2023-11-14T22:13:20.001Z");
  is ("//testsuite[1]/@hostname", "lab");
  is ("count(//testsuite[1]/testcase)", "7");
  is ("//testsuite[2]/@name", "Second (suites.b_smoke)");
  is ("//testsuite[2]/@tests", "1");
  is ("//property[@name='seed']/@value", "42");
  is ("//testsuite[2]//property[@name='suite.file']/@value", "./suites/b.smoke.yml");
}
END_TEST

START_TEST (junit_tells_how_each_case_went)
{
  JUNIT (everything);
  is ("count(//testcase[@name='good']/*[not(self::system-out)])", "0");
  is ("//testcase[@name='good']/@classname", "suites.a");
  is ("//testcase[@name='good']/@time", "1.235");
  is ("//testcase[@name='good']/@timestamp", "2023-11-14T22:13:20.001Z");
  is ("string(//testcase[@name='good']/system-out)", "warning: checks nothing\nx\n");
  is ("//testcase[@name='bad']/failure/@message", "first second");
  is ("//testcase[@name='bad']/failure/@type", "tcp.receive");
  is ("//testcase[@name='crash']/error/@type", "SIGSEGV");
  is ("//testcase[@name='crash']/error/@message", "the worker crashed");
  is ("//testcase[@name='skip']/skipped/@message", "needs <kafka>");
  is ("//testcase[@name='lost']/skipped/@message", "not run: the setup failed");
  is ("//testcase[@name='only']/skipped/@message", "not run: it was never started");
  is ("//testcase[@name='(suite)']/failure/@message", "the teardown failed");
  is ("//testcase[@name='(suite)']/failure/@type", "exec.run");
}
END_TEST

START_TEST (junit_shows_all_that_is_known_of_a_failure)
{
  JUNIT (everything);
  is ("string(//testcase[@name='bad']/failure)",
      "suites/a.yaml:9:3: tcp.receive: first\nsecond\n"
      "  $.a: expected 1\n"
      "  $.b: expected 2\n"
      "  the last traffic:\n"
      "    sent to 127.0.0.1:1 at 5 µs, 6 bytes:\n"
      "      \"hello\\n\"\n"
      "    received from 127.0.0.1:1 at 9 µs, 900 bytes, the first 7:\n"
      "      0000  00 01 02 03 ff fe 41                              |......A|\n"
      "  the log of hub (/logs/hub.log):\n"
      "    | one\n"
      "    | two\n");
}
END_TEST

START_TEST (junit_attachments_are_the_last_lines)
{
  JUNIT (everything);
  is ("string(//testcase[@name='bad']/system-out)",
      "printed\n[[ATTACHMENT|/logs/a b.pcap]]\n[[ATTACHMENT|/logs/hub.log]]\n");
}
END_TEST

START_TEST (junit_keeps_earlier_attempts)
{
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "flaky" }, { .name = "broken" }, { .name = "left" }),
    RESULT (0, 0, 1, false, OUTCOME_FAILED, 1234567, .message = "f1", .output = "o1", .output_size = 2),
    RESULT (0, 1, 1, false, OUTCOME_ERROR, 1234567, .message = "b1"),
    RESULT (0, 0, 1, false, OUTCOME_FAILED, 1234567, .message = "f2", .verb = "v2"),
    TEST (0, 1, OUTCOME_FAILED, .message = "b2"),
    RESULT (0, 0, 3, true, OUTCOME_PASSED, 1234567),
    RESULT (0, 2, 1, false, OUTCOME_FAILED, 1234567, .message = "l1"),
    END (.interrupted = true),
  };
  JUNIT (events);
  is ("count(//testcase[@name='flaky']/*)", "2");
  is ("//testcase[@name='flaky']/flakyFailure[1]/@message", "f1");
  is ("string(//testcase[@name='flaky']/flakyFailure[1]/stackTrace)", "f1\n");
  is ("string(//testcase[@name='flaky']/flakyFailure[1]/system-out)", "o1");
  is ("//testcase[@name='flaky']/flakyFailure[2]/@type", "v2");
  is ("//testcase[@name='broken']/failure/@message", "b2");
  is ("//testcase[@name='broken']/rerunFailure/@message", "b1");
  is ("//testcase[@name='broken']/rerunFailure/@type", "error");
  is ("//testcase[@name='left']/skipped/@message", "not run: interrupted");
  is ("//testcase[@name='left']/rerunFailure/@message", "l1");
  is ("//testsuites/@failures", "1");
}
END_TEST

START_TEST (junit_marks_the_rest_of_a_broken_run_as_not_run)
{
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" }, { .name = "two" }),
    PLAN (1, "b.yaml", "B", { .name = "three" }),
    TEST (0, 0, OUTCOME_PASSED),
  };
  JUNIT (events);
  is ("count(//skipped[@message='not run: the run was broken off'])", "2");
  is ("//testsuites/@skipped", "2");
  is ("//testsuite[2]/@tests", "1");
}
END_TEST

START_TEST (junit_names_are_unique)
{
  const struct event events[] = {
    PLAN (0, "a/x.yaml", "Same", { .name = "one" }, { .name = "one" }, { .name = "one (2)" }),
    PLAN (1, "a.x.yaml", "Same", { .name = "one" }),
    PLAN (2, "../a/x.yaml", "Same", { .name = "one" }),
    PLAN (3, "./a_x.yml", NULL, { .name = "" }, { .name = "a\n\"b\"\t" }),
    END (.status = 0),
  };
  JUNIT (events); /* the schema says that they are */
  is ("//testsuite[1]/testcase[2]/@name", "one (2)");
  is ("//testsuite[1]/testcase[3]/@name", "one (2) (2)");
  is ("//testsuite[2]/testcase/@classname", "a_x");
  is ("//testsuite[3]/testcase/@classname", "a.x-2");
  is ("//testsuite[4]/testcase/@classname", "a_x-2");
  is ("//testsuite[4]/@name", "a_x-2");
  is ("//testsuite[4]/testcase[1]/@name", "test 0");
  is ("//testsuite[4]/testcase[2]/@name", "a\n\"b\"\t");
}
END_TEST

START_TEST (paths_become_class_names)
{
  static const char *const names[][2] = {
    { "suites/login.yaml", "suites.login" }, { "./login.yml", "login" }, { "/srv/x/login.yaml", "srv.x.login" },
    { "a//b/./c/../d.yaml", "a.b.d" }, { "../../a.yaml", "a" }, { "a.b/c.d.yaml", "a_b.c_d" }, { "yaml", "yaml" },
    { ".yaml", "_yaml" }, { "", "suite" }, { "..", "suite" }, { "x.yaml.yaml", "x_yaml" },
    { "dir.yaml/a", "dir_yaml.a" },
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct buffer out = { 0 };
    tally_class_name (&out, names[i][0]);
    ck_assert_str_eq (buffer_text (&out), names[i][1]);
    buffer_free (&out);
  }
}
END_TEST

/* What xml.h says of the escapes: `\x` and two digits is a byte. */
static void
unescape (struct buffer *out, const char *text)
{
  for (; *text; text++) {
    unsigned byte;
    if (sscanf (text, "\\x%2x", &byte) == 1 && strspn (text + 2, "0123456789abcdefABCDEF") >= 2) {
      buffer_putc (out, (char) byte);
      text += 3;
    }
    else
      buffer_putc (out, *text);
  }
}

static const struct { const char *text; size_t size; } hostile[] = {
#define S(literal) { literal, sizeof literal - 1 }
  S ("\x1b[31mred\x1b[0m"), S ("a\0b"), S ("]]>"), S ("<![CDATA[x]]>"), S ("</system-out>"), S ("&amp;&lt;\"'"),
  S ("\xff\xfe"), S ("\xed\xa0\x80"), S ("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"), S ("\xf0\x9f\x98\x80 \xc3\xa9"),
  S ("\\x1b literal"), S ("\\x1\x1b"), S ("\\\\x41"), S ("\\xzz \\"), S ("\r\n\t\r"), S ("\xc2\x85\xc2\x9b"),
  S ("\xf4\x90\x80\x80"),
  S ("\xe2\x80"), S ("\x7f\x08"), S ("  spaces  \n\n "),
#undef S
};

START_TEST (junit_escapes_are_reversible)
{
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    const struct event events[] = {
      PLAN (0, "a.yaml", "A", { .name = "t" }),
      TEST (0, 0, OUTCOME_PASSED, .output = hostile[i].text, .output_size = hostile[i].size),
    };
    JUNIT (events);
    char *text = xpath ("string(//system-out)");
    struct buffer back = { 0 };
    unescape (&back, text);
    bool same = back.size == hostile[i].size && memcmp (back.data, hostile[i].text, back.size) == 0;
    ck_assert_msg (same, "%zu: %s", i, text);
    buffer_free (&back);
    free (text);
  }
  struct buffer out = { 0 };
  xml_text (&out, "\x1b[1m \\x41 \\xyz", 14);
  ck_assert_str_eq (buffer_text (&out), "\\x1b[1m \\x5cx41 \\xyz");
  buffer_free (&out);
}
END_TEST

START_TEST (junit_survives_random_bytes_everywhere)
{
  srand (11);
  for (int round = 0; round < 200; round++) {
    char noise[8][64];
    for (int i = 0; i < 8; i++) {
      for (size_t k = 0; k < 63; k++)
        noise[i][k] = (char) (rand () % 255 + 1);
      noise[i][63] = '\0';
    }
    struct event_log log = { noise[0], noise[1], 63, noise[2] };
    const char *attachments[] = { noise[3] };
    const struct event events[] = {
      { .type = EVENT_RUN, .time_us = START, .runner = noise[0], .host = noise[1], .seed = noise[2] },
      PLAN (0, noise[4], noise[5], { .name = noise[6] }),
      TEST (0, 0, OUTCOME_FAILED, .message = noise[7], .where = noise[0], .verb = noise[1], .details = noise[2],
            .logs = &log, .log_count = 1, .attachments = attachments, .attachment_count = 1),
    };
    struct reporter *reporter = report_junit (junit_path);
    FEED (reporter, events);
    report_finish (reporter);
    report_free (reporter);
    xmlDoc *doc = xmlReadFile (junit_path, NULL, XML_PARSE_NONET);
    ck_assert_ptr_nonnull (doc);
    xmlFreeDoc (doc);
  }
}
END_TEST

START_TEST (junit_is_compact)
{
  struct reporter *reporter = report_junit (junit_path);
  struct event_planned planned = { .name = "a test with a name of usual length" };
  for (uint32_t i = 0; i < 10000; i++) {
    struct event plan = { .type = EVENT_PLAN, .time_us = START, .path = "suites/x.yaml", .first = i,
                          .planned = &planned, .planned_count = 1 };
    struct event test = RESULT (0, i, 1, true, OUTCOME_PASSED, -5);
    char name[64];
    snprintf (name, sizeof name, "a test with a name of usual length %u", i);
    planned.name = name;
    report_event (reporter, &plan);
    report_event (reporter, &test);
  }
  report_finish (reporter);
  ck_assert_str_eq (reporter->error, "");
  report_free (reporter);
  struct stat st;
  ck_assert_int_eq (stat (junit_path, &st), 0);
  ck_assert_int_lt (st.st_size, 10000 * 200);
  read_junit ();
  is ("count(//testcase)", "10000");
  is ("count(//testcase[@time='0.000'])", "10000");
}
END_TEST

static void
expect_failure (const char *path, const char *error)
{
  struct reporter *reporter = report_junit (path);
  FEED (reporter, everything);
  report_finish (reporter);
  ck_assert_ptr_nonnull (strstr (reporter->error, error));
  ck_assert (strncmp (reporter->error, path, strlen (path)) == 0);
  report_free (reporter);
}

START_TEST (junit_leaves_nothing_behind_when_it_cannot_be_written)
{
  char path[128];
  snprintf (path, sizeof path, "%s/no/junit.xml", folder);
  expect_failure (path, strerror (ENOENT));

  snprintf (path, sizeof path, "%s/taken", folder); /* a folder stands where the file should be */
  ck_assert_int_eq (mkdir (path, 0777), 0);
  expect_failure (path, strerror (EISDIR));
  ck_assert_int_eq (rmdir (path), 0);

  FILE *old = fopen (junit_path, "w");
  ck_assert_ptr_nonnull (old);
  fputs ("old", old);
  fclose (old);
  signal (SIGXFSZ, SIG_IGN);
  struct rlimit limit = { 100, 100 }, no_limit;
  getrlimit (RLIMIT_FSIZE, &no_limit);
  limit.rlim_max = no_limit.rlim_max;
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
  expect_failure (junit_path, strerror (EFBIG));
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &no_limit), 0);
  char kept[8] = "";
  old = fopen (junit_path, "r");
  ck_assert_ptr_nonnull (old);
  ck_assert_ptr_nonnull (fgets (kept, sizeof kept, old));
  fclose (old);
  ck_assert_str_eq (kept, "old");
} /* and the folder is empty otherwise: teardown removes it */
END_TEST

START_TEST (junit_has_no_impossible_times)
{
  struct event events[] = { PLAN (0, "a.yaml", "A", { .name = "t" }), TEST (0, 0, OUTCOME_PASSED) };
  events[1].start_us = -1;
  JUNIT (events);
  is ("count(//testcase[@timestamp])", "0");
  events[1].start_us = INT64_C (1) << 56;
  JUNIT (events);
  is ("//testcase/@timestamp", "4253-05-31T22:20:37.927Z");
}
END_TEST

START_TEST (junit_without_tests_is_a_file_too)
{
  const struct event events[] = { END (.status = 0) };
  JUNIT (events);
  is ("count(/testsuites/*)", "0");
  is ("/testsuites/@tests", "0");
}
END_TEST

/* ---- the console ---- */

static char *text;
static size_t text_size;

/* What the console says of the events; the caller frees `text`. */
static const char *
console (const struct console_options *how, const struct event *events, size_t count)
{
  struct console_options options = *how;
  options.out = open_memstream (&text, &text_size);
  ck_assert_ptr_nonnull (options.out);
  struct reporter *reporter = report_console (&options);
  for (size_t i = 0; i < count; i++) {
    report_event (reporter, &events[i]);
    if (options.live)
      reporter->type->tick (reporter, START + (int64_t) i * 1000000);
  }
  report_finish (reporter);
  ck_assert_str_eq (reporter->error, "");
  report_free (reporter);
  fclose (options.out);
  return text;
}
#define CONSOLE(events, ...) \
  console (&(struct console_options) { __VA_ARGS__ }, events, sizeof (events) / sizeof *(events))

static size_t
occurrences (const char *haystack, const char *needle)
{
  size_t n = 0;
  for (; (haystack = strstr (haystack, needle)); haystack++)
    n++;
  return n;
}

START_TEST (console_shows_a_run)
{
  CONSOLE (everything, .width = 80);
  ck_assert_str_eq (text,
    "runner 1.2: 7 tests in 2 suites, 2 at once, shuffled with seed 42\n"
    "warning  suites/a.yaml:3: good: checks nothing\n"
    "FAILED   suites/a.yaml: bad  1.23 s\n"
    "    suites/a.yaml:9:3: tcp.receive: first\n"
    "    second\n"
    "      $.a: expected 1\n"
    "      $.b: expected 2\n"
    "      the last traffic:\n"
    "        sent to 127.0.0.1:1 at 5 µs, 6 bytes:\n"
    "          \"hello\\n\"\n"
    "        received from 127.0.0.1:1 at 9 µs, 900 bytes, the first 7:\n"
    "          0000  00 01 02 03 ff fe 41                              |......A|\n"
    "      the log of hub (/logs/hub.log):\n"
    "        | one\n"
    "        | two\n"
    "      its output:\n"
    "        | printed\n"
    "    file: /logs/a b.pcap\n"
    "    file: /logs/hub.log\n"
    "ERROR    suites/a.yaml: crash  1.23 s\n"
    "    the worker crashed\n"
    "again    suites/a.yaml: flaky  0 µs\n"
    "    suites/a.yaml:30:1: check: not yet\n"
    "flaky    suites/a.yaml: flaky  1.23 s, attempt 2\n"
    "FAILED   suites/a.yaml  9.00 s\n"
    "    exec.run: the teardown failed\n"
    "FAILED   suites/a.yaml         2 passed, 2 failed, 1 error, 1 skipped, 1 not run, 1 flaky  9.00 s\n"
    "\n"
    "failed:\n"
    "  suites/a.yaml:9: bad\n"
    "  suites/a.yaml: crash\n"
    "  suites/a.yaml\n"
    "skipped:\n"
    "     1  needs <kafka>\n"
    "     1  not run: the setup failed\n"
    "     1  not run: it was never started\n"
    "slowest:\n"
    "  1.23 s      suites/a.yaml:3: good\n"
    "  1.23 s      suites/a.yaml:9: bad\n"
    "  1.23 s      suites/a.yaml: crash\n"
    "  1.23 s      suites/a.yaml: skip\n"
    "  1.23 s      suites/a.yaml: lost\n"
    "7 tests in 2.50 s: 1 error, 2 not run, 1 flaky\n"
    "2 passed, 3 failed, 1 skipped\n");
  free (text);
}
END_TEST

START_TEST (console_can_be_quiet)
{
  CONSOLE (everything, .verbose = -1);
  ck_assert (strncmp (text, "FAILED   suites/a.yaml: bad", 27) == 0);
  ck_assert_ptr_null (strstr (text, "warning"));
  ck_assert_ptr_null (strstr (text, "slowest"));
  ck_assert_ptr_null (strstr (text, "flaky  "));
  free (text);
}
END_TEST

/* Does the end have this line? */
static bool
names_report (const char *line, const struct console_options *how)
{
  const struct event events[] = { PLAN (0, "a.yaml", "A", { .name = "one" }), SUITE (0), TEST (0, 0, OUTCOME_PASSED),
                                  END (.status = 0) };
  console (how, events, sizeof events / sizeof *events);
  bool found = strstr (text, line) != NULL;
  free (text);
  return found;
}
#define NAMES_REPORT(line, ...) names_report (line, &(struct console_options) { __VA_ARGS__ })

START_TEST (console_names_the_report)
{
  struct reporter pages = { .error = "" }, lost = { .error = "disk full" };
  ck_assert (NAMES_REPORT (" s\nreport: a\\x1b/b\n1 passed, 0 failed", .pages = &pages, .page = "a\x1b/b"));
  ck_assert (NAMES_REPORT ("\x1b[2mreport: a\x1b[0m\n1 passed", .pages = &pages, .page = "a", .color = true));
  ck_assert (!NAMES_REPORT ("report", .pages = &pages, .page = "a", .verbose = -1));
  ck_assert (!NAMES_REPORT ("report", .pages = &lost, .page = "a"));
  ck_assert (!NAMES_REPORT ("report", .verbose = 0));
}
END_TEST

START_TEST (console_can_tell_every_test_and_step)
{
  struct event_step steps[] = { { .where = "a.yaml:1:2", .verb = "check", .name = "the name", .time_us = 12,
                                  .depth = 1,
                                  .attempts = 3, .phase = "defer" },
                                { .where = "a.yaml:1:1", .verb = "do", .attempts = 1 } };
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" }, { .name = "two" }),
    RESULT (0, 0, 1, true, OUTCOME_PASSED, 99, .steps = steps, .step_count = 2, .output = "said", .output_size = 4),
    RESULT (0, 1, 1, true, OUTCOME_SKIPPED, 0, .message = "why"),
    END (.status = 0),
  };
  CONSOLE (events, .verbose = 1);
  ck_assert_ptr_nonnull (strstr (text, "passed   a.yaml: one  99 µs\n"));
  ck_assert_ptr_nonnull (strstr (text, "skipped  a.yaml: two  0 µs: why\n"));
  ck_assert_ptr_null (strstr (text, "a.yaml:1:2"));
  ck_assert_ptr_null (strstr (text, "slowest"));
  free (text);
  CONSOLE (events, .verbose = 2);
  ck_assert_ptr_nonnull (strstr (text, "    passed   a.yaml:1:1  do  0 µs\n"
                                       "      passed   a.yaml:1:2  check  the name [defer]  12 µs, attempt 3\n"));
  ck_assert_ptr_nonnull (strstr (text, "        | said\n"));
  free (text);
}
END_TEST

/* Steps are told when they have ended: what is inside comes before what is around it. */
START_TEST (console_tells_who_called_a_keyword)
{
#define INSIDE .where = "a.yaml:4:9", .verb = "tcp.receive"
  struct event_step steps[] = {
    { INSIDE, .outcome = OUTCOME_FAILED, .depth = 1 }, /* `fails` wanted it so */
    { .where = "a.yaml:20:9", .verb = "my.ask", .outcome = OUTCOME_PASSED },
    { INSIDE, .outcome = OUTCOME_PASSED, .depth = 1 },
    { .where = "a.yaml:21:9", .verb = "my.ask", .outcome = OUTCOME_PASSED },
    { INSIDE, .outcome = OUTCOME_FAILED, .depth = 3 },
    { .where = "a.yaml:7:9", .verb = "my.ask", .outcome = OUTCOME_FAILED, .depth = 2 },
    { .where = "a.yaml:6:9", .verb = "do", .outcome = OUTCOME_FAILED, .depth = 1 },
    { .where = "a.yaml:22:9", .verb = "my.login", .outcome = OUTCOME_FAILED },
    { INSIDE, .outcome = OUTCOME_FAILED, .depth = 1 }, /* of on_failure */
    { .where = "a.yaml:30:9", .verb = "my.ask", .outcome = OUTCOME_FAILED },
  };
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" }),
    RESULT (0, 0, 1, true, OUTCOME_FAILED, 99, INSIDE, .message = "no answer", .steps = steps,
            .step_count = sizeof steps / sizeof *steps),
    END (.status = 1),
  };
#undef INSIDE
  CONSOLE (events, .verbose = 0);
  ck_assert_ptr_nonnull (strstr (text, "    a.yaml:4:9: tcp.receive: no answer\n"
                                       "      called at a.yaml:7:9: my.ask\n"
                                       "      called at a.yaml:22:9: my.login\n"));
  ck_assert_uint_eq (occurrences (text, "called at"), 2);
  free (text);
}
END_TEST

START_TEST (console_shows_traffic_in_order_and_not_too_much)
{
  static char data[1000];
  struct event_traffic many[33];
  memset (data, 'x', sizeof data);
  for (int i = 0; i < 32; i++)
    many[i] = (struct event_traffic) { "loud", 1, 100 + i, sizeof data, data, sizeof data };
  many[32] = (struct event_traffic) { "still", 0, 50, 2, "hi", 2 };
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" }),
    RESULT (0, 0, 1, true, OUTCOME_FAILED, 99, .message = "m", .traffic = many, .traffic_count = 33),
    END (.status = 1),
  };
  CONSOLE (events, .verbose = 0);
  ck_assert_ptr_nonnull (strstr (text, "      the last traffic (23 earlier messages are left out):\n"
                                       "        sent to still at 50 µs, 2 bytes:\n"
                                       "          \"hi\"\n"
                                       "        received from loud at 123 µs, 1000 bytes:\n"));
  ck_assert_uint_eq (occurrences (text, "received from loud"), 9);
  free (text);
  CONSOLE (events, .verbose = 1);
  ck_assert_uint_eq (occurrences (text, "received from loud"), 32);
  free (text);
}
END_TEST

START_TEST (console_cannot_be_driven_by_tests)
{
  const struct event events[] = {
    PLAN (0, "a\033]0;x\007.yaml", "A", { .name = "na\033[2Jme\nline" }),
    TEST (0, 0, OUTCOME_FAILED, .message = "m\033[31m\r\x9b", .where = "w\x1b", .verb = "v\x1b",
          .details = "d\033[H\u202e\xc2\x9b",
          .output = "o\033c\r\0\x7f", .output_size = 6,
          .logs = (struct event_log[]) { { "l\x1b", "t\x1b\n", 3, "f\x1b" } },
          .log_count = 1),
    { .type = EVENT_WARNING, .message = "w\x1b\nx", .details = "y\x1b" },
  };
  for (int color = 0; color < 2; color++) {
    CONSOLE (events, .color = color, .verbose = 2);
    size_t ours = 0;
    static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m" };
    for (size_t i = 0; i < 6; i++)
      ours += occurrences (text, codes[i]);
    ck_assert_uint_eq (occurrences (text, "\033"), ours);
    ck_assert_int_eq (ours > 0, color);
    ck_assert_uint_eq (occurrences (text, "m\\x1b[31m"), 1); /* its own red is not ours */
    for (const char *p = text; *p; p++)
      ck_assert ((unsigned char) *p >= 0x20 || *p == '\n' || *p == '\033');
    ck_assert_ptr_null (strchr (text, 0x7f));
    ck_assert_ptr_nonnull (strstr (text, "\\u202e\\u009b"));
    ck_assert_ptr_nonnull (strstr (text, "na\\x1b[2Jme line"));
    free (text);
  }
}
END_TEST

START_TEST (console_masks_secrets)
{
  ck_assert (secret_add ("hunter22", 8));
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "t" }),
    TEST (0, 0, OUTCOME_FAILED, .message = "got hunter22", .output = "aHVudGVyMjI=", .output_size = 12),
  };
  CONSOLE (events, .verbose = 2);
  ck_assert_ptr_nonnull (strstr (text, "got ***\n"));
  ck_assert_ptr_null (strstr (text, "hunter"));
  ck_assert_ptr_null (strstr (text, "aHVudGVy"));
  free (text);
}
END_TEST

/* What a terminal shows at the end: each line after its last erasure. */
START_TEST (console_status_line_is_erased)
{
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" },
          { .name = "a very long name of a test, longer than the terminal is wide" }),
    SUITE (0),
    TEST (0, 0, OUTCOME_PASSED),
    { .type = EVENT_START, .time_us = START, .suite = 0, .test = 1 },
    TEST (0, 1, OUTCOME_FAILED, .message = "no"),
    END (.status = 1),
  };
  CONSOLE (events, .live = true, .width = 40);
  ck_assert_ptr_nonnull (strstr (text, "0/2  1 s  a.yaml"));
  ck_assert_ptr_nonnull (strstr (text, "\r\033[K1/2  3 s  a very long name of a te… 3 s\r\033[K"));
  ck_assert_ptr_nonnull (strstr (text, "\r\033[K2/2  1 failed  5 s"));
  struct buffer shown = { 0 };
  for (const char *p = text; *p; p++) {
    if (strncmp (p, "\r\033[K", 4) == 0) {
      while (shown.size && shown.data[shown.size - 1] != '\n')
        shown.size--;
      p += 3;
    }
    else
      buffer_putc (&shown, *p);
  }
  char *seen = strdup (buffer_text (&shown));
  buffer_free (&shown);
  free (text);
  CONSOLE (events, .live = false, .width = 40);
  ck_assert_str_eq (seen, text);
  free (seen);
  free (text);
}
END_TEST

static const struct event killed[] = {
  { .type = EVENT_RUN, .time_us = START, .version = 1 },
  PLAN (0, "a.yaml", "A", { .name = "load" }, { .name = "slow" }, { .name = "done" }, { .name = "never" }),
  { .type = EVENT_SAMPLE, .time_us = START + 1500000, .test = 0, .at_us = 1000000, .span_us = 1000000, .attempt = 1 },
  { .type = EVENT_START, .time_us = START + 2000000, .test = 1, .attempt = 1, .name = "slow" },
  { .type = EVENT_START, .time_us = START + 2000000, .test = 2, .attempt = 1, .name = "done" },
  { .type = EVENT_TEST, .time_us = START + 5000000, .test = 2, .attempt = 1, .final = true, .start_us = START,
    .duration_us = 5000000 },
};

START_TEST (tests_that_a_broken_run_had_begun_are_told_with_their_time)
{
  JUNIT (killed);
  is ("//testcase[@name='load']/skipped/@message", "not run: the run was broken off while it ran, after 4.50 s");
  is ("//testcase[@name='load']/@time", "4.500");
  is ("//testcase[@name='load']/@timestamp", "2023-11-14T22:13:20.500Z");
  is ("//testcase[@name='slow']/skipped/@message", "not run: the run was broken off while it ran, after 3.00 s");
  is ("//testcase[@name='never']/skipped/@message", "not run: the run was broken off");
  is ("//testcase[@name='never']/@time", "0.000");
  is ("concat(//testsuite/@time, ' ', //testsuite/@skipped)", "12.500 3");
  CONSOLE (killed, .verbose = 0);
  ck_assert_ptr_nonnull (strstr (text, "not run  a.yaml: load  4.50 s: the run was broken off while it ran, after 4.50 s\n"));
  ck_assert_ptr_nonnull (strstr (text, "     1  not run: the run was broken off\n"));
  ck_assert_ptr_null (strstr (text, "never"));
  ck_assert_ptr_nonnull (strstr (text, "broken off: 4 tests in 5.00 s: 3 not run\n1 passed, 0 failed, 0 skipped\n"));
  free (text);
}
END_TEST

START_TEST (console_tells_of_a_broken_run)
{
  const struct event events[] = { PLAN (0, "a.yaml", "A", { .name = "one" }, { .name = "two" }) };
  CONSOLE (events, .verbose = 0);
  ck_assert_ptr_nonnull (strstr (text, "broken off: 2 tests in 0 µs: 2 not run\n0 passed, 0 failed, 0 skipped\n"));
  ck_assert_ptr_nonnull (strstr (text, "     2  not run: the run was broken off\n"));
  free (text);
  const struct event stopped[] = { PLAN (0, "a.yaml", "A", { .name = "one" }),
                                   END (.interrupted = true, .status = 130) };
  CONSOLE (stopped, .verbose = 0);
  ck_assert_ptr_nonnull (strstr (text, "interrupted: 1 test in 2.50 s: 1 not run\n"
                                       "0 passed, 0 failed, 0 skipped\n"));
  free (text);
}
END_TEST

START_TEST (console_that_cannot_write_says_so)
{
  FILE *full = fopen ("/dev/full", "w");
  ck_assert_ptr_nonnull (full);
  struct reporter *reporter = report_console (&(struct console_options) { .out = full });
  FEED (reporter, everything);
  ck_assert_str_eq (reporter->error, "console: No space left on device");
  report_finish (reporter);
  report_free (reporter);
  fclose (full);
}
END_TEST

START_TEST (durations_are_readable)
{
  static const struct { int64_t us; const char *shown, *seconds; } table[] = {
    { -1, "0 µs", "0.000" }, { 0, "0 µs", "0.000" }, { 999, "999 µs", "0.001" }, { 1000, "1.0 ms", "0.001" },
    { 99999, "99.9 ms", "0.100" }, { 100000, "100 ms", "0.100" }, { 999999, "999 ms", "1.000" },
    { 1050000, "1.05 s", "1.050" }, { 59999999, "59.99 s", "60.000" }, { 125000000, "2 min 5 s", "125.000" },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct buffer out = { 0 };
    format_duration (&out, table[i].us);
    ck_assert_str_eq (buffer_text (&out), table[i].shown);
    out.size = 0;
    format_seconds (&out, table[i].us);
    ck_assert_str_eq (buffer_text (&out), table[i].seconds);
    buffer_free (&out);
  }
}
END_TEST

START_TEST (long_texts_are_cut_in_the_middle)
{
  struct buffer out = { 0 };
  format_ends (&out, "abcdefghijklmnopqrstuvwxyz", 26, 10);
  ck_assert_str_eq (buffer_text (&out), "abcde\n[... 16 bytes are left out here ...]\nvwxyz");
  out.size = 0;
  format_ends (&out, "aaaa\u00e9bbbbbb\u00e9cccc", 18, 10); /* not in the middle of a character */
  ck_assert_str_eq (buffer_text (&out), "aaaa\n[... 8 bytes are left out here ...]\n\u00e9cccc");
  out.size = 0;
  ck_assert (!format_tail (&out, "one\ntwo\nthree\n", 14, 2, 100, "> "));
  ck_assert_str_eq (buffer_text (&out), "> two\n> three\n");
  out.size = 0;
  ck_assert (format_tail (&out, "one\ntwo", 7, 2, 100, ""));
  ck_assert_str_eq (buffer_text (&out), "one\ntwo\n");
  out.size = 0;
  ck_assert (!format_tail (&out, "number one\ntwo\nthree\n", 21, 9, 14, "")); /* cut amid a line: it begins with the next */
  ck_assert_str_eq (buffer_text (&out), "two\nthree\n");
  out.size = 0;
  ck_assert (!format_tail (&out, "one long line\n", 14, 9, 5, "")); /* there is no other */
  ck_assert_str_eq (buffer_text (&out), "line\n");
  buffer_free (&out);
}
END_TEST

START_TEST (steps_stand_before_those_within_them)
{
  struct event_step steps[] = { /* as they end; the numbers say where they belong */
    { .verb = "2", .depth = 2 }, { .verb = "1", .depth = 1 }, { .verb = "3", .depth = 1 }, { .verb = "0" },
    { .verb = "4" }, { .verb = "6", .depth = 3 }, { .verb = "5", .depth = 1 }, /* nothing is around it: it was not told */
  };
  static const uint32_t levels[] = { 0, 1, 2, 1, 0, 0, 1 };
  struct event event = { .steps = steps, .step_count = 7 };
  struct format_step *ordered = format_order_steps (&event);
  for (size_t i = 0; i < 7; i++) {
    ck_assert_int_eq (ordered[i].step->verb[0], (int) ('0' + i));
    ck_assert_uint_eq (ordered[i].level, levels[i]);
  }
  free (ordered);
}
END_TEST

/* ---- TAP ---- */

START_TEST (tap_is_version_14)
{
  FILE *out = open_memstream (&text, &text_size);
  ck_assert_ptr_nonnull (out);
  struct reporter *reporter = report_tap (out);
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one # two \\ three" }, { .name = "bad" }, { .name = "skip" },
          { .name = "never" }),
    TEST (0, 0, OUTCOME_PASSED),
    TEST (0, 1, OUTCOME_FAILED, .message = "say \"x\"\033", .where = "a.yaml:1:2", .verb = "check",
          .details = "more"),
    TEST (0, 2, OUTCOME_SKIPPED, .message = "no # why"),
    SUITE_END (0, .outcome = OUTCOME_ERROR, .message = "teardown"),
    END (.interrupted = true),
  };
  FEED (reporter, events);
  report_finish (reporter);
  ck_assert_str_eq (reporter->error, "");
  report_free (reporter);
  fclose (out);
  ck_assert_str_eq (text,
    "TAP version 14\n"
    "ok 1 - a.yaml: one \\# two \\\\ three\n"
    "not ok 2 - a.yaml: bad\n"
    "  ---\n"
    "  message: \"say \\\"x\\\"\\\\x1b\"\n"
    "  severity: fail\n"
    "  at: \"a.yaml:1:2\"\n"
    "  verb: \"check\"\n"
    "  duration_ms: 1234\n"
    "  details: |2\n"
    "    a.yaml:1:2: check: say \"x\"\\x1b\n"
    "      more\n"
    "  ...\n"
    "ok 3 - a.yaml: skip # SKIP no \\# why\n"
    "not ok 4 - a.yaml: (suite)\n"
    "  ---\n"
    "  message: \"teardown\"\n"
    "  severity: error\n"
    "  duration_ms: 0\n"
    "  details: |2\n"
    "    teardown\n"
    "  ...\n"
    "ok 5 - a.yaml: never # SKIP not run: interrupted\n"
    "1..5\n"
    "Bail out! interrupted\n");
  free (text);
}
END_TEST

/* ---- report.c and tally.c ---- */

static int told, finished;
static void
count_event (struct reporter *reporter, const struct event *event)
{
  if (++told == 2)
    report_failed (reporter, "gone: %d", event->status);
}
static void
count_finish (struct reporter *reporter)
{
  (void) reporter;
  finished++;
}
static void
no_free (struct reporter *reporter)
{
  (void) reporter;
}

START_TEST (a_reporter_that_failed_gets_no_more_events)
{
  static const struct reporter_type type = { .name = "x", .event = count_event,
                                             .finish = count_finish, .free = no_free };
  struct reporter reporter = { .type = &type };
  told = finished = 0;
  for (int i = 0; i < 5; i++)
    report_event (&reporter, &(struct event) { .type = EVENT_END, .status = 6 + i });
  report_finish (&reporter);
  ck_assert_int_eq (told, 2);
  ck_assert_int_eq (finished, 0);
  ck_assert_str_eq (reporter.error, "gone: 7");
  report_failed (&reporter, "again");
  ck_assert_str_eq (reporter.error, "gone: 7"); /* the first reason is the one */
  report_free (&reporter);
  report_free (NULL);
}
END_TEST

/* Seconds of a load come before its test's result. */
START_TEST (a_sample_is_no_result)
{
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "load" }),
    SUITE (0),
    { .type = EVENT_SAMPLE, .time_us = START, .test = 0, .at_us = 1000000, .span_us = 1000000 },
    { .type = EVENT_SAMPLE, .time_us = START, .test = 7, .at_us = 1000000, .span_us = 1000000 },
    { .type = EVENT_SAMPLE, .time_us = START, .suite = 7, .at_us = 1000000, .span_us = 1000000 },
    TEST (0, 0, OUTCOME_PASSED),
    END (.status = 0),
  };
  struct tally tally = { .count = 0 };
  for (size_t i = 0; i < sizeof events / sizeof *events; i++)
    ck_assert (tally_event (&tally, &events[i]));
  ck_assert_uint_eq (tally.count, 1);
  ck_assert_uint_eq (tally.tests, 1);
  ck_assert_uint_eq (tally.counts.passed, 1);
  ck_assert_uint_eq (tally.suites[0]->tests[0].attempts, 1);
  tally_free (&tally);
  JUNIT (events);
  is ("/testsuites/@tests", "1");
  is ("count(//testcase)", "1");
}
END_TEST

START_TEST (a_result_counts_once)
{
  const struct event events[] = {
    PLAN (0, "a.yaml", "A", { .name = "one" }),
    TEST (0, 0, OUTCOME_FAILED, .message = "first"),
    TEST (0, 0, OUTCOME_PASSED),
    TEST (7, UINT32_MAX, OUTCOME_PASSED, .name = "from nowhere"),
    TEST (7, 5, OUTCOME_PASSED, .name = "earlier"),
    SUITE_END (0, .outcome = OUTCOME_FAILED, .message = "x"),
    SUITE_END (0, .outcome = OUTCOME_FAILED, .message = "x"),
  };
  JUNIT (events);
  is ("count(//testcase)", "4");
  is ("//testsuites/@failures", "2");
  is ("//testsuite[2]/testcase[1]/@name", "from nowhere");
  is ("//testsuite[2]/testcase[1]/@classname", "suite");
}
END_TEST

/* ---- loads ---- */

static struct event_series load_series[] = {
  { .name = "total", .count = 12000, .failed = 3, .p50_us = 400, .p95_us = 12345, .p99_us = 98765, .max_us = 2000000 },
  { .name = "iteration", .count = 4000, .failed = 3, .p50_us = 1400, .p95_us = 13345, .p99_us = 99765,
    .max_us = 2000000 },
  { .name = "no\none" },
};
static struct event_threshold load_thresholds[] = {
  { .name = "errors", .where = "l.yaml:9:9", .outcome = OUTCOME_FAILED, .actual = "3", .message = "errors: 3, at most 0" },
  { .name = "p95", .where = "l.yaml:10:9", .outcome = OUTCOME_PASSED, .actual = "12.3ms", .limit = "< 50ms" },
  { .name = "pay.p99", .where = "l.yaml:11:9", .outcome = OUTCOME_ERROR, .message = "nothing was measured" },
};
static struct event_load_error load_errors[] = { { "refused <", "l.yaml:7:9", 2 }, { "reset", NULL, 1 } };
static struct event_load one_load[] = {
  { .where = "l.yaml:5:9", .duration_us = 12000000, .warmup_us = 2000000, .users = 50, .rate = 400, .series = load_series,
    .series_count = 3, .thresholds = load_thresholds, .threshold_count = 3, .errors = load_errors, .error_count = 2 },
};
static struct event_series sleeping[] = { { .name = "total" }, { .name = "iteration", .count = 20 }, { .name = "nap" } };
static struct event_load two_loads[] = {
  { .where = "l.yaml:5:9", .users = 1, .thresholds = load_thresholds + 1, .threshold_count = 1 },
  { .where = "l.yaml:6:9", .name = "again", .users = 2, .rate = 1.25, .thresholds = load_thresholds + 1,
    .threshold_count = 1, .series = sleeping, .series_count = 3 },
};
#define SAMPLE_OF(number, at, span, ...)                                                                                \
  { .type = EVENT_SAMPLE, .time_us = START, .suite = 0, .test = number, .at_us = at, .span_us = span,                   \
    .users = 50, .series = load_series, .series_count = 1, ##__VA_ARGS__ }
#define SAMPLE(number, second, ...) SAMPLE_OF (number, second * 1000000, 1000000, ##__VA_ARGS__)
static const struct event load_run[] = {
  PLAN (0, "l.yaml", "L", { .name = "rush" }, { .name = "calm: p95" }, { .name = "calm" }),
  SUITE (0),
  SAMPLE (0, 1, .warmup = true),
  SAMPLE (0, 2),
  TEST (0, 0, OUTCOME_FAILED, .message = "2 of 3 thresholds", .where = "l.yaml:5:9", .verb = "load", .loads = one_load,
        .load_count = 1),
  TEST (0, 1, OUTCOME_PASSED),
  TEST (0, 2, OUTCOME_PASSED, .loads = two_loads, .load_count = 2),
  END (.status = 1),
};
static const char load_told[] =
  "  l.yaml:9:9: errors: 3, at most 0\n"
  "  l.yaml:11:9: pay.p99: nothing was measured\n"
  "  load: 50 users, 12.00 s (warm-up 2.00 s), 400 iterations/s\n"
  "    series     count  failed  rate/s     p50      p95      p99     max\n"
  "    total      12000       3    1200  400 µs  12.3 ms  98.7 ms  2.00 s\n"
  "    iteration   4000       3     400  1.4 ms  13.3 ms  99.7 ms  2.00 s\n"
  "    no one         0       0     0.0       -        -        -       -\n"
  "    what failed:\n"
  "           2  l.yaml:7:9: refused <\n"
  "           1  reset\n";

START_TEST (loads_are_told_in_the_same_words)
{
  struct buffer expected = { 0 };
  JUNIT (load_run);
  buffer_printf (&expected, "l.yaml:5:9: load: 2 of 3 thresholds\n%s", load_told);
  is ("string(//testcase[@name='rush']/failure)", buffer_text (&expected));
  is ("string(//testcase[@name='calm']/system-out)",
      "  load: 1 user, 0 µs, 0.0 iterations/s\n"
      "    series  count  failed  rate/s  p50  p95  p99  max\n"
      "  load again: 2 users, 0 µs, 1.2 iterations/s\n"
      "    series     count  failed  rate/s   p50   p95   p99   max\n"
      "    iteration     20       0     0.0  0 µs  0 µs  0 µs  0 µs\n"
      "    nap            0       0     0.0     -     -     -     -\n");
  CONSOLE (load_run, .width = 80);
  expected.size = 0;
  buffer_puts (&expected, "FAILED   l.yaml: rush  1.23 s\n    l.yaml:5:9: load: 2 of 3 thresholds\n");
  for (const char *line = load_told; *line; line = strchr (line, '\n') + 1)
    buffer_printf (&expected, "    %.*s\n", (int) strcspn (line, "\n"), line);
  buffer_puts (&expected, "passed   l.yaml: calm  1.23 s\n    load: 1 user");
  ck_assert_msg (strstr (text, buffer_text (&expected)), "%s\nis not in\n%s", buffer_text (&expected), text);
  ck_assert_ptr_null (strstr (text, "1200/s")); /* seconds only with -v */
  free (text);
  buffer_free (&expected);
}
END_TEST

START_TEST (junit_has_a_case_for_each_threshold)
{
  JUNIT (load_run);
  is ("/testsuites/@tests", "8");
  is ("count(//testcase)", "8");
  is ("/testsuites/@failures", "2");
  is ("count(//failure)", "2");
  is ("//testsuite/@errors", "1");
  is ("//testsuite/@tests", "8");
  is ("//testcase[@name='rush: errors']/failure/@message", "errors: 3, at most 0");
  is ("string(//testcase[@name='rush: errors']/failure)", "l.yaml:9:9: errors: 3, at most 0");
  is ("count(//testcase[@name='rush: p95']/failure)", "0");
  is ("string(//testcase[@name='rush: p95']/system-out)", "p95: 12.3 ms, required: less than 50 ms");
  is ("//testcase[@name='rush: pay.p99']/error/@message", "nothing was measured");
  is ("string(//testcase[@name='rush: pay.p99']/error)", "l.yaml:11:9: pay.p99: nothing was measured");
  is ("count(//testcase[@name='calm: p95'])", "1"); /* a test's own name stays its own */
  is ("string(//testcase[@name='calm: p95 (2)']/system-out)", "p95: 12.3 ms, required: less than 50 ms");
  is ("count(//testcase[@name='calm: again: p95'])", "1");
}
END_TEST

START_TEST (junit_has_numbers_of_loads_as_properties)
{
  JUNIT (load_run);
  is ("//testcase[@name='rush']//property[@name='load.users']/@value", "50");
  is ("//testcase[@name='rush']//property[@name='load.rate']/@value", "400");
  is ("//testcase[@name='rush']//property[@name='load.total.count']/@value", "12000");
  is ("//testcase[@name='rush']//property[@name='load.total.failed']/@value", "3");
  is ("//testcase[@name='rush']//property[@name='load.total.p50_us']/@value", "400");
  is ("//testcase[@name='rush']//property[@name='load.total.p95_us']/@value", "12345");
  is ("//testcase[@name='rush']//property[@name='load.iteration.p99_us']/@value", "99765");
  is ("//testcase[@name='calm']//property[@name='load.1.users']/@value", "1");
  is ("//testcase[@name='calm']//property[@name='load.again.users']/@value", "2");
}
END_TEST

START_TEST (console_shows_the_seconds_of_a_load)
{
  CONSOLE (load_run, .verbose = 1);
  ck_assert_msg (strstr (text, "load     l.yaml: rush  1 s  50 users  1200"), "%s", text);
  ck_assert_ptr_nonnull (strstr (text, "l.yaml: rush  2 s  50 users  12000/s  6 errors  p50 400 µs  p95 12.3 ms  "
                                       "p99 98.7 ms\n"));
  ck_assert_ptr_nonnull (strstr (text, "p99 98.7 ms  warm-up\n"));
  free (text);
  const struct event sliver[] = {
    PLAN (0, "l.yaml", "L", { .name = "short" }, { .name = "longer" }),
    SUITE (0),
    SAMPLE_OF (0, 9000, 9000),
    TEST (0, 0, OUTCOME_PASSED),
    SAMPLE (1, 1),
    SAMPLE_OF (1, 1000360, 360),
    TEST (0, 1, OUTCOME_PASSED),
  };
  CONSOLE (sliver, .verbose = 1); /* the end of a load is no second */
  ck_assert_uint_eq (occurrences (text, "short  0 s  50 users"), 1);
  ck_assert_uint_eq (occurrences (text, "longer  1 s  50 users"), 1);
  free (text);
  CONSOLE (load_run, .live = true, .width = 120);
  ck_assert_msg (strstr (text, "0/3  3 s  rush 3 s: 50 users  12000/s  6 errors  p50 400 µs  p95 12.3 ms  p99 98.7 ms\r"),
                 "%s", text);
  ck_assert_ptr_null (strstr (text, "rush  2 s"));
  free (text);
}
END_TEST

/* Of a load the numbers are seen, not the end of the test's name. */
START_TEST (console_shortens_names_rather_than_numbers)
{
  static const struct { const char *name, *line; } cases[] = {
    { "a rather long name of a test as people write them", "a rather lo… 3 s: 50 users  12000/s  6 errors  p50 400 µs  p…" },
    { "登録するユーザーがたくさんいる試験", "登録するユ… 3 s: 50 users  12000/s  6 errors  p50 400 µs  p9…" },
    { "short", "short 3 s: 50 users  12000/s  6 errors  p50 400 µs  p95 12.3…" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct event events[] = {
      PLAN (0, "l.yaml", "L", { .name = cases[i].name }), SUITE (0), SAMPLE (0, 1), SAMPLE (0, 2), SAMPLE (0, 3),
    };
    struct buffer expected = { 0 };
    CONSOLE (events, .live = true, .width = 72);
    buffer_printf (&expected, "\r\033[K0/1  3 s  %s\r", cases[i].line);
    ck_assert_msg (strstr (text, buffer_text (&expected)), "%s\nis not in\n%s", buffer_text (&expected), text);
    buffer_free (&expected);
    free (text);
  }
  ck_assert (secret_add ("hunter22", 8));
  const struct event events[] = {
    PLAN (0, "l.yaml", "L", { .name = "with hunter22 and many other words" }), SUITE (0), SAMPLE (0, 1), SAMPLE (0, 2),
  };
  CONSOLE (events, .live = true, .width = 60);
  ck_assert_ptr_null (strstr (text, "hunt"));
  ck_assert_ptr_nonnull (strstr (text, "with *** an…"));
  free (text);
}
END_TEST

Suite *
report_suite (void)
{
  Suite *suite = suite_create ("report");
  TCase *tc = tcase_create ("report");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, junit_counts_what_happened);
  tcase_add_test (tc, junit_tells_how_each_case_went);
  tcase_add_test (tc, junit_shows_all_that_is_known_of_a_failure);
  tcase_add_test (tc, junit_attachments_are_the_last_lines);
  tcase_add_test (tc, junit_keeps_earlier_attempts);
  tcase_add_test (tc, junit_marks_the_rest_of_a_broken_run_as_not_run);
  tcase_add_test (tc, junit_names_are_unique);
  tcase_add_test (tc, paths_become_class_names);
  tcase_add_test (tc, junit_escapes_are_reversible);
  tcase_add_test (tc, junit_survives_random_bytes_everywhere);
  tcase_add_test (tc, junit_is_compact);
  tcase_add_test (tc, junit_leaves_nothing_behind_when_it_cannot_be_written);
  tcase_add_test (tc, junit_has_no_impossible_times);
  tcase_add_test (tc, junit_without_tests_is_a_file_too);
  tcase_add_test (tc, console_shows_a_run);
  tcase_add_test (tc, console_can_be_quiet);
  tcase_add_test (tc, console_names_the_report);
  tcase_add_test (tc, console_can_tell_every_test_and_step);
  tcase_add_test (tc, console_tells_who_called_a_keyword);
  tcase_add_test (tc, console_shows_traffic_in_order_and_not_too_much);
  tcase_add_test (tc, console_cannot_be_driven_by_tests);
  tcase_add_test (tc, console_masks_secrets);
  tcase_add_test (tc, console_status_line_is_erased);
  tcase_add_test (tc, tests_that_a_broken_run_had_begun_are_told_with_their_time);
  tcase_add_test (tc, console_tells_of_a_broken_run);
  tcase_add_test (tc, console_that_cannot_write_says_so);
  tcase_add_test (tc, durations_are_readable);
  tcase_add_test (tc, long_texts_are_cut_in_the_middle);
  tcase_add_test (tc, steps_stand_before_those_within_them);
  tcase_add_test (tc, tap_is_version_14);
  tcase_add_test (tc, a_reporter_that_failed_gets_no_more_events);
  tcase_add_test (tc, a_sample_is_no_result);
  tcase_add_test (tc, loads_are_told_in_the_same_words);
  tcase_add_test (tc, junit_has_a_case_for_each_threshold);
  tcase_add_test (tc, junit_has_numbers_of_loads_as_properties);
  tcase_add_test (tc, console_shows_the_seconds_of_a_load);
  tcase_add_test (tc, console_shortens_names_rather_than_numbers);
  tcase_add_test (tc, a_result_counts_once);
  suite_add_tcase (suite, tc);
  return suite;
}
