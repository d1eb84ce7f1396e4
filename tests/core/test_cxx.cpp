// SPDX-License-Identifier: MIT
//
// A C++17 program as a user of the C library: classes derived from hy_object, structs with
// HY_INHERITS, lambdas as slots, typed macros, signals across threads. It is compiled as standard
// C++17 with -Wall -Wextra -Wpedantic -Werror.
//
#include <halyard/halyard.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace
{

int failures, cases;

void expect(bool holds, const char *text, int line)
{
    if (holds)
        return;
    failures++;
    std::printf("# test_cxx.cpp:%d: expected: %s (last error: %s)\n", line, text,
                hy_last_error()->message);
}

#define EXPECT(condition) expect((condition), #condition, __LINE__)

struct moved {
    int x, y;
};

struct labelled {
    std::string *text;
};

std::atomic<int> labels{0};

int labelled_copy(void *to, const void *from)
{
    auto *original = static_cast<const labelled *>(from);

    static_cast<labelled *>(to)->text = new std::string(*original->text);
    labels++;
    return 0;
}

void labelled_destroy(void *payload)
{
    delete static_cast<labelled *>(payload)->text;
    labels--;
}

// The C way.
struct sender {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct moved) moved;
        hy_signal(struct labelled) labelled;
        hy_signal0 done;
    } events;
};

extern const struct hy_class sender_class;
const struct hy_class sender_class =
    HY_CLASS(struct sender, .signals = HY_SIGNALS(HY_PLAIN(struct sender, events.moved),
                                                  HY_DESCRIBED(struct sender, events.labelled,
                                                               labelled_copy, labelled_destroy),
                                                  HY_NO_PAYLOAD(struct sender, events.done)));

// The C++ way.
struct view : hy_object {
    std::vector<int> seen;
    std::string text;
    int done = 0;
    hy_signal(struct moved) shown;
};

void view_fini(struct hy_object *object)
{
    static_cast<view *>(object)->seen.push_back(-1);
}

void view_event(struct hy_object *object, struct hy_event *event)
{
    static_cast<view *>(object)->seen.push_back(static_cast<int>(event->type));
}

const struct hy_class view_class = HY_CLASS(struct view, .fini = view_fini, .event = view_event,
                                            .signals = HY_SIGNALS(HY_PLAIN(struct view, shown)));

void view_moved(view *self, const moved *payload)
{
    self->seen.push_back(payload->x);
}

void drain()
{
    for (int quiet = 0; quiet < 2;)
        quiet = hy_process(0, HY_FOREVER) > 0 ? 0 : quiet + 1;
}

struct fixture {
    struct sender sender;
    struct view view;

    fixture()
    {
        EXPECT(hy_object_init(&sender.hy, &sender_class, nullptr) == 0);
        EXPECT(hy_object_init(&view, &view_class, nullptr) == 0);
    }
    ~fixture()
    {
        EXPECT(hy_object_fini(&view) == 0);
        EXPECT(hy_object_fini(&sender.hy) == 0);
    }
};

void test_direct_and_queued()
{
    fixture f;

    EXPECT(hy_connect(&f.sender.events.moved, &f.view, view_moved, HY_AUTO) == 0);
    EXPECT(hy_emit(&f.sender.events.moved, moved{1, 2}) == 1);
    moved named{3, 4};
    EXPECT(hy_emit(&f.sender.events.moved, &named) == 1);
    EXPECT(hy_emit_with(&f.sender.events.moved, 5, 6) == 1);
    EXPECT((f.view.seen == std::vector<int>{1, 3, 5}));
    EXPECT(hy_disconnect(&f.sender.events.moved, &f.view, view_moved) == 1);
    EXPECT(hy_emit_with(&f.sender.events.moved, 7, 8) == 0);
    EXPECT(hy_connect(&f.sender.events.moved, &f.view, view_moved, HY_QUEUED) == 0);
    EXPECT(hy_emit_with(&f.sender.events.moved, 9, 8) == 1);
    EXPECT(f.view.seen.size() == 3);
    drain();
    EXPECT(f.view.seen.back() == 9);
    EXPECT(hy_object_is_a(&f.view, &view_class));
}

