/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the list of interfaces when the kernel does not play along: the two calls that
 * talk to it are ours. */
#include "transports/interfaces.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean loses_next; /* notifications, with the next recvmsg() */
static gboolean refuses;    /* to list anything */

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  if (!loses_next)
    return syscall (SYS_recvmsg, fd, message, flags);
  loses_next = FALSE;
  errno = ENOBUFS;
  return -1;
}

ssize_t
send (int fd, const void *data, size_t size, int flags)
{
  if (!refuses)
    return syscall (SYS_sendto, fd, data, size, flags, NULL, 0);
  errno = ENOBUFS;
  return -1;
}

typedef struct {
  CaimanInterfaces *interfaces;
  guint n_expected, n_changes;
} Fixture;

static void
changed (gpointer user_data)
{
  Fixture *fixture = user_data;
  g_assert_cmpuint (caiman_interfaces_get (fixture->interfaces)->len, ==, fixture->n_expected);
  fixture->n_changes++;
}

/* Nobody is told that all interfaces have gone because they cannot be listed for a moment: all
 * links would fail. */
static void
test_no_list (void)
{
  Fixture fixture = { 0 };
  g_autoptr (CaimanLoop) loop = caiman_loop_new (NULL);
  fixture.interfaces = caiman_interfaces_new (loop, changed, &fixture, NULL);
  g_assert_nonnull (fixture.interfaces);
  fixture.n_expected = caiman_interfaces_get (fixture.interfaces)->len;
  g_assert_cmpuint (fixture.n_expected, >, 0); /* there is a loopback interface */

  loses_next = refuses = TRUE;
  caiman_interfaces_refresh (fixture.interfaces);
  g_assert_false (loses_next);
  g_assert_cmpuint (caiman_interfaces_get (fixture.interfaces)->len, ==, fixture.n_expected);
  refuses = FALSE;
  guint n_changes = fixture.n_changes;
  while (fixture.n_changes == n_changes) /* it is tried again */
    caiman_loop_iterate (loop, CAIMAN_NS_PER_S);
  caiman_interfaces_free (fixture.interfaces);
}

static void
test_no_list_at_first (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaimanLoop) loop = caiman_loop_new (NULL);
  refuses = TRUE;
  g_assert_null (caiman_interfaces_new (loop, NULL, NULL, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR);
  refuses = FALSE;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/interfaces/no-list", test_no_list);
  g_test_add_func ("/transports/interfaces/no-list-at-first", test_no_list_at_first);
  return g_test_run ();
}
