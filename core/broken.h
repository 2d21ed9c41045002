/* SPDX-License-Identifier: Apache-2.0 */
/* broken.h - deliberate defects, to prove that the oracle catches them.
 *
 * The tests build the core once per defect with -DCAIMAN_BREAK=<number>; in every other build
 * caiman_is_broken() is the constant 0 and the code behind it is gone. */
#pragma once

#ifndef CAIMAN_BREAK
#define CAIMAN_BREAK 0
#endif

enum {
  CAIMAN_BREAK_NOTHING = 0,
  CAIMAN_BREAK_SKIP_SEQ = 1,        /* one message is never delivered */
  CAIMAN_BREAK_DUPLICATE = 2,       /* one message is delivered twice */
  CAIMAN_BREAK_ACK_UNRECEIVED = 3,  /* one message is acknowledged and thrown away */
  CAIMAN_BREAK_SEND_ON_BLOCKED = 4, /* data goes out on blocked links */
  CAIMAN_BREAK_REORDER = 5,         /* two messages are delivered in the wrong order */
  CAIMAN_BREAK_OVERFLOW = 6,        /* the peer's receive buffer is not respected, nor the own */
};

/* The message that the single defects hit. */
#define CAIMAN_BREAK_AT_SEQ 40u

#define caiman_is_broken(defect) (CAIMAN_BREAK == (defect))