void test_lambdas()
{
    fixture f;

    EXPECT(hy_connect(
               &f.sender.events.moved, &f.view,
               +[](view *self, const moved *payload) { self->seen.push_back(payload->y); },
               HY_AUTO) == 0);
    EXPECT(hy_connect(
               &f.sender.events.done, &f.view, +[](view *self) { self->done++; },
               HY_AUTO | HY_SINGLE_SHOT) == 0);
    EXPECT(hy_emit_with(&f.sender.events.moved, 1, 2) == 1);
    EXPECT(hy_emit0(&f.sender.events.done) == 1);
    EXPECT(hy_emit0(&f.sender.events.done) == 0);
    EXPECT((f.view.seen == std::vector<int>{2}));
    EXPECT(f.view.done == 1);
}

// A captured lambda: on the heap, as the context, deleted as the connection ends.
struct closure {
    std::string prefix;
    std::vector<std::string> *seen;
    int *ends;
};

void closure_end(void *context)
{
    auto *self = static_cast<closure *>(context);

    ++*self->ends;
    delete self;
}

void test_contexts()
{
    fixture f;
    std::vector<std::string> seen;
    int ends = 0;
    hy_connection connection{};
    hy_connect_options options{};

    options.flags = HY_QUEUED;
    options.context = new closure{"x=", &seen, &ends};
    options.destroy = closure_end;
    EXPECT(hy_connect_with(
               &f.sender.events.moved, &f.view,
               +[](view *, const moved *payload, void *context) {
                   auto *self = static_cast<closure *>(context);
                   self->seen->push_back(self->prefix + std::to_string(payload->x));
               },
               &options, &connection) == 0);
    EXPECT(hy_connection_is_connected(connection));
    EXPECT(hy_emit_with(&f.sender.events.moved, 4, 0) == 1);
    drain();
    EXPECT((seen == std::vector<std::string>{"x=4"}));
    EXPECT(hy_connection_disconnect(connection) == 1);
    EXPECT(hy_connection_disconnect(connection) == 0);
    EXPECT(ends == 1);
    // Without a context, and without options.
    EXPECT(hy_connect_with(&f.sender.events.moved, &f.view, view_moved, nullptr, nullptr) == 0);
    EXPECT(hy_emit_with(&f.sender.events.moved, 5, 0) == 1);
    EXPECT((f.view.seen == std::vector<int>{5}));
}

int view_answer(view *self, const moved *payload)
{
    self->seen.push_back(payload->x);
    return payload->x + payload->y;
}

void test_results()
{
    fixture f;
    int result = -1;
    const moved payload{3, 4};

    EXPECT(hy_connect(&f.sender.events.moved, &f.view, view_answer, HY_AUTO) == 0);
    EXPECT(hy_emit_result(&f.sender.events.moved, &payload, &result) == 1);
    EXPECT(result == 7);
    EXPECT(hy_emit_result(&f.sender.events.moved, (moved{5, 6}), &result) == 1);
    EXPECT(result == 11);
    EXPECT(hy_disconnect(&f.sender.events.moved, &f.view, view_answer) == 1);
    EXPECT(hy_connect(
               &f.sender.events.moved, &f.view, +[](view *) { return 9; }, HY_AUTO) == 0);
    EXPECT(hy_emit_result(&f.sender.events.moved, &payload, &result) == 1);
    EXPECT(result == 9);
    hy_connect_options options{};
    int context = 100;
    options.context = &context;
    EXPECT(hy_connect_with(
               &f.sender.events.moved, &f.view,
               +[](view *, const moved *m, void *c) { return m->x + *static_cast<int *>(c); },
               &options, nullptr) == 0);
    EXPECT(hy_emit_result(&f.sender.events.moved, &payload, &result) == 2);
    EXPECT(result == 103);
}

void test_relays_and_senders()
{
    fixture f, g;
    static hy_ref seen;

    EXPECT(hy_connect_signal(&f.sender.events.moved, &f.view.shown, HY_AUTO) == 0);
    EXPECT(hy_connect_signal(&f.sender.events.done, &g.sender.events.done, HY_QUEUED) == 0);
    EXPECT(hy_connect(&f.view.shown, &g.view, view_moved, HY_AUTO) == 0);
    EXPECT(hy_connect(
               &g.sender.events.done, &g.view,
               +[](view *self) {
                   self->done++;
                   seen = hy_sender();
               },
               HY_AUTO) == 0);
    EXPECT(hy_emit_with(&f.sender.events.moved, 8, 0) == 1);
    EXPECT(hy_emit0(&f.sender.events.done) == 1);
    drain();
    EXPECT((g.view.seen == std::vector<int>{8}));
    EXPECT(g.view.done == 1);
    EXPECT(hy_ref_get(seen) == &g.sender.hy);
    hy_ref_release(&seen);
    EXPECT(hy_object_disconnect(&f.sender.hy, nullptr) == 2);
}

