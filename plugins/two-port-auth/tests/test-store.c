/* test-store.c - store.c and committer.c: what is stored is found, also by whoever opens the file next. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "committer.h"
#include "store.h"

static char error[512];
static atomic_int told;
static char last_told[256]; /* read when the committer has stopped */

/* Registrations `client I` with the codes `server-I…`, as a list. */
static void
make_list (struct registration *list, char clients[][32], int first, int count)
{
  for (int i = 0; i < count; i++) {
    int n = snprintf (clients[i], 32, "client %d", first + i);
    snprintf (list[i].server, sizeof list[i].server, "server-%-29d", first + i);
    list[i].client = clients[i];
    list[i].client_size = (size_t) n;
    list[i].stored = false;
    list[i].next = i + 1 < count ? &list[i + 1] : NULL;
  }
}

static int
find (struct store_reader *reader, int client, int server)
{
  char name[32], code[UUID_SIZE + 1];
  int n = snprintf (name, sizeof name, "client %d", client);
  snprintf (code, sizeof code, "server-%-29d", server);
  return store_find (reader, name, (size_t) n, code, UUID_SIZE);
}

START_TEST (what_is_stored_is_found)
{
  struct registration list[3];
  char clients[3][32];
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_msg (writer != NULL, "%s", error);
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert_msg (reader != NULL, "%s", error);
  ck_assert_int_eq (find (reader, 0, 0), 0);
  make_list (list, clients, 0, 3);
  ck_assert_msg (store_add (writer, list, error, sizeof error), "%s", error);
  for (int i = 0; i < 3; i++) {
    ck_assert (list[i].stored);
    ck_assert_int_eq (find (reader, i, i), 1);
    ck_assert_int_eq (find (reader, i, (i + 1) % 3), 0);
  }
  ck_assert_int_eq (store_find (reader, "client 1", 8, "", 0), 0);
  store_reader_close (reader);
  store_writer_close (writer);
}
END_TEST

START_TEST (another_start_finds_what_the_last_has_stored)
{
  struct registration list[1];
  char clients[1][32];
  for (int i = 0; i < 2; i++) {
    struct store_writer *writer = store_writer_open ("db", error, sizeof error);
    ck_assert_msg (writer != NULL, "%s", error);
    make_list (list, clients, i, 1);
    ck_assert (store_add (writer, list, error, sizeof error));
    store_writer_close (writer);
  }
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (reader);
  ck_assert_int_eq (find (reader, 0, 0), 1);
  ck_assert_int_eq (find (reader, 1, 1), 1);
  store_reader_close (reader);
}
END_TEST

static int
take_text (void *out, int columns, char **values, char **names)
{
  (void) names;
  ck_assert_int_eq (columns, 1);
  snprintf (out, 256, "%s", values[0] ? values[0] : "NULL");
  return 0;
}

/* What `query` gives, of one column and one row. */
static void
assert_gives (const char *query, const char *expected)
{
  sqlite3 *db;
  char text[256] = "nothing";
  ck_assert_int_eq (sqlite3_open ("db", &db), SQLITE_OK);
  ck_assert_int_eq (sqlite3_exec (db, query, take_text, text, NULL), SQLITE_OK);
  ck_assert_str_eq (text, expected);
  ck_assert_int_eq (sqlite3_close (db), SQLITE_OK);
}

#define COUNT_INDEXES "SELECT group_concat (name) FROM sqlite_schema WHERE type = 'index'"

START_TEST (the_table_is_the_one_that_people_know)
{
  struct registration list[1];
  char clients[1][32], text[256] = "";
  sqlite3 *db;
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (writer);
  make_list (list, clients, 7, 1);
  ck_assert (store_add (writer, list, error, sizeof error));
  ck_assert_int_eq (sqlite3_open ("db", &db), SQLITE_OK);
  ck_assert_int_eq (sqlite3_exec (db, "SELECT client_uuid || ',' || trim (server_uuid) || ',' ||"
                                      " (julianday ('now') - julianday (created) < 1) FROM registrations",
                                  take_text, text, NULL), SQLITE_OK);
  ck_assert_str_eq (text, "client 7,server-7,1");
  ck_assert_int_eq (sqlite3_exec (db, "PRAGMA journal_mode", take_text, text, NULL), SQLITE_OK);
  ck_assert_str_eq (text, "wal");
  sqlite3_close (db);
  store_writer_close (writer);
  assert_gives (COUNT_INDEXES, "NULL"); /* the table is its own */
}
END_TEST

