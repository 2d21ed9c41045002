/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/reorder: order, bounds and serial numbers (PROTOCOL.md, 5). */
#include "core/reorder.h"

#include "core/prng.h"

#include <string.h>

/* Close enough to the wrap that every test that moves on crosses it. */
#define NEAR_WRAP (G_MAXUINT32 - 1)

static CaimanReorderVerdict
insert_data (CaimanReorder *reorder, guint32 seq, const char *text)
{
  GBytes *payload = g_bytes_new (text, strlen (text));
  CaimanReorderVerdict verdict =
      caiman_reorder_insert (reorder, seq, CAIMAN_REORDER_DATA, payload, 0);
  if (verdict != CAIMAN_REORDER_TAKEN)
    g_bytes_unref (payload);
  return verdict;
}

static void
expect_pop_data (CaimanReorder *reorder, const char *text)
{
  CaimanReorderKind kind;
  g_autoptr (GBytes) payload = NULL;
  g_assert_true (caiman_reorder_pop (reorder, &kind, &payload));
  g_assert_cmpint (kind, ==, CAIMAN_REORDER_DATA);
  g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), text,
                   strlen (text));
}

static void
expect_pop_kind (CaimanReorder *reorder, CaimanReorderKind expected)
{
  CaimanReorderKind kind;
  GBytes *payload;
  g_assert_true (caiman_reorder_pop (reorder, &kind, &payload));
  g_assert_cmpint (kind, ==, expected);
  g_assert_null (payload);
}

static void
expect_nothing (CaimanReorder *reorder)
{
  CaimanReorderKind kind = CAIMAN_REORDER_DONE;
  GBytes *payload = (GBytes *)&kind;
  g_assert_false (caiman_reorder_pop (reorder, &kind, &payload));
  g_assert_cmpint (kind, ==, CAIMAN_REORDER_DONE);
  g_assert_true (payload == (GBytes *)&kind);
}

static void
test_in_order (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new (100);
  expect_nothing (reorder);
  g_assert_cmpuint (caiman_reorder_get_next_seq (reorder), ==, 0);
  g_assert_cmpint (insert_data (reorder, 0, "a"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "a");
  expect_nothing (reorder);
  g_assert_cmpint (insert_data (reorder, 1, "b"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, 2, "c"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "b");
  expect_pop_data (reorder, "c");
  expect_nothing (reorder);
  g_assert_cmpuint (caiman_reorder_get_next_seq (reorder), ==, 3);
}

static void
test_gap (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new_at (100, NEAR_WRAP);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + 3, "four"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + 1, "two"), ==, CAIMAN_REORDER_TAKEN);
  expect_nothing (reorder);
  g_assert_cmpuint (caiman_reorder_get_bytes (reorder), ==, 7);
  g_assert_cmpuint (caiman_reorder_get_n_waiting (reorder), ==, 2);

  g_assert_cmpint (insert_data (reorder, NEAR_WRAP, "one"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "one");
  expect_pop_data (reorder, "two");
  expect_nothing (reorder);
  g_assert_cmpuint (caiman_reorder_get_next_seq (reorder), ==, 0);
  g_assert_cmpuint (caiman_reorder_get_bytes (reorder), ==, 4);
  g_assert_cmpuint (caiman_reorder_get_peak_bytes (reorder), ==, 10);

  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + 2, "three"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "three");
  expect_pop_data (reorder, "four");
  g_assert_cmpuint (caiman_reorder_get_bytes (reorder), ==, 0);
  g_assert_cmpuint (caiman_reorder_get_n_waiting (reorder), ==, 0);
  g_assert_cmpuint (caiman_reorder_get_peak_bytes (reorder), ==, 10);
}

static void
test_kinds (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new_at (3, NEAR_WRAP);
  caiman_reorder_insert (reorder, NEAR_WRAP + 2, CAIMAN_REORDER_FINISH, NULL, 0);
  caiman_reorder_insert (reorder, NEAR_WRAP + 1, CAIMAN_REORDER_DONE, NULL, 0);
  g_assert_cmpuint (caiman_reorder_get_bytes (reorder), ==, 0);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP, "abc"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "abc");
  expect_pop_kind (reorder, CAIMAN_REORDER_DONE);
  expect_pop_kind (reorder, CAIMAN_REORDER_FINISH);
  expect_nothing (reorder);
}

/* An empty payload is legal as a message (PROTOCOL.md, 3). */
static void
test_empty_payload (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new (0);
  g_assert_cmpint (insert_data (reorder, 1, ""), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, 0, ""), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "");
  expect_pop_data (reorder, "");
}

static void
test_late_duplicate (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new_at (100, NEAR_WRAP);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + 1, "b"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + 1, "x"), ==, CAIMAN_REORDER_DUPLICATE);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP, "a"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP, "x"), ==, CAIMAN_REORDER_DUPLICATE);
  expect_pop_data (reorder, "a");
  expect_pop_data (reorder, "b");

  /* Popped long ago, on the other side of the wrap. */
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP, "x"), ==, CAIMAN_REORDER_DUPLICATE);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP - 70000, "x"), ==, CAIMAN_REORDER_DUPLICATE);
  g_assert_cmpint (caiman_reorder_check (reorder, NEAR_WRAP), ==, CAIMAN_REORDER_DUPLICATE);
  g_assert_cmpint (caiman_reorder_check (reorder, 0), ==, CAIMAN_REORDER_TAKEN);
  expect_nothing (reorder);
}

