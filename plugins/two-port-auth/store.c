/* store.c - see store.h. */
#include "store.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../common/bytes.h"

/* Another program may hold the file's lock for a moment. */
#define BUSY_MS 2000

/* The rows are in the order of their key: that is the index for the look-up. */
static const char create_table[] =
  "CREATE TABLE IF NOT EXISTS registrations (client_uuid TEXT NOT NULL, server_uuid TEXT NOT NULL,"
  " created TEXT NOT NULL, PRIMARY KEY (client_uuid, server_uuid)) WITHOUT ROWID";
static const char insert_text[] =
  "INSERT INTO registrations (client_uuid, server_uuid, created) VALUES (?1, ?2, ?3)";
static const char find_text[] = "SELECT 1 FROM registrations WHERE client_uuid = ?1 AND server_uuid = ?2";

/* For a table that somebody else has made. */
static const char explain_text[] =
  "EXPLAIN QUERY PLAN SELECT 1 FROM registrations WHERE client_uuid = ?1 AND server_uuid = ?2";
static const char create_index[] =
  "CREATE INDEX IF NOT EXISTS registrations_by_client ON registrations (client_uuid, server_uuid)";

/* What is written to a file without a name is lost. */
static const char moved_text[] = "its file was renamed, replaced or deleted; start the server again";

/* The log of the WAL is copied into the database by the thread that commits, when
 * it has so many pages: seldom enough that few commits wait for it. */
static const char writer_settings[] =
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
  "PRAGMA cache_size = -16000";

struct store_writer {
  sqlite3 *db;
  sqlite3_stmt *begin, *insert, *commit;
};

/* The head of the WAL's index, which is memory that all who have the database open share: it changes with each
 * commit, of whomever, before that returns (sqlite.org/walformat.html, 2.1). */
#define INDEX_PAGE 32768
struct index_head {
  uint32_t words[12];
};

struct store_reader {
  sqlite3 *db;
  sqlite3_stmt *find, *begin, *end;
  const volatile struct index_head *index; /* NULL: it is not known */
  struct index_head read;                  /* not later than what the transaction reads */
  bool reads;         /* a transaction is open */
  bool looked, moved; /* whether the file has moved, since store_reader_batch */
};

