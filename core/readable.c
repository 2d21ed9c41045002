/* SPDX-License-Identifier: Apache-2.0 */
/* readable.c - a queue of pieces: a message by itself, or a pack of small ones.
 *
 * A pack is a sequence of records. A message of n > 0 bytes: n as a varint (seven bits per byte,
 * low ones first, the high bit says that more follow), then the bytes. A run of c empty ones: a
 * zero byte, then c as a varint. The run at a pack's end is still a number, as it may grow. */
#include "core/readable.h"

#include <string.h>

/* Up to this many messages each one is a piece: no copies while the application keeps up. */
#define PACK_FROM_MESSAGES 64
/* Larger messages are always pieces. */
#define PACK_BELOW_BYTES 512
/* A pack that has so much takes no more. */
#define PACK_FULL_BYTES (16 * 1024)

typedef struct {
  GBytes *message;  /* NULL: a pack */
  GByteArray *pack; /* records */
  guint offset;     /* what of the pack has been taken */
  guint64 n_empty;  /* behind the records */
} Piece;

struct _CaimanReadable {
  GQueue pieces;   /* of Piece* */
  GBytes *current; /* read in part */
  gsize current_offset;
  guint64 n_empty; /* in front of all pieces, behind the current one */
  guint64 n_messages, bytes;
};

CaimanReadable *
caiman_readable_new (void)
{
  return g_new0 (CaimanReadable, 1);
}

static void
piece_free (gpointer data)
{
  Piece *piece = data;
  g_clear_pointer (&piece->message, g_bytes_unref);
  g_clear_pointer (&piece->pack, g_byte_array_unref);
  g_free (piece);
}

void
caiman_readable_clear (CaimanReadable *readable)
{
  g_queue_clear_full (&readable->pieces, piece_free);
  g_clear_pointer (&readable->current, g_bytes_unref);
  *readable = (CaimanReadable) { 0 };
}

void
caiman_readable_free (CaimanReadable *readable)
{
  if (readable == NULL)
    return;
  caiman_readable_clear (readable);
  g_free (readable);
}

/* --- Packs --- */

static void
put_varint (GByteArray *pack, guint64 value)
{
  guint8 bytes[10];
  guint n = 0;
  for (; value >= 0x80; value >>= 7)
    bytes[n++] = (guint8)(value | 0x80);
  bytes[n++] = (guint8)value;
  g_byte_array_append (pack, bytes, n);
}

static guint64
take_varint (Piece *piece)
{
  guint64 value = 0;
  for (guint shift = 0;; shift += 7) {
    guint8 byte = piece->pack->data[piece->offset++];
    value |= (guint64)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return value;
  }
}

/* The pack at the end of the queue, a new one where that is needed. */
static Piece *
get_open_pack (CaimanReadable *readable)
{
  Piece *last = g_queue_peek_tail (&readable->pieces);
  if (last && last->pack && last->pack->len < PACK_FULL_BYTES)
    return last;
  Piece *piece = g_new0 (Piece, 1);
  piece->pack = g_byte_array_new ();
  g_queue_push_tail (&readable->pieces, piece);
  return piece;
}

static void
put_record (CaimanReadable *readable, GBytes *message)
{
  Piece *piece = get_open_pack (readable);
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);
  if (size == 0) {
    piece->n_empty++;
    return;
  }
  if (piece->n_empty > 0) {
    put_varint (piece->pack, 0);
    put_varint (piece->pack, piece->n_empty);
    piece->n_empty = 0;
  }
  put_varint (piece->pack, size);
  g_byte_array_append (piece->pack, data, (guint)size);
}

/* --- In --- */

static void
count (CaimanReadable *readable, GBytes *message)
{
  readable->n_messages++;
  readable->bytes += g_bytes_get_size (message);
}

static Piece *
piece_new_for_message (GBytes *message)
{
  Piece *piece = g_new0 (Piece, 1);
  piece->message = message;
  return piece;
}