void test_destroyed()
{
    fixture f;
    auto *other = new fixture;

    EXPECT(hy_connect(
               hy_object_destroyed(&other->view), &f.view, +[](view *self) { self->done++; },
               HY_AUTO) == 0);
    delete other;
    EXPECT(f.view.done == 1);
    EXPECT(hy_object_signal(&f.sender.hy, "moved") == &f.sender.events.moved.sig);
}

void test_signal_of_a_derived_class()
{
    fixture f, g;

    EXPECT(hy_connect(&f.view.shown, &g.view, view_moved, HY_AUTO) == 0);
    EXPECT(hy_connect(
               &f.view.shown, &g.sender, +[](sender *) {}, HY_AUTO) == 0);
    EXPECT(hy_emit_with(&f.view.shown, 4, 4) == 2);
    EXPECT((g.view.seen == std::vector<int>{4}));
}

void test_described_payload()
{
    std::string text = "a string that is longer than what a small one holds inside";
    {
        fixture f;

        EXPECT(hy_connect(
                   &f.sender.events.labelled, &f.view,
                   +[](view *self, const labelled *payload) { self->text = *payload->text; },
                   HY_QUEUED) == 0);
        EXPECT(hy_emit_with(&f.sender.events.labelled, &text) == 1);
        std::string before = text;
        text = "changed";
        drain();
        EXPECT(f.view.text == before);
        EXPECT(labels == 0);
        EXPECT(hy_emit_with(&f.sender.events.labelled, &text) == 1);
    }
    drain(); // dropped with its receiver
    EXPECT(labels == 0);
}

void test_across_a_thread()
{
    fixture f;
    hy_thread thread;

    EXPECT(hy_thread_init(&thread, "cxx", nullptr) == 0);
    EXPECT(hy_connect(&f.sender.events.moved, &f.view, view_moved, HY_AUTO) == 0);
    EXPECT(hy_object_move_to_thread(&f.view, &thread) == 0);
    EXPECT(hy_thread_start(&thread) == 0);
    for (int i = 0; i < 100; i++)
        EXPECT(hy_emit_with(&f.sender.events.moved, i, 0) == 1);
    EXPECT(hy_post(&f.view, HY_EVENT_USER, nullptr, 0, HY_PRIORITY_NORMAL) == 0);
    hy_thread_quit(&thread, 0);
    EXPECT(hy_thread_join(&thread, HY_FOREVER) == 0);
    hy_thread_fini(&thread);
    EXPECT(f.view.seen.size() == 102); // and the fini at the end
    EXPECT(f.view.seen[99] == 99);
    EXPECT(f.view.seen[100] == static_cast<int>(HY_EVENT_USER));
    EXPECT(f.view.seen[101] == -1);
}

// What HY_CLASS() fills in, in each of the forms of C++.
struct plain : hy_object {
    int value;
};
const struct hy_class plain_class = HY_CLASS(struct plain);
constexpr struct hy_signal_spec specs[] = {HY_PLAIN(struct sender, events.moved),
                                           HY_BORROWED(struct sender, events.labelled)};
const struct hy_class pointed_class =
    HY_CLASS(struct sender, .signals = specs, .signal_count = sizeof specs / sizeof specs[0],
             .event = ([](hy_object *, hy_event *event) { event->ignored = true; }));
const struct hy_class full_class = HY_CLASS(
    struct sender, .base = &pointed_class, .fini = nullptr, .event = nullptr,
    .leave_thread = nullptr, .enter_thread = nullptr, .child_changed = nullptr,
    .connection_changed = nullptr, .signals = HY_SIGNALS(HY_BORROWED(struct sender, events.moved)));

