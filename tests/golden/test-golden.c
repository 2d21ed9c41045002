/* SPDX-License-Identifier: Apache-2.0 */
/* test-golden.c - our parser reads what the real peer wrote, and our encoders write the same bytes.
 *
 * The vectors and where they come from are in aggligator-util-0.18.11.txt; any other recording of
 * tests/interop/record-vectors.py must pass, too. */
#include "core/crypto.h"
#include "core/message.h"
#include "transports/frame-writer.h"

#include <string.h>

#define VECTORS "aggligator-util-0.18.11.txt"

/* Name to bytes (GByteArray). */
static GHashTable *vectors;

static GByteArray *
from_hex (const char *hex)
{
  g_assert_cmpuint (strlen (hex) % 2, ==, 0);
  GByteArray *bytes = g_byte_array_new ();
  for (; hex[0]; hex += 2) {
    g_assert_true (g_ascii_isxdigit (hex[0]) && g_ascii_isxdigit (hex[1]));
    guint8 byte = (guint8)(g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));
    g_byte_array_append (bytes, &byte, 1);
  }
  return bytes;
}

static void
read_vectors (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, VECTORS, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  vectors =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_byte_array_unref);
  for (char **line = lines; *line; line++) {
    if (**line == '#' || **line == '\0')
      continue;
    g_auto (GStrv) words = g_strsplit (*line, " ", 2);
    g_assert_cmpuint (g_strv_length (words), ==, 2);
    g_assert_true (g_hash_table_insert (vectors, g_strdup (words[0]), from_hex (words[1])));
  }
}

static const GByteArray *
get_vector (const char *name)
{
  const GByteArray *bytes = g_hash_table_lookup (vectors, name);
  if (!bytes)
    g_error ("there is no vector %s", name);
  return bytes;
}

/* Parses the @size bytes at @data, and expects the encoder to write just them. */
static CaimanMessage
parse_and_write (const guint8 *data, gsize size)
{
  CaimanMessage message;
  g_autofree guint8 *written = NULL;
  /* A copy of the exact size, so that a sanitizer sees an overrun. */
  g_autofree guint8 *exact = g_memdup2 (data, size);
  g_assert_true (caiman_message_parse (exact, size, &message));
  g_assert_cmpuint (caiman_message_get_size (&message), ==, size);
  written = g_malloc (size);
  g_assert_cmpuint (caiman_message_write (&message, written), ==, size);
  g_assert_cmpmem (written, size, data, size);
  message.user_data = data + (message.user_data_bytes ? message.user_data - exact : 0);
  return message;
}

static CaimanMessage
parse_vector (const char *name)
{
  const GByteArray *bytes = get_vector (name);
  return parse_and_write (bytes->data, bytes->len);
}

