/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - see identity.h. */
#include "reports/identity.h"

#include <elf.h>
#include <link.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN_BYTES 16
#define HASH_BYTES   20

/* Room for a build ID, and for a hash in its place. */
#define BUILD_BYTES_MAX 32

/* A note's name and contents each begin at a multiple of so many bytes. */
#define NOTE_ALIGN_BYTES 4

typedef struct {
  guint8 id[BUILD_BYTES_MAX];
  gsize size_bytes; /* 0: none was found */
} BuildId;

static gsize
align_note (gsize size_bytes)
{
  return (size_bytes + NOTE_ALIGN_BYTES - 1) / NOTE_ALIGN_BYTES * NOTE_ALIGN_BYTES;
}

/* Looks for the build ID among the notes in @size_bytes at @notes. */
static void
find_in_notes (const guint8 *notes, gsize size_bytes, BuildId *build)
{
  ElfW (Nhdr) note;
  while (size_bytes >= sizeof note) {
    memcpy (&note, notes, sizeof note);
    gsize name_bytes = align_note (note.n_namesz), desc_bytes = align_note (note.n_descsz);
    if (size_bytes - sizeof note < name_bytes || size_bytes - sizeof note - name_bytes < desc_bytes)
      return;
    const guint8 *name = notes + sizeof note, *desc = name + name_bytes;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp (name, "GNU", 4) == 0) {
      build->size_bytes = MIN (note.n_descsz, sizeof build->id);
      memcpy (build->id, desc, build->size_bytes);
      return;
    }
    notes = desc + desc_bytes;
    size_bytes -= sizeof note + name_bytes + desc_bytes;
  }
}

/* The first object that the loader tells is the program itself. */
static int
look_at_program (struct dl_phdr_info *info, size_t size, void *user_data)
{
  BuildId *build = user_data;
  for (guint i = 0; i < info->dlpi_phnum && build->size_bytes == 0; i++) {
    if (info->dlpi_phdr[i].p_type == PT_NOTE)
      find_in_notes ((const guint8 *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                     info->dlpi_phdr[i].p_memsz, build);
  }
  return 1;
}

static void
hash_program (BuildId *build)
{
  g_autofree char *contents = NULL;
  gsize size_bytes;
  if (!g_file_get_contents ("/proc/self/exe", &contents, &size_bytes, NULL))
    return;
  build->size_bytes = HASH_BYTES;
  crypto_generichash (build->id, HASH_BYTES, (const guint8 *)contents, size_bytes, NULL, 0);
}

const char *
identity_get_build (void)
{
  static char hex[BUILD_BYTES_MAX * 2 + 1];
  static gsize is_known;
  if (g_once_init_enter (&is_known)) {
    BuildId build = { .size_bytes = 0 };
    dl_iterate_phdr (look_at_program, &build);
    if (build.size_bytes == 0)
      hash_program (&build);
    sodium_bin2hex (hex, sizeof hex, build.id, build.size_bytes);
    g_once_init_leave (&is_known, 1);
  }
  return hex;
}

/* The system's name for the time since it was booted; "" where it has none. (transfer full) */
static char *
get_boot (void)
{
  char *text = NULL;
  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("");
  return g_strchomp (text);
}

/* When process @pid began, in ticks since the boot; "" when there is none. (transfer full) */
static char *
get_start (gint64 pid)
{
  enum { FIELDS_BEFORE_START = 20 }; /* behind the name, which may hold spaces and parentheses */
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/stat", pid);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("");
  const char *behind_name = strrchr (text, ')');
  if (behind_name == NULL)
    return g_strdup ("");
  g_auto (GStrv) fields = g_strsplit (behind_name, " ", FIELDS_BEFORE_START + 2);
  if (g_strv_length (fields) <= FIELDS_BEFORE_START)
    return g_strdup ("");
  return g_strdup (fields[FIELDS_BEFORE_START]);
}

/* (transfer full) */
static char *
name_process (gint64 pid)
{
  g_autofree char *start = get_start (pid);
  g_autofree char *boot = get_boot ();
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%s/%s", pid, start, boot);
}

char *
identity_get_process (void)
{
  return name_process (getpid ());
}

gboolean
identity_is_alive (const char *process, const char *host)
{
  if (process == NULL || g_strcmp0 (host, g_get_host_name ()) != 0)
    return FALSE;
  g_autofree char *now = name_process (g_ascii_strtoll (process, NULL, 10));
  return strcmp (now, process) == 0 && strstr (now, "//") == NULL;
}

char *
identity_make_origin (void)
{
  guint8 bytes[ORIGIN_BYTES];
  char *hex = g_malloc (sizeof bytes * 2 + 1);
  randombytes_buf (bytes, sizeof bytes);
  return sodium_bin2hex (hex, sizeof bytes * 2 + 1, bytes, sizeof bytes);
}
