/* What seats at rings have in common. */
#include "seats.h"

int
ipcbench_keep(struct kept *kept, const struct plan *plan)
{
    Py_ssize_t lanes = PyTuple_GET_SIZE(plan->into) + PyTuple_GET_SIZE(plan->out);
    if (plan->size < 0 || plan->depth < 1 || lanes == 0) {
        PyErr_SetString(PyExc_ValueError, "a ring has lanes, slots in them, and no negative size");
        return -1;
    }
    if (PyObject_GetBuffer(plan->memory, &kept->memory, PyBUF_WRITABLE) < 0)
        return -1;
    /* A slot takes a line at least, and room for its message: from here on no product wraps. */
    if (plan->depth > kept->memory.len / 64 || plan->size > kept->memory.len / plan->depth) {
        PyErr_Format(PyExc_ValueError, "%zd slots of %zd bytes are not in a segment of %zd",
                     plan->depth, plan->size, kept->memory.len);
        PyBuffer_Release(&kept->memory);
        return -1;
    }
    kept->into = Py_NewRef(plan->into);
    kept->out = Py_NewRef(plan->out);
    return 0;
}

void
ipcbench_let_go(struct kept *kept)
{
    PyBuffer_Release(&kept->memory);
    Py_CLEAR(kept->into);
    Py_CLEAR(kept->out);
}

char *
ipcbench_place(const struct kept *kept, Py_ssize_t start, size_t bytes)
{
    size_t size = kept->memory.len;
    if (start < 0 || (size_t)start > size || bytes > size - start || start % 64 != 0) {
        PyErr_Format(PyExc_ValueError, "%zu bytes from %zd on are not in a segment of %zd", bytes,
                     start, kept->memory.len);
        return NULL;
    }
    return (char *)kept->memory.buf + start;
}

void *
ipcbench_lanes(const struct kept *kept, const struct plan *plan, size_t bytes,
               ipcbench_cutter cut)
{
    Py_ssize_t into = PyTuple_GET_SIZE(plan->into), out = PyTuple_GET_SIZE(plan->out);
    char *lanes = PyMem_RawCalloc(into + out, bytes);
    if (lanes == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < into + out; i++) {
        PyObject *made_of = i < into ? PyTuple_GET_ITEM(plan->into, i)
                                     : PyTuple_GET_ITEM(plan->out, i - into);
        if (cut(lanes + i * bytes, kept, plan, made_of) < 0) {
            PyMem_RawFree(lanes);
            return NULL;
        }
    }
    return lanes;
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
