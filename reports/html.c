/* html.c - the HTML report: takes the events, and writes the files.  What is on the
 * pages is in html-*.c; what they share, and how it is kept, in html-report.h.
 *
 * The pages can be read under Jenkins' default content security policy (sandbox;
 * default-src 'none'; img-src 'self'; style-src 'self'): no script, no inline style,
 * pictures in files. */
#include "config.h"

#include "html-report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "embedded.h"
#include "format.h"
#include "html-text.h"

/* ---- events ---- */

struct html_suite *
html_suite_of (struct tally_suite *suite)
{
  if (!suite->user)
    suite->user = xcalloc (1, sizeof (struct html_suite));
  return suite->user;
}

static struct html_row *
add_row (struct html_suite *suite)
{
  if (suite->count == suite->room) {
    suite->room = suite->room ? suite->room * 2 : 16;
    suite->rows = xrealloc (suite->rows, suite->room, sizeof *suite->rows);
  }
  struct html_row *row = &suite->rows[suite->count++];
  *row = (struct html_row) { .test = 0 };
  return row;
}

/* `where: verb: message`, short; of one that was skipped, the reason. */
static const char *
short_message (struct html_report *html, const struct event *event)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (tally_is_failure (event))
    format_event_blame (&text, event);
  else if (event->outcome != OUTCOME_PASSED && event->message)
    buffer_puts (&text, event->message);
  else
    return NULL;
  CLEANUP_BUFFER struct buffer cut = { 0 };
  format_ends (&cut, text.data, text.size, HTML_LONGEST_BLAME);
  return arena_copy (&html->tally.arena, cut.data, cut.size);
}

static void
keep_part (struct html_report *html, const struct event *event, struct html_piece *piece)
{
  html->part.size = 0;
  if (html_is_line (event))
    html_line_detail (&html->part, event);
  else
    html_detail (html, &html->part, event);
  int error = html_parts_add (&html->parts, &html->part, piece);
  if (error)
    report_failed (&html->reporter, "%s: %s", html->path, strerror (error));
}

static void
take_test (struct html_report *html, const struct event *event)
{
  struct html_suite *suite = html_suite_of (tally_suite (&html->tally, event->suite));
  struct html_row *row = add_row (suite);
  row->test = event->test;
  row->worker = event->worker;
  row->attempt = event->attempt;
  row->start_us = event->start_us;
  row->duration_us = event->duration_us;
  row->outcome = (uint8_t) event->outcome;
  row->final = event->final;
  row->line = html_is_line (event);
  row->load = event->load_count > 0 || suite->samples;
  row->message = short_message (html, event);
  keep_part (html, event, &row->part);
  html_forget_samples (suite);
}

/* Tests that had begun when the run was broken off: what is known of them. */
static void
take_broken_off (struct html_report *html, struct tally_suite *suite)
{
  for (size_t i = 0; i < suite->count; i++) {
    const struct tally_test *test = &suite->tests[i];
    if (test->done || !test->start_us)
      continue;
    struct event event = tally_broken_off (&html->tally, suite, test);
    take_test (html, &event);
    struct html_suite *own = html_suite_of (suite);
    own->rows[own->count - 1].begun = true;
    if (__builtin_add_overflow (suite->busy_us, event.duration_us, &suite->busy_us))
      suite->busy_us = INT64_MAX;
  }
}

static void
take_warning (struct html_report *html, const struct event *event)
{
  struct buffer *out = &html->warnings;
  if (html->warning_count++ >= HTML_MOST_WARNINGS)
    return;
  buffer_lit (out, "<li>");
  html_element (out, "code", "where", event->where);
  buffer_lit (out, " <span>");
  html_short (out, event->message, 2000);
  buffer_lit (out, "</span>");
  if (event->details && *event->details) {
    buffer_lit (out, "<pre>");
    html_ends (out, event->details, strlen (event->details), 4000);
    buffer_lit (out, "</pre>");
  }
  buffer_lit (out, "</li>\n");
}

static void
html_event (struct reporter *reporter, const struct event *event)
{
  struct html_report *html = (struct html_report *) reporter;
  if (!tally_event (&html->tally, event))
    return;
  if (event->type == EVENT_TEST)
    take_test (html, event);
  else if (event->type == EVENT_WARNING)
    take_warning (html, event);
  else if (event->type == EVENT_SAMPLE)
    html_sample (html_suite_of (tally_suite (&html->tally, event->suite)), event);
  else if (event->type == EVENT_SUITE_END && (tally_is_failure (event) || event->warning_count)) {
    struct html_suite *suite = html_suite_of (tally_suite (&html->tally, event->suite));
    struct event around = *event;
    if (!tally_is_failure (event))
      around.outcome = OUTCOME_PASSED; /* that of the tests is told with them */
    suite->failure_text = short_message (html, &around);
    suite->has_around = true;
    keep_part (html, &around, &suite->around);
  }
}

