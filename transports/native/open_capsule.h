/* A capsule of operations, opened: as whoever calls them has it, whenever its maker was built. */
#ifndef IPCBENCH_OPENED_H
#define IPCBENCH_OPENED_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "ops.h"

/* What every maker has of this ABI: all up to `leave`, its last field at first. */
#define IPCBENCH_ABI_1_SIZE (offsetof(struct ipcbench_ops, leave) + sizeof(ssize_t (*)(void *)))

/* The operations behind a capsule, for as long as that lives: 0, or -1 with an error set where it
 * is none of this ABI. What was added since its maker was built is 0, and so absent; what its
 * maker has beyond ours is not called. */
static inline int
ipcbench_open(PyObject *capsule, struct ipcbench_ops *ops)
{
    if (!PyCapsule_IsValid(capsule, IPCBENCH_OPS)) {
        const char *name = PyCapsule_CheckExact(capsule) ? PyCapsule_GetName(capsule) : NULL;
        PyErr_Format(PyExc_ValueError,
                     "native() gave %s%.100s%s: it must be None, or a capsule called \"" IPCBENCH_OPS
                     "\", as ops.h says",
                     name == NULL ? "an object of type " : "a capsule called \"",
                     name == NULL ? Py_TYPE(capsule)->tp_name : name, name == NULL ? "" : "\"");
        return -1;
    }
    const struct ipcbench_ops *theirs = PyCapsule_GetPointer(capsule, IPCBENCH_OPS);
    if (theirs->abi != IPCBENCH_ABI || theirs->struct_size < IPCBENCH_ABI_1_SIZE) {
        PyErr_Format(PyExc_ValueError,
                     "operations of ABI %u, %u bytes: this ipcbench knows ABI %u, %zu bytes: "
                     "%sbuild the plug-in anew with its ops.h",
                     theirs->abi, theirs->struct_size, IPCBENCH_ABI, IPCBENCH_ABI_1_SIZE,
                     theirs->abi > IPCBENCH_ABI ? "install a newer one, or " : "");
        return -1;
    }
    *ops = (struct ipcbench_ops){0};
    memcpy(ops, theirs, theirs->struct_size < sizeof *ops ? theirs->struct_size : sizeof *ops);
    return 0;
}

#endif