START_TEST (what_is_no_database_is_told)
{
  FILE *file = fopen ("db", "w");
  for (int i = 0; i < 1000; i++)
    ck_assert_int_ge (fputs ("this is not a database\n", file), 0);
  ck_assert_int_eq (fclose (file), 0);
  ck_assert_ptr_null (store_writer_open ("db", error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "not a database"));
  ck_assert_ptr_null (store_writer_open ("no/such/folder/db", error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "No such file"));
  ck_assert_ptr_null (store_writer_open ("/dev/null", error, sizeof error));
  ck_assert_str_eq (error, "/dev/null: it is no regular file");
  ck_assert_ptr_null (store_reader_open ("no/such/folder/db", error, sizeof error));
}
END_TEST

static void
touch (const char *name)
{
  FILE *file = fopen (name, "w");
  ck_assert_ptr_nonnull (file);
  ck_assert_int_eq (fclose (file), 0);
}

START_TEST (the_files_of_a_database_are_known)
{
  static const char *const names[] = { "db-wal", "db-shm", "db-journal", "db" };
  ck_assert_int_eq (symlink ("db", "to-db"), 0);
  touch ("log");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) { /* at first without the database */
    ck_assert (!store_has_file ("db", names[i]));
    touch (names[i]);
    ck_assert (store_has_file ("db", names[i]));
    ck_assert (!store_has_file ("db", "log"));
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    ck_assert (store_has_file ("to-db", names[i]));
  ck_assert (store_has_file ("db", "to-db"));
  ck_assert_int_eq (link ("db", "db-too"), 0);
  ck_assert (store_has_file ("./db", "db-too"));
  ck_assert (!store_has_file ("no/such/folder/db", "log"));
}
END_TEST

