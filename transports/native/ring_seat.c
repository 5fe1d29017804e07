/* What seats at rings have in common. */
#include "ring_seat.h"

/* Whether the plan can be: 0, or -1 with an error set. The buffer is taken. */
static int
keep(struct seat *seat, const struct plan *plan)
{
    seat->into = PyTuple_GET_SIZE(plan->into);
    seat->out = PyTuple_GET_SIZE(plan->out);
    if (plan->size < 0 || plan->depth < 1 || seat->into + seat->out == 0) {
        PyErr_SetString(PyExc_ValueError, "a ring has lanes, slots in them, and no negative size");
        return -1;
    }
    if (PyObject_GetBuffer(plan->memory, &seat->memory, PyBUF_WRITABLE) < 0)
        return -1;
    seat->made_of[0] = Py_NewRef(plan->into);
    seat->made_of[1] = Py_NewRef(plan->out);
    /* A slot takes a line at least, and room for its message: from here on no product wraps. */
    if (plan->depth > seat->memory.len / 64 || plan->size > seat->memory.len / plan->depth) {
        PyErr_Format(PyExc_ValueError, "%zd slots of %zd bytes are not in a segment of %zd",
                     plan->depth, plan->size, seat->memory.len);
        return -1;
    }
    return 0;
}

static int
cut_all(struct seat *seat, const struct plan *plan, size_t bytes, ipcbench_cutter cut)
{
    char *lane = seat->lanes = PyMem_RawCalloc(seat->into + seat->out, bytes);
    if (lane == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < seat->into + seat->out; i++, lane += bytes) {
        PyObject *made_of = i < seat->into ? PyTuple_GET_ITEM(plan->into, i)
                                           : PyTuple_GET_ITEM(plan->out, i - seat->into);
        if (cut(lane, seat, plan, made_of) < 0)
            return -1;
    }
    return 0;
}

void *
ipcbench_seated(const struct plan *plan, size_t bytes, size_t lane, ipcbench_cutter cut)
{
    struct seat *seat = PyMem_RawCalloc(1, bytes);
    if (seat == NULL)
        return PyErr_NoMemory();
    if (keep(seat, plan) < 0 || cut_all(seat, plan, lane, cut) < 0) {
        ipcbench_stand_up(seat);
        PyMem_RawFree(seat);
        return NULL;
    }
    return seat;
}

void
ipcbench_stand_up(void *ctx)
{
    struct seat *seat = ctx;
    PyBuffer_Release(&seat->memory); /* harmless where none was taken */
    Py_CLEAR(seat->made_of[0]);
    Py_CLEAR(seat->made_of[1]);
    PyMem_RawFree(seat->lanes);
}

char *
ipcbench_place(const struct seat *seat, Py_ssize_t start, size_t bytes)
{
    size_t size = seat->memory.len;
    if (start < 0 || (size_t)start > size || bytes > size - start || start % 64 != 0) {
        PyErr_Format(PyExc_ValueError, "%zu bytes from %zd on are not in a segment of %zd", bytes,
                     start, seat->memory.len);
        return NULL;
    }
    return (char *)seat->memory.buf + start;
}

int
ipcbench_patience(struct patience *how, PyObject *told)
{
    int looks;
    *how = (struct patience){0};
    if (!PyArg_ParseTuple(told, "ppip:patience", &how->nowait, &how->alone, &looks,
                          &how->restless))
        return -1;
    how->sleeps = looks >= 0;
    if (looks > 0) /* a yield takes longer than a look, and lets those go on who have to */
        how->looks = how->alone ? looks : looks / 128 + 1;
    return 0;
}

void
ipcbench_pick(struct ipcbench_ops *ops, const struct ipcbench_ops *all, const struct plan *plan)
{
    Py_ssize_t into = PyTuple_GET_SIZE(plan->into), out = PyTuple_GET_SIZE(plan->out);
    if (out == 1 && !plan->hub) {
        ops->send = all->send;
        ops->send_many = all->send_many;
        ops->loan = all->loan;
        ops->commit = all->commit;
    }
    if (plan->hub)
        ops->send_to = all->send_to;
    if (into > 0) {
        ops->recv = all->recv;
        ops->recv_from = plan->hub ? all->recv_from : NULL;
        ops->peek = all->peek;
        ops->release = all->release;
    }
    if (into == 1 && !plan->hub)
        ops->recv_many = all->recv_many;
    ops->flags = plan->in_place ? IPCBENCH_IN_PLACE : 0;
}
