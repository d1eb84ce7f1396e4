/* SPDX-License-Identifier: MIT */
/*
 * Halyard in a GTK program: gtk_main() runs, and the main thread is a guest in its context. A
 * worker thread measures; its signals update a label, and it writes to a pipe. The button opens a
 * modal dialog inside a slot, with gtk_dialog_run(); posts, a timer and a notifier go on meanwhile
 * and are counted in it. Build with: pkg-config --cflags --libs halyard-glib gtk+-3.0
 *
 *     gtk_guest            opens the window
 *     gtk_guest --demo     presses the button itself, closes the dialog when each of the three was
 *                          served 20 times while it was open, and ends with 0
 */
#include <gtk/gtk.h>
#include <halyard/glib.h>
#include <halyard/halyard.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ENOUGH = 20
};

struct reading {
    int number;
    double value;
};

/* Lives in a thread of its own. */
struct sensor {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    int number;
    int pipe_end;
    struct {
        hy_signal(struct reading) reading;
    } events;
};
static const struct hy_class sensor_class =
    HY_CLASS(struct sensor, .signals = HY_SIGNALS(HY_PLAIN(struct sensor, events.reading)));

static void sensor_measure(struct sensor *self) /* thread: sensor */
{
    self->number++;
    hy_emit_with(&self->events.reading, .number = self->number,
                 .value = 20.0 + self->number % 50 / 10.0);
    if (write(self->pipe_end, "r", 1) < 0) /* it is full: the reader is behind */
        return;
}

static int sensor_init(struct sensor *self, int pipe_end)
{
    self->pipe_end = pipe_end;
    if (hy_object_init(&self->hy, &sensor_class, NULL) < 0 ||
        hy_timer_init(&self->timer, &self->hy) < 0 ||
        hy_connect(&self->timer.events.timeout, self, sensor_measure, HY_AUTO) < 0)
        return -1;
    return hy_timer_start(&self->timer, 10 * HY_MILLISECOND);
}

struct counts {
    int posts, ticks, notes;
};

/* Lives in the main thread, which is GTK's. */
struct window {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    struct hy_notifier notifier;
    struct counts counts, at_opening;
    bool demo, went_on;
    GtkWidget *top, *label, *dialog, *dialog_label; /* dialog: while it is open */
    struct {
        hy_signal0 pressed;
    } events;
};
static const struct hy_class window_class =
    HY_CLASS(struct window, .signals = HY_SIGNALS(HY_NO_PAYLOAD(struct window, events.pressed)));

static struct counts while_open(const struct window *self)
{
    return (struct counts){self->counts.posts - self->at_opening.posts,
                           self->counts.ticks - self->at_opening.ticks,
                           self->counts.notes - self->at_opening.notes};
}

/* After each of the three. */
static void window_counted(struct window *self)
{
    if (self->dialog == NULL)
        return;
    struct counts counts = while_open(self);
    char text[128];
    snprintf(text, sizeof text, "While this is open:\n%d posts, %d timer calls, %d notifications",
             counts.posts, counts.ticks, counts.notes);
    gtk_label_set_text(GTK_LABEL(self->dialog_label), text);
    if (counts.posts < ENOUGH || counts.ticks < ENOUGH || counts.notes < ENOUGH)
        return;
    self->went_on = true;
    if (self->demo)
        gtk_dialog_response(GTK_DIALOG(self->dialog), GTK_RESPONSE_CLOSE);
}

static void window_show(struct window *self, const struct reading *reading)
{
    char text[64];
    if (self->top == NULL)
        return;
    snprintf(text, sizeof text, "Reading %d: %.1f °C", reading->number, reading->value);
    gtk_label_set_text(GTK_LABEL(self->label), text);
    self->counts.posts++;
    window_counted(self);
}

static void window_tick(struct window *self)
{
    self->counts.ticks++;
    window_counted(self);
    if (self->demo && self->counts.ticks == 1)
        hy_emit0(&self->events.pressed);
}

static void window_note(struct window *self, const struct hy_readiness *readiness)
{
    char bytes[64];
    if (read((int)readiness->descriptor, bytes, sizeof bytes) > 0)
        self->counts.notes++;
    window_counted(self);
}

static const char *went_on(int count)
{
    return count >= ENOUGH ? "went on" : "stood still";
}

