/* SPDX-License-Identifier: Apache-2.0 */
/* status-path.c - where status sockets are when nobody says so; see status.h. */
#include "apps/status.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/run/caiman"
#define SUFFIX        ".sock"
#define STALE_AFTER_S 10

/* (transfer full, nullable) */
static char *
get_user_folder (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  return runtime != NULL && *runtime == '/' ? g_build_filename (runtime, "caiman", NULL) : NULL;
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

/* Nobody listens there any more. One that has just been made may be about to. */
static gboolean
is_stale (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct stat info;
  if (strlen (path) >= sizeof address.sun_path || lstat (path, &info) != 0 ||
      !S_ISSOCK (info.st_mode) ||
      g_get_real_time () / G_USEC_PER_SEC - info.st_mtim.tv_sec < STALE_AFTER_S)
    return FALSE;
  strcpy (address.sun_path, path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean is_refused = fd >= 0 &&
                        connect (fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                        errno == ECONNREFUSED;
  if (fd >= 0)
    close (fd);
  return is_refused;
}

/* What killed processes have left behind. */
static void
remove_stale (const char *folder)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  list_folder (folder, paths);
  for (guint i = 0; i < paths->len; i++) {
    const char *path = g_ptr_array_index (paths, i);
    if (is_stale (path))
      unlink (path);
  }
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
  remove_stale (folder);
  g_strdelimit (name, " /", '-');
  return g_build_filename (folder, name, NULL);
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
status_list_default_paths (gboolean of_system)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = of_system ? g_strdup (SYSTEM_FOLDER) : get_user_folder ();
  if (folder != NULL)
    list_folder (folder, paths);
  g_ptr_array_sort (paths, compare_paths);
  return paths;
}
