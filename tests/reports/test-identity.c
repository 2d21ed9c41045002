/* SPDX-License-Identifier: Apache-2.0 */
/* test-identity.c - names of the program, of processes and of runs. */
#include "reports/identity.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_build (void)
{
  const char *build = identity_get_build ();
  g_assert_cmpuint (strlen (build), >=, 32);
  g_assert_cmpuint (strspn (build, "0123456789abcdef"), ==, strlen (build));
  g_assert_true (identity_get_build () == build);
}

static void
test_origin (void)
{
  g_autofree char *a = identity_make_origin ();
  g_autofree char *b = identity_make_origin ();
  g_assert_cmpuint (strlen (a), ==, 32);
  g_assert_cmpstr (a, !=, b);
}

/* A child names itself, waits to be told, and ends. */
static void
test_process (void)
{
  int name_fds[2], end_fds[2];
  char name[256] = "", byte;
  g_assert_true (pipe (name_fds) == 0 && pipe (end_fds) == 0);
  pid_t pid = fork ();
  if (pid == 0) {
    g_autofree char *mine = identity_get_process ();
    close (end_fds[1]);
    gboolean written = write (name_fds[1], mine, strlen (mine)) > 0;
    _exit (written && read (end_fds[0], &byte, 1) == 0 ? 0 : 1);
  }
  g_assert_cmpint (read (name_fds[0], name, sizeof name - 1), >, 0);
  g_autofree char *mine = identity_get_process ();
  g_assert_cmpstr (name, !=, mine);
  g_assert_true (identity_is_alive (mine, g_get_host_name ()));
  g_assert_true (identity_is_alive (name, g_get_host_name ()));
  g_assert_false (identity_is_alive (name, "another-host"));
  g_assert_false (identity_is_alive (NULL, g_get_host_name ()));
  close (end_fds[1]);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_false (identity_is_alive (name, g_get_host_name ()));
}

/* A number that was given again to another process does not count. */
static void
test_reused_number (void)
{
  g_autofree char *mine = identity_get_process ();
  g_auto (GStrv) parts = g_strsplit (mine, "/", 3);
  g_assert_cmpuint (g_strv_length (parts), ==, 3);
  g_autofree char *earlier = g_strdup_printf ("%s/1/%s", parts[0], parts[2]);
  g_autofree char *before_boot = g_strdup_printf ("%s/%s/other", parts[0], parts[1]);
  g_assert_false (identity_is_alive (earlier, g_get_host_name ()));
  g_assert_false (identity_is_alive (before_boot, g_get_host_name ()));
  g_assert_false (identity_is_alive ("0//", g_get_host_name ()));
  g_assert_false (identity_is_alive ("nonsense", g_get_host_name ()));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/identity/build", test_build);
  g_test_add_func ("/reports/identity/origin", test_origin);
  g_test_add_func ("/reports/identity/process", test_process);
  g_test_add_func ("/reports/identity/reused-number", test_reused_number);
  return g_test_run ();
}