static bool
prepare (sqlite3 *db, const char *text, sqlite3_stmt **statement)
{
  return sqlite3_prepare_v3 (db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK;
}

static bool
execute (sqlite3 *db, const char *text)
{
  return sqlite3_exec (db, text, NULL, NULL, NULL) == SQLITE_OK;
}

static bool
open_database (const char *path, int flags, sqlite3 **db)
{
  return sqlite3_open_v2 (path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL) == SQLITE_OK
         && sqlite3_busy_timeout (*db, BUSY_MS) == SQLITE_OK;
}

/* Is the file that is open no longer the one that its path names?  Asks the file system. */
static bool
has_moved (sqlite3 *db)
{
  int moved = 0;
  return sqlite3_file_control (db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

/* ---- files --------------------------------------------------------------- */

/* As SQLite names it, without the links in it, to put an end to; false: there is no such folder. */
static bool
whole_path (const char *path, char out[PATH_MAX])
{
  char folder[PATH_MAX];
  const char *slash = strrchr (path, '/');
  if (realpath (path, out))
    return true;
  int n = snprintf (folder, sizeof folder, "%.*s", slash ? (int) (slash - path) + 1 : 1, slash ? path : ".");
  if (n < 0 || (size_t) n >= sizeof folder || !realpath (folder, out))
    return false;
  size_t size = strlen (out), room = PATH_MAX - size;
  n = snprintf (out + size, room, "/%s", slash ? slash + 1 : path);
  return n >= 0 && (size_t) n < room;
}

bool
store_has_file (const char *path, const char *other)
{
  static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
  char base[PATH_MAX], name[PATH_MAX + 16];
  struct stat about, others;
  if (stat (other, &others) != 0 || !whole_path (path, base))
    return false;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf (name, sizeof name, "%s%s", base, ends[i]);
    if (stat (name, &about) == 0 && about.st_dev == others.st_dev && about.st_ino == others.st_ino)
      return true;
  }
  return false;
}

/* ---- writing ------------------------------------------------------------- */

/* The plan's rows are (id, parent, unused, text); `SCAN` goes through the whole table. */
static bool
is_scanned (sqlite3 *db, bool *scanned)
{
  sqlite3_stmt *explain;
  *scanned = false;
  if (!prepare (db, explain_text, &explain))
    return false;
  int rc;
  while ((rc = sqlite3_step (explain)) == SQLITE_ROW) {
    const char *text = (const char *) sqlite3_column_text (explain, 3);
    *scanned |= text && strncmp (text, "SCAN", 4) == 0;
  }
  sqlite3_finalize (explain);
  return rc == SQLITE_DONE;
}

static bool
have_index (sqlite3 *db)
{
  bool scanned;
  return is_scanned (db, &scanned) && (!scanned || execute (db, create_index));
}

/* SQLite says of many troubles no more than "disk I/O error". */
static void
describe (sqlite3 *db, char *error, size_t error_size)
{
  int code = sqlite3_errcode (db);
  int system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN ? sqlite3_system_errno (db) : 0;
  const char *text = sqlite3_errmsg (db);
  snprintf (error, error_size, "%s%s%s", text, system ? ": " : "", system ? strerror (system) : "");
}

static bool
step (sqlite3_stmt *statement)
{
  bool done = sqlite3_step (statement) == SQLITE_DONE;
  return sqlite3_reset (statement) == SQLITE_OK && done;
}

static bool
insert (struct store_writer *writer, const struct registration *one, const char *created)
{
  sqlite3_stmt *statement = writer->insert;
  return sqlite3_bind_text64 (statement, 1, one->client, one->client_size, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK
         && sqlite3_bind_text (statement, 2, one->server, UUID_SIZE, SQLITE_STATIC) == SQLITE_OK
         && sqlite3_bind_text (statement, 3, created, -1, SQLITE_STATIC) == SQLITE_OK && step (statement);
}

/* A table of others may want what we do not have, such as another column: a row is tried, and taken back. */
static bool
takes_rows (struct store_writer *writer, char *error, size_t error_size)
{
  static const char uuid[] = "00000000-0000-4000-8000-000000000000";
  struct registration probe = { .client = uuid, .client_size = UUID_SIZE };
  memcpy (probe.server, uuid, sizeof uuid);
  bool begun = step (writer->begin);
  bool taken = begun && insert (writer, &probe, "2000-01-01 00:00:00");
  int code = sqlite3_extended_errcode (writer->db);
  if (!taken)
    describe (writer->db, error, error_size);
  sqlite3_clear_bindings (writer->insert);
  if (!sqlite3_get_autocommit (writer->db))
    execute (writer->db, "ROLLBACK"); /* fails only if SQLite has already done so */
  return taken || code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
         || (!begun && (code & 0xff) == SQLITE_BUSY); /* another program writes: it is not known */
}

/* It may be no file yet. */
static bool
is_regular (const char *path)
{
  struct stat about;
  return stat (path, &about) != 0 || S_ISREG (about.st_mode);
}

struct store_writer *
store_writer_open (const char *path, char *error, size_t error_size)
{
  char why[512];
  if (!is_regular (path)) {
    snprintf (error, error_size, "%s: it is no regular file", path);
    return NULL;
  }
  struct store_writer *writer = bytes_allocate (sizeof *writer);
  if (open_database (path, SQLITE_OPEN_CREATE, &writer->db) && execute (writer->db, writer_settings)
      && execute (writer->db, create_table) && have_index (writer->db)
      && prepare (writer->db, "BEGIN IMMEDIATE", &writer->begin)
      && prepare (writer->db, insert_text, &writer->insert) && prepare (writer->db, "COMMIT", &writer->commit)) {
    if (takes_rows (writer, why, sizeof why))
      return writer;
    snprintf (error, error_size, "%s: its table registrations takes no rows: %s", path, why);
  } else {
    describe (writer->db, why, sizeof why);
    snprintf (error, error_size, "%s: %s", path, why);
  }
  store_writer_close (writer);
  return NULL;
}

static bool
add_all (struct store_writer *writer, const struct registration *list, const char *created)
{
  if (!step (writer->begin))
    return false;
  for (const struct registration *one = list; one; one = one->next)
    if (!insert (writer, one, created))
      return false;
  return step (writer->commit);
}

bool
store_add (struct store_writer *writer, struct registration *list, char *error, size_t error_size)
{
  char created[32] = "";
  time_t now = time (NULL);
  struct tm utc;
  gmtime_r (&now, &utc);
  strftime (created, sizeof created, "%Y-%m-%d %H:%M:%S", &utc); /* as SQLite's CURRENT_TIMESTAMP */
  bool moved = has_moved (writer->db), stored = !moved && add_all (writer, list, created);
  if (moved)
    snprintf (error, error_size, "%s", moved_text);
  else if (!stored)
    describe (writer->db, error, error_size);
  sqlite3_clear_bindings (writer->insert); /* the texts are the caller's */
  if (!stored && !sqlite3_get_autocommit (writer->db))
    execute (writer->db, "ROLLBACK"); /* fails only if SQLite has already done so */
  for (struct registration *one = list; one; one = one->next)
    one->stored = stored;
  return stored;
}

void
store_writer_close (struct store_writer *writer)
{
  sqlite3_finalize (writer->begin);
  sqlite3_finalize (writer->insert);
  sqlite3_finalize (writer->commit);
  sqlite3_close (writer->db);
  free (writer);
}

/* ---- reading ------------------------------------------------------------- */

/* As SQLite's own VFS gives it. */
static const volatile struct index_head *
find_index (sqlite3 *db)
{
  sqlite3_file *file = NULL;
  volatile void *page = NULL;
  if (sqlite3_file_control (db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods
      || file->pMethods->iVersion < 2 || file->pMethods->xShmMap (file, 0, INDEX_PAGE, 0, &page) != SQLITE_OK)
    return NULL;
  return page;
}

static struct index_head
read_index (const struct store_reader *reader)
{
  struct index_head head;
  for (size_t i = 0; i < sizeof head.words / sizeof *head.words; i++)
    head.words[i] = reader->index->words[i];
  return head;
}

static void
end_reading (struct store_reader *reader)
{
  if (reader->reads)
    step (reader->end); /* of a transaction that has only read: nothing is lost */
  reader->reads = false;
}

/* One transaction for all look-ups between two commits: to begin one takes longer than to look up. */
static void
begin_reading (struct store_reader *reader)
{
  if (!reader->index)
    return;
  struct index_head now = read_index (reader);
  if (reader->reads && memcmp (&now, &reader->read, sizeof now) == 0)
    return;
  end_reading (reader);
  reader->read = now;
  reader->reads = step (reader->begin);
}

struct store_reader *
store_reader_open (const char *path, char *error, size_t error_size)
{
  struct store_reader *reader = bytes_allocate (sizeof *reader);
  if (open_database (path, 0, &reader->db) && prepare (reader->db, find_text, &reader->find)
      && prepare (reader->db, "BEGIN", &reader->begin) && prepare (reader->db, "COMMIT", &reader->end)) {
    store_find (reader, "", 0, "", 0); /* opens what there is of the WAL */
    store_reader_batch (reader);
    reader->index = find_index (reader->db);
    return reader;
  }
  snprintf (error, error_size, "%s: %s", path, sqlite3_errmsg (reader->db));
  store_reader_close (reader);
  return NULL;
}

void
store_reader_batch (struct store_reader *reader)
{
  end_reading (reader);
  reader->looked = false;
}

int
store_find (struct store_reader *reader, const char *client, size_t client_size, const char *server,
            size_t server_size)
{
  int found = -1;
  if (!reader->looked)
    reader->moved = has_moved (reader->db);
  reader->looked = true;
  if (reader->moved)
    return -1;
  begin_reading (reader);
  if (sqlite3_bind_text64 (reader->find, 1, client, client_size, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK
      && sqlite3_bind_text64 (reader->find, 2, server, server_size, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK) {
    int rc = sqlite3_step (reader->find);
    found = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
  }
  sqlite3_reset (reader->find); /* gives the error of the step once more */
  sqlite3_clear_bindings (reader->find);
  return found;
}

const char *
store_reader_error (struct store_reader *reader)
{
  return reader->moved ? moved_text : sqlite3_errmsg (reader->db);
}

void
store_reader_close (struct store_reader *reader)
{
  end_reading (reader);
  sqlite3_finalize (reader->find);
  sqlite3_finalize (reader->begin);
  sqlite3_finalize (reader->end);
  sqlite3_close (reader->db);
  free (reader);
}
