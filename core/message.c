/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - the wire format, all of it (PROTOCOL.md, 3). */
#include "core/message.h"

#include <string.h>

static const guint8 magic[5] = { 'L', 'I', 'A', 'G', 0 };

static const char *const type_names[] = {
  [CAIMAN_MESSAGE_WELCOME] = "welcome",
  [CAIMAN_MESSAGE_CONNECT] = "connect",
  [CAIMAN_MESSAGE_ACCEPTED] = "accepted",
  [CAIMAN_MESSAGE_REFUSED] = "refused",
  [CAIMAN_MESSAGE_PING] = "ping",
  [CAIMAN_MESSAGE_PONG] = "pong",
  [CAIMAN_MESSAGE_DATA] = "data",
  [CAIMAN_MESSAGE_ACK] = "ack",
  [CAIMAN_MESSAGE_CONSUMED] = "consumed",
  [CAIMAN_MESSAGE_SEND_FINISH] = "send-finish",
  [CAIMAN_MESSAGE_RECEIVE_CLOSE] = "receive-close",
  [CAIMAN_MESSAGE_RECEIVE_FINISH] = "receive-finish",
  [CAIMAN_MESSAGE_TEST_DATA] = "test-data",
  [CAIMAN_MESSAGE_SET_BLOCK] = "set-block",
  [CAIMAN_MESSAGE_GOODBYE] = "goodbye",
  [CAIMAN_MESSAGE_TERMINATE] = "terminate",
};

const char *
caiman_message_type_to_string (CaimanMessageType type)
{
  if ((guint)type < CAIMAN_MESSAGE_WELCOME || (guint)type > CAIMAN_MESSAGE_TERMINATE)
    return "unknown";
  return type_names[type];
}

gboolean
caiman_message_type_is_reliable (CaimanMessageType type)
{
  switch (type) {
  case CAIMAN_MESSAGE_DATA:
  case CAIMAN_MESSAGE_CONSUMED:
  case CAIMAN_MESSAGE_SEND_FINISH:
  case CAIMAN_MESSAGE_RECEIVE_CLOSE:
  case CAIMAN_MESSAGE_RECEIVE_FINISH:
    return TRUE;
  default:
    return FALSE;
  }
}

/* Bytes of a Welcome without its user data: type, magic, version, extensions, public key, server
 * id, length of the user data, receive buffer. */
#define WELCOME_BYTES (1 + sizeof magic + 1 + 4 + CAIMAN_PUBLIC_KEY_BYTES + CAIMAN_ID_BYTES + 2 + 4)

/* A Connect has the encrypted connection id and the existing flag on top. */
#define CONNECT_BYTES (WELCOME_BYTES + CAIMAN_ID_BYTES + 1)

gsize
caiman_message_get_size (const CaimanMessage *message)
{
  switch (message->type) {
  case CAIMAN_MESSAGE_WELCOME:
    return WELCOME_BYTES + message->user_data_bytes;
  case CAIMAN_MESSAGE_CONNECT:
    return CONNECT_BYTES + message->user_data_bytes;
  case CAIMAN_MESSAGE_REFUSED:
  case CAIMAN_MESSAGE_SET_BLOCK:
    return 2;
  case CAIMAN_MESSAGE_DATA:
  case CAIMAN_MESSAGE_ACK:
  case CAIMAN_MESSAGE_SEND_FINISH:
  case CAIMAN_MESSAGE_RECEIVE_CLOSE:
  case CAIMAN_MESSAGE_RECEIVE_FINISH:
    return 5;
  case CAIMAN_MESSAGE_CONSUMED:
    return 9;
  case CAIMAN_MESSAGE_TEST_DATA:
    return 1 + (gsize)message->test_data_bytes;
  case CAIMAN_MESSAGE_ACCEPTED:
  case CAIMAN_MESSAGE_PING:
  case CAIMAN_MESSAGE_PONG:
  case CAIMAN_MESSAGE_GOODBYE:
  case CAIMAN_MESSAGE_TERMINATE:
    return 1;
  }
  g_assert_not_reached ();
}

/* The writers return the position behind what they wrote. */

static guint8 *
put_u8 (guint8 *at, guint8 value)
{
  *at = value;
  return at + 1;
}

static guint8 *
put_u16 (guint8 *at, guint16 value)
{
  at[0] = (guint8)(value >> 8);
  at[1] = (guint8)value;
  return at + 2;
}

