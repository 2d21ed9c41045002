/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/message: every message's bytes, written out by hand from PROTOCOL.md, section 3. */
#include "core/message.h"

#include <string.h>

#define KEY_HEX       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SERVER_ID_HEX "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define CONN_ID_HEX   "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"

/* "LIAG\0", version 4. */
#define MAGIC_HEX "4c4941470004"

#define WELCOME_HEX                                                                                \
  "01" MAGIC_HEX "00000000" KEY_HEX SERVER_ID_HEX "0004"                                           \
  "65746830"                                                                                       \
  "08000000"
#define CONNECT_HEX                                                                                \
  "02" MAGIC_HEX "00000005" KEY_HEX SERVER_ID_HEX CONN_ID_HEX "01"                                 \
  "0000"                                                                                           \
  "04000000"

static GByteArray *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();
  for (; hex[0]; hex += 2) {
    guint8 byte = (guint8)(g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));
    g_byte_array_append (bytes, &byte, 1);
  }
  return bytes;
}

static gboolean
parse_hex (const char *hex, CaimanMessage *message_out)
{
  g_autoptr (GByteArray) bytes = from_hex (hex);
  /* A copy of the exact size, so that a sanitizer sees an overrun. */
  g_autofree guint8 *exact = g_memdup2 (bytes->data, bytes->len);
  return caiman_message_parse (exact, bytes->len, message_out);
}

static void
expect_written (const CaimanMessage *message, const char *hex)
{
  g_autoptr (GByteArray) expected = from_hex (hex);
  g_autofree guint8 *written = g_malloc (caiman_message_get_size (message));
  gsize size = caiman_message_write (message, written);

  g_assert_cmpuint (caiman_message_get_size (message), ==, expected->len);
  g_assert_cmpmem (written, size, expected->data, expected->len);
}

static void
fill_counting (guint8 *bytes, gsize size, guint8 first)
{
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)(first + i);
}

static CaimanMessage
make_handshake (CaimanMessageType type)
{
  CaimanMessage message = { .type = type };
  fill_counting (message.public_key, sizeof message.public_key, 0);
  fill_counting (message.server_id.bytes, CAIMAN_ID_BYTES, 0xa0);
  fill_counting (message.encrypted_connection_id.bytes, CAIMAN_ID_BYTES, 0xc0);
  return message;
}

static void
test_welcome (void)
{
  CaimanMessage welcome = make_handshake (CAIMAN_MESSAGE_WELCOME);
  welcome.user_data = (const guint8 *)"eth0";
  welcome.user_data_bytes = 4;
  welcome.receive_buffer_bytes = 128u * 1024 * 1024;
  expect_written (&welcome, WELCOME_HEX);

  g_autoptr (GByteArray) bytes = from_hex (WELCOME_HEX);
  CaimanMessage parsed;
  g_assert_true (caiman_message_parse (bytes->data, bytes->len, &parsed));
  g_assert_cmpint (parsed.type, ==, CAIMAN_MESSAGE_WELCOME);
  g_assert_cmpuint (parsed.extensions, ==, 0);
  g_assert_cmpmem (parsed.public_key, 32, welcome.public_key, 32);
  g_assert_cmpmem (parsed.server_id.bytes, 16, welcome.server_id.bytes, 16);
  g_assert_cmpmem (parsed.user_data, parsed.user_data_bytes, "eth0", 4);
  g_assert_true (parsed.user_data > bytes->data && parsed.user_data < bytes->data + bytes->len);
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, 128u * 1024 * 1024);
}

