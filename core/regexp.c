/* regexp.c - see regexp.h.
 *
 * Compiled expressions are kept by their text in one table for all threads; an
 * entry is counted, so that it may leave the table while a thread still uses it. */
#include "config.h"

#include "regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "text.h"

#define CACHE_ENTRIES 4096 /* then all are dropped */
#define BUCKETS 4096
#define REGEX_BYTES ((size_t) 64 << 10)
/* Threads of simulated users have 128 KiB of stack, and compiling recurses. */
#define NEST_LIMIT 100
/* Calls of the matcher for one place to begin at. `.*x` needs one for every
 * character of a line, hence the share of the text. */
#define MATCH_LIMIT 1000000u
#define MATCH_LIMIT_MOST 50000000u
#define HEAP_LIMIT (64u << 10) /* KiB */

struct entry {
  struct entry *next;
  char *text;
  size_t size;
  uint64_t hash;
  bool utf;
  pcre2_code *code;
  atomic_uint references; /* the table's and one for each search under way */
};

static struct entry *buckets[BUCKETS];
static size_t entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t
hash_text (const char *text, size_t size) /* FNV-1a */
{
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ (unsigned char) text[i]) * 0x100000001b3u;
  return hash;
}

static void
release (struct entry *entry)
{
  if (atomic_fetch_sub (&entry->references, 1) != 1)
    return;
  pcre2_code_free (entry->code);
  free (entry->text);
  free (entry);
}

/* With `lock` held. */
static struct entry *
find_locked (const char *text, size_t size, bool utf, uint64_t hash)
{
  for (struct entry *e = buckets[hash % BUCKETS]; e; e = e->next)
    if (e->hash == hash && e->utf == utf && e->size == size && memcmp (e->text, text, size) == 0) {
      atomic_fetch_add (&e->references, 1);
      return e;
    }
  return NULL;
}

static void
drop_all_locked (void)
{
  for (size_t i = 0; i < BUCKETS; i++) {
    for (struct entry *e = buckets[i], *next; e; e = next) {
      next = e->next;
      release (e);
    }
    buckets[i] = NULL;
  }
  entries = 0;
}

/* Puts a new entry into the table, unless another thread was faster: then its
 * entry is taken. */
static struct entry *
keep (struct entry *entry)
{
  pthread_mutex_lock (&lock);
  struct entry *other = find_locked (entry->text, entry->size, entry->utf, entry->hash);
  if (!other) {
    if (entries >= CACHE_ENTRIES)
      drop_all_locked ();
    atomic_fetch_add (&entry->references, 1);
    entry->next = buckets[entry->hash % BUCKETS];
    buckets[entry->hash % BUCKETS] = entry;
    entries++;
  }
  pthread_mutex_unlock (&lock);
  if (!other)
    return entry;
  release (entry);
  return other;
}

static pcre2_code *
compile (const char *text, size_t size, bool utf, size_t *offset, char *error, size_t error_size)
{
  *offset = 0;
  if (size > REGEX_BYTES) {
    snprintf (error, error_size, "the regular expression is longer than %zu KiB", REGEX_BYTES >> 10);
    return NULL;
  }
  pcre2_compile_context *context = pcre2_compile_context_create (NULL);
  if (!context) {
    snprintf (error, error_size, "out of memory");
    return NULL;
  }
  pcre2_set_parens_nest_limit (context, NEST_LIMIT);
  int number;
  PCRE2_SIZE at;
  uint32_t options = PCRE2_NEVER_BACKSLASH_C | (utf ? PCRE2_UTF | PCRE2_NO_UTF_CHECK : PCRE2_NEVER_UTF);
  pcre2_code *code = pcre2_compile ((PCRE2_SPTR) text, size, options, &number, &at, context);
  pcre2_compile_context_free (context);
  if (!code) {
    PCRE2_UCHAR why[200];
    if (pcre2_get_error_message (number, why, sizeof why) < 0)
      snprintf ((char *) why, sizeof why, "error %d", number);
    *offset = at > size ? size : at;
    snprintf (error, error_size, "%s", (char *) why);
  }
  return code;
}

static struct entry *
take (const char *text, size_t size, bool utf, char *error, size_t error_size)
{
  uint64_t hash = hash_text (text, size);
  pthread_mutex_lock (&lock);
  struct entry *entry = find_locked (text, size, utf, hash);
  pthread_mutex_unlock (&lock);
  if (entry)
    return entry;

  size_t offset;
  char why[256];
  pcre2_code *code = compile (text, size, utf, &offset, why, sizeof why);
  if (!code) {
    snprintf (error, error_size, "bad regular expression at character %zu: %s", utf8_count (text, offset) + 1, why);
    return NULL;
  }
  /* Where executable memory is forbidden this fails, and the interpreter does the work. */
  (void) pcre2_jit_compile (code, PCRE2_JIT_COMPLETE);
  entry = xcalloc (1, sizeof *entry);
  entry->text = xmalloc (size + 1);
  if (size)
    memcpy (entry->text, text, size);
  entry->size = size;
  entry->hash = hash;
  entry->utf = utf;
  entry->code = code;
  atomic_init (&entry->references, 1);
  return keep (entry);
}