static guint8 *
put_u32 (guint8 *at, guint32 value)
{
  at[0] = (guint8)(value >> 24);
  at[1] = (guint8)(value >> 16);
  at[2] = (guint8)(value >> 8);
  at[3] = (guint8)value;
  return at + 4;
}

static guint8 *
put_bytes (guint8 *at, const void *bytes, gsize size)
{
  if (size > 0)
    memcpy (at, bytes, size);
  return at + size;
}

/* What Welcome and Connect have in common ahead of and behind the fields of Connect alone. */

static guint8 *
put_handshake_head (guint8 *at, const CaimanMessage *message)
{
  at = put_bytes (at, magic, sizeof magic);
  at = put_u8 (at, CAIMAN_PROTOCOL_VERSION);
  at = put_u32 (at, message->extensions);
  at = put_bytes (at, message->public_key, CAIMAN_PUBLIC_KEY_BYTES);
  return put_bytes (at, message->server_id.bytes, CAIMAN_ID_BYTES);
}

static guint8 *
put_handshake_tail (guint8 *at, const CaimanMessage *message)
{
  g_assert (message->user_data_bytes <= CAIMAN_USER_DATA_MAX_BYTES);
  at = put_u16 (at, (guint16)message->user_data_bytes);
  at = put_bytes (at, message->user_data, message->user_data_bytes);
  return put_u32 (at, message->receive_buffer_bytes);
}

static guint8 *
put_fields (guint8 *at, const CaimanMessage *message)
{
  switch (message->type) {
  case CAIMAN_MESSAGE_WELCOME:
    at = put_handshake_head (at, message);
    return put_handshake_tail (at, message);
  case CAIMAN_MESSAGE_CONNECT:
    at = put_handshake_head (at, message);
    at = put_bytes (at, message->encrypted_connection_id.bytes, CAIMAN_ID_BYTES);
    at = put_u8 (at, message->existing ? 1 : 0);
    return put_handshake_tail (at, message);
  case CAIMAN_MESSAGE_REFUSED:
    return put_u8 (at, (guint8)message->refused_code);
  case CAIMAN_MESSAGE_SET_BLOCK:
    return put_u8 (at, message->blocked ? 1 : 0);
  case CAIMAN_MESSAGE_DATA:
  case CAIMAN_MESSAGE_ACK:
  case CAIMAN_MESSAGE_SEND_FINISH:
  case CAIMAN_MESSAGE_RECEIVE_CLOSE:
  case CAIMAN_MESSAGE_RECEIVE_FINISH:
    return put_u32 (at, message->seq);
  case CAIMAN_MESSAGE_CONSUMED:
    at = put_u32 (at, message->seq);
    return put_u32 (at, message->consumed_bytes);
  case CAIMAN_MESSAGE_TEST_DATA:
    for (guint32 i = 0; i < message->test_data_bytes; i++)
      at[i] = (guint8)i;
    return at + message->test_data_bytes;
  case CAIMAN_MESSAGE_ACCEPTED:
  case CAIMAN_MESSAGE_PING:
  case CAIMAN_MESSAGE_PONG:
  case CAIMAN_MESSAGE_GOODBYE:
  case CAIMAN_MESSAGE_TERMINATE:
    return at;
  }
  g_assert_not_reached ();
}

gsize
caiman_message_write (const CaimanMessage *message, guint8 *bytes_out)
{
  guint8 *end = put_fields (put_u8 (bytes_out, (guint8)message->type), message);
  return (gsize)(end - bytes_out);
}

/* The unread rest of a message. The takers return FALSE when it is too short. */
typedef struct {
  const guint8 *at;
  gsize left;
} Reader;

static gboolean
take_bytes (Reader *reader, const guint8 **bytes_out, gsize size)
{
  if (reader->left < size)
    return FALSE;
  *bytes_out = reader->at;
  reader->at += size;
  reader->left -= size;
  return TRUE;
}

static gboolean
take_copy (Reader *reader, guint8 *bytes_out, gsize size)
{
  const guint8 *bytes;
  if (!take_bytes (reader, &bytes, size))
    return FALSE;
  memcpy (bytes_out, bytes, size);
  return TRUE;
}

static gboolean
take_u8 (Reader *reader, guint8 *value_out)
{
  return take_copy (reader, value_out, 1);
}

static gboolean
take_u16 (Reader *reader, guint16 *value_out)
{
  const guint8 *b;
  if (!take_bytes (reader, &b, 2))
    return FALSE;
  *value_out = (guint16)(b[0] << 8 | b[1]);
  return TRUE;
}