/* ---- the files ---- */

/* They are made in a folder of their own within the report's, and take their places
 * when all are there. */
struct writing {
  struct html_report *html;
  struct buffer fresh;   /* the folder, with a final slash */
  struct buffer text;    /* of the file */
  const char **names;    /* of the files that are there */
  size_t count, room;
};

static bool
failed (struct writing *w, const char *name, int error)
{
  report_failed (&w->html->reporter, "%s/%s: %s", w->html->path, name, strerror (error));
  return false;
}

/* Writes `text`, and empties it. */
static bool
write_file (struct writing *w, const char *name)
{
  size_t size = w->fresh.size;
  if (w->count == w->room) {
    w->room = w->room ? w->room * 2 : 16;
    w->names = xrealloc (w->names, w->room, sizeof *w->names);
  }
  buffer_puts (&w->fresh, name);
  int fd = open (buffer_text (&w->fresh), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  w->fresh.size = size;
  if (fd < 0)
    return failed (w, name, errno);
  w->names[w->count++] = arena_strdup (&w->html->tally.arena, name);
  if (!descriptor_write (fd, w->text.data, w->text.size)) {
    int error = errno;
    close (fd);
    return failed (w, name, error);
  }
  if (close (fd) < 0)
    return failed (w, name, errno);
  w->text.size = 0;
  return true;
}

static bool
write_style (struct writing *w)
{
  const struct embedded *file = embedded_files;
  while (file->name && strcmp (file->name, "report.css") != 0)
    file++;
  if (!file->name)
    abort (); /* it is part of the program */
  buffer_puts (&w->text, file->text);
  return write_file (w, "style.css");
}

static bool
write_suite (struct writing *w, struct tally_suite *tally)
{
  const struct html_suite *suite = html_suite_of (tally);
  CLEANUP_BUFFER struct buffer name = { 0 };
  for (uint32_t page = 0; page < suite->pages; page++) {
    name.size = 0;
    html_page_name (&name, suite->file, page);
    int error = html_suite_page (w->html, tally, page, &w->text);
    if (error)
      return failed (w, buffer_text (&name), error);
    if (!write_file (w, buffer_text (&name)))
      return false;
  }
  return true;
}

static bool
write_pictures (struct writing *w)
{
  for (struct html_picture *picture = w->html->pictures; picture; picture = picture->next) {
    int error = html_parts_get (&w->html->parts, picture->part, &w->text);
    if (error)
      return failed (w, picture->name, error);
    if (!write_file (w, picture->name))
      return false;
  }
  html_share (w->html, &w->text);
  return write_file (w, "share.svg");
}

static bool
write_files (struct writing *w)
{
  if (!write_style (w) || !write_pictures (w))
    return false;
  for (size_t i = 0; i < w->html->tally.count; i++)
    if (!write_suite (w, w->html->tally.suites[i]))
      return false;
  CLEANUP_BUFFER struct buffer name = { 0 };
  for (uint32_t page = html_index_pages (w->html); page-- > 0;) {
    name.size = 0;
    html_page_name (&name, "index", page);
    html_index_page (w->html, page, &w->text);
    if (!write_file (w, buffer_text (&name)))
      return false;
  }
  return true;
}

/* ---- their places ---- */

static bool
make_folder (const char *path)
{
  return mkdir (path, 0777) == 0 || errno == EEXIST;
}

/* Is it the name of a page or picture that a report of ours has, and another may not have? */
static bool
is_ours (const char *name)
{
  static const struct { const char *begin, *end; } ours[] = {
    { "suite-", ".html" }, { "load-", ".svg" }, { "index-page", ".html" },
  };
  size_t size = strlen (name);
  if (strcmp (name, "timeline.svg") == 0) /* of an older version */
    return true;
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
    size_t begin = strlen (ours[i].begin), end = strlen (ours[i].end);
    if (size > begin + end && strncmp (name, ours[i].begin, begin) == 0 && name[begin] >= '0' && name[begin] <= '9'
        && strcmp (name + size - end, ours[i].end) == 0)
      return true;
  }
  return false;
}

static void
remove_old (const char *path)
{
  DIR *folder = opendir (path);
  if (!folder)
    return;
  for (struct dirent *entry; (entry = readdir (folder));)
    if (is_ours (entry->d_name))
      unlinkat (dirfd (folder), entry->d_name, 0);
  closedir (folder);
}

