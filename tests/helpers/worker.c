/* SPDX-License-Identifier: MIT */
/* A started thread with a probe. See worker.h. */
#include "worker.h"

struct call {
    void (*function)(void *context);
    void *context;
    struct gate *done;
};

static const struct hy_payload call_payload = HY_PLAIN_PAYLOAD(struct call);

void worker_init(struct worker *worker, const char *name)
{
    EXPECT_INT(hy_thread_init(&worker->thread, name, NULL), 0);
    probe_init(&worker->probe, NULL);
    EXPECT_INT(hy_object_move_to_thread(&worker->probe.hy, &worker->thread), 0);
}

void worker_start(struct worker *worker, const char *name)
{
    worker_init(worker, name);
    EXPECT_INT(hy_thread_start(&worker->thread), 0);
}

void worker_stop(struct worker *worker)
{
    hy_thread_quit(&worker->thread, 0);
    EXPECT_INT(hy_thread_join(&worker->thread, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND), 0);
    hy_thread_fini(&worker->thread);
}

static void call_run(struct hy_object *receiver, const void *payload)
{
    const struct call *call = payload;

    EXPECT(hy_object_is_here(receiver));
    if (call->function != NULL)
        call->function(call->context);
    gate_open(call->done);
}

bool run_there(struct hy_object *there, void (*function)(void *context), void *context)
{
    struct gate done;
    struct call call = {function, context, &done};
    bool ran = false;

    gate_init(&done);
    if (EXPECT_INT(hy_invoke(there, call_run, &call_payload, &call), 0))
        ran = gate_wait(&done);
    gate_fini(&done);
    return ran;
}

bool flush_there(struct hy_object *there)
{
    return run_there(there, NULL, NULL);
}

static const struct hy_payload stall_payload = HY_PLAIN_PAYLOAD(struct stall *);

static void stall_here(struct hy_object *receiver, const void *payload)
{
    struct stall *stall = *(struct stall *const *)payload;

    (void)receiver;
    gate_open(&stall->entered);
    gate_wait(&stall->go);
}

void stall_again(struct stall *stall)
{
    EXPECT_INT(hy_invoke(&stall->worker.probe.hy, stall_here, &stall_payload, &stall), 0);
    gate_wait(&stall->entered);
}

void stall_start(struct stall *stall)
{
    gate_init(&stall->entered);
    gate_init(&stall->go);
    worker_start(&stall->worker, "stall");
    stall_again(stall);
}

void stall_let_go(struct stall *stall)
{
    gate_open(&stall->go);
}

void stall_flush(struct stall *stall)
{
    stall_let_go(stall);
    EXPECT(flush_there(&stall->worker.probe.hy));
}

void stall_stop(struct stall *stall)
{
    worker_stop(&stall->worker);
    gate_fini(&stall->entered);
    gate_fini(&stall->go);
}