/* A slot that returns only when the dialog is closed. */
static void window_open_dialog(struct window *self)
{
    if (self->dialog != NULL || self->top == NULL)
        return;
    self->dialog = gtk_dialog_new_with_buttons("A modal dialog", GTK_WINDOW(self->top),
                                               GTK_DIALOG_MODAL, "Close", GTK_RESPONSE_CLOSE, NULL);
    self->dialog_label = gtk_label_new("While this is open:");
    gtk_widget_set_size_request(self->dialog_label, 320, 80);
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(self->dialog))),
                      self->dialog_label);
    gtk_widget_show_all(self->dialog);
    self->at_opening = self->counts;
    gtk_dialog_run(GTK_DIALOG(self->dialog));
    struct counts counts = while_open(self);
    gtk_widget_destroy(self->dialog);
    self->dialog = NULL;
    printf("dialog: posts %s, timer %s, notifier %s\n", went_on(counts.posts),
           went_on(counts.ticks), went_on(counts.notes));
    if (self->demo)
        gtk_main_quit();
}

static void button_clicked(GtkButton *button, gpointer window)
{
    (void)button;
    hy_emit0(&((struct window *)window)->events.pressed);
}

static void top_destroyed(GtkWidget *top, gpointer context)
{
    struct window *self = context;
    (void)top;
    self->top = self->label = NULL; /* slots may still be called */
    gtk_main_quit();
}

static void window_build(struct window *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    GtkWidget *button = gtk_button_new_with_label("Open a modal dialog");
    self->top = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    self->label = gtk_label_new("No reading yet");
    gtk_window_set_title(GTK_WINDOW(self->top), "Halyard, a guest of GTK");
    gtk_window_set_default_size(GTK_WINDOW(self->top), 420, 240);
    gtk_container_set_border_width(GTK_CONTAINER(self->top), 24);
    gtk_box_pack_start(GTK_BOX(box), self->label, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), button, FALSE, FALSE, 0);
    gtk_container_add(GTK_CONTAINER(self->top), box);
    g_signal_connect(self->top, "destroy", G_CALLBACK(top_destroyed), self);
    g_signal_connect(button, "clicked", G_CALLBACK(button_clicked), self);
    gtk_widget_show_all(self->top);
}

static int window_init(struct window *self, int pipe_end)
{
    if (hy_object_init(&self->hy, &window_class, NULL) < 0 ||
        hy_timer_init(&self->timer, &self->hy) < 0 ||
        hy_notifier_init(&self->notifier, &self->hy) < 0 ||
        hy_connect(&self->timer.events.timeout, self, window_tick, HY_AUTO) < 0 ||
        hy_connect(&self->notifier.events.ready, self, window_note, HY_AUTO) < 0 ||
        hy_connect(&self->events.pressed, self, window_open_dialog, HY_QUEUED) < 0 ||
        hy_timer_start(&self->timer, 15 * HY_MILLISECOND) < 0)
        return -1;
    return hy_notifier_watch(&self->notifier, pipe_end, HY_READABLE);
}

static int become_guest(void)
{
    struct hy_dispatcher *dispatcher;
    int rc = hy_dispatcher_create_glib(NULL, &dispatcher);
    return rc < 0 ? rc : hy_thread_set_dispatcher(hy_thread_current(), dispatcher);
}

int main(int argc, char **argv)
{
    static struct hy_thread thread;
    static struct sensor sensor;
    static struct window window;
    int ends[2];
    if (!gtk_init_check(&argc, &argv)) {
        fprintf(stderr, "gtk_guest: there is no display; set DISPLAY\n");
        return 1;
    }
    window.demo = argc > 1 && strcmp(argv[1], "--demo") == 0;
    if (become_guest() < 0 || pipe(ends) < 0 || window_init(&window, ends[0]) < 0 ||
        hy_thread_init(&thread, "sensor", NULL) < 0 || sensor_init(&sensor, ends[1]) < 0 ||
        hy_connect(&sensor.events.reading, &window, window_show, HY_AUTO) < 0 ||
        hy_object_move_to_thread(&sensor.hy, &thread) < 0 || hy_thread_start(&thread) < 0) {
        fprintf(stderr, "gtk_guest: %s\n", hy_last_error()->message);
        return 1;
    }
    window_build(&window);
    gtk_main();
    hy_thread_fini(&thread); /* asks it to quit, and joins it; its objects end with it */
    hy_object_fini(&window.hy);
    return window.demo && !window.went_on ? 1 : 0;
}