static void
test_connect (void)
{
  CaimanMessage connect = make_handshake (CAIMAN_MESSAGE_CONNECT);
  connect.extensions = 5;
  connect.existing = TRUE;
  connect.receive_buffer_bytes = 64u * 1024 * 1024;
  expect_written (&connect, CONNECT_HEX);

  CaimanMessage parsed;
  g_assert_true (parse_hex (CONNECT_HEX, &parsed));
  g_assert_cmpint (parsed.type, ==, CAIMAN_MESSAGE_CONNECT);
  g_assert_cmpuint (parsed.extensions, ==, 5);
  g_assert_cmpmem (parsed.public_key, 32, connect.public_key, 32);
  g_assert_cmpmem (parsed.server_id.bytes, 16, connect.server_id.bytes, 16);
  g_assert_cmpmem (parsed.encrypted_connection_id.bytes, 16, connect.encrypted_connection_id.bytes,
                   16);
  g_assert_true (parsed.existing);
  g_assert_cmpuint (parsed.user_data_bytes, ==, 0);
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, 64u * 1024 * 1024);

  /* Unlike in Welcome, a server id of zero is legal: "takes no incoming links". */
  connect.existing = FALSE;
  memset (&connect.server_id, 0, sizeof connect.server_id);
  guint8 bytes[128];
  gsize size = caiman_message_write (&connect, bytes);
  g_assert_true (caiman_message_parse (bytes, size, &parsed));
  g_assert_false (parsed.existing);
  g_assert_cmpmem (parsed.server_id.bytes, 16, connect.server_id.bytes, 16);
}

static void
test_largest_user_data (void)
{
  g_autofree guint8 *user_data = g_malloc (CAIMAN_USER_DATA_MAX_BYTES);
  fill_counting (user_data, CAIMAN_USER_DATA_MAX_BYTES, 7);
  CaimanMessage welcome = make_handshake (CAIMAN_MESSAGE_WELCOME);
  welcome.user_data = user_data;
  welcome.user_data_bytes = CAIMAN_USER_DATA_MAX_BYTES;
  welcome.receive_buffer_bytes = G_MAXUINT32;

  gsize size = caiman_message_get_size (&welcome);
  g_autofree guint8 *bytes = g_malloc (size);
  g_assert_cmpuint (caiman_message_write (&welcome, bytes), ==, size);

  CaimanMessage parsed;
  g_assert_true (caiman_message_parse (bytes, size, &parsed));
  g_assert_cmpmem (parsed.user_data, parsed.user_data_bytes, user_data, CAIMAN_USER_DATA_MAX_BYTES);
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, G_MAXUINT32);
  g_assert_false (caiman_message_parse (bytes, size - 1, &parsed));
}

/* The messages without structure: their bytes and the fields behind them. */
static const struct {
  const char *hex;
  CaimanMessage message;
} plain[] = {
  { "03", { .type = CAIMAN_MESSAGE_ACCEPTED } },
  { "0401", { .type = CAIMAN_MESSAGE_REFUSED, .refused_code = CAIMAN_REFUSED_CLOSED } },
  { "0402", { .type = CAIMAN_MESSAGE_REFUSED, .refused_code = CAIMAN_REFUSED_NOT_LISTENING } },
  { "0403", { .type = CAIMAN_MESSAGE_REFUSED, .refused_code = CAIMAN_REFUSED_CONNECTION } },
  { "0404", { .type = CAIMAN_MESSAGE_REFUSED, .refused_code = CAIMAN_REFUSED_LINK } },
  { "05", { .type = CAIMAN_MESSAGE_PING } },
  { "06", { .type = CAIMAN_MESSAGE_PONG } },
  { "0701020304", { .type = CAIMAN_MESSAGE_DATA, .seq = 0x01020304 } },
  { "08fffefdfc", { .type = CAIMAN_MESSAGE_ACK, .seq = 0xfffefdfc } },
  { "090000000180a0b0c0",
    { .type = CAIMAN_MESSAGE_CONSUMED, .seq = 1, .consumed_bytes = 0x80a0b0c0 } },
  { "0a00000100", { .type = CAIMAN_MESSAGE_SEND_FINISH, .seq = 256 } },
  { "0bffffffff", { .type = CAIMAN_MESSAGE_RECEIVE_CLOSE, .seq = G_MAXUINT32 } },
  { "0c00000000", { .type = CAIMAN_MESSAGE_RECEIVE_FINISH, .seq = 0 } },
  { "0e00", { .type = CAIMAN_MESSAGE_SET_BLOCK, .blocked = FALSE } },
  { "0e01", { .type = CAIMAN_MESSAGE_SET_BLOCK, .blocked = TRUE } },
  { "0f", { .type = CAIMAN_MESSAGE_GOODBYE } },
  { "10", { .type = CAIMAN_MESSAGE_TERMINATE } },
};

