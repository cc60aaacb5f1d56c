/* journal.c - see journal.h. */
#include "journal.h"

#include "message.h"

void
journal_print_id (struct journal *journal, const char *text, int64_t id)
{
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, text);
  bytes_int (&line, id);
  journal->print (journal, bytes_text (&line));
}

void
journal_print_message (struct journal *journal, const char *text, const struct report *report)
{
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, text);
  message_repr (&line, report);
  journal->print (journal, bytes_text (&line));
}