void
caiman_readable_push (CaimanReadable *readable, GBytes *message)
{
  gboolean packs =
      readable->n_messages >= PACK_FROM_MESSAGES && g_bytes_get_size (message) < PACK_BELOW_BYTES;
  count (readable, message);
  if (!packs) {
    g_queue_push_tail (&readable->pieces, piece_new_for_message (message));
    return;
  }
  put_record (readable, message);
  g_bytes_unref (message);
}

void
caiman_readable_push_first (CaimanReadable *readable, GBytes *message)
{
  count (readable, message);
  g_queue_push_head (&readable->pieces, piece_new_for_message (message));
}

/* --- Out --- */

/* Makes the next record of @piece the current message, or adds to the empty ones in front. */
static void
load_record (CaimanReadable *readable, Piece *piece)
{
  guint64 size = take_varint (piece);
  if (size == 0) {
    readable->n_empty += take_varint (piece);
    return;
  }
  readable->current = g_bytes_new (piece->pack->data + piece->offset, (gsize)size);
  readable->current_offset = 0;
  piece->offset += (guint)size;
}

/* With neither a current message nor empty ones in front, the next piece gives one or some. */
static void
load_piece (CaimanReadable *readable, Piece *piece)
{
  if (piece->message) {
    readable->current = g_steal_pointer (&piece->message);
    readable->current_offset = 0;
  } else if (piece->offset < piece->pack->len) {
    load_record (readable, piece);
    return;
  } else {
    readable->n_empty += piece->n_empty;
  }
  g_queue_pop_head (&readable->pieces);
  piece_free (piece);
}

/* TRUE: there is a current message, or an empty one in front of all. */
static gboolean
load (CaimanReadable *readable)
{
  while (readable->current == NULL && readable->n_empty == 0) {
    Piece *piece = g_queue_peek_head (&readable->pieces);
    if (piece == NULL)
      return FALSE;
    load_piece (readable, piece);
  }
  return TRUE;
}

GBytes *
caiman_readable_pop (CaimanReadable *readable)
{
  if (!load (readable))
    return NULL;
  readable->n_messages--;
  if (readable->current == NULL) {
    readable->n_empty--;
    return g_bytes_new (NULL, 0);
  }
  g_autoptr (GBytes) message = g_steal_pointer (&readable->current);
  gsize rest = g_bytes_get_size (message) - readable->current_offset;
  readable->bytes -= rest;
  if (readable->current_offset == 0)
    return g_steal_pointer (&message);
  return g_bytes_new_from_bytes (message, readable->current_offset, rest);
}

/* Takes what fits of the current message. */
static gsize
read_current (CaimanReadable *readable, guint8 *buffer_out, gsize size)
{
  gsize message_size;
  const guint8 *data = g_bytes_get_data (readable->current, &message_size);
  gsize n = MIN (size, message_size - readable->current_offset);
  if (n > 0)
    memcpy (buffer_out, data + readable->current_offset, n);
  readable->current_offset += n;
  readable->bytes -= n;
  if (readable->current_offset == message_size) {
    g_clear_pointer (&readable->current, g_bytes_unref);
    readable->n_messages--;
  }
  return n;
}

gsize
caiman_readable_read (CaimanReadable *readable, void *buffer_out, gsize size)
{
  gsize n_read = 0;
  while (n_read < size && load (readable)) {
    if (readable->current) {
      n_read += read_current (readable, (guint8 *)buffer_out + n_read, size - n_read);
      continue;
    }
    readable->n_messages -= readable->n_empty;
    readable->n_empty = 0;
  }
  return n_read;
}

/* --- Questions --- */

gboolean
caiman_readable_is_empty (const CaimanReadable *readable)
{
  return readable->n_messages == 0;
}

guint64
caiman_readable_get_bytes (const CaimanReadable *readable)
{
  return readable->bytes;
}

guint64
caiman_readable_get_n_messages (const CaimanReadable *readable)
{
  return readable->n_messages;
}

guint
caiman_readable_get_n_pieces (const CaimanReadable *readable)
{
  return readable->pieces.length + (readable->current != NULL);
}
