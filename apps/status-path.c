/* SPDX-License-Identifier: Apache-2.0 */
/* status-path.c - where status sockets are when nobody says so; see status.h. */
#include "apps/status.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/run/caiman"
#define SUFFIX        ".sock"

/* (transfer full, nullable) */
static char *
get_user_folder (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  return runtime != NULL && *runtime == '/' ? g_build_filename (runtime, "caiman", NULL) : NULL;
}

char *
status_make_default_path (const char *title, GError **error)
{
  g_autofree char *user_folder = get_user_folder ();
  const char *folder = user_folder != NULL ? user_folder : SYSTEM_FOLDER;
  g_autofree char *name = g_strdup_printf ("%s-%d" SUFFIX, title, (int)getpid ());
  if (g_mkdir_with_parents (folder, 0700) != 0) {
    g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), "%s: %s", folder,
                 g_strerror (errno));
    return NULL;
  }
  g_strdelimit (name, " /", '-');
  return g_build_filename (folder, name, NULL);
}

static void
list_folder (const char *folder, GPtrArray *paths)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_suffix (name, SUFFIX))
      g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  }
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
status_list_default_paths (void)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *user_folder = get_user_folder ();
  if (user_folder != NULL)
    list_folder (user_folder, paths);
  list_folder (SYSTEM_FOLDER, paths);
  g_ptr_array_sort (paths, compare_paths);
  return paths;
}