static gboolean
take_u32 (Reader *reader, guint32 *value_out)
{
  const guint8 *b;
  if (!take_bytes (reader, &b, 4))
    return FALSE;
  *value_out = (guint32)b[0] << 24 | (guint32)b[1] << 16 | (guint32)b[2] << 8 | b[3];
  return TRUE;
}

static gboolean
take_flag (Reader *reader, gboolean *flag_out)
{
  guint8 value;
  if (!take_u8 (reader, &value))
    return FALSE;
  *flag_out = value != 0;
  return TRUE;
}

static gboolean
take_handshake_head (Reader *reader, CaimanMessage *message)
{
  const guint8 *got_magic;
  guint8 version;
  return take_bytes (reader, &got_magic, sizeof magic) &&
         memcmp (got_magic, magic, sizeof magic) == 0 && take_u8 (reader, &version) &&
         version == CAIMAN_PROTOCOL_VERSION && take_u32 (reader, &message->extensions) &&
         take_copy (reader, message->public_key, CAIMAN_PUBLIC_KEY_BYTES) &&
         take_copy (reader, message->server_id.bytes, CAIMAN_ID_BYTES);
}

static gboolean
take_handshake_tail (Reader *reader, CaimanMessage *message)
{
  guint16 user_data_bytes;
  if (!take_u16 (reader, &user_data_bytes) ||
      !take_bytes (reader, &message->user_data, user_data_bytes))
    return FALSE;
  message->user_data_bytes = user_data_bytes;
  return take_u32 (reader, &message->receive_buffer_bytes) && message->receive_buffer_bytes != 0;
}

static gboolean
id_is_zero (const CaimanId *id)
{
  static const CaimanId zero;
  return memcmp (id->bytes, zero.bytes, CAIMAN_ID_BYTES) == 0;
}

static gboolean
take_refused_code (Reader *reader, CaimanRefusedCode *code_out)
{
  guint8 code;
  if (!take_u8 (reader, &code) || code < CAIMAN_REFUSED_CLOSED || code > CAIMAN_REFUSED_LINK)
    return FALSE;
  *code_out = (CaimanRefusedCode)code;
  return TRUE;
}

static gboolean
take_fields (Reader *reader, CaimanMessage *message)
{
  switch (message->type) {
  case CAIMAN_MESSAGE_WELCOME:
    return take_handshake_head (reader, message) && !id_is_zero (&message->server_id) &&
           take_handshake_tail (reader, message);
  case CAIMAN_MESSAGE_CONNECT:
    return take_handshake_head (reader, message) &&
           take_copy (reader, message->encrypted_connection_id.bytes, CAIMAN_ID_BYTES) &&
           take_flag (reader, &message->existing) && take_handshake_tail (reader, message);
  case CAIMAN_MESSAGE_REFUSED:
    return take_refused_code (reader, &message->refused_code);
  case CAIMAN_MESSAGE_SET_BLOCK:
    return take_flag (reader, &message->blocked);
  case CAIMAN_MESSAGE_DATA:
  case CAIMAN_MESSAGE_ACK:
  case CAIMAN_MESSAGE_SEND_FINISH:
  case CAIMAN_MESSAGE_RECEIVE_CLOSE:
  case CAIMAN_MESSAGE_RECEIVE_FINISH:
    return take_u32 (reader, &message->seq);
  case CAIMAN_MESSAGE_CONSUMED:
    return take_u32 (reader, &message->seq) && take_u32 (reader, &message->consumed_bytes);
  case CAIMAN_MESSAGE_TEST_DATA:
    message->test_data_bytes = (guint32)MIN (reader->left, G_MAXUINT32);
    return TRUE;
  case CAIMAN_MESSAGE_ACCEPTED:
  case CAIMAN_MESSAGE_PING:
  case CAIMAN_MESSAGE_PONG:
  case CAIMAN_MESSAGE_GOODBYE:
  case CAIMAN_MESSAGE_TERMINATE:
    return TRUE;
  }
  return FALSE;
}

gboolean
caiman_message_parse (const guint8 *bytes, gsize size, CaimanMessage *message_out)
{
  Reader reader = { bytes, size };
  guint8 type;
  if (!take_u8 (&reader, &type))
    return FALSE;
  message_out->type = (CaimanMessageType)type;
  return take_fields (&reader, message_out);
}
