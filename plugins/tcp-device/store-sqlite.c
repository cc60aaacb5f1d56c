/* store-sqlite.c - the tables in SQLite.  They are those of the PostgreSQL system, names and all, so that people
 * who look into them find what they know. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/bytes.h"
#include "store.h"

/* Another program may hold the file's lock for a moment. */
#define BUSY_MS 2000

enum { CREATE_DEVICE, HAS_DEVICE, ADD_REPORT, LIST_REPORTS, STATEMENTS };

#define LIST_REPORTS_TEXT                                                             \
  "SELECT id, CAST(strftime('%s', created) AS INTEGER), report FROM reports"          \
  " WHERE device_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"

static const char *const statement_texts[STATEMENTS] = {
  [CREATE_DEVICE] = "INSERT INTO devices (id) VALUES (?1) ON CONFLICT DO NOTHING",
  [HAS_DEVICE] = "SELECT 1 FROM devices WHERE id = ?1",
  [ADD_REPORT] = "INSERT INTO reports (device_id, report) SELECT id, ?2 FROM devices WHERE id = ?1",
  [LIST_REPORTS] = LIST_REPORTS_TEXT,
};

static const char drop_tables[] = "DROP TABLE IF EXISTS reports; DROP TABLE IF EXISTS devices;";
static const char create_tables[] =
  "CREATE TABLE IF NOT EXISTS devices (id integer PRIMARY KEY);"
  "CREATE TABLE IF NOT EXISTS reports (id integer PRIMARY KEY,"
  " device_id integer NOT NULL REFERENCES devices (id), report varchar(36),"
  " created timestamp DEFAULT CURRENT_TIMESTAMP);"
  "CREATE INDEX IF NOT EXISTS reports_of_device ON reports (device_id, id);";

struct store_sqlite {
  struct store store;
  sqlite3 *db;
  sqlite3_stmt *statements[STATEMENTS];
};

static int
fail (struct store_sqlite *sqlite)
{
  snprintf (sqlite->store.error, sizeof sqlite->store.error, "SQLite: %s", sqlite3_errmsg (sqlite->db));
  return -1;
}

static sqlite3_stmt *
bind_id (struct store_sqlite *sqlite, int which, int64_t id)
{
  sqlite3_stmt *statement = sqlite->statements[which];
  return sqlite3_bind_int64 (statement, 1, id) == SQLITE_OK ? statement : NULL;
}

/* One step of a statement, which is then reset.  1: a row, 0: none, -1. */
static int
step_once (struct store_sqlite *sqlite, sqlite3_stmt *statement)
{
  if (!statement)
    return fail (sqlite);
  int rc = sqlite3_step (statement);
  int result = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : fail (sqlite);
  sqlite3_reset (statement); /* gives the error of the step once more */
  return result;
}

static int
sqlite_create_device (struct store *store, int64_t id)
{
  struct store_sqlite *sqlite = (struct store_sqlite *) store;
  return step_once (sqlite, bind_id (sqlite, CREATE_DEVICE, id));
}

static int
sqlite_has_device (struct store *store, int64_t id)
{
  struct store_sqlite *sqlite = (struct store_sqlite *) store;
  return step_once (sqlite, bind_id (sqlite, HAS_DEVICE, id));
}

static int
sqlite_add_report (struct store *store, const struct report *report)
{
  struct store_sqlite *sqlite = (struct store_sqlite *) store;
  sqlite3_stmt *statement = bind_id (sqlite, ADD_REPORT, report->id);
  if (!statement
      || sqlite3_bind_text64 (statement, 2, report->text, report->size, SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
    return fail (sqlite);
  int rc = step_once (sqlite, statement);
  int added = rc == 0 && sqlite3_changes (sqlite->db) == 1;
  sqlite3_clear_bindings (statement); /* the text is the caller's */
  return rc < 0 ? -1 : added;
}

static int
sqlite_list_reports (struct store *store, int64_t device, int64_t before, int limit,
                     void (*each) (void *data, const struct stored_report *report), void *data)
{
  struct store_sqlite *sqlite = (struct store_sqlite *) store;
  sqlite3_stmt *statement = bind_id (sqlite, LIST_REPORTS, device);
  if (!statement || sqlite3_bind_int64 (statement, 2, before) != SQLITE_OK
      || sqlite3_bind_int (statement, 3, limit) != SQLITE_OK)
    return fail (sqlite);
  int count = 0, rc;
  while ((rc = sqlite3_step (statement)) == SQLITE_ROW) {
    struct stored_report report = { .id = sqlite3_column_int64 (statement, 0),
                                    .timestamp = sqlite3_column_int64 (statement, 1) };
    const char *text = (const char *) sqlite3_column_text (statement, 2);
    report.text = text ? text : "";
    report.size = text ? (size_t) sqlite3_column_bytes (statement, 2) : 0;
    each (data, &report);
    count++;
  }
  if (rc != SQLITE_DONE)
    count = fail (sqlite);
  sqlite3_reset (statement);
  return count;
}

static void
sqlite_close (struct store *store)
{
  struct store_sqlite *sqlite = (struct store_sqlite *) store;
  for (int i = 0; i < STATEMENTS; i++)
    sqlite3_finalize (sqlite->statements[i]);
  sqlite3_close (sqlite->db);
  free (sqlite);
}

static bool
run (struct store_sqlite *sqlite, const char *sql)
{
  return sqlite3_exec (sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* What is committed survives the end of the process; a power loss may take the
 * last moments, as NORMAL says. */
static bool
prepare (struct store_sqlite *sqlite, bool clean)
{
  if (sqlite3_busy_timeout (sqlite->db, BUSY_MS) != SQLITE_OK
      || !run (sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
      || (clean && !run (sqlite, drop_tables)) || !run (sqlite, create_tables))
    return false;
  for (int i = 0; i < STATEMENTS; i++)
    if (sqlite3_prepare_v3 (sqlite->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &sqlite->statements[i],
                            NULL)
        != SQLITE_OK)
      return false;
  return true;
}

struct store *
store_sqlite_open (const char *path, bool clean, char *error, size_t error_size)
{
  static const struct store_ops ops = { sqlite_create_device, sqlite_has_device, sqlite_add_report,
                                        sqlite_list_reports, sqlite_close };
  struct store_sqlite *sqlite = bytes_allocate (sizeof *sqlite);
  sqlite->store.ops = &ops;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2 (path ? path : ":memory:", &sqlite->db, flags, NULL) == SQLITE_OK && prepare (sqlite, clean))
    return &sqlite->store;
  snprintf (error, error_size, "%s: %s", path ? path : "memory", sqlite3_errmsg (sqlite->db));
  sqlite_close (&sqlite->store);
  return NULL;
}
