/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - the sixteen messages of the wire protocol (PROTOCOL.md, 3), and nothing else.
 *
 * Writing and parsing are pure. A Data message's payload is not part of it: it is the next packet
 * of the link. All integers are big-endian on the wire. */
#pragma once

#include "error.h"

G_BEGIN_DECLS

#define CAIMAN_PROTOCOL_VERSION 4
#define CAIMAN_PUBLIC_KEY_BYTES 32

typedef enum {
  CAIMAN_MESSAGE_WELCOME = 1,
  CAIMAN_MESSAGE_CONNECT = 2,
  CAIMAN_MESSAGE_ACCEPTED = 3,
  CAIMAN_MESSAGE_REFUSED = 4,
  CAIMAN_MESSAGE_PING = 5,
  CAIMAN_MESSAGE_PONG = 6,
  CAIMAN_MESSAGE_DATA = 7,
  CAIMAN_MESSAGE_ACK = 8,
  CAIMAN_MESSAGE_CONSUMED = 9,
  CAIMAN_MESSAGE_SEND_FINISH = 10,
  CAIMAN_MESSAGE_RECEIVE_CLOSE = 11,
  CAIMAN_MESSAGE_RECEIVE_FINISH = 12,
  CAIMAN_MESSAGE_TEST_DATA = 13,
  CAIMAN_MESSAGE_SET_BLOCK = 14,
  CAIMAN_MESSAGE_GOODBYE = 15,
  CAIMAN_MESSAGE_TERMINATE = 16,
} CaimanMessageType;

/* The reason byte of Refused. */
typedef enum {
  CAIMAN_REFUSED_CLOSED = 1,
  CAIMAN_REFUSED_NOT_LISTENING = 2,
  CAIMAN_REFUSED_CONNECTION = 3,
  CAIMAN_REFUSED_LINK = 4,
} CaimanRefusedCode;

/* A message with the fields of its type; the others are not meaningful. */
typedef struct {
  CaimanMessageType type;
  guint32 seq;                    /* Data, Ack, Consumed, SendFinish, ReceiveClose, ReceiveFinish */
  guint32 consumed_bytes;         /* Consumed */
  gboolean blocked;               /* SetBlock */
  CaimanRefusedCode refused_code; /* Refused */
  guint32 test_data_bytes;        /* TestData: filler bytes behind the type byte */

  /* Welcome and Connect. */
  guint32 extensions;
  guint8 public_key[CAIMAN_PUBLIC_KEY_BYTES];
  CaimanId server_id;               /* of the sender; all zero in Connect: takes no links */
  CaimanId encrypted_connection_id; /* Connect */
  gboolean existing;                /* Connect */
  guint32 receive_buffer_bytes;     /* not 0 */
  const guint8 *user_data;          /* borrowed: from the parsed bytes, or the caller's to write */
  gsize user_data_bytes;            /* at most CAIMAN_USER_DATA_MAX_BYTES */
} CaimanMessage;

/* A lower-case name, e.g. "send-finish". */
const char *caiman_message_type_to_string (CaimanMessageType type);

/* Bytes that @message takes on the wire, 1 or more. */
gsize caiman_message_get_size (const CaimanMessage *message);

/* Writes @message to @bytes_out, which has room for caiman_message_get_size() bytes; returns the
 * number of bytes written. */
gsize caiman_message_write (const CaimanMessage *message, guint8 *bytes_out);

/* Parses @size bytes at @bytes. TRUE: *@message_out is filled, pointing into @bytes for user data.
 * FALSE when it cannot be parsed (PROTOCOL.md, 3: fails that link only), *@message_out is then
 * undefined. Bytes left over after the fields are accepted, as existing peers do. An @existing or
 * @blocked byte other than 0 counts as TRUE. */
gboolean caiman_message_parse (const guint8 *bytes, gsize size, CaimanMessage *message_out);

/* TRUE for the messages that carry a sequence number and are sent again until acknowledged. */
gboolean caiman_message_type_is_reliable (CaimanMessageType type);

G_END_DECLS