/* PROTOCOL.md, 3: one of each that the peer's tools can be made to send. */
static void
test_messages (void)
{
  static const struct {
    const char *name;
    CaimanMessageType type;
  } plain[] = {
    { "server/1/accepted", CAIMAN_MESSAGE_ACCEPTED },
    { "message/refused-1", CAIMAN_MESSAGE_REFUSED },
    { "message/ping", CAIMAN_MESSAGE_PING },
    { "message/pong", CAIMAN_MESSAGE_PONG },
    { "message/ack", CAIMAN_MESSAGE_ACK },
    { "message/consumed", CAIMAN_MESSAGE_CONSUMED },
    { "message/receive-close", CAIMAN_MESSAGE_RECEIVE_CLOSE },
    { "message/receive-finish", CAIMAN_MESSAGE_RECEIVE_FINISH },
    { "message/test-data", CAIMAN_MESSAGE_TEST_DATA },
    { "message/set-block-1", CAIMAN_MESSAGE_SET_BLOCK },
    { "message/set-block-0", CAIMAN_MESSAGE_SET_BLOCK },
    { "message/goodbye", CAIMAN_MESSAGE_GOODBYE },
    { "message/terminate", CAIMAN_MESSAGE_TERMINATE },
    { "message/terminate-by-signal", CAIMAN_MESSAGE_TERMINATE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++)
    g_assert_cmpint (parse_vector (plain[i].name).type, ==, plain[i].type);

  g_assert_cmpint (parse_vector ("message/refused-1").refused_code, ==, CAIMAN_REFUSED_CLOSED);
  g_assert_cmpint (parse_vector ("message/set-block-1").blocked, ==, TRUE);
  g_assert_cmpint (parse_vector ("message/set-block-0").blocked, ==, FALSE);
  g_assert_cmpuint (parse_vector ("message/ack").seq, ==, 0);
  g_assert_cmpuint (parse_vector ("message/consumed").consumed_bytes, ==, 1);
  g_assert_cmpuint (parse_vector ("message/test-data").test_data_bytes, >, 0);
}

static void
fill_with (gpointer user_data, guint8 *bytes_out, gsize size)
{
  const GByteArray *secret = user_data;
  g_assert_cmpuint (size, ==, secret->len);
  memcpy (bytes_out, secret->data, size);
}

static CaimanKeyPair
make_pair (const char *secret_name)
{
  CaimanRandom random = { .fill = fill_with, .user_data = (gpointer)get_vector (secret_name) };
  CaimanKeyPair pair;
  caiman_crypto_key_pair_init (&pair, &random);
  return pair;
}

/* PROTOCOL.md, 4.3: two links of one connection of the peer's client give us the same id. */
static void
test_ids_of_clients (void)
{
  CaimanId ids[2];
  for (guint i = 0; i < 2; i++) {
    g_autofree char *secret = g_strdup_printf ("client/%u/secret-of-server", i + 1);
    g_autofree char *packet = g_strdup_printf ("client/%u/connect", i + 1);
    CaimanKeyPair pair = make_pair (secret);
    CaimanMessage connect = parse_vector (packet);
    g_assert_cmpint (connect.type, ==, CAIMAN_MESSAGE_CONNECT);
    g_assert_cmpint (connect.existing, ==, i == 1);
    g_assert_cmpuint (connect.receive_buffer_bytes, ==, 64u * 1024 * 1024);
    g_assert_cmpuint (connect.extensions, ==, 0);
    g_assert_cmpmem (connect.user_data, connect.user_data_bytes, "lo", 2);
    g_assert_true (caiman_crypto_hide_id (&pair, connect.public_key,
                                          &connect.encrypted_connection_id, &ids[i]));
  }
  g_assert_cmpmem (ids[0].bytes, CAIMAN_ID_BYTES, ids[1].bytes, CAIMAN_ID_BYTES);
  g_assert_cmpmem (ids[0].bytes, CAIMAN_ID_BYTES, get_vector ("client/1/connection-id")->data, 16);
}

/* The other way round: what the peer's server took for two links of one connection, we write. */
static void
test_ids_for_servers (void)
{
  CaimanId id, server_ids[2];
  for (guint i = 0; i < CAIMAN_ID_BYTES; i++)
    id.bytes[i] = (guint8)(0xc0 + i);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *secret = g_strdup_printf ("server/%u/secret-of-client", i + 1);
    g_autofree char *greeting = g_strdup_printf ("server/%u/welcome", i + 1);
    g_autofree char *packet = g_strdup_printf ("server/%u/connect-of-client", i + 1);
    CaimanKeyPair pair = make_pair (secret);
    CaimanMessage welcome = parse_vector (greeting);
    CaimanMessage connect = parse_vector (packet);
    CaimanId hidden;
    g_assert_cmpint (welcome.type, ==, CAIMAN_MESSAGE_WELCOME);
    g_assert_true (caiman_crypto_hide_id (&pair, welcome.public_key, &id, &hidden));
    g_assert_cmpmem (hidden.bytes, CAIMAN_ID_BYTES, connect.encrypted_connection_id.bytes, 16);
    g_assert_cmpmem (pair.public_key, 32, connect.public_key, 32);
    server_ids[i] = welcome.server_id;
  }
  g_assert_cmpmem (server_ids[0].bytes, CAIMAN_ID_BYTES, server_ids[1].bytes, CAIMAN_ID_BYTES);
}

/* What was found in the frames that one end of a link wrote. */
typedef struct {
  guint n_of_type[CAIMAN_MESSAGE_TERMINATE + 1];
  GByteArray *payload;
  CaimanFrameWriter writer; /* all of it, written again */
} Recording;

