#ifndef POLYPHONY_LIST_H
#define POLYPHONY_LIST_H

#include <stddef.h>

/*
 * Intrusive doubly linked list. A node lives inside the record it links, so that queueing a
 * fiber allocates nothing and taking it out again is a constant-time unlink.
 */
struct list {
    struct list *next, *prev;
};

#define CONTAINER_OF(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline int list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert(struct list *before, struct list *node)
{
    node->next = before;
    node->prev = before->prev;
    before->prev->next = node;
    before->prev = node;
}

static inline void list_append(struct list *list, struct list *node)
{
    list_insert(list, node);
}

static inline void list_prepend(struct list *list, struct list *node)
{
    list_insert(list->next, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

#endif
