/* test-html.c - the HTML report: it is fed events, and the files are looked at. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "html-report.h"
#include "html-text.h"

#define START 1700000000000000

static char folder[64], report[96];
static struct buffer text; /* of the file read last */

static void
setup (void)
{
  strcpy (folder, "/tmp/test-html-XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (folder));
  snprintf (report, sizeof report, "%s/report", folder);
}

/* Calls `visit` for each file of the report; returns how many there are. */
static size_t
each_file (void (*visit) (const char *name))
{
  size_t count = 0;
  DIR *dir = opendir (report);
  for (struct dirent *entry; dir && (entry = readdir (dir));)
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0) {
      count++;
      if (visit)
        visit (entry->d_name);
    }
  if (dir)
    closedir (dir);
  return count;
}

static void
remove_file (const char *name)
{
  char path[512];
  snprintf (path, sizeof path, "%s/%s", report, name);
  unlink (path);
}

static void
teardown (void)
{
  each_file (remove_file);
  rmdir (report);
  ck_assert_msg (rmdir (folder) == 0, "something was left in %s", folder);
  buffer_free (&text);
}

static const char *
read_file (const char *name)
{
  char path[512], data[4096];
  size_t n;
  snprintf (path, sizeof path, "%s/%s", report, name);
  FILE *file = fopen (path, "r");
  ck_assert_msg (file, "%s: %s", path, strerror (errno));
  text.size = 0;
  while ((n = fread (data, 1, sizeof data, file)) > 0)
    buffer_add (&text, data, n);
  fclose (file);
  return buffer_text (&text);
}

static bool
is_there (const char *name)
{
  char path[512];
  snprintf (path, sizeof path, "%s/%s", report, name);
  return access (path, F_OK) == 0;
}

static size_t
occurrences (const char *haystack, const char *needle)
{
  size_t n = 0;
  for (; (haystack = strstr (haystack, needle)); haystack++)
    n++;
  return n;
}

static void
has (const char *needle)
{
  ck_assert_msg (strstr (buffer_text (&text), needle), "there is no\n%s\nin\n%.1500s", needle, buffer_text (&text));
}

static void
lacks (const char *needle)
{
  ck_assert_msg (!strstr (buffer_text (&text), needle), "there is\n%s\nin\n%.1500s", needle, buffer_text (&text));
}

static void
in_order (const char *first, const char *second)
{
  has (first);
  has (second);
  ck_assert_msg (strstr (text.data, first) < strstr (text.data, second), "%s is after %s", first, second);
}

/* ---- events ---- */

static struct reporter *
begin (void)
{
  return report_html (report);
}

static void
end (struct reporter *reporter)
{
  report_finish (reporter);
  ck_assert_str_eq (reporter->error, "");
  report_free (reporter);
}

static void
tell (struct reporter *reporter, struct event event)
{
  event.time_us = event.time_us ? event.time_us : START;
  event.attempt = event.attempt ? event.attempt : 1;
  event.start_us = START + 1000;
  report_event (reporter, &event);
}

#define TELL(...) tell (reporter, (struct event) { __VA_ARGS__ })
#define PLAN(number, file, ...)                                                                         \
  TELL (.type = EVENT_PLAN, .suite = number, .path = file, .name = "The <suite>",                       \
        .planned = (struct event_planned[]) { __VA_ARGS__ },                                            \
        .planned_count = sizeof ((struct event_planned[]) { __VA_ARGS__ }) / sizeof (struct event_planned))