static void
recording_clear (Recording *recording)
{
  g_byte_array_unref (recording->payload);
  caiman_frame_writer_clear (&recording->writer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Recording, recording_clear)

/* Adds a message, and the payload behind it if it is Data, to both views of @recording. */
static void
add_message (Recording *recording, const CaimanFrame *message, const CaimanFrame *payload)
{
  CaimanPacket packet = { .message = g_bytes_new (message->data, message->size) };
  if (payload) {
    g_byte_array_append (recording->payload, payload->data, (guint)payload->size);
    packet.payload = g_bytes_new (payload->data, payload->size);
  }
  caiman_frame_writer_push (&recording->writer, &packet);
}

/* Takes a recording apart, as a link does. */
static void
read_frames (const GByteArray *stream, Recording *recording)
{
  CaimanFrameDecoder decoder;
  CaimanFrame frame, payload;
  const guint8 *data = stream->data;
  gsize left = stream->len;
  *recording = (Recording) { .payload = g_byte_array_new () };
  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  while (left > 0) {
    g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &left, &frame), ==,
                     CAIMAN_FRAME_READY);
    CaimanMessageType type = parse_and_write (frame.data, frame.size).type;
    recording->n_of_type[type]++;
    /* The frame lies in the recording, and so outlives the next call. */
    g_assert_null (frame.bytes);
    if (type == CAIMAN_MESSAGE_DATA)
      g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &left, &payload), ==,
                       CAIMAN_FRAME_READY);
    add_message (recording, &frame, type == CAIMAN_MESSAGE_DATA ? &payload : NULL);
  }
  caiman_frame_decoder_clear (&decoder);
}

static void
expect_written (CaimanFrameWriter *writer, const GByteArray *stream)
{
  g_autoptr (GByteArray) written = g_byte_array_new ();
  while (writer->queued_bytes > 0) {
    struct iovec parts[8];
    gsize size;
    guint n_parts = caiman_frame_writer_peek (writer, parts, G_N_ELEMENTS (parts), &size);
    for (guint i = 0; i < n_parts; i++)
      g_byte_array_append (written, parts[i].iov_base, (guint)parts[i].iov_len);
    caiman_frame_writer_advance (writer, size);
  }
  g_assert_cmpmem (written->data, written->len, stream->data, stream->len);
}

/* PROTOCOL.md, 2 and 8: a whole tunnel, from Welcome and Connect to SendFinish. */
static void
test_tunnel (void)
{
  static const char content[] = "through the tunnel";
  g_auto (Recording) client = { 0 };
  g_auto (Recording) server = { 0 };
  read_frames (get_vector ("tunnel/client"), &client);
  read_frames (get_vector ("tunnel/server"), &server);

  g_assert_cmpuint (client.n_of_type[CAIMAN_MESSAGE_CONNECT], ==, 1);
  g_assert_cmpuint (server.n_of_type[CAIMAN_MESSAGE_WELCOME], ==, 1);
  g_assert_cmpuint (server.n_of_type[CAIMAN_MESSAGE_ACCEPTED], ==, 1);
  g_assert_cmpuint (client.n_of_type[CAIMAN_MESSAGE_SEND_FINISH], ==, 1);
  g_assert_cmpuint (server.n_of_type[CAIMAN_MESSAGE_SEND_FINISH], ==, 1);
  g_assert_cmpuint (client.n_of_type[CAIMAN_MESSAGE_DATA], >=, 2);

  /* The wanted port (7, of the server) comes first. */
  g_assert_cmpmem (client.payload->data, 2, "\x00\x07", 2);
  g_assert_cmpmem (client.payload->data + 2, client.payload->len - 2, content, strlen (content));
  g_assert_cmpmem (server.payload->data, server.payload->len, content, strlen (content));

  expect_written (&client.writer, get_vector ("tunnel/client"));
  expect_written (&server.writer, get_vector ("tunnel/server"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  read_vectors ();
  g_test_add_func ("/golden/messages", test_messages);
  g_test_add_func ("/golden/ids-of-clients", test_ids_of_clients);
  g_test_add_func ("/golden/ids-for-servers", test_ids_for_servers);
  g_test_add_func ("/golden/tunnel", test_tunnel);
  int status = g_test_run ();
  g_hash_table_unref (vectors);
  return status;
}