static bool
move_files (struct writing *w)
{
  CLEANUP_CLOSE int from = open (buffer_text (&w->fresh), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CLEANUP_CLOSE int to = open (w->html->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (from < 0 || to < 0)
    return failed (w, "", errno);
  remove_old (w->html->path);
  for (size_t i = 0; i < w->count; i++) /* index.html is the last */
    if (renameat (from, w->names[i], to, w->names[i]) < 0)
      return failed (w, w->names[i], errno);
  return true;
}

static void
remove_fresh (struct writing *w)
{
  size_t size = w->fresh.size;
  for (size_t i = 0; i < w->count; i++) {
    buffer_puts (&w->fresh, w->names[i]);
    unlink (buffer_text (&w->fresh));
    w->fresh.size = size;
  }
  rmdir (buffer_text (&w->fresh));
}

/* "suite-3-suites.login": its number makes it unique. */
static const char *
name_file (struct html_report *html, const struct tally_suite *suite)
{
  CLEANUP_BUFFER struct buffer name = { 0 };
  buffer_printf (&name, "suite-%u-", suite->number);
  for (const char *p = suite->class_name; *p && name.size < 100; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')
                 || *p == '.' || *p == '-' || *p == '_';
    buffer_putc (&name, (char) (plain ? *p : '_'));
  }
  return arena_strdup (&html->tally.arena, buffer_text (&name));
}

static void
html_finish (struct reporter *reporter)
{
  struct html_report *html = (struct html_report *) reporter;
  for (size_t i = 0; i < html->tally.count; i++)
    take_broken_off (html, html->tally.suites[i]);
  tally_finish (&html->tally);
  for (size_t i = 0; i < html->tally.count; i++) {
    struct html_suite *suite = html_suite_of (html->tally.suites[i]);
    suite->file = name_file (html, html->tally.suites[i]);
    html_plan_suite (suite, html->tally.suites[i]);
  }
  struct writing w = { .html = html };
  buffer_printf (&w.fresh, "%s/.new-%d", html->path, (int) getpid ());
  if (!make_folder (html->path) || !make_folder (buffer_text (&w.fresh)))
    failed (&w, "", errno);
  else {
    buffer_putc (&w.fresh, '/');
    if (!write_files (&w) || !move_files (&w))
      remove_fresh (&w);
    else
      rmdir (buffer_text (&w.fresh));
  }
  buffer_free (&w.fresh);
  buffer_free (&w.text);
  free (w.names);
}

static void
html_free (struct reporter *reporter)
{
  struct html_report *html = (struct html_report *) reporter;
  for (size_t i = 0; i < html->tally.count; i++) {
    struct html_suite *suite = html_suite_of (html->tally.suites[i]);
    html_forget_samples (suite);
    free (suite->rows);
    free (suite->entries);
    free (suite);
  }
  while (html->pictures) {
    struct html_picture *picture = html->pictures;
    html->pictures = picture->next;
    free (picture->name);
    free (picture);
  }
  html_parts_free (&html->parts);
  tally_free (&html->tally);
  buffer_free (&html->warnings);
  buffer_free (&html->scratch);
  buffer_free (&html->part);
  free (html->path);
  free (html->named_root);
  free (html->root);
  free (html->real_root);
  free (html);
}

/* ---- where it is ---- */

/* The folder above the report's: files below it can be linked. */
static void
find_root (struct html_report *html)
{
  CLEANUP_BUFFER struct buffer named = { 0 }, absolute = { 0 };
  char folder[PATH_MAX];
  const char *slash = strrchr (html->path, '/');
  if (slash) {
    buffer_add (&named, html->path, (size_t) (slash - html->path) + 1);
    html->named_root = xstrdup (buffer_text (&named));
  }
  if (html->path[0] != '/' && getcwd (folder, sizeof folder))
    buffer_printf (&absolute, "%s/", folder);
  buffer_add (&absolute, named.data, named.size);
  if (absolute.size && absolute.data[0] == '/')
    html->root = xstrdup (buffer_text (&absolute));
  char *real = realpath (absolute.size ? buffer_text (&absolute) : ".", NULL);
  if (!real)
    return;
  absolute.size = 0;
  buffer_printf (&absolute, "%s%s", real, strcmp (real, "/") == 0 ? "" : "/");
  html->real_root = xstrdup (buffer_text (&absolute));
  free (real);
}

static const struct reporter_type html_type = {
  .name = "html", .event = html_event, .finish = html_finish, .free = html_free,
};

struct reporter *
report_html (const char *path)
{
  struct html_report *html = xcalloc (1, sizeof *html);
  size_t size = strlen (path);
  html->reporter.type = &html_type;
  html->path = xstrdup (size ? path : ".");
  while (size > 1 && html->path[size - 1] == '/')
    html->path[--size] = '\0';
  html->last_picture = &html->pictures;
  html->parts = (struct html_parts) { .folder = html->path, .fd = -1 };
  find_root (html);
  return &html->reporter;
}