void test_class_records()
{
    EXPECT(sender_class.version == HY_CLASS_VERSION);
    EXPECT(std::strcmp(sender_class.name, "struct sender") == 0);
    EXPECT(sender_class.size == sizeof(struct sender));
    EXPECT(sender_class.base == nullptr && sender_class.fini == nullptr);
    EXPECT(sender_class.signal_count == 3);
    EXPECT(sender_class.signals[0].offset == offsetof(struct sender, events.moved));
    EXPECT(sender_class.signals[0].payload.kind == HY_PAYLOAD_PLAIN);
    EXPECT(sender_class.signals[0].payload.size == sizeof(moved));
    EXPECT(std::strcmp(sender_class.signals[1].name, "events.labelled") == 0);
    EXPECT(sender_class.signals[1].payload.kind == HY_PAYLOAD_DESCRIBED);
    EXPECT(sender_class.signals[1].payload.copy == labelled_copy);
    EXPECT(sender_class.signals[1].payload.destroy == labelled_destroy);
    EXPECT(sender_class.signals[2].payload.kind == HY_PAYLOAD_NONE);
    EXPECT(view_class.fini == view_fini && view_class.event == view_event);
    EXPECT(plain_class.version == HY_CLASS_VERSION && plain_class.size == sizeof(plain));
    EXPECT(std::strcmp(plain_class.name, "struct plain") == 0);
    EXPECT(plain_class.signals == nullptr && plain_class.signal_count == 0);
    EXPECT(pointed_class.signals == specs && pointed_class.signal_count == 2);
    EXPECT(pointed_class.event != nullptr);
    EXPECT(full_class.base == &pointed_class && full_class.signal_count == 1);
    EXPECT(full_class.signals[0].payload.kind == HY_PAYLOAD_BORROWED);
}

void test_library_classes()
{
    fixture f;
    hy_timer timer;

    EXPECT(hy_timer_init(&timer, &f.view) == 0);
    EXPECT(hy_connect(
               &timer.events.timeout, &f.view, +[](view *self) { self->done++; }, HY_AUTO) == 0);
    EXPECT(hy_timer_start_once(&timer, HY_MILLISECOND) == 0);
    while (f.view.done == 0)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT(f.view.done == 1);
}

void view_done(view *self)
{
    self->done++;
}

void sender_answers(sender *self)
{
    hy_emit0(&self->events.done);
}

void test_calls_after_some_time()
{
    fixture f;

    EXPECT(hy_after(HY_MILLISECOND, &f.view, view_done) == 0);
    EXPECT(hy_after(
               0, &f.view, +[](view *self) { self->done += 10; }) == 0);
    EXPECT(hy_connect(&f.sender.events.done, &f.view, view_done, HY_AUTO) == 0);
    EXPECT(hy_after(0, &f.sender, sender_answers) == 0);
    EXPECT(hy_after(-1, &f.view, view_done) == -HY_EINVAL);
    while (f.view.done < 12)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT(f.view.done == 12);
}

void test_create_on_the_heap()
{
    fixture f;
    sender *made = nullptr;

    EXPECT(hy_create(&sender_class, &f.view, &made) == 0);
    EXPECT(hy_object_is_a(&made->hy, &sender_class) && hy_object_parent(&made->hy) == &f.view);
    EXPECT(hy_object_destroy(&made->hy) == 0);
}

struct count_job : hy_job {
    std::atomic<int> worked{0};
    int released = 0;
};

void test_a_pool()
{
    fixture f;
    hy_pool pool;
    count_job job{};

    job.work = [](hy_job *self) { static_cast<count_job *>(self)->worked++; };
    job.done = [](hy_object *receiver, hy_job *, int result) {
        static_cast<view *>(receiver)->done += result == 0;
    };
    job.release = [](hy_job *self) { static_cast<count_job *>(self)->released++; };
    EXPECT(hy_pool_init(&pool, nullptr, &f.view) == 0);
    EXPECT(hy_pool_submit(&pool, &job, &f.view, nullptr) == 0);
    while (job.released == 0)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT(job.worked == 1 && f.view.done == 1);
}

void run(void (*test)(), const char *name)
{
    int before = failures;

    test();
    std::printf("%s %d - %s\n", failures == before ? "ok" : "not ok", ++cases, name);
}

} // namespace

int main()
{
    run(test_direct_and_queued, "test_direct_and_queued");
    run(test_lambdas, "test_lambdas");
    run(test_contexts, "test_contexts");
    run(test_results, "test_results");
    run(test_relays_and_senders, "test_relays_and_senders");
    run(test_destroyed, "test_destroyed");
    run(test_signal_of_a_derived_class, "test_signal_of_a_derived_class");
    run(test_described_payload, "test_described_payload");
    run(test_across_a_thread, "test_across_a_thread");
    run(test_class_records, "test_class_records");
    run(test_library_classes, "test_library_classes");
    run(test_calls_after_some_time, "test_calls_after_some_time");
    run(test_create_on_the_heap, "test_create_on_the_heap");
    run(test_a_pool, "test_a_pool");
    std::printf("1..%d\n", cases);
    return failures != 0;
}