#define TEST(of, number, result, ...)                                                                   \
  TELL (.type = EVENT_TEST, .suite = of, .test = number, .final = true, .outcome = result, .duration_us = 2000, \
        ##__VA_ARGS__)
#define FAILED(of, number, ...)                                                                         \
  TEST (of, number, OUTCOME_FAILED, .message = "it is wrong", .where = "a.yaml:3:4", .verb = "check", ##__VA_ARGS__)
#define END() TELL (.type = EVENT_END, .status = 1, .time_us = START + 5000000)

static struct event_step steps[] = {
  { .where = "a.yaml:1:2", .verb = "tcp.send", .attempts = 1, .time_us = 5, .depth = 1 },
  { .where = "a.yaml:9:2", .verb = "my.call", .attempts = 1, .time_us = 5 },
  { .where = "a.yaml:3:4", .verb = "tcp.receive", .name = "the <answer>", .outcome = OUTCOME_FAILED, .start_us = 7,
    .time_us = 9, .attempts = 4, .depth = 2, .phase = "defer", .message = "no answer" },
};

/* ---- texts ---- */

static const struct { const char *from, *to; } texts[] = {
  { "<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;" },
  { "\033[31m\r\007\x7f", "\\x1b[31m\\x0d\\x07\\x7f" },
  { "\xff\xc3", "\\xff\\xc3" },
  { "né\xe2\x82\xac", "né\xe2\x82\xac" },
  { "a\xe2\x80\xae" "b", "a\\u202eb" },            /* turns the direction of writing */
  { "\xc2\x85", "\\u0085" },                       /* a control character */
  { "\xef\xbf\xbe\xef\xb7\x90", "\\ufffe\\ufdd0" }, /* no characters */
  { "two\nlines\t.", "two\nlines\t." },
};

START_TEST (texts_are_no_markup)
{
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    text.size = 0;
    html_text (&text, texts[i].from, strlen (texts[i].from));
    ck_assert_str_eq (buffer_text (&text), texts[i].to);
  }
  text.size = 0;
  html_line (&text, "two\nlines\t<.");
  ck_assert_str_eq (buffer_text (&text), "two lines &lt;.");
  text.size = 0;
  html_short (&text, "né\xe2\x82\xac" "and more", 3);
  ck_assert_str_eq (buffer_text (&text), "né\xe2\x82\xac…");
  text.size = 0;
  html_path (&text, "a b/ü?#%.log");
  ck_assert_str_eq (buffer_text (&text), "a%20b/%C3%BC%3F%23%25.log");
}
END_TEST

static void
is_harmless (const char *name)
{
  read_file (name);
  if (strstr (name, ".css"))
    return;
  static const char *const never[] = { "<script", "<img src=x", " style=\"", "javascript:", "\033", "\xff" };
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    lacks (never[i]);
  if (strstr (name, ".html"))
    lacks ("<style");
}

#define HOSTILE "</pre><script>alert(1)</script>\033[31m\xff\"' style='x' <img src=x onerror=y>"

START_TEST (what_tests_say_is_shown_and_does_nothing)
{
  struct reporter *reporter = begin ();
  struct event_traffic traffic = { .peer = HOSTILE, .size = 90, .data = HOSTILE, .data_size = strlen (HOSTILE) };
  struct event_log log = { HOSTILE, HOSTILE, strlen (HOSTILE), HOSTILE };
  struct event_step step = { .where = HOSTILE, .verb = HOSTILE, .name = HOSTILE, .phase = HOSTILE, .message = HOSTILE,
                             .outcome = OUTCOME_FAILED, .attempts = 1 };
  struct event_series series = { .name = HOSTILE, .count = 1 };
  struct event_threshold threshold = { .name = HOSTILE, .where = HOSTILE, .actual = HOSTILE, .message = HOSTILE,
                                       .outcome = OUTCOME_FAILED };
  struct event_load_error error = { HOSTILE, HOSTILE, 1 };
  struct event_load load = { .where = HOSTILE, .name = HOSTILE, .model = HOSTILE, .series = &series, .series_count = 1,
                             .thresholds = &threshold, .threshold_count = 1, .errors = &error, .error_count = 1 };
  const char *hostile = HOSTILE;
  TELL (.type = EVENT_RUN, .version = 1, .runner = HOSTILE, .host = HOSTILE, .command = HOSTILE, .seed = HOSTILE);
  TELL (.type = EVENT_PLAN, .path = HOSTILE, .name = HOSTILE, .planned = &(struct event_planned) { .name = HOSTILE },
        .planned_count = 1);
  TEST (0, 0, OUTCOME_FAILED, .message = HOSTILE, .where = HOSTILE, .verb = HOSTILE, .details = HOSTILE,
        .signal = HOSTILE, .output = HOSTILE, .output_size = strlen (HOSTILE), .traffic = &traffic,
        .traffic_count = 1, .logs = &log, .log_count = 1, .steps = &step, .step_count = 1, .attachments = &hostile,
        .attachment_count = 1, .warnings = &hostile, .warning_count = 1, .loads = &load, .load_count = 1);
  TEST (0, 1, OUTCOME_SKIPPED, .name = HOSTILE, .message = HOSTILE);
  TELL (.type = EVENT_SUITE_END, .outcome = OUTCOME_FAILED, .message = HOSTILE);
  END ();
  end (reporter);
  each_file (is_harmless);
  read_file ("index.html");
  has ("&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m\\xff&quot;&#39; style=");
}
END_TEST

/* ---- pages ---- */

START_TEST (the_overview_tells_what_failed_first)
{
  struct reporter *reporter = begin ();
  PLAN (0, "suites/a.yaml", { .name = "good" }, { .name = "bad" }, { .name = "flaky" }, { .name = "lost" });
  PLAN (1, "suites/b.yaml", { .name = "crash" });
  TEST (0, 0, OUTCOME_PASSED);
  FAILED (0, 1);
  TELL (.type = EVENT_TEST, .test = 2, .outcome = OUTCOME_FAILED, .message = "the first try");
  TEST (0, 2, OUTCOME_PASSED, .attempt = 2);
  TEST (1, 0, OUTCOME_ERROR, .message = "crashed", .signal = "SIGSEGV");
  END ();
  end (reporter);
  read_file ("index.html");
  has ("2 of 5 failed");
  has ("<b>1</b> failed");
  has ("<b>1</b> error");
  has ("<b>1</b> flaky");
  has ("<b>2</b> passed");
  has ("<b>1</b> not run");
  has ("<a href=\"suite-0-suites.a.html#t1\">bad</a>");
  has ("a.yaml:3:4: check: it is wrong");
  has ("<a href=\"suite-1-suites.b.html#t0\">crash</a>");
  has ("<a href=\"suite-0-suites.a.html#t2\">flaky</a>");
  in_order ("<h2>Failed", "<h2>Suites");
  read_file ("suite-0-suites.a.html");
  in_order ("\"name\">bad", "\"name\">good");
  has ("The &lt;suite&gt;</h1>");
  has ("the first try");
  has ("Attempt 1");
  has ("<span class=\"badge flaky\">flaky</span> <span class=\"name\">flaky</span>");
  has ("<span class=\"name\">lost</span> <span class=\"reason\">it was never started</span>");
}
END_TEST

START_TEST (a_failure_is_told_with_all_that_is_known)
{
  struct reporter *reporter = begin ();
  char inside[160];
  snprintf (inside, sizeof inside, "%s/logs/a b.log", folder);
  const char *files[] = { inside, "/elsewhere/c.log" };
  struct event_traffic traffic[] = {
    { .peer = "peer:1", .received = 1, .time_us = 9, .size = 3, .data = "OK\n", .data_size = 3 },
    { .peer = "peer:1", .time_us = 5, .size = 6, .data = "<go>\r\n", .data_size = 6 },
  };
  struct event_log log = { "hub", "one\ntwo\n", 8, inside };
  PLAN (0, "a.yaml", { .name = "bad" });
  FAILED (0, 0, .details = "$.a: expected 1\n$.b: expected 2", .steps = steps, .step_count = 3, .traffic = traffic,
          .traffic_count = 2, .logs = &log, .log_count = 1, .output = "printed\n", .output_size = 8, .attachments = files,
          .attachment_count = 2);
  END ();
  end (reporter);
  read_file ("suite-0-a.html");
  has ("<pre class=\"message\">it is wrong</pre>");
  has ("<pre class=\"details\">$.a: expected 1\n$.b: expected 2</pre>");
  has ("<code>tcp.receive</code> the &lt;answer&gt;");
  in_order ("<th scope=\"row\"><code>my.call", "<th scope=\"row\" class=\"d1\"><code>tcp.send");
  has ("failed at try 4");
  has ("<span class=\"why\">no answer</span>");
  has ("sent to peer:1 at 5 µs, 6 bytes</p><pre class=\"message\">&quot;&lt;go&gt;\\r\\n&quot;</pre>");
  in_order ("sent to", "received from"); /* in the order of time */
  has ("<pre class=\"log\">one\ntwo</pre>");
  has ("<pre class=\"log\">printed\n</pre>");
  has ("<li><a href=\"../logs/a%20b.log\">logs/a b.log</a></li>");
  has ("<li><code>/elsewhere/c.log</code></li>");
}
END_TEST

START_TEST (what_is_written_about_tests_is_told)
{
  struct reporter *reporter = begin ();
  struct event_planned planned[] = {
    { .name = "bad", .about = "why <it> is" }, { .name = "good", .tags = "smoke,a<b", .about = "the simplest" },
    { .name = "plain", .tags = "web" }, { .name = "gone", .about = "of another time" },
  };
  TELL (.type = EVENT_PLAN, .path = "a.yaml", .name = "A", .about = "of the suite", .planned = planned, .planned_count = 4);
  FAILED (0, 0);
  TEST (0, 1, OUTCOME_PASSED, .steps = steps + 1, .step_count = 1);
  TEST (0, 2, OUTCOME_PASSED, .steps = steps + 1, .step_count = 1);
  END ();
  end (reporter);
  read_file ("suite-0-a.html");
  has ("<p class=\"about\">of the suite</p>");
  in_order ("<p class=\"about\">why &lt;it&gt; is</p>", "it is wrong");
  has ("<span class=\"name\">good</span> <span class=\"tag\">smoke</span> <span class=\"tag\">a&lt;b</span>");
  has ("<p class=\"about\">the simplest</p>\n<p> <code class=\"where\">my.call a.yaml:9:2</code></p>");
  has ("<span class=\"name\">plain</span> <span class=\"tag\">web</span>");
  in_order ("it was never started", "<p class=\"about\">of another time</p>");
}
END_TEST

static size_t pages, tests_seen;

static void
count_tests (const char *name)
{
  if (strncmp (name, "suite-", 6) != 0)
    return;
  read_file (name);
  ck_assert_uint_le (text.size, 600 << 10);
  pages++;
  tests_seen += occurrences (text.data, " id=\"t");
}

START_TEST (a_large_suite_has_many_pages)
{
  struct reporter *reporter = begin ();
  pages = tests_seen = 0;
  for (uint32_t i = 0; i < 1201; i++)
    TEST (0, i, OUTCOME_PASSED, .name = "one");
  for (uint32_t i = 1201; i < 1301; i++)
    FAILED (0, i);
  END ();
  end (reporter);
  each_file (count_tests);
  ck_assert_uint_eq (pages, 3);
  ck_assert_uint_eq (tests_seen, 1301);
  read_file ("suite-0-suite.html");
  ck_assert_uint_eq (occurrences (text.data, "<section class=\"test failed\""), 100);
  has ("<nav class=\"pages\" aria-label=\"Pages\"><p>Page 1 of 3</p>");
  has ("<a href=\"suite-0-suite-page3.html\">3</a>");
  read_file ("index.html");
  has ("<a href=\"suite-0-suite.html#t1201\">");
}
END_TEST

/* More than is kept in memory: pages are put together from a file. */
START_TEST (large_failures_come_to_their_pages)
{
  struct reporter *reporter = begin ();
  char details[8001];
  pages = tests_seen = 0;
  memset (details, 'x', 8000);
  details[8000] = '\0';
  for (uint32_t i = 0; i < 200; i++) {
    snprintf (details + 7990, 11, "#%08u#", i);
    FAILED (0, i, .details = details);
    FAILED (1, i, .details = "of the other suite");
  }
  ck_assert_uint_lt (((struct html_report *) reporter)->parts.memory.room, 1 << 20);
  END ();
  end (reporter);
  each_file (count_tests);
  ck_assert_uint_eq (tests_seen, 400);
  read_file ("suite-0-suite.html");
  has ("#00000000#");
  has ("#00000007#");
  lacks ("of the other suite");
  read_file ("suite-0-suite-page4.html");
  has ("#00000199#");
  read_file ("suite-1-suite-2.html");
  ck_assert_uint_eq (occurrences (text.data, "of the other suite"), 200);
}
END_TEST

START_TEST (one_failure_is_bounded)
{
  struct reporter *reporter = begin ();
  size_t size = 4 << 20;
  char *much = malloc (size + 1);
  ck_assert_ptr_nonnull (much);
  memset (much, '<', size);
  much[size] = '\0';
  struct event_traffic traffic[200];
  for (size_t i = 0; i < 200; i++)
    traffic[i] = (struct event_traffic) { .peer = i % 2 ? "a" : "b", .data = much, .data_size = 60000, .size = 60000 };
  FAILED (0, 0, .details = much, .output = much, .output_size = size, .traffic = traffic, .traffic_count = 200);
  END ();
  end (reporter);
  free (much);
  read_file ("suite-0-suite.html");
  ck_assert_uint_lt (text.size, 2 << 20);
  has ("bytes are left out here");
}
END_TEST

/* ---- loads ---- */

static void
is_xml (const char *name)
{
  if (!strstr (name, ".svg"))
    return;
  read_file (name);
  xmlDoc *doc = xmlReadMemory (text.data, (int) text.size, name, NULL, XML_PARSE_NONET);
  ck_assert_msg (doc, "%s is no XML", name);
  xmlFreeDoc (doc);
  lacks ("nan");
  lacks ("inf\"");
}

static struct event_bucket buckets[] = { { 400, 52 }, { 700, 8 }, { 90000, 1 } };
static struct event_series series[] = {
  { .name = "iteration", .count = 3 },
  { .name = "total", .count = 61, .failed = 3, .min_us = 100, .p50_us = 300, .p95_us = 650, .p99_us = 80000,
    .max_us = 90000, .buckets = buckets, .bucket_count = 3 },
};
static struct event_threshold thresholds[] = {
  { .name = "rate", .outcome = OUTCOME_PASSED, .actual = "20", .limit = "> 19.5" },
  { .name = "errors", .outcome = OUTCOME_PASSED, .actual = "0", .limit = "0" },
  { .name = "p95", .where = "a.yaml:9:1", .outcome = OUTCOME_FAILED, .actual = "650.5us", .limit = "< 5ms",
    .message = "at most 5us" },
};
static struct event_setting settings[] = { { "rate", "20/s" }, { "stages", "[{\"for\": \"1s\"}]" } };
static struct event_load load = { .where = "a.yaml:5:5", .name = "rush", .model = "open", .duration_us = 3000000,
                                  .users = 5, .rate = 20, .series = series, .series_count = 2,
                                  .thresholds = thresholds, .threshold_count = 3, .settings = settings,
                                  .setting_count = 2, .start_us = 1500000 };

START_TEST (a_load_has_tables_and_pictures)
{
  struct reporter *reporter = begin ();
  for (int i = 1; i <= 3; i++)
    TELL (.type = EVENT_SAMPLE, .at_us = i * 1000000, .span_us = 1000000, .users = 5, .warmup = i == 1,
          .series = series + 1, .series_count = i != 2);
  FAILED (0, 0, .loads = &load, .load_count = 1);
  END ();
  end (reporter);
  each_file (is_xml);
  ck_assert (is_there ("load-0-0-1-0-rate.svg") && is_there ("load-0-0-1-0-times.svg"));
  read_file ("suite-0-suite.html");
  has ("<img src=\"load-0-0-1-0-distribution.svg\" width=\"520\" height=\"300\" alt=\"");
  has ("load rush: 5 users, 3.00 s, 20.0 iterations/s, open model");
  has ("<li>stages <code>[{&quot;for&quot;: &quot;1s&quot;}]</code></li>");
  has ("<li>began <code>2023-11-14 22:13:21 UTC, 1.50 s after the test</code></li>");
  in_order ("at most 5us", "<th scope=\"row\">rate</th>"); /* first what does not hold */
  has ("<td class=\"n\">650.5 µs</td><td class=\"n\">less than 5 ms</td>");
  has ("<td class=\"n\">0</td><td class=\"n\">0</td>");
  has ("<td class=\"n\">20</td><td class=\"n\">more than 19.5</td>");
  has ("<td class=\"n\">80.0 ms</td>");
  has ("<th scope=\"row\" class=\"n\">1.00 s (warm-up)</th><td class=\"n\">5</td>");
  read_file ("index.html");
  has ("<h2>Loads</h2>");
  read_file ("load-0-0-1-0-distribution.svg");
  ck_assert_uint_ge (occurrences (text.data, "class=\"fblue\""), 3);
}
END_TEST

/* Users that came one after the other were none at first; those that came at once were all. */
START_TEST (users_that_spawn_begin_at_nothing)
{
  struct event_setting given[] = { { "users", "5" }, { "spawn", "5/s" } };
  struct reporter *reporter = begin ();
  for (uint32_t number = 0; number < 2; number++) {
    struct event_load crowd = { .model = "closed", .duration_us = 3000000, .users = 5, .series = series, .series_count = 2,
                                .settings = given, .setting_count = number + 1, .number = number };
    for (int i = 1; i <= 3; i++)
      TELL (.type = EVENT_SAMPLE, .test = number, .load = number, .at_us = i * 1000000, .span_us = 1000000, .users = 5,
            .series = series + 1, .series_count = 1);
    TEST (0, number, OUTCOME_PASSED, .loads = &crowd, .load_count = 1);
  }
  END ();
  end (reporter);
  each_file (is_xml);
  read_file ("load-0-1-1-1-rate.svg");
  has ("#7a4fd0\" stroke-width=\"2\" stroke-linejoin=\"round\" d=\"M58 270L"); /* left and below */
  read_file ("load-0-0-1-0-rate.svg");
  lacks ("#7a4fd0\" stroke-width=\"2\" stroke-linejoin=\"round\" d=\"M58 270L");
}
END_TEST

START_TEST (a_total_of_nothing_has_no_row)
{
  struct event_series sleeping[] = { { .name = "total" }, { .name = "iteration", .count = 7 } };
  struct event_load naps = { .users = 5, .series = sleeping, .series_count = 2 };
  struct reporter *reporter = begin ();
  FAILED (0, 0, .loads = &naps, .load_count = 1);
  END ();
  end (reporter);
  read_file ("suite-0-suite.html");
  has ("<th scope=\"row\">iteration</th><td class=\"n\">7</td>");
  lacks ("<th scope=\"row\">total</th>");
  reporter = begin ();
  naps.series_count = 1;
  FAILED (0, 0, .loads = &naps, .load_count = 1);
  END ();
  end (reporter);
  read_file ("suite-0-suite.html");
  has ("<th scope=\"row\">total</th><td class=\"n\">0</td>"); /* else there would be none */
}
END_TEST

static struct event_series of_steps[] = {
  { .name = "total", .count = 30, .failed = 1, .min_us = 100, .mean_us = 400, .p50_us = 300, .p95_us = 650,
    .p99_us = 80000, .max_us = 90000 },
  { .name = "iteration", .count = 10, .min_us = 900, .mean_us = 1000, .p50_us = 950, .max_us = 90100 },
  { .name = "log <in>", .count = 10, .failed = 1, .p50_us = 310, .p95_us = 52345, .max_us = 90000 },
  { .name = "log out", .count = 20, .p50_us = 290, .p95_us = 620, .max_us = 700 },
};

static void
tell_seconds (struct reporter *reporter, uint32_t load_number, int n)
{
  for (int i = 1; i <= n; i++)
    TELL (.type = EVENT_SAMPLE, .load = load_number, .time_us = START + i * 1000000, .at_us = i * 1000000,
          .span_us = 1000000, .users = i < n ? 5 : 1, .warmup = i == 1, .series = of_steps,
          .series_count = i == 1 ? 2 : 4);
}

START_TEST (a_load_tells_of_each_step)
{
  struct reporter *reporter = begin ();
  tell_seconds (reporter, 3, 4);
  struct event_load third = load;
  third.number = 3;
  FAILED (0, 0, .loads = &third, .load_count = 1);
  END ();
  end (reporter);
  each_file (is_xml);
  read_file ("suite-0-suite.html");
  has ("<img src=\"load-0-0-1-3-p95.svg\" width=\"520\" height=\"318\" alt=\"The p95 of each step over time;");
  has ("<img src=\"load-0-0-1-3-p50.svg\"");
  has ("<caption>Over time: log &lt;in&gt;</caption>");
  has ("<td class=\"n\">52.3 ms</td>"); /* nobody else had such a p95 */
  has ("<th scope=\"row\" class=\"n\">4.00 s</th><td class=\"n\">1</td>"); /* as it was told: at the end there may be none */
  lacks ("broken off");
  read_file ("load-0-0-1-3-p95.svg");
  has (">log &lt;in&gt;</text>");
  has (">log out</text>");
  lacks (">iteration</text>");
  has (">100 µs</text>"); /* logarithmic: 620 µs to 52 ms are far from each other */
  has (">1 ms</text>");
  has (">10 ms</text>");
}
END_TEST

START_TEST (what_a_broken_load_was_to_do_is_told_with_its_first_second)
{
  struct reporter *reporter = begin ();
  struct event_setting told[] = { { "users", "<5>" } };
  struct event_load begun[] = { { .where = "a.yaml:7:9", .name = "the <crowd>", .model = "open", .settings = told,
                                  .setting_count = 1 } };
  PLAN (0, "a.yaml", { .name = "killed" });
  TELL (.type = EVENT_SAMPLE, .time_us = START + 1000000, .at_us = 1000000, .span_us = 1000000, .users = 5,
        .series = of_steps, .series_count = 4, .loads = begun, .load_count = 1);
  begun[0].name = told[0].value = "gone"; /* an event is the reporter's for the call alone */
  tell_seconds (reporter, 0, 3);
  end (reporter);
  each_file (is_xml);
  read_file ("suite-0-a.html");
  has ("<p class=\"label\">load the &lt;crowd&gt;: 5 users");
  has (", open model: broken off after 3.00 s");
  has ("<li>users <code>&lt;5&gt;</code></li>");
}
END_TEST

START_TEST (a_load_that_was_broken_off_tells_its_seconds)
{
  struct reporter *reporter = begin ();
  PLAN (0, "a.yaml", { .name = "killed" }, { .name = "never" });
  PLAN (1, "b.yaml", { .name = "crashed" });
  PLAN (2, "c.yaml", { .name = "first_of has ended it" });
  tell_seconds (reporter, 0, 4);
  for (int i = 1; i <= 2; i++)
    TELL (.type = EVENT_SAMPLE, .suite = 2, .at_us = i * 1000000, .span_us = 1000000, .users = 5, .warmup = i == 1,
          .series = of_steps, .series_count = 4);
  TEST (2, 0, OUTCOME_PASSED);
  TELL (.type = EVENT_SAMPLE, .suite = 1, .at_us = 2000000, .span_us = 1000000, .series = of_steps, .series_count = 4);
  TEST (1, 0, OUTCOME_ERROR, .message = "crashed", .signal = "SIGSEGV", .time_us = START + 4500000);
  end (reporter);
  each_file (is_xml);
  read_file ("suite-0-a.html");
  has ("<span class=\"badge notrun\">broken off</span> <span class=\"name\">killed</span> <span class=\"time\">4.50 s</span>");
  has ("<span class=\"reason\">the run was broken off while it ran, after 4.50 s</span>");
  has ("load: 5 users, 4.00 s (warm-up 1.00 s), 10.0 iterations/s: broken off after 4.00 s");
  has ("<th scope=\"row\">total</th><td class=\"n\">90</td><td class=\"n bad\">3</td><td class=\"n\">30.0</td>"
       "<td class=\"n\">100 µs</td><td class=\"n\">400 µs</td><td class=\"n\">–</td>"); /* without the warm-up */
  has ("<td class=\"n\">90.0 ms</td></tr>");
  has ("load-0-0-1-0-times.svg");
  has ("Seconds in numbers");
  has ("<span class=\"name\">never</span> <span class=\"reason\">the run was broken off</span>");
  read_file ("suite-1-b.html");
  has ("broken off after 2.00 s");
  has ("Seconds in numbers");
  read_file ("suite-2-c.html");
  has ("load: 5 users, 2.00 s (warm-up 1.00 s), 10.0 iterations/s: cancelled after 2.00 s");
  lacks ("broken off");
  read_file ("index.html");
  in_order ("<h2>Loads</h2>", "<td><span class=\"badge notrun\">broken off</span></td><td class=\"n\">5</td>");
}
END_TEST

/* Six values are six marks, not a mountain. */
START_TEST (a_short_load_is_drawn_as_little_as_it_is)
{
  struct reporter *reporter = begin ();
  struct event_bucket six[] = { { 1000, 2 }, { 1100, 3 }, { 1600, 1 } };
  struct event_series total = { .name = "total", .count = 6, .min_us = 980, .p50_us = 1090, .p95_us = 1600,
                                .p99_us = 1600, .max_us = 1600, .buckets = six, .bucket_count = 3 };
  struct event_load little = { .where = "a.yaml:5:5", .duration_us = 9000, .users = 2, .series = &total,
                               .series_count = 1 };
  TELL (.type = EVENT_SAMPLE, .at_us = 9000, .span_us = 9000, .users = 2, .series = &total, .series_count = 1);
  TEST (0, 0, OUTCOME_PASSED, .loads = &little, .load_count = 1);
  END ();
  end (reporter);
  each_file (is_xml);
  read_file ("suite-0-suite.html");
  has ("too short for charts over time");
  has ("<th scope=\"row\" class=\"n\">9.0 ms</th><td class=\"n\">2</td>");
  ck_assert (!is_there ("load-0-0-1-0-times.svg"));
  read_file ("load-0-0-1-0-distribution.svg");
  ck_assert_uint_eq (occurrences (text.data, "<rect class=\"fblue\""), 3);
  has (">3</text>"); /* the axis counts steps */
  lacks ("%</text>");
}
END_TEST

/* A day of seconds needs no more memory than an hour of them; counts stay. */
START_TEST (seconds_of_a_long_load_are_joined)
{
  struct html_suite suite = { .count = 0 };
  struct event_series one = { .name = "total", .count = 2, .failed = 1, .p50_us = 7 };
  for (int i = 1; i <= 86400; i++)
    html_sample (&suite, &(struct event) { .type = EVENT_SAMPLE, .at_us = i * INT64_C (1000000), .span_us = 1000000,
                                           .series = &one, .series_count = 1 });
  ck_assert_uint_le (suite.samples->count, 2048);
  uint64_t count = 0, failed = 0;
  int64_t span_us = 0;
  for (size_t i = 0; i < suite.samples->count; i++) {
    count += suite.samples->curves[0].items[i].count;
    failed += suite.samples->curves[0].items[i].failed;
    span_us += suite.samples->curves[0].items[i].span_us;
  }
  ck_assert_uint_eq (count, 2 * 86400);
  ck_assert_uint_eq (failed, 86400);
  ck_assert_int_eq (span_us, INT64_C (86400000000));
  ck_assert_int_eq (suite.samples->curves[0].items[suite.samples->count - 1].at_us, INT64_C (86400000000));
  html_forget_samples (&suite);
}
END_TEST

START_TEST (odd_numbers_make_pictures_too)
{
  struct reporter *reporter = begin ();
  struct event_bucket odd[] = { { -5, 1 }, { INT64_C (1) << 56, INT64_MAX }, { 3, 0 } };
  struct event_series strange = { .name = "total", .count = UINT64_MAX, .failed = 7, .p50_us = -1,
                                  .p99_us = INT64_C (1) << 56, .buckets = odd, .bucket_count = 3 };
  struct event_load strange_load = { .where = "x", .rate = -1e300, .series = &strange, .series_count = 1 };
  TELL (.type = EVENT_SAMPLE, .at_us = -1, .span_us = -1, .users = INT64_MAX, .series = &strange, .series_count = 1);
  TELL (.type = EVENT_SAMPLE, .at_us = INT64_C (1) << 56, .span_us = 1, .series = &strange, .series_count = 1);
  TELL (.type = EVENT_SAMPLE, .load = UINT32_MAX, .at_us = 1);
  TEST (0, 0, OUTCOME_PASSED, .loads = &strange_load, .load_count = 1);
  TELL (.type = EVENT_TEST, .suite = 1, .final = true, .worker = UINT32_MAX, .duration_us = -5);
  END ();
  end (reporter);
  each_file (is_xml);
}
END_TEST

/* ---- the time line ---- */

START_TEST (the_time_line_names_tests)
{
  struct reporter *reporter = begin ();
  PLAN (0, "a.yaml", { .name = "long <one>" }, { .name = "x" }, { .name = "y" }, { .name = "z" }, { .name = "alone" });
  TELL (.type = EVENT_TEST, .test = 0, .final = true, .outcome = OUTCOME_FAILED, .duration_us = 2000000, .worker = 1);
  for (uint32_t i = 1; i < 4; i++)
    TELL (.type = EVENT_TEST, .test = i, .final = true, .duration_us = 10);
  TELL (.type = EVENT_TEST, .test = 4, .final = true, .duration_us = 10, .worker = 2);
  END (); /* after 5 s */
  end (reporter);
  read_file ("index.html");
  has ("<g role=\"img\"><title>long &lt;one&gt;: failed, 2.00 s (The &lt;suite&gt;)</title>"
       "<rect class=\"failed\" x=\"84.2\" y=\"38\" width=\"335.5\" height=\"18\"/>"
       "<text class=\"inside\" x=\"89.2\" y=\"51\">long &lt;one&gt;</text></g>");
  has ("<title>3 tests: passed</title>");
  has ("<title>alone: passed, 10 µs (The &lt;suite&gt;)</title>");
  has (">worker 2</text>");
  has ("<li class=\"notrun\">not run, or broken off</li>");
  ck_assert_uint_eq (occurrences (text.data, "<rect class=\"lane\""), 3);
}
END_TEST

/* Of ten thousand tests there are no more bars than cells. */
START_TEST (the_time_line_stays_small)
{
  struct reporter *reporter = begin ();
  for (uint32_t i = 0; i < 10000; i++) {
    struct event event = { .type = EVENT_TEST, .time_us = START + i * 100, .test = i, .attempt = 1, .final = true,
                           .outcome = i % 7 ? OUTCOME_PASSED : OUTCOME_SKIPPED, .start_us = START + i * 100,
                           .duration_us = 90 };
    report_event (reporter, &event);
  }
  end (reporter);
  read_file ("index.html");
  const char *begin_at = strstr (text.data, "<h2>Time line</h2>");
  ck_assert_ptr_nonnull (begin_at);
  ck_assert_uint_le (occurrences (begin_at, "<rect"), 841);
}
END_TEST

/* ---- files ---- */

static void
write_here (const char *name)
{
  char path[512];
  snprintf (path, sizeof path, "%s/%s", report, name);
  FILE *file = fopen (path, "w");
  ck_assert_ptr_nonnull (file);
  fputs ("old", file);
  fclose (file);
}

START_TEST (pages_of_an_older_report_are_removed_and_nothing_else)
{
  ck_assert_int_eq (mkdir (report, 0777), 0);
  static const char *const old[] = { "suite-9-gone.html", "load-3-4-1-0-rate.svg", "index-page2.html" };
  static const char *const foreign[] = { "suite-mine.html", "suite-1.txt", "notes.html" };
  static const char *const files[] = { "index.html", "style.css" };
  for (size_t i = 0; i < 3; i++) {
    write_here (old[i]);
    write_here (foreign[i]);
  }
  write_here (files[0]);
  struct reporter *reporter = begin ();
  TEST (0, 0, OUTCOME_PASSED, .name = "x");
  END ();
  end (reporter);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_msg (!is_there (old[i]), "%s is still there", old[i]);
    ck_assert_msg (is_there (foreign[i]), "%s is gone", foreign[i]);
  }
  for (size_t i = 0; i < 2; i++)
    ck_assert_str_ne (read_file (files[i]), "old");
}
END_TEST

