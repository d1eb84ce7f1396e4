/* SPDX-License-Identifier: MIT */
/* Asking an object of another thread and waiting for its answer, with a time-out; and what happens
 * to those who would wait for ever. */
#include <halyard/halyard.h>
#include <stdio.h>

struct account {
    HY_INHERITS(hy_object);
    int balance; /* touched in the bank's thread only */
};
static const struct hy_class account_class = HY_CLASS(struct account, .base = NULL);

struct payment {
    int amount;
    int balance; /* the answer */
};

static int account_pay(struct hy_object *object, void *argument) /* thread: bank */
{
    struct account *self = (struct account *)object;
    struct payment *payment = argument;
    if (payment->amount > self->balance)
        return -1;
    self->balance -= payment->amount;
    payment->balance = self->balance;
    return 0;
}

static void pay(struct account *account, int amount)
{
    struct payment payment = {.amount = amount};
    int refused = 0;
    int rc = hy_call(&account->hy, account_pay, &payment, sizeof payment, hy_now_ns() + HY_SECOND,
                     &refused);
    if (rc < 0)
        printf("no answer: %s\n", hy_error_name(rc));
    else if (refused != 0)
        printf("%d refused\n", amount);
    else
        printf("%d paid, %d left\n", amount, payment.balance);
}

int main(void)
{
    struct hy_thread bank;
    struct account account;
    if (hy_thread_init(&bank, "bank", NULL) < 0 ||
        hy_object_init(&account.hy, &account_class, NULL) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    account.balance = 100;
    pay(&account, 10); /* it lives here: waiting for it would never end */
    if (hy_object_move_to_thread(&account.hy, &bank) < 0 || hy_thread_start(&bank) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    pay(&account, 30);
    pay(&account, 90);
    hy_thread_fini(&bank); /* ends the account, in the bank's thread */
    return 0;
}
