/* Opening a capsule of operations, whichever version of ops.h it was built with. */
#ifndef IPCBENCH_OPEN_CAPSULE_H
#define IPCBENCH_OPEN_CAPSULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "ops.h"

/* The size of the struct in the first version of this ABI: `leave` was its last field. */
#define IPCBENCH_ABI_SIZE (offsetof(struct ipcbench_ops, leave) + sizeof(ssize_t (*)(void *)))

/* Copy the operations of a capsule, valid as long as it lives: 0, or -1 with an error set where it
 * has another ABI. Fields that its version of ops.h did not have are 0, and so absent; fields that
 * this version does not have are not copied. */
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
    if (theirs->abi != IPCBENCH_ABI || theirs->struct_size < IPCBENCH_ABI_SIZE) {
        PyErr_Format(PyExc_ValueError,
                     "operations of ABI %u, %u bytes: this ipcbench knows ABI %u, %zu bytes: "
                     "%srebuild against ops.h %u",
                     theirs->abi, theirs->struct_size, IPCBENCH_ABI, IPCBENCH_ABI_SIZE,
                     theirs->abi > IPCBENCH_ABI ? "install a newer one, or " : "", IPCBENCH_ABI);
        return -1;
    }
    *ops = (struct ipcbench_ops){0};
    memcpy(ops, theirs, theirs->struct_size < sizeof *ops ? theirs->struct_size : sizeof *ops);
    return 0;
}

#endif
