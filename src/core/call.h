/* SPDX-License-Identifier: MIT */
/* Calls that somebody waits for, and who waits for whom. A part of internal.h: include that. */
#ifndef HALYARD_CORE_CALL_H
#define HALYARD_CORE_CALL_H

/* call.c: calls that somebody waits for */
enum {
    HY__CALL_WAITING,
    HY__CALL_RUNNING,
    HY__CALL_DONE,
    HY__CALL_DROPPED,
    HY__CALL_ABANDONED,
    HY__CALL_STATE = 7, /* the part of the word that is one of these */
    HY__CALL_POKE = 8   /* what a poke adds to the word */
};
/* Shared by the caller and the message. */
struct hy__wait {
    uint32_t word;                   /* atomic: the state, and how often it was poked; parked on */
    uint32_t refs;                   /* atomic */
    struct hy_anchor *anchor;        /* const: the receiver; counted */
    hy_call_function function;       /* const; NULL: a slot, of */
    struct hy__extension *extension; /* const: this connection; holds its memory */
    void *argument;                  /* const: the caller's, or the copy behind this record */
    const struct hy_payload *copied; /* const: of what it is a copy to be destroyed, or NULL */
    /* Written by the receiver's thread before the state says so. */
    struct hy_thread_record *runner; /* from RUNNING on; counted */
    int result, status;              /* status: of a relayed emission */
    bool ran;
    uint32_t poked;             /* atomic: in the list of a mover */
    struct hy__wait *poke_next; /* the mover's that has set `poked` */
};
static inline struct hy__wait *hy__wait_of(const struct hy__message *call)
{
    return *(struct hy__wait *const *)(const void *)((const char *)call + HY__MESSAGE_HEADER);
}
void hy__wait_ref(struct hy__wait *wait);
void hy__wait_unref(struct hy__wait *wait);
/* The thread that a waiting caller waits for, with a reference; NULL: it is over. */
struct hy_thread_record *hy__wait_target(struct hy__wait *wait);
/* Sends the caller away unless the call has begun, and then returns false. */
bool hy__wait_refuse(struct hy__wait *wait);
/* Delivery. False: the caller has gone, or there is nobody to call any more. */
bool hy__call_deliver(struct hy_thread_record *record, struct hy__message *message);
/* Whether somebody still waits for it, and the connection, if it is of one, is still there. */
bool hy__call_is_wanted(const struct hy__message *message);
/* The emission of a blocking connection, which the caller has in use; *ret_result (NULL: nobody
 * asks) is what the slot returned, if it returns anything. */
int hy__call_slot(struct hy__extension *extension, struct hy_anchor *receiver, const void *payload,
                  int *ret_result);
/* The calls among the messages, for a mover, and making their callers look again; under no lock. */
struct hy__wait *hy__calls_of(struct hy__message *cargo);
void hy__calls_poke(struct hy__wait *list);

/* wait.c: who waits for whom */
void hy__waiting_begin(struct hy_thread_record *here, struct hy__wait *wait,
                       struct hy_thread_record *joined);
void hy__waiting_end(struct hy_thread_record *here);
/* Whether the thread waits for the calling one, directly or by way of others. */
bool hy__waiting_leads_back(struct hy_thread_record *record, const struct hy_thread_record *here);
/* Around a wait for a thread's end. -HY_EDEADLK: it waits for the calling one. */
int hy__join_begin(struct hy_thread_record *joined);
/* The same for those who cannot take no for an answer: sends away who waits for this thread. 0. */
int hy__join_begin_surely(struct hy_thread_record *joined);
void hy__join_end(void);

#endif
