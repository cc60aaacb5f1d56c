/* symbols.c - see symbols.h.  dladdr knows only exported names; the symbol table
 * of the file knows all that were not stripped. */
#include "config.h"

#include "symbols.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "buffer.h"

struct object {
  const char *data;
  size_t size;
};

static bool
map_object (const char *path, struct object *object)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || st.st_size < (off_t) sizeof (ElfW (Ehdr)))
    return false;
  void *p = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED)
    return false;
  *object = (struct object) { p, (size_t) st.st_size };
  return true;
}

/* A part of the file, if it lies in it. */
static const void *
part (const struct object *object, uint64_t offset, uint64_t size)
{
  return offset <= object->size && size <= object->size - offset ? object->data + offset : NULL;
}

/* The function that holds this address (relative to the object's base) in one table. */
static const char *
search_table (const struct object *object, const ElfW (Shdr) *table, const ElfW (Shdr) *strings, uint64_t address,
              uint64_t *start)
{
  const ElfW (Sym) *symbols = part (object, table->sh_offset, table->sh_size);
  const char *names = part (object, strings->sh_offset, strings->sh_size);
  for (size_t i = 0; symbols && names && i < table->sh_size / sizeof *symbols; i++) {
    const ElfW (Sym) *symbol = &symbols[i];
    if ((symbol->st_info & 0xf) == STT_FUNC && symbol->st_value <= address
        && address < symbol->st_value + (symbol->st_size ? symbol->st_size : 1) && symbol->st_name < strings->sh_size
        && memchr (names + symbol->st_name, 0, strings->sh_size - symbol->st_name)) {
      *start = symbol->st_value;
      return names + symbol->st_name;
    }
  }
  return NULL;
}

static const char *
search_object (const struct object *object, uint64_t address, uint64_t *start)
{
  const ElfW (Ehdr) *head = part (object, 0, sizeof *head);
  if (!head || memcmp (head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_shentsize != sizeof (ElfW (Shdr)))
    return NULL;
  const ElfW (Shdr) *sections = part (object, head->e_shoff, (uint64_t) head->e_shnum * sizeof *sections);
  for (size_t i = 0; sections && i < head->e_shnum; i++) {
    if ((sections[i].sh_type != SHT_SYMTAB && sections[i].sh_type != SHT_DYNSYM) || sections[i].sh_link >= head->e_shnum)
      continue;
    const char *name = search_table (object, &sections[i], &sections[sections[i].sh_link], address, start);
    if (name)
      return name;
  }
  return NULL;
}

static const char *
base_name (const char *path)
{
  const char *slash = strrchr (path, '/');
  return slash ? slash + 1 : path;
}

static void
describe (void *frame, bool called, const Dl_info *info, struct buffer *out)
{
  uint64_t address = (uint64_t) ((char *) frame - (char *) info->dli_fbase), start;
  struct object object;
  const char *file = info->dli_fname;
  if (strchr (file, '/') == NULL)
    file = "/proc/self/exe"; /* the program itself, as it was called */
  bool mapped = map_object (file, &object);
  /* behind a call that never returns may lie another function already */
  const char *name = mapped ? search_object (&object, called ? address - 1 : address, &start) : NULL;
  if (name)
    buffer_printf (out, "%s+0x%llx (%s)", name, (unsigned long long) (address - start), base_name (info->dli_fname));
  else
    buffer_printf (out, "%s+0x%llx", base_name (info->dli_fname), (unsigned long long) address);
  if (mapped)
    munmap ((void *) object.data, object.size);
}

/* Is it code of the runner itself? */
static bool
is_ours (const Dl_info *info)
{
  Dl_info self;
  return dladdr ((void *) (uintptr_t) &symbols_backtrace, &self) && self.dli_fbase == info->dli_fbase;
}

const char *
symbols_backtrace (void *const *frames, size_t count, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer text = { 0 }, line = { 0 }, last = { 0 };
  size_t first = 0, repeats = 0;
  bool foreign = false;
  Dl_info info;
  /* the handler is ours, behind it lies libc's return from the signal */
  while (first < count && dladdr (frames[first], &info) && is_ours (&info))
    first++;
  if (first > 0 && first < count)
    first++;
  else if (first == 0 && count > 1)
    first = 1;
  for (size_t i = first; i < count; i++) {
    line.size = 0;
    if (!dladdr (frames[i], &info) || !info.dli_fname)
      buffer_printf (&line, "%p", frames[i]);
    else if (is_ours (&info) && foreign)
      break; /* what called the plugin is of no interest */
    else {
      foreign |= !is_ours (&info) && strstr (info.dli_fname, "-plugin.so") != NULL;
      describe (frames[i], i > first, &info, &line);
    }
    if (last.size && last.size == line.size && memcmp (last.data, line.data, line.size) == 0) {
      repeats++;
      continue;
    }
    if (repeats)
      buffer_printf (&text, "\n    … %zu times more", repeats);
    repeats = 0;
    buffer_printf (&text, "\n  %s", buffer_text (&line));
    last.size = 0;
    buffer_add (&last, line.data, line.size);
  }
  if (repeats)
    buffer_printf (&text, "\n    … %zu times more", repeats);
  return text.size ? arena_printf (arena, "where it was:%s", buffer_text (&text)) : NULL;
}
