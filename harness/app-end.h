/* SPDX-License-Identifier: Apache-2.0 */
/* app-end.h - an end of the connection that carries a scenario's traffic, as the application at it
 * sees it: an aggregated connection, or a socket. */
#pragma once

#include "core/connection.h"

G_BEGIN_DECLS

typedef struct _AppEnd AppEnd;

/* Nothing here blocks or calls back. What is NULL is not offered: a socket has no messages and
 * cannot ask the other side to stop. */
typedef struct {
  /* Takes bytes of the stream from @offset of @bytes on; how many, <= 0: none now. */
  gssize (*write) (AppEnd *end, GBytes *bytes, gsize offset, gint64 now_ns);

  /* Takes a message, or FALSE: not now. At most get_message_max() bytes. */
  gboolean (*send) (AppEnd *end, GBytes *message, gint64 now_ns);
  gsize (*get_message_max) (AppEnd *end);

  /* Bytes of the stream: how many, 0: it has ended, -1: none now. */
  gssize (*read) (AppEnd *end, void *buffer_out, gsize size, gint64 now_ns);

  /* (nullable) The next message, or all that is there of the stream in one piece; NULL: none now,
   * or it has ended (*@ended_out). Without @may_end the end is not looked for. (transfer full) */
  GBytes *(*receive) (AppEnd *end, gboolean may_end, gboolean *ended_out, gint64 now_ns);

  /* Nothing more will be written or sent. */
  void (*finish) (AppEnd *end, gint64 now_ns);

  /* ReceiveClose and ReceiveFinish. */
  void (*close_receiver) (AppEnd *end, gint64 now_ns);
  void (*drop_receiver) (AppEnd *end, gint64 now_ns);
} AppEndClass;

struct _AppEnd {
  const AppEndClass *klass;
};

/* An end of an aggregated connection (borrowed). */
typedef struct {
  AppEnd base;
  CaimanConnection *connection;
} AppConnectionEnd;

void app_connection_end_init (AppConnectionEnd *end, CaimanConnection *connection);

G_END_DECLS
