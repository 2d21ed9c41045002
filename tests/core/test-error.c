/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/error: every reason has a stable name of its own (PROTOCOL.md, 4 to 6). */
#include "core/error.h"

static void
test_names_round_trip (void)
{
  for (int i = 0; i < CAIMAN_N_REASONS; i++) {
    const char *name = caiman_reason_to_string ((CaimanReason)i);
    CaimanReason found = CAIMAN_N_REASONS;

    g_assert_nonnull (name);
    g_assert_true (caiman_reason_from_string (name, &found));
    g_assert_cmpint (found, ==, i); /* so names are unique */
    for (const char *c = name; *c; c++)
      g_assert_true (g_ascii_islower (*c) || *c == '-');
  }
}

/* Scenario files, databases and tools use these. */
static void
test_stable_names (void)
{
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_NONE), ==, "none");
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_FINISHED), ==, "finished");
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_ALL_LINKS_FAILED), ==,
                   "all-links-failed");
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_SERVER_ID_MISMATCH), ==,
                   "server-id-mismatch");
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_PROTOCOL_ERROR), ==, "protocol-error");
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_REASON_INVALID_ARGUMENT), ==,
                   "invalid-argument");
}

static void
test_outside_the_list (void)
{
  CaimanReason reason = CAIMAN_REASON_REFUSED;
  g_assert_cmpstr (caiman_reason_to_string (CAIMAN_N_REASONS), ==, "unknown");
  g_assert_cmpstr (caiman_reason_to_string ((CaimanReason)-1), ==, "unknown");
  g_assert_false (caiman_reason_from_string ("unknown", &reason));
  g_assert_false (caiman_reason_from_string ("", &reason));
  g_assert_false (caiman_reason_from_string ("Refused", &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_REFUSED);
}

static void
test_domain (void)
{
  g_assert_cmpuint (CAIMAN_ERROR, !=, 0);
  g_assert_cmpstr (g_quark_to_string (CAIMAN_ERROR), ==, "caiman-error-quark");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/error/names-round-trip", test_names_round_trip);
  g_test_add_func ("/core/error/stable-names", test_stable_names);
  g_test_add_func ("/core/error/outside-the-list", test_outside_the_list);
  g_test_add_func ("/core/error/domain", test_domain);
  return g_test_run ();
}