START_TEST (a_full_disk_leaves_the_old_report)
{
  struct rlimit limit, small = { 2000, 2000 };
  ck_assert_int_eq (mkdir (report, 0777), 0);
  write_here ("index.html");
  struct reporter *reporter = begin ();
  for (uint32_t i = 0; i < 100; i++)
    TEST (0, i, OUTCOME_PASSED, .name = "x");
  END ();
  signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (getrlimit (RLIMIT_FSIZE, &limit), 0);
  small.rlim_max = limit.rlim_max;
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &small), 0);
  report_finish (reporter);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
  ck_assert_msg (strstr (reporter->error, "File too large"), "%s", reporter->error);
  report_free (reporter);
  ck_assert_str_eq (read_file ("index.html"), "old");
  ck_assert_uint_eq (each_file (NULL), 1);
}
END_TEST

START_TEST (a_folder_that_cannot_be_made_is_told)
{
  struct reporter *reporter = report_html ("/dev/null/report");
  TEST (0, 0, OUTCOME_PASSED, .name = "x");
  report_finish (reporter);
  ck_assert_msg (strstr (reporter->error, "/dev/null/report"), "%s", reporter->error);
  ck_assert_ptr_nonnull (strstr (reporter->error, "Not a directory"));
  report_free (reporter);
}
END_TEST