static void
test_plain (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++) {
    const CaimanMessage *expected = &plain[i].message;
    CaimanMessage parsed = { 0 };

    g_test_message ("%s", plain[i].hex);
    expect_written (expected, plain[i].hex);
    g_assert_true (parse_hex (plain[i].hex, &parsed));
    g_assert_cmpint (parsed.type, ==, expected->type);
    g_assert_cmpuint (parsed.seq, ==, expected->seq);
    g_assert_cmpuint (parsed.consumed_bytes, ==, expected->consumed_bytes);
    g_assert_cmpint (parsed.blocked, ==, expected->blocked);
    g_assert_cmpint (parsed.refused_code, ==, expected->refused_code);
  }
}

static void
test_test_data (void)
{
  CaimanMessage filler = { .type = CAIMAN_MESSAGE_TEST_DATA, .test_data_bytes = 4 };
  expect_written (&filler, "0d00010203");
  filler.test_data_bytes = 0;
  expect_written (&filler, "0d");

  /* The filler counts up modulo 256. */
  guint8 bytes[1 + 1000];
  filler.test_data_bytes = 1000;
  g_assert_cmpuint (caiman_message_write (&filler, bytes), ==, sizeof bytes);
  g_assert_cmpuint (bytes[256], ==, 255);
  g_assert_cmpuint (bytes[257], ==, 0);
  g_assert_cmpuint (bytes[1000], ==, 999 % 256);

  /* Its content is not checked. */
  CaimanMessage parsed;
  g_assert_true (parse_hex ("0dffffff", &parsed));
  g_assert_cmpint (parsed.type, ==, CAIMAN_MESSAGE_TEST_DATA);
  g_assert_cmpuint (parsed.test_data_bytes, ==, 3);
}

static void
expect_every_prefix_fails (const char *hex)
{
  CaimanMessage parsed;
  for (gsize n = 0; n < strlen (hex); n += 2) {
    g_autofree char *prefix = g_strndup (hex, n);
    g_test_message ("%s", prefix);
    g_assert_false (parse_hex (prefix, &parsed));
  }
}

static void
test_too_short (void)
{
  expect_every_prefix_fails (WELCOME_HEX);
  expect_every_prefix_fails (CONNECT_HEX);
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++)
    expect_every_prefix_fails (plain[i].hex);
}

static void
test_leftovers (void)
{
  CaimanMessage parsed = { 0 };
  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++) {
    g_autofree char *longer = g_strconcat (plain[i].hex, "99", NULL);
    g_assert_true (parse_hex (longer, &parsed));
    g_assert_cmpint (parsed.type, ==, plain[i].message.type);
  }
  g_assert_true (parse_hex (WELCOME_HEX "0102", &parsed));
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, 128u * 1024 * 1024);
  g_assert_true (parse_hex (CONNECT_HEX "0102", &parsed));
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, 64u * 1024 * 1024);
}

static void
test_unknown_type (void)
{
  CaimanMessage parsed;
  for (guint type = 0; type <= 255; type++) {
    gboolean known = type >= 1 && type <= 16;
    guint8 bytes[256] = { (guint8)type, 1 };

    const char *name = caiman_message_type_to_string ((CaimanMessageType)type);
    g_assert_cmpint (g_str_equal (name, "unknown"), ==, !known);
    if (!known)
      g_assert_false (caiman_message_parse (bytes, sizeof bytes, &parsed));
  }
}

