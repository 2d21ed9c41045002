/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng-writer.c - see pcapng-writer.h. A block is put together in memory and written as one. */
#include "harness/pcapng-writer.h"

#include <errno.h>
#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET    6

#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define SNAPLEN_NONE      0

#define OPTION_END         0
#define OPTION_COMMENT     1
#define OPTION_NAME        2 /* of an interface; of a packet, its flags */
#define OPTION_DESCRIPTION 3 /* of an interface */
#define OPTION_APPLICATION 4 /* of a section */
#define OPTION_SPEED       8
#define OPTION_TSRESOL     9

#define TSRESOL_NS    9
#define FLAG_INBOUND  1
#define FLAG_OUTBOUND 2

struct _PcapngWriter {
  FILE *file;
  int write_errno; /* of the first write that failed; 0: none */
  GByteArray *block;
  guint n_interfaces;
  guint64 n_packets;
};

/* ---- a block ---- */

static void
put (PcapngWriter *writer, const void *bytes, gsize size)
{
  g_byte_array_append (writer->block, bytes, (guint)size);
}

static void
put_u16 (PcapngWriter *writer, guint16 value)
{
  value = GUINT16_TO_LE (value);
  put (writer, &value, sizeof value);
}

static void
put_u32 (PcapngWriter *writer, guint32 value)
{
  value = GUINT32_TO_LE (value);
  put (writer, &value, sizeof value);
}

static void
pad (PcapngWriter *writer)
{
  static const guint8 zeros[3];
  put (writer, zeros, (4 - writer->block->len % 4) % 4);
}

static void
put_option (PcapngWriter *writer, guint16 code, const void *value, gsize size)
{
  put_u16 (writer, code);
  put_u16 (writer, (guint16)size);
  put (writer, value, size);
  pad (writer);
}

/* @text is nullable. */
static void
put_text_option (PcapngWriter *writer, guint16 code, const char *text)
{
  if (text != NULL)
    put_option (writer, code, text, MIN (strlen (text), G_MAXUINT16));
}

static void
begin_block (PcapngWriter *writer, guint32 type)
{
  g_byte_array_set_size (writer->block, 0);
  put_u32 (writer, type);
  put_u32 (writer, 0); /* its length, see end_block() */
}

static void
end_block (PcapngWriter *writer)
{
  guint32 length = writer->block->len + 4;
  put_u32 (writer, length);
  length = GUINT32_TO_LE (length);
  memcpy (writer->block->data + 4, &length, sizeof length);
  if (fwrite (writer->block->data, 1, writer->block->len, writer->file) != writer->block->len &&
      writer->write_errno == 0)
    writer->write_errno = errno;
}

/* ---- the file ---- */

PcapngWriter *
pcapng_writer_new (FILE *file, const char *application, const char *comment)
{
  static const guint8 length_unknown[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
  PcapngWriter *writer = g_new0 (PcapngWriter, 1);

  writer->file = file;
  writer->block = g_byte_array_new ();
  begin_block (writer, BLOCK_SECTION);
  put_u32 (writer, BYTE_ORDER_MAGIC);
  put_u16 (writer, 1); /* version 1.0 */
  put_u16 (writer, 0);
  put (writer, length_unknown, sizeof length_unknown);
  put_text_option (writer, OPTION_COMMENT, comment);
  put_text_option (writer, OPTION_APPLICATION, application);
  put_option (writer, OPTION_END, NULL, 0);
  end_block (writer);
  return writer;
}

void
pcapng_writer_free (PcapngWriter *writer)
{
  if (writer == NULL)
    return;
  g_byte_array_unref (writer->block);
  g_free (writer);
}

guint
pcapng_writer_add_interface (PcapngWriter *writer, const char *name, const char *description,
                             gint64 speed_bps)
{
  const guint8 resolution = TSRESOL_NS;
  const guint64 speed = GUINT64_TO_LE ((guint64)speed_bps);

  begin_block (writer, BLOCK_INTERFACE);
  put_u16 (writer, LINKTYPE_ETHERNET);
  put_u16 (writer, 0);
  put_u32 (writer, SNAPLEN_NONE);
  put_text_option (writer, OPTION_NAME, name);
  put_text_option (writer, OPTION_DESCRIPTION, description);
  if (speed_bps > 0)
    put_option (writer, OPTION_SPEED, &speed, sizeof speed);
  put_option (writer, OPTION_TSRESOL, &resolution, sizeof resolution);
  put_option (writer, OPTION_END, NULL, 0);
  end_block (writer);
  return writer->n_interfaces++;
}

void
pcapng_writer_add_packet (PcapngWriter *writer, guint interface, gint64 time_ns, gboolean outbound,
                          const guint8 *frame, gsize size, const char *comment)
{
  const guint32 flags = GUINT32_TO_LE ((guint32)(outbound ? FLAG_OUTBOUND : FLAG_INBOUND));

  g_assert (interface < writer->n_interfaces && time_ns >= 0 && size <= G_MAXUINT16);
  begin_block (writer, BLOCK_PACKET);
  put_u32 (writer, interface);
  put_u32 (writer, (guint32)(time_ns >> 32));
  put_u32 (writer, (guint32)time_ns);
  put_u32 (writer, (guint32)size);
  put_u32 (writer, (guint32)size);
  put (writer, frame, size);
  pad (writer);
  put_text_option (writer, OPTION_COMMENT, comment);
  put_option (writer, OPTION_NAME, &flags, sizeof flags);
  put_option (writer, OPTION_END, NULL, 0);
  end_block (writer);
  writer->n_packets++;
}

guint64
pcapng_writer_get_packets (const PcapngWriter *writer)
{
  return writer->n_packets;
}

gboolean
pcapng_writer_finish (PcapngWriter *writer, GError **error)
{
  if (fflush (writer->file) != 0 && writer->write_errno == 0)
    writer->write_errno = errno;
  if (writer->write_errno == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (writer->write_errno),
               "cannot write the capture: %s", g_strerror (writer->write_errno));
  return FALSE;
}
