/* SPDX-License-Identifier: Apache-2.0 */
/* glib-channel.h - a connection and what carries it, which may outlive the CaimanStream on top:
 * when that is dropped, the connection still ends properly in the background. Private to
 * transports/glib-*.c. */
#pragma once

#include "glib-loop.h"

G_BEGIN_DECLS

typedef struct _CaimanChannel CaimanChannel;

struct _CaimanChannel {
  CaimanGlibLoop *loop;         /* (owned) */
  CaimanPump *pump;             /* that drives @connection */
  CaimanConnection *connection; /* the pump's */
  /* What the pump tells, while somebody listens; @release frees connection, and pump if it is its
   * own, and is called outside of the loop's call-backs. */
  void (*event) (gpointer listener, const CaimanEvent *event);
  gpointer listener;
  void (*release) (CaimanChannel *channel);
  gpointer release_data;
  gboolean ended;  /* the pump has told that the connection ended */
  gboolean doomed; /* release has been called or will be soon */
};

CaimanChannel *caiman_channel_new (CaimanGlibLoop *loop, CaimanPump *pump,
                                   CaimanConnection *connection,
                                   void (*release) (CaimanChannel *channel), gpointer release_data);

/* For the pump's handler. */
void caiman_channel_event (CaimanChannel *channel, const CaimanEvent *event);

/* The connection is to be looked at by its pump. */
void caiman_channel_touch (CaimanChannel *channel);

/* Closes both directions; a connection that is not established yet is given up. */
void caiman_channel_close (CaimanChannel *channel);

/* Nobody listens any more: closes, and frees the channel once the connection is finished. */
void caiman_channel_abandon (CaimanChannel *channel);

G_END_DECLS