static void
limit_files (rlim_t bytes)
{
  struct rlimit limit = { bytes, RLIM_INFINITY };
  signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

START_TEST (a_full_disk_stores_none_and_is_told)
{
  enum { COUNT = 2000 };
  static struct registration list[COUNT];
  static char clients[COUNT][32];
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (writer);
  make_list (list, clients, 0, COUNT);
  limit_files (65536);
  ck_assert (!store_add (writer, list, error, sizeof error));
  ck_assert_str_ne (error, "");
  limit_files (RLIM_INFINITY);
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (reader);
  for (int i = 0; i < COUNT; i++) {
    ck_assert (!list[i].stored);
    ck_assert_int_eq (find (reader, i, i), 0);
  }
  ck_assert_msg (store_add (writer, list, error, sizeof error), "%s", error);
  ck_assert (list[COUNT - 1].stored);
  ck_assert_int_eq (find (reader, COUNT - 1, COUNT - 1), 1);
  store_reader_close (reader);
  store_writer_close (writer);
}
END_TEST

START_TEST (a_file_that_is_gone_is_no_database)
{
  struct registration list[2];
  char clients[2][32];
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert (writer && reader);
  make_list (list, clients, 0, 1);
  ck_assert (store_add (writer, list, error, sizeof error));
  ck_assert_int_eq (find (reader, 0, 0), 1);
  ck_assert_int_eq (rename ("db", "moved"), 0);
  make_list (list, clients, 1, 1);
  ck_assert (!store_add (writer, list, error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "start the server again"));
  ck_assert (!list[0].stored);
  ck_assert_int_eq (find (reader, 0, 0), 1); /* of the same batch */
  store_reader_batch (reader);
  ck_assert_int_eq (find (reader, 0, 0), -1);
  ck_assert_ptr_nonnull (strstr (store_reader_error (reader), "start the server again"));
  ck_assert_int_eq (rename ("moved", "db"), 0);
  ck_assert_msg (store_add (writer, list, error, sizeof error), "%s", error);
  store_reader_batch (reader);
  ck_assert_int_eq (find (reader, 1, 1), 1);
  store_reader_close (reader);
  store_writer_close (writer);
}
END_TEST

static void
make_database (const char *statements)
{
  sqlite3 *db;
  ck_assert_int_eq (sqlite3_open ("db", &db), SQLITE_OK);
  ck_assert_int_eq (sqlite3_exec (db, statements, NULL, NULL, NULL), SQLITE_OK);
  ck_assert_int_eq (sqlite3_close (db), SQLITE_OK);
}

START_TEST (a_table_that_takes_no_rows_is_refused)
{
  static const struct {
    const char *more, *told;
  } samples[] = {
    { ", extra NOT NULL", "takes no rows: NOT NULL constraint failed: registrations.extra" },
    { ", CHECK (client_uuid < '')", "takes no rows: CHECK constraint failed" },
    { ", extra NOT NULL DEFAULT 1", NULL },
    { ", PRIMARY KEY (server_uuid)", NULL },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    char text[256];
    snprintf (text, sizeof text, "DROP TABLE IF EXISTS registrations;"
              "CREATE TABLE registrations (client_uuid, server_uuid, created%s)", samples[i].more);
    make_database (text);
    struct store_writer *writer = store_writer_open ("db", error, sizeof error);
    ck_assert_msg (!samples[i].told == !!writer, "%s", samples[i].more);
    if (writer)
      store_writer_close (writer);
    else
      ck_assert_msg (strstr (error, samples[i].told) != NULL, "%s", error);
  }
  assert_gives ("SELECT count (*) FROM registrations", "0");
}
END_TEST

START_TEST (a_database_that_may_not_grow_says_why)
{
  make_database ("PRAGMA journal_mode = WAL; CREATE TABLE registrations (client_uuid, server_uuid, created)");
  limit_files (1);
  ck_assert_ptr_null (store_writer_open ("db", error, sizeof error));
  limit_files (RLIM_INFINITY);
  ck_assert_msg (strstr (error, "File too large") != NULL, "%s", error);
}
END_TEST

START_TEST (a_table_of_others_gets_an_index)
{
  make_database ("CREATE TABLE registrations (client_uuid, server_uuid, created);"
                 "INSERT INTO registrations VALUES ('old', 'oldcode', '2020-01-01')");
  for (int i = 0; i < 2; i++) {
    struct store_writer *writer = store_writer_open ("db", error, sizeof error);
    ck_assert_msg (writer != NULL, "%s", error);
    struct store_reader *reader = store_reader_open ("db", error, sizeof error);
    ck_assert_msg (reader != NULL, "%s", error);
    ck_assert_int_eq (store_find (reader, "old", 3, "oldcode", 7), 1);
    store_reader_close (reader);
    store_writer_close (writer);
    assert_gives (COUNT_INDEXES, "registrations_by_client");
  }
}
END_TEST

START_TEST (a_table_with_an_index_gets_no_other)
{
  make_database ("CREATE TABLE registrations (client_uuid, server_uuid, created);"
                 "CREATE INDEX theirs ON registrations (client_uuid)");
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_msg (writer != NULL, "%s", error);
  store_writer_close (writer);
  assert_gives (COUNT_INDEXES, "theirs");
}
END_TEST

/* Of a checkpoint: nobody was in its way. */
static int
take_busy (void *data, int columns, char **values, char **names)
{
  (void) data;
  (void) names;
  ck_assert_int_eq (columns, 3);
  ck_assert_str_eq (values[0], "0");
  return 0;
}

START_TEST (what_others_commit_counts_at_once)
{
  struct registration list[2];
  char clients[2][32];
  sqlite3 *other;
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert (writer && reader);
  make_list (list, clients, 0, 2);
  ck_assert (store_add (writer, list, error, sizeof error));
  ck_assert_int_eq (sqlite3_open ("db", &other), SQLITE_OK);
  for (int i = 0; i < 3; i++) { /* all in one batch */
    ck_assert_int_eq (find (reader, 0, 0), 1);
    ck_assert_int_eq (find (reader, 1, 1), 1);
    ck_assert_int_eq (sqlite3_exec (other, "UPDATE registrations SET client_uuid = 'was ' || client_uuid", NULL, NULL,
                                    NULL), SQLITE_OK);
    ck_assert_int_eq (find (reader, 0, 0), 0);
    ck_assert_int_eq (sqlite3_exec (other, "UPDATE registrations SET client_uuid = substr (client_uuid, 5)", NULL,
                                    NULL, NULL), SQLITE_OK);
  }
  ck_assert_int_eq (find (reader, 1, 1), 1);
  store_reader_batch (reader);
  ck_assert_int_eq (sqlite3_exec (other, "PRAGMA wal_checkpoint (TRUNCATE)", take_busy, NULL, NULL), SQLITE_OK);
  ck_assert_int_eq (find (reader, 1, 1), 1);
  sqlite3_close (other);
  store_reader_close (reader);
  store_writer_close (writer);
}
END_TEST

static void
count_told (void *data, const char *text)
{
  (void) data;
  ck_assert_str_ne (text, "");
  snprintf (last_told, sizeof last_told, "%s", text);
  told++;
}

static struct committer *
start_committer (void)
{
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_msg (writer != NULL, "%s", error);
  struct committer *committer = committer_start (writer, count_told, NULL);
  ck_assert_ptr_nonnull (committer);
  return committer;
}

/* Takes until `count` have come; each is in the database then. */
static void
take_all (struct committer *committer, struct store_reader *reader, int count, bool stored)
{
  while (count) {
    struct pollfd fd = { .fd = committer_fd (committer), .events = POLLIN };
    ck_assert_int_eq (poll (&fd, 1, 20000), 1);
    for (struct registration *one = committer_take (committer); one; one = one->next, count--) {
      ck_assert_int_eq (one->stored, stored);
      ck_assert_int_eq (store_find (reader, one->client, one->client_size, one->server, UUID_SIZE), stored);
    }
  }
}

START_TEST (all_that_wait_are_stored)
{
  enum { COUNT = 1000 };
  static struct registration list[COUNT];
  static char clients[COUNT][32];
  struct committer *committer = start_committer ();
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (reader);
  make_list (list, clients, 0, COUNT);
  for (int i = 0; i < COUNT;) { /* in pieces of all sizes */
    int last = i + i / 7 < COUNT ? i + i / 7 : COUNT - 1;
    committer_give (committer, &list[i], &list[last]);
    i = last + 1;
  }
  take_all (committer, reader, COUNT, true);
  ck_assert_ptr_null (committer_take (committer));
  ck_assert_ptr_null (committer_stop (committer));
  ck_assert_int_eq (told, 0);
  store_reader_close (reader);
}
END_TEST

START_TEST (what_was_given_is_stored_before_the_end)
{
  struct registration list[5];
  char clients[5][32];
  struct committer *committer = start_committer ();
  make_list (list, clients, 0, 5);
  committer_give (committer, &list[0], &list[4]);
  int count = 0;
  for (struct registration *one = committer_stop (committer); one; one = one->next, count++)
    ck_assert (one->stored);
  ck_assert_int_eq (count, 5);
}
END_TEST

static void
fail_and_go_on (int failures, const char *last)
{
  struct registration list[1];
  char clients[1][32];
  struct committer *committer = start_committer ();
  struct store_reader *reader = store_reader_open ("db", error, sizeof error);
  ck_assert_ptr_nonnull (reader);
  make_list (list, clients, 0, 1);
  limit_files (1);
  for (int i = 0; i < failures; i++) {
    committer_give (committer, list, list);
    take_all (committer, reader, 1, false);
    ck_assert_int_eq (told, 1);
  }
  limit_files (RLIM_INFINITY);
  committer_give (committer, list, list);
  take_all (committer, reader, 1, true);
  ck_assert_ptr_null (committer_stop (committer));
  ck_assert_int_eq (told, 2);
  ck_assert_str_eq (last_told, last);
  store_reader_close (reader);
}

START_TEST (a_store_that_fails_goes_on)
{
  fail_and_go_on (3, "it works again; 3 registrations were answered by 503");
}
END_TEST

START_TEST (one_failure_is_told_as_one)
{
  fail_and_go_on (1, "it works again; 1 registration was answered by 503");
}
END_TEST

Suite *
store_suite (void)
{
  Suite *suite = suite_create ("store");
  TCase *tests = tcase_create ("store");
  tcase_set_timeout (tests, 60);
  tcase_add_checked_fixture (tests, enter_folder, leave_folder);
  tcase_add_test (tests, what_is_stored_is_found);
  tcase_add_test (tests, another_start_finds_what_the_last_has_stored);
  tcase_add_test (tests, the_table_is_the_one_that_people_know);
  tcase_add_test (tests, what_is_no_database_is_told);
  tcase_add_test (tests, the_files_of_a_database_are_known);
  tcase_add_test (tests, a_file_that_is_gone_is_no_database);
  tcase_add_test (tests, a_table_that_takes_no_rows_is_refused);
  tcase_add_test (tests, a_database_that_may_not_grow_says_why);
  tcase_add_test (tests, a_table_of_others_gets_an_index);
  tcase_add_test (tests, a_table_with_an_index_gets_no_other);
  tcase_add_test (tests, what_others_commit_counts_at_once);
  tcase_add_test (tests, a_full_disk_stores_none_and_is_told);
  tcase_add_test (tests, all_that_wait_are_stored);
  tcase_add_test (tests, what_was_given_is_stored_before_the_end);
  tcase_add_test (tests, a_store_that_fails_goes_on);
  tcase_add_test (tests, one_failure_is_told_as_one);
  suite_add_tcase (suite, tests);
  return suite;
}
