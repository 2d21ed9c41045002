/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-readable.c - any bytes, as messages of any size that come in and reads of any size: what
 * comes out is what came in, and it is held in bounded memory. */
#include "core/readable.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What must come out. */
typedef struct {
  GByteArray *bytes; /* those read are still in it */
  GArray *ends;      /* of guint64: the end of each message */
  guint64 read_bytes;
  guint n_gone; /* messages that are read to their end, or were skipped as empty */
  guint8 next;  /* content is counted through */
} Model;

static guint64
get_end (const Model *model, guint index)
{
  return g_array_index (model->ends, guint64, index);
}

static void
push (CaimanReadable *readable, Model *model, gsize size)
{
  g_autofree guint8 *message = g_malloc (size + 1);
  for (gsize i = 0; i < size; i++)
    message[i] = model->next++;
  g_byte_array_append (model->bytes, message, (guint)size);
  guint64 end = model->bytes->len;
  g_array_append_val (model->ends, end);
  caiman_readable_push (readable, g_bytes_new (message, size));
}

static void
expect (Model *model, const guint8 *bytes, gsize size)
{
  g_assert (model->read_bytes + size <= model->bytes->len);
  g_assert (size == 0 || memcmp (model->bytes->data + model->read_bytes, bytes, size) == 0);
  model->read_bytes += size;
}

/* A message, or what is left of it, ends where it was pushed to end. */
static void
pop (CaimanReadable *readable, Model *model)
{
  g_autoptr (GBytes) message = caiman_readable_pop (readable);
  g_assert ((message == NULL) == (model->n_gone == model->ends->len));
  if (!message)
    return;
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);
  expect (model, bytes, size);
  g_assert (model->read_bytes == get_end (model, model->n_gone));
  model->n_gone++;
}

static void
read_some (CaimanReadable *readable, Model *model, gsize size)
{
  g_autofree guint8 *buffer = g_malloc (size + 1);
  gsize n = caiman_readable_read (readable, buffer, size);
  g_assert (n == MIN (size, model->bytes->len - model->read_bytes));
  expect (model, buffer, n);
  /* Whether empty messages behind the last byte were dropped with it is the reader's business. */
  guint left = (guint)caiman_readable_get_n_messages (readable);
  g_assert (left <= model->ends->len - model->n_gone);
  for (guint gone = model->ends->len - left; model->n_gone < gone; model->n_gone++)
    g_assert (get_end (model, model->n_gone) <= model->read_bytes);
}

static void
check (const CaimanReadable *readable, const Model *model)
{
  guint64 left = model->bytes->len - model->read_bytes;
  g_assert (caiman_readable_get_bytes (readable) == left);
  g_assert (caiman_readable_get_n_messages (readable) == model->ends->len - model->n_gone);
  g_assert (caiman_readable_is_empty (readable) == (model->n_gone == model->ends->len));
  /* The first few, then two for each message that is not small, or packs (readable.c); the message
   * that is read in part, and the pack that is open. */
  g_assert (caiman_readable_get_n_pieces (readable) <=
            64 + 2 * (left / 512) + 4 * left / 16384 + 3);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  Model model = { g_byte_array_new (), g_array_new (FALSE, FALSE, sizeof (guint64)), 0, 0, 0 };
  for (gsize i = 0; i + 2 < size; i += 3) {
    guint what = data[i], amount = (guint)(data[i + 1] << 8 | data[i + 2]);
    if (what < 90)
      push (readable, &model, amount % 700);
    else if (what < 110)
      push (readable, &model, amount % 20000);
    else if (what < 140)
      for (guint n = amount % 500; n > 0; n--)
        push (readable, &model, what % 3);
    else if (what < 200)
      pop (readable, &model);
    else
      read_some (readable, &model, what < 230 ? amount % 50 : amount);
    check (readable, &model);
  }
  g_byte_array_unref (model.bytes);
  g_array_unref (model.ends);
  return 0;
}