START_TEST (a_run_without_tests_has_a_report_too)
{
  struct reporter *reporter = begin ();
  END ();
  end (reporter);
  ck_assert_uint_eq (each_file (NULL), 3);
  read_file ("index.html");
  has ("0 passed");
}
END_TEST

Suite *
html_suite (void)
{
  Suite *suite = suite_create ("html");
  TCase *tc = tcase_create ("html");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, texts_are_no_markup);
  tcase_add_test (tc, what_tests_say_is_shown_and_does_nothing);
  tcase_add_test (tc, the_overview_tells_what_failed_first);
  tcase_add_test (tc, a_failure_is_told_with_all_that_is_known);
  tcase_add_test (tc, what_is_written_about_tests_is_told);
  tcase_add_test (tc, a_large_suite_has_many_pages);
  tcase_add_test (tc, large_failures_come_to_their_pages);
  tcase_add_test (tc, one_failure_is_bounded);
  tcase_add_test (tc, a_load_has_tables_and_pictures);
  tcase_add_test (tc, users_that_spawn_begin_at_nothing);
  tcase_add_test (tc, a_total_of_nothing_has_no_row);
  tcase_add_test (tc, a_load_tells_of_each_step);
  tcase_add_test (tc, a_load_that_was_broken_off_tells_its_seconds);
  tcase_add_test (tc, what_a_broken_load_was_to_do_is_told_with_its_first_second);
  tcase_add_test (tc, a_short_load_is_drawn_as_little_as_it_is);
  tcase_add_test (tc, seconds_of_a_long_load_are_joined);
  tcase_add_test (tc, odd_numbers_make_pictures_too);
  tcase_add_test (tc, the_time_line_names_tests);
  tcase_add_test (tc, the_time_line_stays_small);
  tcase_add_test (tc, pages_of_an_older_report_are_removed_and_nothing_else);
  tcase_add_test (tc, a_full_disk_leaves_the_old_report);
  tcase_add_test (tc, a_folder_that_cannot_be_made_is_told);
  tcase_add_test (tc, a_run_without_tests_has_a_report_too);
  suite_add_tcase (suite, tc);
  return suite;
}