static pcre2_match_context *
new_context (size_t size)
{
  pcre2_match_context *context = pcre2_match_context_create (NULL);
  if (!context)
    return NULL;
  uint32_t limit = size > (MATCH_LIMIT_MOST - MATCH_LIMIT) / 16 ? MATCH_LIMIT_MOST
                                                                 : MATCH_LIMIT + (uint32_t) size * 16;
  pcre2_set_match_limit (context, limit);
  pcre2_set_depth_limit (context, limit);
  pcre2_set_heap_limit (context, HEAP_LIMIT);
  return context;
}

static int
run (const struct entry *entry, const char *text, size_t size, size_t start, pcre2_match_data *data)
{
  pcre2_match_context *context = new_context (size);
  if (!context)
    return PCRE2_ERROR_NOMEMORY;
  uint32_t options = entry->utf ? PCRE2_NO_UTF_CHECK : 0;
  int result = pcre2_match (entry->code, (PCRE2_SPTR) text, size, start, options, data, context);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter has room on the heap */
    result = pcre2_match (entry->code, (PCRE2_SPTR) text, size, start, options | PCRE2_NO_JIT, data, context);
  pcre2_match_context_free (context);
  return result;
}

static int
failed (int result, char *error, size_t error_size)
{
  PCRE2_UCHAR why[200];
  switch (result) {
  case PCRE2_ERROR_MATCHLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
    snprintf (error, error_size, "the regular expression needs too long on this text");
    break;
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_NOMEMORY:
    snprintf (error, error_size, "the regular expression needs too much memory on this text");
    break;
  default:
    if (pcre2_get_error_message (result, why, sizeof why) < 0)
      snprintf ((char *) why, sizeof why, "error %d", result);
    snprintf (error, error_size, "the regular expression cannot be used: %s", (char *) why);
  }
  return REGEX_WRONG;
}

static void
copy_groups (pcre2_match_data *data, size_t *groups, size_t n)
{
  const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer (data);
  size_t have = pcre2_get_ovector_count (data);
  for (size_t i = 0; i < n; i++) {
    bool set = i < have && pairs[2 * i] != PCRE2_UNSET && pairs[2 * i + 1] >= pairs[2 * i];
    groups[2 * i] = set ? pairs[2 * i] : SIZE_MAX;
    groups[2 * i + 1] = set ? pairs[2 * i + 1] : SIZE_MAX;
  }
}

int
regex_search (const char *regex, size_t regex_size, const char *text, size_t size, size_t *groups, size_t n,
              size_t *found, char *error, size_t error_size)
{
  return regex_search_from (regex, regex_size, text, size, 0, groups, n, found, error, error_size);
}

int
regex_search_from (const char *regex, size_t regex_size, const char *text, size_t size, size_t start,
                   size_t *groups, size_t n, size_t *found, char *error, size_t error_size)
{
  bool utf = utf8_valid (regex, regex_size) && utf8_valid (text, size);
  while (utf && start < size && ((unsigned char) text[start] & 0xc0) == 0x80)
    start++; /* PCRE2 relies on it that characters are whole */
  if (found)
    *found = 0;
  if (start > size)
    return REGEX_NO;
  struct entry *entry = take (regex, regex_size, utf, error, error_size);
  if (!entry)
    return REGEX_WRONG;
  uint32_t captures = 0;
  (void) pcre2_pattern_info (entry->code, PCRE2_INFO_CAPTURECOUNT, &captures);
  size_t pairs = n < captures + (size_t) 1 ? n : captures + (size_t) 1;
  pcre2_match_data *data = pcre2_match_data_create (pairs ? (uint32_t) pairs : 1, NULL);
  int result = data ? run (entry, text, size, start, data) : PCRE2_ERROR_NOMEMORY;
  /* 0: more groups than asked for */
  int answer = result >= 0                      ? REGEX_YES
               : result == PCRE2_ERROR_NOMATCH ? REGEX_NO
                                               : failed (result, error, error_size);
  if (answer == REGEX_YES)
    copy_groups (data, groups, n);
  if (found)
    *found = answer == REGEX_YES ? captures + (size_t) 1 : 0;
  pcre2_match_data_free (data);
  release (entry);
  return answer;
}

bool
regex_check (const char *regex, size_t regex_size, size_t *offset, char *error, size_t error_size)
{
  size_t at = 0;
  pcre2_code *code = compile (regex, regex_size, utf8_valid (regex, regex_size), &at, error, error_size);
  if (offset)
    *offset = utf8_count (regex, at);
  pcre2_code_free (code);
  return code != NULL;
}

#define PATTERNS 64 /* beyond that each is compiled again */

bool
regex_fits (const char *pattern, const char *text, size_t size)
{
  static struct { char *text; pcre2_code *code; } kept[PATTERNS];
  static pcre2_match_data *data;
  static size_t count;
  size_t i = 0, at;
  char error[256];
  while (i < count && strcmp (kept[i].text, pattern) != 0)
    i++;
  if (i == count) {
    pcre2_code *code = compile (pattern, strlen (pattern), false, &at, error, sizeof error);
    if (!code)
      return true; /* the plugin would not have been loaded */
    if (count == PATTERNS) {
      pcre2_code_free (kept[--i].code);
      free (kept[i].text);
      count--;
    }
    (void) pcre2_jit_compile (code, PCRE2_JIT_COMPLETE);
    kept[i].text = xstrdup (pattern);
    kept[i].code = code;
    count++;
  }
  if (!data && !(data = pcre2_match_data_create (1, NULL)))
    return true;
  return pcre2_match (kept[i].code, (PCRE2_SPTR) text, size, 0, 0, data, NULL) != PCRE2_ERROR_NOMATCH;
}