static void
test_bad_fields (void)
{
  static const char *const bad[] = {
    /* Refused with an unknown reason. */
    "0400",
    "0405",
    "04ff",
    /* Wrong magic, first and last byte, and wrong version. */
    "01"
    "4d4941470004"
    "00000000" KEY_HEX SERVER_ID_HEX "0000"
    "08000000",
    "01"
    "4c4941470104"
    "00000000" KEY_HEX SERVER_ID_HEX "0000"
    "08000000",
    "01"
    "4c4941470003"
    "00000000" KEY_HEX SERVER_ID_HEX "0000"
    "08000000",
    "02"
    "4c4941470005"
    "00000000" KEY_HEX SERVER_ID_HEX CONN_ID_HEX "00"
    "0000"
    "08000000",
    /* A server id of zero in Welcome. */
    "01" MAGIC_HEX "00000000" KEY_HEX "00000000000000000000000000000000"
    "0000"
    "08000000",
    /* A receive buffer of zero. */
    "01" MAGIC_HEX "00000000" KEY_HEX SERVER_ID_HEX "0000"
    "00000000",
    "02" MAGIC_HEX "00000000" KEY_HEX SERVER_ID_HEX CONN_ID_HEX "00"
    "0000"
    "00000000",
    /* User data longer than the message. */
    "01" MAGIC_HEX "00000000" KEY_HEX SERVER_ID_HEX "ffff"
    "08000000",
  };
  CaimanMessage parsed;
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("%s", bad[i]);
    g_assert_false (parse_hex (bad[i], &parsed));
  }
}

static void
test_flags_other_than_one (void)
{
  CaimanMessage parsed;
  g_assert_true (parse_hex ("0e02", &parsed));
  g_assert_cmpint (parsed.blocked, ==, TRUE);
  g_assert_true (parse_hex ("02" MAGIC_HEX "00000000" KEY_HEX SERVER_ID_HEX CONN_ID_HEX "80"
                            "0000"
                            "00000001",
                            &parsed));
  g_assert_cmpint (parsed.existing, ==, TRUE);
  g_assert_cmpuint (parsed.receive_buffer_bytes, ==, 1);
}

static void
test_reliable (void)
{
  for (int type = CAIMAN_MESSAGE_WELCOME; type <= CAIMAN_MESSAGE_TERMINATE; type++) {
    gboolean reliable = type == 7 || (type >= 9 && type <= 12);
    g_assert_cmpint (caiman_message_type_is_reliable ((CaimanMessageType)type), ==, reliable);
  }
  g_assert_cmpstr (caiman_message_type_to_string (CAIMAN_MESSAGE_WELCOME), ==, "welcome");
  g_assert_cmpstr (caiman_message_type_to_string (CAIMAN_MESSAGE_SEND_FINISH), ==, "send-finish");
  g_assert_cmpstr (caiman_message_type_to_string (CAIMAN_MESSAGE_TERMINATE), ==, "terminate");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* All of PROTOCOL.md, 3. */
  g_test_add_func ("/core/message/welcome", test_welcome);
  g_test_add_func ("/core/message/connect", test_connect);
  g_test_add_func ("/core/message/largest-user-data", test_largest_user_data);
  g_test_add_func ("/core/message/plain", test_plain);
  g_test_add_func ("/core/message/test-data", test_test_data);
  g_test_add_func ("/core/message/too-short", test_too_short);
  g_test_add_func ("/core/message/leftovers", test_leftovers);
  g_test_add_func ("/core/message/unknown-type", test_unknown_type);
  g_test_add_func ("/core/message/bad-fields", test_bad_fields);
  g_test_add_func ("/core/message/flags-other-than-one", test_flags_other_than_one);
  g_test_add_func ("/core/message/reliable", test_reliable);
  return g_test_run ();
}
