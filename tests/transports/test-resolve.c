/* SPDX-License-Identifier: Apache-2.0 */
/* test-resolve.c - look-ups in the background: results, errors, giving up. */
#include "transports/address.h"
#include "transports/resolve.h"

#include <netdb.h>
#include <netinet/in.h>

/* What the look-up of a test answers. It waits for the gate, so that tests decide when. */
static GMutex mutex;
static GCond cond;
static gboolean gate_is_open;
static guint n_started, n_ended;

static int
gated_lookup (const char *host, GArray *addresses, gpointer user_data)
{
  g_mutex_lock (&mutex);
  n_started++;
  g_cond_broadcast (&cond);
  while (!gate_is_open)
    g_cond_wait (&cond, &mutex);
  g_mutex_unlock (&mutex);
  static const char *const answer[] = { "192.0.2.1", "2001:db8::1", "192.0.2.1", "2001:db8::1" };
  for (guint i = 0; i < G_N_ELEMENTS (answer); i++) {
    struct sockaddr_storage address;
    g_assert_true (caiman_address_parse (answer[i], (guint16)i, &address));
    g_array_append_val (addresses, address);
  }
  g_mutex_lock (&mutex);
  n_ended++;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&mutex);
  return GPOINTER_TO_INT (user_data);
}

static void
set_gate (gboolean open)
{
  g_mutex_lock (&mutex);
  gate_is_open = open;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&mutex);
}

static void
wait_for (const guint *counter, guint n)
{
  g_mutex_lock (&mutex);
  while (*counter < n)
    g_cond_wait (&cond, &mutex);
  g_mutex_unlock (&mutex);
}

typedef struct {
  CaimanLoop *loop;
  CaimanResolve *resolve;
  GString *told; /* what has come */
  guint n_told;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  f->loop = caiman_loop_new (&error);
  g_assert_no_error (error);
  f->told = g_string_new (NULL);
  gate_is_open = FALSE;
  n_started = n_ended = 0;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  caiman_resolve_free (f->resolve);
  caiman_loop_free (f->loop);
  g_string_free (f->told, TRUE);
}

static void
told (const GArray *addresses, const char *error, gpointer user_data)
{
  Fixture *f = user_data;
  f->n_told++;
  g_string_append (f->told, error ? error : "");
  for (guint i = 0; i < addresses->len; i++) {
    char text[CAIMAN_ADDRESS_TEXT_BYTES];
    g_string_append_printf (
        f->told, "%s ",
        caiman_address_print (&g_array_index (addresses, struct sockaddr_storage, i), text));
  }
  g_clear_pointer (&f->resolve, caiman_resolve_free);
}

static void
start (Fixture *f, const char *host, CaimanLookup lookup, int status)
{
  g_autoptr (GError) error = NULL;
  f->resolve =
      caiman_resolve_new (f->loop, host, lookup, GINT_TO_POINTER (status), told, f, &error);
  g_assert_no_error (error);
}

static void
wait_told (Fixture *f)
{
  while (f->n_told == 0)
    caiman_loop_iterate (f->loop, CAIMAN_TIME_NEVER);
}

static void
test_result (Fixture *f, gconstpointer data)
{
  start (f, "host", gated_lookup, 0);
  wait_for (&n_started, 1);
  caiman_loop_iterate (f->loop, 0);
  g_assert_cmpuint (f->n_told, ==, 0); /* the loop does not wait for it */
  set_gate (TRUE);
  wait_told (f);
  g_assert_cmpstr (f->told->str, ==, "192.0.2.1:0 [2001:db8::1]:0 ");
}

static void
test_error (Fixture *f, gconstpointer data)
{
  set_gate (TRUE);
  start (f, "host", gated_lookup, EAI_NONAME);
  wait_told (f);
  g_assert_cmpstr (f->told->str, ==, gai_strerror (EAI_NONAME));
  f->n_told = 0;
  g_string_truncate (f->told, 0);
  start (f, "host", gated_lookup, EAI_SYSTEM);
  wait_told (f);
  g_assert_cmpstr (f->told->str, ==, "the system's resolver failed");
}

/* Given up before its thread has finished, and after. */
static void
test_give_up (Fixture *f, gconstpointer data)
{
  start (f, "host", gated_lookup, 0);
  wait_for (&n_started, 1);
  g_clear_pointer (&f->resolve, caiman_resolve_free);
  set_gate (TRUE);
  wait_for (&n_ended, 1);
  start (f, "host", gated_lookup, 0);
  wait_for (&n_ended, 2);
  g_clear_pointer (&f->resolve, caiman_resolve_free);
  caiman_loop_iterate (f->loop, 0);
  g_assert_cmpuint (f->n_told, ==, 0);
}

static void
test_system (Fixture *f, gconstpointer data)
{
  start (f, "127.0.0.1", NULL, 0);
  wait_told (f);
  g_assert_cmpstr (f->told->str, ==, "127.0.0.1:0 ");
  f->n_told = 0;
  g_string_truncate (f->told, 0);
  start (f, "no spaces in names", NULL, 0);
  wait_told (f);
  g_assert_cmpuint (f->told->len, >, 0);
  g_assert_null (strstr (f->told->str, ":0"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/transports/resolve/result", Fixture, NULL, set_up, test_result, tear_down);
  g_test_add ("/transports/resolve/error", Fixture, NULL, set_up, test_error, tear_down);
  g_test_add ("/transports/resolve/give-up", Fixture, NULL, set_up, test_give_up, tear_down);
  g_test_add ("/transports/resolve/system", Fixture, NULL, set_up, test_system, tear_down);
  return g_test_run ();
}