/* At most 65 536 ahead of the next expected one. */
static void
test_too_far (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new_at (100, NEAR_WRAP);
  guint32 last = NEAR_WRAP + CAIMAN_SEQ_WINDOW;
  g_assert_cmpint (caiman_reorder_check (reorder, last + 1), ==, CAIMAN_REORDER_TOO_FAR);
  g_assert_cmpint (insert_data (reorder, last + 1, "x"), ==, CAIMAN_REORDER_TOO_FAR);
  g_assert_cmpint (insert_data (reorder, NEAR_WRAP + G_MAXINT32, "x"), ==, CAIMAN_REORDER_TOO_FAR);
  g_assert_cmpint (insert_data (reorder, last, "z"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (insert_data (reorder, last, "z"), ==, CAIMAN_REORDER_DUPLICATE);

  /* The far entry is found again when all before it have come. */
  for (guint32 i = 0; i < CAIMAN_SEQ_WINDOW; i++) {
    caiman_reorder_insert (reorder, NEAR_WRAP + i, CAIMAN_REORDER_DONE, NULL, 0);
    expect_pop_kind (reorder, CAIMAN_REORDER_DONE);
  }
  expect_pop_data (reorder, "z");
  g_assert_cmpuint (caiman_reorder_get_next_seq (reorder), ==, last + 1);

  /* The buffer goes on working after it gave its large ring back. */
  g_assert_cmpint (insert_data (reorder, last + 1, "next"), ==, CAIMAN_REORDER_TAKEN);
  expect_pop_data (reorder, "next");
}

static void
test_overflow (void)
{
  g_autoptr (CaimanReorder) reorder = caiman_reorder_new (10);
  g_autoptr (GBytes) five = g_bytes_new_static ("12345", 5);
  g_assert_cmpint (insert_data (reorder, 1, "123456"), ==, CAIMAN_REORDER_TAKEN);

  /* 6 here, 5 more: one too many; then 4 bytes fit, but not with 1 held elsewhere. */
  g_assert_cmpint (caiman_reorder_insert (reorder, 0, CAIMAN_REORDER_DATA, five, 0), ==,
                   CAIMAN_REORDER_OVERFLOW);
  g_autoptr (GBytes) four = g_bytes_new_static ("1234", 4);
  g_assert_cmpint (caiman_reorder_insert (reorder, 0, CAIMAN_REORDER_DATA, four, 1), ==,
                   CAIMAN_REORDER_OVERFLOW);
  g_assert_cmpuint (caiman_reorder_get_n_waiting (reorder), ==, 1);

  /* What has no payload, and what was seen before, is no overflow. */
  g_assert_cmpint (caiman_reorder_insert (reorder, 2, CAIMAN_REORDER_DONE, NULL, 100), ==,
                   CAIMAN_REORDER_TAKEN);
  g_assert_cmpint (caiman_reorder_insert (reorder, 1, CAIMAN_REORDER_DATA, five, 100), ==,
                   CAIMAN_REORDER_DUPLICATE);
  g_assert_cmpint (insert_data (reorder, 0, "1234"), ==, CAIMAN_REORDER_TAKEN);
  g_assert_cmpuint (caiman_reorder_get_bytes (reorder), ==, 10);
}

/* Free with entries of every kind left. */
static void
test_free (void)
{
  CaimanReorder *reorder = caiman_reorder_new (100);
  insert_data (reorder, 3, "left");
  caiman_reorder_insert (reorder, 2, CAIMAN_REORDER_DONE, NULL, 0);
  caiman_reorder_insert (reorder, 1, CAIMAN_REORDER_FINISH, NULL, 0);
  caiman_reorder_free (reorder);
  caiman_reorder_free (NULL);
}

/* The model: one byte per position since the start, position 0 having the first sequence number. */
typedef struct {
  CaimanReorder *reorder;
  guint32 first_seq;
  guint8 *seen; /* 0, or 1 + kind */
  guint next;
  guint64 bytes;
  guint n_waiting;
} Model;

enum { MODEL_MESSAGES = 200000, MODEL_LIMIT_BYTES = 6000 };

static gsize
payload_size (guint position)
{
  return position % 7;
}

static CaimanReorderVerdict
model_expects (const Model *m, gint64 position, CaimanReorderKind kind)
{
  if (position < m->next)
    return CAIMAN_REORDER_DUPLICATE;
  if (position > (gint64)m->next + CAIMAN_SEQ_WINDOW)
    return CAIMAN_REORDER_TOO_FAR;
  if (m->seen[position])
    return CAIMAN_REORDER_DUPLICATE;
  if (kind == CAIMAN_REORDER_DATA && m->bytes + payload_size ((guint)position) > MODEL_LIMIT_BYTES)
    return CAIMAN_REORDER_OVERFLOW;
  return CAIMAN_REORDER_TAKEN;
}

static void
model_insert (Model *m, gint64 position, CaimanReorderKind kind)
{
  guint32 seq = m->first_seq + (guint32)position;
  CaimanReorderVerdict expected = model_expects (m, position, kind);
  CaimanReorderVerdict checked = caiman_reorder_check (m->reorder, seq);
  GBytes *payload = NULL;
  if (kind == CAIMAN_REORDER_DATA) {
    guint32 content[2] = { seq, ~seq };
    payload = g_bytes_new (content, payload_size ((guint)position));
  }

  g_assert_cmpint (checked, ==,
                   expected == CAIMAN_REORDER_OVERFLOW ? CAIMAN_REORDER_TAKEN : expected);
  g_assert_cmpint (caiman_reorder_insert (m->reorder, seq, kind, payload, 0), ==, expected);
  if (expected != CAIMAN_REORDER_TAKEN) {
    g_clear_pointer (&payload, g_bytes_unref);
    return;
  }
  m->seen[position] = (guint8)(1 + kind);
  m->bytes += payload ? g_bytes_get_size (payload) : 0;
  m->n_waiting++;
}

static gboolean
model_pop (Model *m)
{
  CaimanReorderKind kind;
  g_autoptr (GBytes) payload = NULL;
  if (!caiman_reorder_pop (m->reorder, &kind, &payload)) {
    g_assert_cmpuint (m->seen[m->next], ==, 0);
    return FALSE;
  }
  g_assert_cmpuint (m->seen[m->next], ==, 1 + kind);
  if (payload) {
    guint32 seq = m->first_seq + m->next;
    guint32 content[2] = { seq, ~seq };
    g_assert_cmpmem (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload), content,
                     payload_size (m->next));
    m->bytes -= g_bytes_get_size (payload);
  }
  m->next++;
  m->n_waiting--;
  return TRUE;
}

/* A position to try next: mostly near the next expected one, sometimes seen before, sometimes at
 * the far end of the window or beyond. */
static gint64
pick_position (const Model *m, CaimanPrng *prng, guint spread)
{
  switch (caiman_prng_below (prng, 64)) {
  case 0:
    return (gint64)m->next + CAIMAN_SEQ_WINDOW + caiman_prng_range (prng, -2, 2);
  case 1:
    return (gint64)m->next + caiman_prng_range (prng, 0, 70000);
  case 2:
    return (gint64)m->next - caiman_prng_range (prng, 0, m->next);
  case 3 ... 15:
    return m->next;
  default:
    return (gint64)m->next + caiman_prng_range (prng, 0, spread);
  }
}

static void
run_model (guint64 seed)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, seed);
  g_autofree guint8 *seen = g_malloc0 (MODEL_MESSAGES + 2 * CAIMAN_SEQ_WINDOW);
  Model m = { .seen = seen, .first_seq = G_MAXUINT32 - (guint32)caiman_prng_below (&prng, 2000) };
  m.reorder = caiman_reorder_new_at (MODEL_LIMIT_BYTES, m.first_seq);
  guint spread = 1u << caiman_prng_below (&prng, 12);

  for (int i = 0; i < 20000; i++) {
    CaimanReorderKind kind = caiman_prng_below (&prng, 4) == 0
                                 ? (CaimanReorderKind)caiman_prng_below (&prng, 3)
                                 : CAIMAN_REORDER_DATA;
    model_insert (&m, pick_position (&m, &prng, spread), kind);
    if (caiman_prng_below (&prng, 3) == 0) {
      while (model_pop (&m)) {
      }
    }
    g_assert_cmpuint (caiman_reorder_get_next_seq (m.reorder), ==, m.first_seq + m.next);
    g_assert_cmpuint (caiman_reorder_get_bytes (m.reorder), ==, m.bytes);
    g_assert_cmpuint (caiman_reorder_get_n_waiting (m.reorder), ==, m.n_waiting);
    g_assert_cmpuint (caiman_reorder_get_peak_bytes (m.reorder), <=, MODEL_LIMIT_BYTES);
  }
  g_assert_cmpuint (m.next, >, 2000); /* past the wrap, or the run has shown nothing */
  caiman_reorder_free (m.reorder);
}

static void
test_random (void)
{
  for (guint64 seed = 1; seed <= 20; seed++) {
    g_test_message ("seed %" G_GUINT64_FORMAT, seed);
    run_model (seed);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* PROTOCOL.md, 5. */
  g_test_add_func ("/core/reorder/in-order", test_in_order);
  g_test_add_func ("/core/reorder/gap", test_gap);
  g_test_add_func ("/core/reorder/kinds", test_kinds);
  g_test_add_func ("/core/reorder/empty-payload", test_empty_payload);
  g_test_add_func ("/core/reorder/late-duplicate", test_late_duplicate);
  g_test_add_func ("/core/reorder/too-far", test_too_far);
  g_test_add_func ("/core/reorder/overflow", test_overflow);
  g_test_add_func ("/core/reorder/free", test_free);
  g_test_add_func ("/core/reorder/random", test_random);
  return g_test_run ();
}
